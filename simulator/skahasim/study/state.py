"""What waits and runs at one moment: where a forecast begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from skahasim.workload.arrival import Arrival


class Known(NamedTuple):
    """A job that waits or runs."""

    arrival: Arrival
    """Its deadline counts from the moment it was bound, or from now if it waits."""
    age: float | None
    """Seconds since it was bound to its node; ``None``: it waits."""


@dataclass(frozen=True, slots=True)
class QueueState:
    """The jobs of a cluster at one moment."""

    now: float
    """Seconds since 1970-01-01T00:00Z."""
    jobs: tuple[Known, ...]
    """In the order of their submission."""

    @property
    def running(self) -> tuple[Known, ...]:
        return tuple(job for job in self.jobs if job.age is not None)

    @property
    def waiting(self) -> tuple[Known, ...]:
        return tuple(job for job in self.jobs if job.age is None)
