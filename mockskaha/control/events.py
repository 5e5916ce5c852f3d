"""What happens, as it happens: a list to page through, or a stream that never ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import orjson
from fastapi import Query as QueryParameters
from fastapi import Request, Response
from pydantic import Field
from starlette.responses import StreamingResponse

from mockskaha.control.form import Query, View, iso
from mockskaha.control.problems import BadInput, Conflict
from mockskaha.control.scope import Everything, Handlers, Here
from mockskaha.host import Host
from mockskaha.namespace import Namespace
from mockskaha.platform import Platform
from mockskaha.stream import MOST, Happening

STREAM_TYPE = "text/event-stream"
MOST_STREAMS = 100
"""At a time, over the whole server."""
LOOK_SECONDS = 0.1
"""How often a stream looks whether something happened; in wall time."""
HEARTBEAT_SECONDS = 15.0
_AT_A_TIME = 200


class HappeningView(View):
    """One thing that happened."""

    number: int
    """From 1, without gaps."""
    time: float
    """Model time, in seconds."""
    at: str
    """The same as a date."""
    step: str
    """``submitted``, ``queued``, ``scheduled``, ``pulling``, ``started``, ``ready``, ``failed``, …; ``node-`` and what
    happened to a node."""
    session: str
    app: str
    user: str
    kind: str
    name: str
    container: str
    reason: str
    node: str


class EventList(View):
    """What happened after ``since``, oldest first."""

    events: list[HappeningView]
    last: int
    """The number of the last event there is: what comes after it is asked for with ``since``."""
    lost: int
    """How many after ``since`` are not kept any more."""


class EventFilter(Query):
    """Where to begin."""

    since: int = Field(default=0, ge=0, le=2**53)
    limit: int = Field(default=1_000, ge=1, le=MOST)


def happening_view(platform: Platform, item: Happening) -> HappeningView:
    return HappeningView(
        number=item.number,
        time=item.time,
        at=iso(platform.epoch + item.time),
        step=item.step,
        session=item.session_id,
        app=item.app_id,
        user=item.user,
        kind=item.kind,
        name=item.name,
        container=item.container,
        reason=item.reason,
        node=item.node,
    )


async def list_events(
    request: Request, namespace: Here, host: Everything, query: Annotated[EventFilter, QueryParameters()]
) -> Response:
    if STREAM_TYPE in request.headers.get("accept", ""):
        since = request.headers.get("last-event-id", str(query.since))
        if not since.isascii() or not since.isdigit() or len(since) > 16:
            raise BadInput("the header Last-Event-ID should be the number of an event")
        if host.streams >= MOST_STREAMS:
            raise Conflict(f"{MOST_STREAMS} streams are open, which is the most")
        return StreamingResponse(
            follow(host, namespace, int(since)), media_type=STREAM_TYPE, headers={"Cache-Control": "no-store"}
        )
    platform = namespace.platform
    stream = platform.stream
    view = EventList(
        events=[happening_view(platform, item) for item in stream.since(query.since, query.limit)],
        last=stream.count,
        lost=max(0, min(stream.oldest - 1, stream.count) - query.since),
    )
    return Response(view.model_dump_json(), media_type="application/json")


async def follow(host: Host, namespace: Namespace, since: int) -> AsyncIterator[bytes]:
    """Server-sent events of ``namespace`` after number ``since``, until the server stops or the namespace is gone.

    Nothing is kept for a reader: who is so slow that events are forgotten is told how many (``lost``). After a
    reset, or when a snapshot was restored, numbers begin anew (``reset``).
    """
    host.streams += 1
    try:
        platform = namespace.platform
        quiet = HEARTBEAT_SECONDS  # a first sign of life at once
        while not host.closing and host.find(namespace.name) is namespace:
            if namespace.platform is not platform or since > platform.stream.count:
                platform, since = namespace.platform, 0
                yield _event("reset", {})
            platform.catch_up()
            told = platform.stream.since(since, _AT_A_TIME)
            if told:
                if lost := told[0].number - since - 1:
                    yield _event("lost", {"count": lost})
                yield b"".join(_told(platform, item) for item in told)
                since, quiet = told[-1].number, 0.0
                if since < platform.stream.count:
                    continue
            elif quiet >= HEARTBEAT_SECONDS:
                yield b": still here\n\n"
                quiet = 0.0
            await asyncio.sleep(LOOK_SECONDS)
            quiet += LOOK_SECONDS
    finally:
        host.streams -= 1


def _told(platform: Platform, item: Happening) -> bytes:
    data = happening_view(platform, item).model_dump_json().encode()
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (item.number, item.step.encode(), data)


def _event(name: str, data: dict[str, int]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps(data))


HANDLERS: Handlers = {"listEvents": list_events}
