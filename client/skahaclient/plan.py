"""Plans: what is to be asked, and what follows from the answers, written once for both worlds.

A plan is a generator that does no I/O itself. It yields a `Request` (and gets an `Answer`, or a `NoAnswer`), a
`Pause`, or `Every` of many plans (and gets their results in order); what it returns is its result.
`skahaclient.transport` has the two that carry plans out, with threads and with asyncio.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from skahaclient.wire import Request

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pause:
    """Let seconds pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Every:
    """Carry out all plans, at most as many at a time as the session's ``concurrency`` allows.

    The results are in the order of the plans; a plan that raised a `SkahaError` has that for its result.
    ``done`` is called after each. When the whole is interrupted, plans that have begun are finished first if
    ``finish`` is set (a launch under way may create something), and left alone otherwise.
    """

    plans: Sequence[Plan[Any]]
    done: Callable[[], None] | None = field(default=None)
    finish: bool = False


Effect = Request | Pause | Every
Plan = Generator[Effect, Any, T]
