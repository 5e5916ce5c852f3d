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
    """Who is served first: the job with the smallest ``(key, number)``.

    Most orderings derive from this class and define ``key`` alone: a value that stays as it is while the job waits.
    An ordering whose values change while jobs wait sets ``moves_with_time``; a discipline then calls ``advance`` at
    the beginning of each pass and sorts anew, or sorts only the first of each ``lane``.
    """

    moves_with_time: bool = False
    """Whether ``key`` of a waiting job may change from one instant to another."""

    def key(self, job: Job) -> float:
        """The smaller, the sooner; among equals the older job. As of the last :meth:`advance`; may be asked for at
        any time. Constant while the job waits unless ``moves_with_time``."""
        ...

    def lane(self, job: Job) -> Hashable:
        """Jobs of one lane never change their order among themselves: by ``(rank, number)``, at any time.
        Constant while the job waits."""
        return None if not self.moves_with_time else job.number

    def rank(self, job: Job) -> float:
        """The order inside a lane. Constant while the job waits."""
        return 0.0 if self.moves_with_time else self.key(job)

    def advance(self, now: float) -> None:
        """From now on keys are as of ``now``, in seconds; a time never goes back."""
        return

    def started(self, job: Job, now: float) -> None:
        """``job`` holds its request from ``now`` on. Told by the model, and only if ``moves_with_time``."""
        return

    def ended(self, job: Job, now: float) -> None:
        """``job`` gave back its request at ``now``. Told by the model, and only if ``moves_with_time``."""
        return


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


class Preemption(Protocol):
    """Which running jobs make room for a waiting one."""

    def victims(
        self, job: Job, nodes: Iterable[tuple[Node, Resources, Iterable[Job]]]
    ) -> tuple[Node, list[Job]] | None:
        """A node and the jobs there that must go so that ``job`` fits; ``None`` when there is no such node.

        ``nodes`` has each node with what ``job`` may use of it now and the jobs that run there and are not asked to
        go already. Jobs may only make room for those of a higher ``priority``, or two of them could for ever make room
        for each other.
        """
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


class Wake(NamedTuple):
    """Nothing may happen until then, and something is planned: another pass is due at ``time``, in model time."""

    time: float


Decision: TypeAlias = Verdict | Admitted | Preempted | Wake


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


class Adaptive(Protocol):
    """What a queue has besides if it remembers who could not go, or plans ahead. The model calls whichever of these
    methods there is, and asks for a pass afterwards."""

    def closed(self, node: Node) -> None:
        """``node`` takes nothing from now on (cordoned, or down): ``node.free`` is less than nothing, and what was
        planned there does not hold. Jobs there may run on, and are unbound when they end."""
        ...

    def reopened(self, node: Node) -> None:
        """``node`` takes jobs again: what fitted nowhere may fit there now."""
        ...

    def reconsider(self) -> None:
        """Limits, quotas or the order of waiting jobs have changed: those held may go now."""
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
    preemption: Preemption | None = None
    """``None``: nobody makes room. Heeded by :class:`~skahasim.policies.preemption.queue.PreemptingQueue`."""
