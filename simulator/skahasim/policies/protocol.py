"""What the scheduling pass asks of a policy."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from skahasim.resources import Resources

if TYPE_CHECKING:
    from skahasim.cluster import Node
    from skahasim.job import Job


class Ordering(Protocol):
    """Who is served first."""

    def key(self, job: Job) -> float:
        """The smaller, the sooner; among equals the older job. Constant while the job waits."""
        ...


class Admission(Protocol):
    """Who may take resources at all, before a node is looked for."""

    @property
    def suspends(self) -> bool:
        """Whether a job it holds is suspended, as Kueue does it: not started, its deadline not running."""
        ...

    def lane(self, job: Job) -> Hashable:
        """Jobs with the same lane and the same request are held or let through alike."""
        ...

    def hold(self, job: Job) -> str:
        """Why ``job`` may not go now; empty when it may."""
        ...

    def acquire(self, job: Job) -> None:
        """``job`` took its request."""
        ...

    def release(self, job: Job) -> bool:
        """``job`` gave its request back; whether somebody held before might go now."""
        ...


class Placement(Protocol):
    """Which node a job goes to."""

    def choose(self, request: Resources, nodes: Iterable[Node]) -> Node | None:
        """A node of ``nodes`` on which ``request`` fits, or ``None``."""
        ...


@dataclass(frozen=True, slots=True)
class Policies:
    """One choice of each."""

    ordering: Ordering
    admission: Admission
    placement: Placement
