"""A platform without a network: a transport for httpx (or httpx2) that asks a namespace straight away.

What faults do to an answer on the wire is carried out here without waiting: a delay beyond the client's timeout is a
timeout at once, and a shorter one takes no time.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from mockskaha.host import Host, route

if TYPE_CHECKING:
    from types import ModuleType

    import httpx

    from mockskaha.http.delivery import Delivery
    from mockskaha.http.gateway import Gateway


def transport(
    host: Host, library: ModuleType | None = None, lock: AbstractContextManager[object] | None = None
) -> httpx.BaseTransport:
    """A transport, both for clients and for async clients of ``library`` (httpx, unless another is given), that
    reaches every namespace of ``host`` and nothing else.

    ``lock`` is held while a request is answered; by default one for this transport.
    """
    if library is None:
        import httpx as library
    return _transport_type(library)(host, lock or Lock())  # type: ignore[no-any-return]


@cache
def _transport_type(http: Any) -> type[Any]:
    class InProcessTransport(http.BaseTransport, http.AsyncBaseTransport):  # type: ignore[misc]
        """Answers out of a host in this process."""

        def __init__(self, host: Host, lock: AbstractContextManager[object]) -> None:
            self._host = host
            self._lock = lock

        def handle_request(self, request: Any) -> Any:
            return self._answer(request, request.read())

        async def handle_async_request(self, request: Any) -> Any:
            return self._answer(request, await request.aread())

        def _answer(self, request: Any, body: bytes) -> Any:
            with self._lock:
                gateway, scope = _asked(self._host, request)
                delivery = gateway.respond(scope, body)
            self._wait(request, delivery)
            content = delivery.body
            if delivery.harm.kind == "reset":
                raise http.ReadError("[Errno 104] Connection reset by peer", request=request)
            if delivery.harm.kind == "truncate" and delivery.harm.after_bytes < len(content):
                raise http.RemoteProtocolError(
                    "peer closed connection without sending complete message body "
                    f"(received {delivery.harm.after_bytes} bytes, expected {len(content)})",
                    request=request,
                )
            return http.Response(delivery.status, headers=delivery.headers, content=content)

        @staticmethod
        def _wait(request: Any, delivery: Delivery) -> None:
            """Time out, if the answer takes longer than the client waits for more of it."""
            patience = request.extensions.get("timeout", {}).get("read")
            harm = delivery.harm
            pause = 1.0 / harm.bytes_per_second if harm.kind == "drip" and delivery.body else 0.0
            if patience is not None and max(harm.delay_seconds, pause) >= patience:
                raise http.ReadTimeout("timed out", request=request)

    return InProcessTransport


def _asked(host: Host, request: Any) -> tuple[Gateway, dict[str, Any]]:
    """Who answers, and the ASGI scope of the request."""
    raw, _, query = request.url.raw_path.partition(b"?")
    name, path = route(unquote_to_bytes(raw).decode("utf-8", "replace"))
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": path,
        "raw_path": raw,
        "query_string": query,
        "root_path": "",
        "headers": [(key.lower(), value) for key, value in request.headers.raw],
        "client": ("127.0.0.1", 0),
        "server": (request.url.host, request.url.port),
    }
    return host.namespace(name).gateway, scope
