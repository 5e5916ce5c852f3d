"""What the backfilling disciplines have in common: who waits, who is held, and when whoever runs should end."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, TypeAlias

from skahasim.backfill.estimate import Estimate, requested
from skahasim.backfill.waiting import Entry, Waiting
from skahasim.job import State
from skahasim.policies.protocol import Decision, Policies, Verdict
from skahasim.resources import Resources

if TYPE_CHECKING:
    from skahasim.cluster import Cluster, Node
    from skahasim.job import Job

BEHIND = "Waiting behind jobs with an earlier turn."
"""Why a job waits that would fit: it would take the place of one before it."""
End: TypeAlias = "tuple[float, int, int, Job]"
"""Planned end of a running job, in model time; its number, its millicores, the job."""


class BackfillQueue:
    """Waiting jobs by turn, running ones by planned end on each node.

    Planned ends are start + estimate. One that runs on past its planned end is expected to take as long again
    as it has taken. One whose end is due in this very instant has handed over: its processors can be taken although
    its termination, which comes later in the instant, is not handled yet. It stays on its node, as the model
    sees it, until then.
    """

    nodes_are_fixed = True
    """Plans are kept by node, from the beginning on."""

    def __init__(self, cluster: Cluster, policies: Policies, estimate: Estimate = requested) -> None:
        self._cluster = cluster
        self._nodes = cluster.nodes
        self._admission = policies.admission
        self._ordering = policies.ordering
        self._placement = policies.placement
        self._estimate = estimate
        self._key = policies.ordering.key
        self._moves = bool(getattr(policies.ordering, "moves_with_time", False))
        self._scalar = len(cluster.nodes) == 1
        """One node, and nobody asks for anything but cores: numbers instead of resources."""
        self._waiting = Waiting()
        self._entries: dict[int, Entry] = {}
        """Of every job that waits and is neither held nor larger than every node."""
        self._aside: dict[int, tuple[Hashable, Job]] = {}
        """Jobs that admission holds, with their lane, in the order in which they were held."""
        self._oversized: dict[int, Job] = {}
        """Jobs that fit on no node, were it empty. They stop nobody."""
        self._fitting: dict[Resources, bool] = {}
        self._widest = max([node.capacity.millicores for node in cluster.nodes], default=-1)
        self._ends: list[list[End]] = [[] for _ in cluster.nodes]
        self._planned: dict[int, End] = {}
        self._handed_over: set[int] = set()
        self._fresh: list[Entry] = []
        """Waiting since the last pass, and not in the order yet."""
        self._unheard: list[Job] = []
        """Not told yet why they wait."""
        self._freed: dict[int, Node] = {}
        """Nodes that have more to give than at the last pass."""
        self._touched: set[int] = set(range(len(cluster.nodes)))
        """Indices of the nodes of which something changed; whoever keeps something about nodes empties it."""
        self._stale = False
        """Something but an arrival changed since the last pass."""
        self._limits_freed = False
        self._reordered = False
        self._overran = False
        """Somebody got a new planned end."""

    @property
    def suspends(self) -> bool:
        return self._admission.suspends

    def __len__(self) -> int:
        return len(self._entries) + len(self._aside) + len(self._oversized)

    # -- what the model says ---------------------------------------------------------------------------

    def add(self, job: Job) -> None:
        """``job`` waits from now on."""
        request = job.request
        if self._scalar and (request[1] or request[2]):
            self._scalar = False
            self._freed[0] = self._nodes[0]  # everybody's case is looked at anew
            self._stale = True
        if request[0] <= self._widest if self._scalar else self._fits_somewhere(request):
            self._enter(job)
        else:
            self._oversized[job.number] = job
        self._unheard.append(job)

    def discard(self, job: Job) -> None:
        """``job`` waits no more. Harmless when it does not wait."""
        number = job.number
        entry = self._entries.get(number)
        if entry is not None:
            if entry in self._fresh:
                self._fresh.remove(entry)
                del self._entries[number]
            else:
                self._leave(entry)
            self._stale = True
        elif number in self._aside:
            del self._aside[number]
        elif number in self._oversized:
            del self._oversized[number]

    def unbind(self, job: Job) -> None:
        """``job`` gives its request back."""
        node, number = job.node, job.number
        if node is None:
            raise ValueError(f"{job.name} is on no node")
        if number in self._handed_over:
            self._handed_over.discard(number)
            job.node = None
        else:
            self._forget(job, node)
            self._cluster.unbind(job)
            self._freed[node.index] = node
            self._touched.add(node.index)
        self._stale = True
        if self._admission.release(job):
            self._limits_freed = True

    def reopened(self, node: Node) -> None:
        """``node`` takes jobs again."""
        self._freed[node.index] = node
        self._touched.add(node.index)
        self._stale = True

    def closed(self, node: Node) -> None:
        """``node`` takes no jobs any more."""
        self._touched.add(node.index)
        self._stale = True

    def reconsider(self) -> None:
        """Limits or the order have changed: everybody's case is looked at anew."""
        self._limits_freed = self._stale = self._reordered = True

    def serve(self, now: float) -> Iterable[Decision]:
        raise NotImplementedError

    # -- who waits -------------------------------------------------------------------------------------

    def _enter(self, job: Job) -> None:
        number = job.number
        entry: Entry = (self._key(job), number, job.request[0], self._estimate(job), job)
        self._entries[number] = entry
        self._fresh.append(entry)

    def _fits_somewhere(self, request: Resources) -> bool:
        fits = self._fitting.get(request)
        if fits is None:
            fits = self._fitting[request] = any(request.fits(node.capacity) for node in self._nodes)
        return fits

    def _line_up(self, entry: Entry) -> None:
        """One of those who came takes its place in the order."""
        self._waiting.add(entry)

    def _leave(self, entry: Entry) -> None:
        """Somebody leaves the order, and waits no more."""
        del self._entries[entry[1]]
        self._waiting.remove(entry)

    def _holds(self, entry: Entry, verdicts: list[Decision]) -> bool:
        """Whether admission holds somebody in the order. If so it is set aside until a limit is freed."""
        reason = self._admission.hold(entry[4])
        if not reason:
            return False
        self._leave(entry)
        self._set_aside(entry[4], reason, verdicts)
        return True

    def _set_aside(self, job: Job, reason: str, verdicts: list[Decision]) -> None:
        self._aside[job.number] = (job.request, self._admission.lane(job)), job
        verdicts.append(Verdict(job, None, reason, True))

    def _let_go(self) -> None:
        """Bring back all whom admission may hold no more."""
        self._limits_freed = False
        held: dict[Hashable, bool] = {}
        for number, (lane, job) in list(self._aside.items()):
            if lane not in held:
                held[lane] = bool(self._admission.hold(job))
            if not held[lane]:
                del self._aside[number]
                self._enter(job)
                self._unheard.append(job)

    def _resort(self) -> None:
        """The order has changed: everybody's turn as of now."""
        self._reordered = False
        key = self._key
        self._entries = {
            number: (key(job), number, size, estimate, job)
            for number, (_, _, size, estimate, job) in self._entries.items()
        }
        fresh = {entry[1] for entry in self._fresh}
        self._fresh = [self._entries[number] for number in fresh]
        self._waiting = Waiting(entry for entry in self._entries.values() if entry[1] not in fresh)

    def _tell(self, verdicts: list[Decision]) -> None:
        """Say of each that was not told yet why it waits."""
        for job in self._unheard:
            if job.number in self._entries or job.number in self._oversized:
                fits = (
                    job.request[0] <= self._nodes[0].free[0]
                    if self._scalar
                    else any(job.request.fits(node.free) for node in self._nodes)
                )
                reason = BEHIND if fits else self._cluster.explain(job.request)
                verdicts.append(Verdict(job, None, reason, False))
        self._unheard = []

    # -- who runs --------------------------------------------------------------------------------------

    def _start(self, entry: Entry, node: Node, now: float, verdicts: list[Decision]) -> None:
        """``entry``'s job, which waits no more, takes its request on ``node``."""
        _, number, size, estimate, job = entry
        self._cluster.bind(job, node)
        self._admission.acquire(job)
        end: End = (now + estimate, number, size, job)
        self._planned[number] = end
        insort(self._ends[node.index], end)
        self._touched.add(node.index)
        verdicts.append(Verdict(job, node, "", False))

    def _forget(self, job: Job, node: Node) -> None:
        end = self._planned.pop(job.number)
        ends = self._ends[node.index]
        del ends[bisect_left(ends, end)]

    def _settle(self, node: Node, now: float) -> None:
        """Of those on ``node`` who are planned to have ended by now: whoever ends in this instant hands over, and
        whoever runs on gets a new planned end. If something of a job is due now, and it is not sure that it ends,
        its plan stays until that has happened."""
        ends, index = self._ends[node.index], 0
        while index < len(ends) and ends[index][0] <= now:
            _, number, size, job = ends[index]
            timer = job.timer
            if timer is not None and timer.due <= now:
                if job.state is not State.RUNNING or not job.ready or job.restarts < job.restarts_allowed:
                    index += 1
                    continue
                self._forget(job, node)
                self._cluster.unbind(job)
                job.node = node
                self._handed_over.add(number)
                self._freed[node.index] = node
            else:
                began = now if job.schedule_time is None else job.schedule_time
                del ends[index]
                again: End = (now + max(now - began, 1.0), number, size, job)
                self._planned[number] = again
                insort(ends, again)
                self._overran = True
            self._stale = True
            self._touched.add(node.index)
