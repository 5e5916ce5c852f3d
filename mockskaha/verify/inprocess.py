"""A service of this process behind an httpx client: no socket, no thread, no event loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any

import httpx

Application = Callable[[Any, Any, Any], Awaitable[None]]


class InProcess(httpx.BaseTransport):
    """Drives an ASGI application that never waits for anything, as ours does."""

    def __init__(self, app: Application) -> None:
        self._app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises ``RuntimeError`` when the application waits."""
        url = request.url
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": url.scheme,
            "path": url.path,
            "raw_path": url.raw_path.partition(b"?")[0],
            "query_string": url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("192.0.2.7", 40000),
            "server": (url.host, url.port or 80),
        }
        body = request.read()
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        async def answered() -> None:
            await self._app(scope, receive, send)

        _at_once(answered())
        start, *rest = sent
        content = b"".join(message.get("body", b"") for message in rest)
        return httpx.Response(start["status"], headers=start["headers"], content=content, request=request)


def _at_once(coroutine: Coroutine[Any, Any, None]) -> None:
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError("the application waited for something")
