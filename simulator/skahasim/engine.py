"""The event list: SimPy's, with the order inside one instant written down, and timers that can be cancelled.

Order inside one instant (the lower phase first; within a phase, in the order they were scheduled):

1. ``SUBMIT``     arrivals released from a workload;
2. ``FINISH``     jobs that end, and what they held comes free;
3. ``LIFECYCLE``  every other step of a job's life;
4. ``SCHEDULE``   the scheduling pass, once, over all that the instant changed.

A command from outside (a live server's request, a test's ``advance``) is applied after every event that is
due at its time, so how often somebody looks never changes what happens.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from heapq import heapify, heappop, heappush
from math import inf
from typing import Any

import simpy

_COMPACT_ABOVE = 4096


class Phase(IntEnum):
    """When an event is handled, among those of the same instant."""

    SUBMIT = 0
    FINISH = 1
    LIFECYCLE = 2
    SCHEDULE = 3


class Timer:
    """Calls ``action(subject)`` at its time, unless cancelled before."""

    __slots__ = ("action", "due", "subject")

    def __init__(self, action: Callable[[Any], None], subject: Any, due: float) -> None:
        self.action: Callable[[Any], None] | None = action
        self.subject = subject
        self.due = due


class Engine(simpy.Environment):
    """A SimPy environment whose events are timers (processes may run beside them). Time is in seconds.

    SimPy's own events take their place by their priority: the start of a process (urgent) in ``SUBMIT``, all
    else (normal: timeouts, resources) in ``FINISH``.
    """

    def __init__(self) -> None:
        super().__init__(0.0)
        # SimPy's event list. A timer is no SimPy event, which would be twice as large and slow.
        self._entries: list[Any] = self._queue
        self._cancelled = 0
        """Cancelled timers still in the list."""

    def after(self, delay: float, phase: Phase, action: Callable[[Any], None], subject: Any) -> Timer:
        """Call ``action(subject)`` ``delay`` seconds from now, in ``phase`` of that instant."""
        due = self._now + delay
        timer = Timer(action, subject, due)
        heappush(self._entries, (due, phase, next(self._eid), timer))
        return timer

    def cancel(self, timer: Timer | None) -> None:
        """Make ``timer`` do nothing. Cancelling twice, or after it fired, is harmless."""
        if timer is None or timer.action is None:
            return
        timer.action = timer.subject = None
        self._cancelled += 1
        if self._cancelled > _COMPACT_ABOVE and self._cancelled * 2 > len(self._entries):
            self._entries[:] = [
                entry for entry in self._entries if type(entry[3]) is not Timer or entry[3].action is not None
            ]
            heapify(self._entries)
            self._cancelled = 0

    @property
    def next_due(self) -> float:
        """Time of the next event, infinite when there is none."""
        entries = self._entries
        while entries:
            due, _, _, event = entries[0]
            if type(event) is not Timer or event.action is not None:
                return float(due)
            heappop(entries)
            self._cancelled -= 1
        return inf

    def advance(self, until: float) -> None:
        """Handle every event due at or before ``until``, then stand at ``until``. Going back is a no-op."""
        entries, step = self._entries, self.step
        while entries and entries[0][0] <= until:
            step()
        if until > self._now:
            self._now = until

    def drain(self) -> None:
        """Handle every event there is."""
        entries, step = self._entries, self.step
        while entries:
            if type(entries[0][3]) is not Timer:
                step()
                continue
            due, _, _, timer = heappop(entries)  # as step does it, without a call for each event
            action = timer.action
            if action is None:
                self._cancelled -= 1
                continue
            self._now = due
            subject, timer.action, timer.subject = timer.subject, None, None
            action(subject)

    def step(self) -> None:
        """Handle the next event: a timer straight away, anything else as SimPy does it.

        A cancelled timer is dropped, and time does not move. Raises ``simpy.core.EmptySchedule`` when there is
        no event.
        """
        entries = self._entries
        if not entries or type(entries[0][3]) is not Timer:
            super().step()
            return
        due, _, _, timer = heappop(entries)
        action, subject = timer.action, timer.subject
        if action is None:
            self._cancelled -= 1
            return
        self._now = due
        timer.action = timer.subject = None
        action(subject)
