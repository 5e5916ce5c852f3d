"""An answer on its way out: its bytes, and what becomes of it on the wire when a fault has its way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Literal

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

TRANSPORT = "mockskaha.transport"
"""ASGI extension: the connection's asyncio transport, which can be cut."""


class ConnectionCut(ConnectionResetError):
    """The connection was to be cut, and the server has no way to do so: the application ends in the middle."""


@dataclass(frozen=True, slots=True)
class Harm:
    """What happens to an answer between the service and the client. Times in wall seconds."""

    kind: Literal["reset", "truncate", "drip", "none"] = "none"
    delay_seconds: float = 0.0
    """Before the first byte."""
    after_bytes: int = 0
    """``truncate``: so much of the body is sent, then the connection ends."""
    bytes_per_second: float = 0.0
    """``drip``: how fast the body is sent."""


UNHARMED = Harm()


@dataclass(slots=True)
class Delivery:
    """A whole answer, ready to be sent."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    harm: Harm = UNHARMED


_DRIP_SECONDS = 0.05


async def deliver(delivery: Delivery, scope: Scope, send: Send) -> None:
    """Send ``delivery`` over ASGI, harmed as it is. Raises :class:`ConnectionCut` where a server cannot cut."""
    harm = delivery.harm
    start = {"type": "http.response.start", "status": delivery.status, "headers": delivery.headers}
    if harm is UNHARMED:
        await send(start)
        await send({"type": "http.response.body", "body": delivery.body})
        return
    if harm.delay_seconds:
        await asyncio.sleep(harm.delay_seconds)
    if harm.kind == "reset":
        await _cut(scope)
        return
    await send(start)
    body = delivery.body
    if harm.kind == "truncate" and harm.after_bytes < len(body):
        await send({"type": "http.response.body", "body": body[: harm.after_bytes], "more_body": True})
        await _cut(scope, at_once=False)
        return
    if harm.kind == "drip" and harm.bytes_per_second > 0:
        step = max(1, int(harm.bytes_per_second * _DRIP_SECONDS))
        for at in range(0, len(body), step):
            await asyncio.sleep(min(step, len(body) - at) / harm.bytes_per_second)
            await send({"type": "http.response.body", "body": body[at : at + step], "more_body": True})
        body = b""
    await send({"type": "http.response.body", "body": body})


async def _cut(scope: Scope, *, at_once: bool = True) -> None:
    """End the connection: with a reset, or after what was written before has gone out."""
    transport = scope.get("extensions", {}).get(TRANSPORT)
    if transport is None:
        raise ConnectionCut("the answer was cut off by a fault")
    if at_once:
        transport.abort()
    else:
        transport.close()
