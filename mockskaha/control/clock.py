"""Time: what it is, how it passes, and moving on."""

from __future__ import annotations

from math import inf
from typing import Annotated, Any, Literal, Self, get_args

from fastapi import Body
from pydantic import Discriminator, Field, Tag, model_validator

from mockskaha.control.form import Form, Span, View, iso
from mockskaha.control.problems import Conflict, NotFound
from mockskaha.control.scope import Handlers, Here
from mockskaha.control.sessions import reason
from mockskaha.platform import STATUSES, Platform
from mockskaha.until import advance_until
from skahasim.clock import WallClock

LATEST = 7_258_118_400
"""2200-01-01: no clock goes beyond."""
_WITHIN = 86_400.0
Status = Literal["Pending", "Running", "Completed", "Succeeded", "Failed", "Terminating", "Gone", "Deleted"]
assert set(STATUSES) <= set(get_args(Status))


class ClockView(View):
    """The clock of a platform."""

    mode: Literal["wall", "manual"]
    speed: float | None
    """Model seconds in a second of wall time; ``null`` for a manual clock, which stands still until it is moved."""
    time: float
    """Model time, in seconds since the epoch."""
    now: str
    """The same as a date."""
    epoch: str
    next_due: float | None
    """Model time at which something happens next, if nobody does anything; ``null`` for never."""


class ClockSetting(Form):
    """How time passes from now on."""

    mode: Literal["wall", "manual"]
    speed: float = Field(default=1.0, gt=0, le=1e9)
    """With ``wall`` alone."""

    @model_validator(mode="after")
    def _manual_has_no_speed(self) -> Self:
        if self.mode == "manual" and "speed" in self.model_fields_set:
            raise ValueError("a manual clock has no speed")
        return self


class Goal(Form):
    """Where a session should come to."""

    session: str = Field(min_length=1, max_length=100)
    """Its id."""
    status: Status
    """In the words of any version of Skaha; ``Gone`` once it is deleted or forgotten."""


class AdvanceBy(Form):
    """So far on, at once."""

    by: Span


class AdvanceUntil(Form):
    """On until a session has a status."""

    until: Goal
    within: Span = _WITHIN
    """But at most so far."""


def _which(value: Any) -> str:
    return "until" if isinstance(value, dict) and "until" in value else "by"


Advance = Annotated[
    Annotated[AdvanceBy, Tag("by")] | Annotated[AdvanceUntil, Tag("until")], Discriminator(_which), Body()
]


class AdvanceView(View):
    """What became of it."""

    clock: ClockView
    advanced: float
    """Seconds that passed."""
    reached: bool | None
    """Whether the session has the status; ``null`` without ``until``."""
    status: str | None
    """The session's status now; ``null`` without ``until``."""
    why: str | None
    """Why the session stands where it does, if the status was not reached."""


def clock_view(platform: Platform) -> ClockView:
    clock = platform.clock
    is_wall = isinstance(clock, WallClock)
    due = platform.model.engine.next_due
    return ClockView(
        mode="wall" if is_wall else "manual",
        speed=clock.speed if isinstance(clock, WallClock) else None,
        time=platform.time,
        now=iso(platform.now()),
        epoch=iso(platform.epoch),
        next_due=None if due == inf else due,
    )


async def get_clock(namespace: Here) -> ClockView:
    return clock_view(namespace.platform)


async def set_clock(namespace: Here, body: ClockSetting) -> ClockView:
    namespace.platform.set_clock(manual=body.mode == "manual", speed=body.speed)
    return clock_view(namespace.platform)


async def advance(namespace: Here, body: Advance) -> AdvanceView:
    platform = namespace.platform
    began = platform.time
    if platform.now() + (body.by if isinstance(body, AdvanceBy) else body.within) > LATEST:
        raise Conflict("a clock does not go beyond the year 2199")
    if isinstance(body, AdvanceBy):
        platform.advance(body.by)
        return AdvanceView(
            clock=clock_view(platform), advanced=platform.time - began, reached=None, status=None, why=None
        )
    goal = body.until
    if goal.session not in platform.inventory and not platform.stream.of(goal.session):
        raise NotFound(f"there is no session {goal.session!r}")
    arrival = advance_until(platform, goal.session, goal.status, body.within)
    why = None if arrival.reached else reason(platform, goal.session)
    return AdvanceView(
        clock=clock_view(platform),
        advanced=arrival.seconds,
        reached=arrival.reached,
        status=arrival.status,
        why=why,
    )


HANDLERS: Handlers = {"getClock": get_clock, "setClock": set_clock, "advanceClock": advance}
