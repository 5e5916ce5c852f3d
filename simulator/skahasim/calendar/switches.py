"""Policies that a calendar exchanges while a run is under way."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from skahasim.policies.protocol import Admission, Ordering

if TYPE_CHECKING:
    from skahasim.job import Job


class SwitchedOrdering(Ordering):
    """One of several orderings at a time, the first to begin with. Jobs of one lane are alike to each of them."""

    moves_with_time = True

    def __init__(self, orderings: Sequence[Ordering]) -> None:
        self._orderings = tuple(orderings)
        self._distinct = tuple(dict.fromkeys(self._orderings))
        self._moving = tuple(one for one in self._distinct if one.moves_with_time)
        self._current = self._orderings[0]

    def switch(self, index: int) -> None:
        """From now on the order is that of ordering ``index``."""
        self._current = self._orderings[index]

    def key(self, job: Job) -> float:
        return self._current.key(job)

    def lane(self, job: Job) -> Hashable:
        return tuple([(one.lane(job), one.rank(job)) for one in self._distinct])

    def rank(self, job: Job) -> float:
        return 0.0

    def advance(self, now: float) -> None:
        for one in self._moving:
            one.advance(now)

    def started(self, job: Job, now: float) -> None:
        for one in self._moving:
            one.started(job, now)

    def ended(self, job: Job, now: float) -> None:
        for one in self._moving:
            one.ended(job, now)


class SwitchedAdmission(Admission):
    """One of several admissions at a time, the first to begin with; and queues that may be stopped.

    All of them know at any time who holds what, so each decides as if it had been in force from the beginning.
    A job that holds more than a new limit allows keeps it.
    """

    def __init__(self, admissions: Sequence[Admission], *, stops: bool = False) -> None:
        self._admissions = tuple(admissions)
        self._distinct = tuple(dict.fromkeys(self._admissions))
        self._current = self._admissions[0]
        self._stops = stops
        self._stopped: frozenset[str] = frozenset()

    @property
    def suspends(self) -> bool:
        return self._admissions[0].suspends

    def switch(self, index: int) -> None:
        """From now on admission ``index`` decides."""
        self._current = self._admissions[index]

    def stop(self, queues: frozenset[str]) -> None:
        """From now on jobs of ``queues``, and of no others, are held; ``*`` is every queue."""
        self._stopped = queues

    def lane(self, job: Job) -> Hashable:
        lanes = tuple([one.lane(job) for one in self._distinct])
        return (lanes, job.queue) if self._stops else lanes

    def hold(self, job: Job) -> str:
        if self._stopped and (job.queue in self._stopped or "*" in self._stopped):
            return f"queue {job.queue or '*'} is stopped"
        return self._current.hold(job)

    def acquire(self, job: Job) -> None:
        for one in self._distinct:
            one.acquire(job)

    def release(self, job: Job) -> bool:
        freed = [one.release(job) for one in self._distinct]
        return any(freed)
