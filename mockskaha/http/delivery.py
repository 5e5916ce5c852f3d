"""An answer on its way out: its bytes, and what becomes of it on the wire when a fault has its way."""

from __future__ import annotations

import asyncio
import socket
import struct
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
_PARTING_SECONDS = 10.0
_NO_LINGER = struct.pack("ii", 1, 0)
"""Closing a socket resets the connection, whatever is still to be read or written."""


async def deliver(delivery: Delivery, scope: Scope, receive: Receive, send: Send) -> None:
    """Send ``delivery`` over ASGI, harmed as it is; what takes its time ends when the client has gone. Raises
    :class:`ConnectionCut` where a server cannot cut."""
    if delivery.harm is UNHARMED:
        await send(_start(delivery))
        await send({"type": "http.response.body", "body": delivery.body})
        return
    client = asyncio.ensure_future(_leaves(receive))
    try:
        await _deliver_harmed(delivery, scope, client, send)
    finally:
        client.cancel()


async def _deliver_harmed(delivery: Delivery, scope: Scope, client: asyncio.Future[None], send: Send) -> None:
    """``client`` is done when the client has gone."""
    harm, body = delivery.harm, delivery.body
    if not await _stays(client, harm.delay_seconds):
        return
    if harm.kind == "reset":
        await _cut(scope, client)
        return
    await send(_start(delivery))
    if harm.kind == "truncate" and harm.after_bytes < len(body):
        await send({"type": "http.response.body", "body": body[: harm.after_bytes], "more_body": True})
        await _cut(scope, client, at_once=False)
        return
    if harm.kind == "drip" and harm.bytes_per_second > 0:
        step = max(1, int(harm.bytes_per_second * _DRIP_SECONDS))
        for at in range(0, len(body), step):
            if not await _stays(client, min(step, len(body) - at) / harm.bytes_per_second):
                return
            await send({"type": "http.response.body", "body": body[at : at + step], "more_body": True})
        body = b""
    await send({"type": "http.response.body", "body": body})


def _start(delivery: Delivery) -> MutableMapping[str, Any]:
    return {"type": "http.response.start", "status": delivery.status, "headers": delivery.headers}


async def _leaves(receive: Receive) -> None:
    """Returns when the client has gone."""
    for _ in range(2):  # the end of the request may be told first
        if (await receive())["type"] == "http.disconnect":
            return
    await asyncio.Event().wait()


async def _stays(client: asyncio.Future[None], seconds: float) -> bool:
    """Whether the client is still there after so long."""
    return not seconds or not (await asyncio.wait({client}, timeout=seconds))[0]


async def _cut(scope: Scope, client: asyncio.Future[None], *, at_once: bool = True) -> None:
    """End the connection: with a reset, or after what was written before has gone out."""
    transport = scope.get("extensions", {}).get(TRANSPORT)
    if transport is None:
        raise ConnectionCut("the answer was cut off by a fault")
    if at_once:
        plain = transport.get_extra_info("socket")
        if plain is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()
    else:
        transport.close()
    # An application that ends before the server knows that the connection did would be taken for a broken one.
    await asyncio.wait({client}, timeout=_PARTING_SECONDS)
