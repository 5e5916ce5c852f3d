"""What the scheduling pass asks of a policy."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from skahasim.configuration import Passes
from skahasim.resources import Resources

if TYPE_CHECKING:
    from skahasim.cluster import Cluster, Node
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


class Verdict(NamedTuple):
    """What the pass decided about a waiting job: a node, or why there is none."""

    job: Job
    node: Node | None
    reason: str
    held: bool
    """The reason is admission's: it may not even look for a node."""


class Admitted(NamedTuple):
    """Admission lets the job go, before a node is looked for (Kueue: its quota is reserved)."""

    job: Job
    reason: str = ""


class Preempted(NamedTuple):
    """The job must make room for another, and waits again."""

    job: Job
    reason: str
    """Kueue's word for why, e.g. ``InClusterQueue``, ``InCohortReclamation``."""


Decision: TypeAlias = Verdict | Admitted | Preempted


class Queue(Protocol):
    """The waiting jobs of one cluster and the discipline that serves them.

    The model adds a job when it starts to wait, discards it when it is deleted or expires while it waits, and
    unbinds it when what it holds comes free. All a job holds - node, quota, limits - is the queue's to keep.
    """

    @property
    def suspends(self) -> bool:
        """Whether a job that admission holds is suspended: not started, its deadline not running."""
        ...

    def __len__(self) -> int:
        """How many jobs wait for a node, admitted or not."""
        ...

    def add(self, job: Job) -> None:
        """``job`` waits from now on."""
        ...

    def discard(self, job: Job) -> None:
        """``job`` waits no more, and holds nothing. Harmless when it does not wait."""
        ...

    def unbind(self, job: Job) -> None:
        """``job`` gives back its node and all else it holds."""
        ...

    def serve(self, now: float) -> Iterable[Decision]:
        """One scheduling pass at time ``now``.

        A decision is carried out by the model before the next is asked for, so a generator sees its effect: what
        a preempted job held may have come free (at once, or later, after the profile's ``stop``) and the job may
        wait again. A job with a verdict of a node is bound already.
        """
        ...


@dataclass(frozen=True, slots=True)
class Policies:
    """One choice of each, and the discipline that combines them."""

    ordering: Ordering
    admission: Admission
    placement: Placement
    discipline: Callable[[Cluster, Policies], Queue] | None = None
    """``None``: any job that fits may go, in order (:class:`~skahasim.pending.PendingQueue`)."""
    passes: Passes = "each-instant"
    """One pass over all that an instant changed, as Slurm, Kueue and the live service do it; or one after each
    event, as the classic simulators (pyss) do it."""
