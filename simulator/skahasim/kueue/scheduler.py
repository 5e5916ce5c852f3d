"""Kueue's scheduler: workloads in, admissions and evictions out, one cycle at a time.

A cycle takes the first of each ClusterQueue, finds flavors for all of them against the same quota, and then goes
through them in order: those that borrow less first, then priority, then age (with fair sharing: the least share
after admission). Nothing is copied: what only counts within a cycle is undone at its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from skahasim.kueue.affinity import selector_matches
from skahasim.kueue.claim import Claim, Shape, shape_key
from skahasim.kueue.fairsharing import Entrant, Share, Shares, winner
from skahasim.kueue.flavors import FlavorAssigner
from skahasim.kueue.nomination import Entry, Nominator
from skahasim.kueue.objects import (
    Admission,
    ClusterQueue,
    Cohort,
    Cycle,
    Eviction,
    EvictionReason,
    FairSharing,
    FlavorResource,
    Pending,
    PodSetAssignment,
    ResourceFlavor,
    ResourceGroup,
    StopPolicy,
    Workload,
)
from skahasim.kueue.pending import Waiting
from skahasim.kueue.preemption import Preemptor
from skahasim.kueue.queue import LiveQueue
from skahasim.kueue.quota import Node, QuotaTree, quotas_of
from skahasim.kueue.round import Round, admit
from skahasim.kueue.sieve import Sieve

EXCLUDED = "Workload namespace doesn't match ClusterQueue selector"
_GOES_ON = StopPolicy.NONE
_new = tuple.__new__
"""Makes a named tuple without the call in between."""


class Livelock(RuntimeError):
    """Workloads preempt each other for ever within one instant, as they may where evictions take no time."""

    def __init__(self, now: float, cycles: int, names: Iterable[str]) -> None:
        self.names = tuple(names)
        """Who was preempted last."""
        last = f"; last preempted: {', '.join(self.names)}" if self.names else ""
        super().__init__(f"no end to the scheduling at {now:g} after {cycles} cycles{last}")


class UnknownQueue(LookupError):
    """A workload names a ClusterQueue that does not exist."""


_NOTHING = Cycle((), (), (), False)


class Scheduler:
    """Who may run, by the rules of Kueue.

    ``submit``, ``withdraw`` and ``evicted`` tell it what happens; ``cycle`` decides. Workloads told to go
    (``Cycle.preempted``) hold their quota until ``evicted`` is called, and whoever they make room for stays first in
    its queue until then. Raises :class:`~skahasim.kueue.quota.CohortCycle`.
    """

    def __init__(
        self,
        cluster_queues: Iterable[ClusterQueue],
        cohorts: Iterable[Cohort] = (),
        flavors: Iterable[ResourceFlavor] = (),
        *,
        fair_sharing: FairSharing | None = None,
        partial_admission: bool = True,
        retargets: bool = True,
    ) -> None:
        """``retargets``: whose victims were taken by another in the same cycle looks for others at once (Kueue's
        gate RecomputeAssignmentUponPreemptionTargetsOverlap); ``partial_admission``: the gate of that name."""
        cluster_queues = tuple(cluster_queues)
        self.tree = QuotaTree(cluster_queues, cohorts)
        self.queues = {spec.name: LiveQueue(spec, self.tree.queues[spec.name]) for spec in cluster_queues}
        self.shares = Shares()
        self.fair_sharing = fair_sharing
        self.retargets = retargets
        self.preemptor = Preemptor(self.queues, self.shares, fair_sharing)
        self.assigner = FlavorAssigner(flavors, self.preemptor.oracle, fair_sharing=fair_sharing is not None)
        self._nominator = Nominator(self.assigner, self.preemptor, partial_admission=partial_admission)
        self._claims: dict[Workload, Claim] = {}
        self._shapes: dict[object, Shape] = {}
        self._known: dict[int, Shape] = {}
        """By ``id`` of the pod sets that a shape was made of, which it keeps: who asks with these is found sooner."""
        self._freed: dict[Node, None] = {}
        """Roots below which quota came free since the last cycle."""
        self._excluded: list[Workload] = []
        """Workloads of namespaces their queue does not take, not told so yet."""
        self._alone = next(iter(self.queues.values())) if len(self.queues) == 1 else None
        """The only queue, where there is one."""
        self._sieve: Sieve | None = None
        """Its line, where that passes over those who cannot go."""
        self._line_up()

    # -- what happens ----------------------------------------------------------------------------------

    def submit(self, workload: Workload) -> None:
        """``workload`` asks for quota from now on. Raises :class:`UnknownQueue`."""
        claim = self._claim(workload)
        selector, labels = claim.queue.spec.namespace_selector, workload.namespace_labels
        if selector is not None and labels is not None and not selector_matches(selector, labels):
            self._excluded.append(workload)
            return
        claim.queue.waiting.add(claim)

    def restore(
        self,
        workload: Workload,
        podsets: Iterable[PodSetAssignment],
        reserved: float,
        *,
        evicting: bool = False,
    ) -> None:
        """``workload`` holds quota already, since ``reserved``: the state of another scheduler is taken over."""
        claim = self._claim(workload)
        usage: dict[FlavorResource, int] = {}
        for podset in podsets:
            for resource, flavor in podset.flavors.items():
                key = (flavor, resource)
                usage[key] = usage.get(key, 0) + podset.usage.get(resource, 0)
        claim.queue.admit(claim, usage, reserved)
        if evicting:
            claim.queue.stop(claim)

    def withdraw(self, workload: Workload) -> None:
        """``workload`` is finished or deleted. Harmless when it is not known."""
        claim = self._claims.pop(workload, None)
        if claim is None:
            return
        if claim.lane is not None:
            claim.queue.waiting.remove(claim)
        elif claim.usage is not None:
            queue = claim.queue
            queue.release(claim)
            self._freed[queue.node.root] = None

    def evicted(self, workload: Workload) -> None:
        """``workload`` has stopped: its quota is free, and it waits again, as old as ever. Harmless when it holds
        none."""
        claim = self._claims.get(workload)
        if claim is None or claim.usage is None:
            return
        queue = claim.queue
        queue.release(claim)
        self._freed[queue.node.root] = None
        claim.tried = None
        claim.told = ""
        queue.waiting.add(claim)

    def evict(self, workload: Workload) -> None:
        """``workload`` is on its way out for some other reason; until :meth:`evicted` it holds its quota."""
        claim = self._claims.get(workload)
        if claim is not None and claim.usage is not None:
            claim.queue.stop(claim)

    def set_quota(
        self, name: str, resource_groups: tuple[ResourceGroup, ...], *, cohort: bool = False
    ) -> None:
        """The ClusterQueue (or cohort) has other quotas from now on; what is admitted stays. Raises
        :class:`UnknownQueue`."""
        node = (self.tree.cohorts if cohort else self.tree.queues).get(name)
        if node is None:
            raise UnknownQueue(name)
        if not cohort:
            queue = self.queues[name]
            queue.specify(replace(queue.spec, resource_groups=resource_groups))
        self.tree.set_quotas(node, quotas_of(resource_groups))
        self.shares.forget()
        for below in node.root.queues_below() if not node.root.is_queue else (node.root,):
            self.queues[below.name].most.clear()
            self.queues[below.name].generation += 1
        self._freed[node.root] = None
        self._line_up()

    def set_stop_policy(self, name: str, policy: StopPolicy) -> tuple[Eviction, ...]:
        """Stop or start a ClusterQueue; what must go for it. Raises :class:`UnknownQueue`."""
        queue = self.queues.get(name)
        if queue is None:
            raise UnknownQueue(name)
        queue.stop_policy = policy
        if policy is not StopPolicy.HOLD_AND_DRAIN:
            self._freed[queue.node.root] = None
            return ()
        leaving = [claim for claim in queue.admitted() if not claim.evicting]
        for claim in leaving:
            claim.queue.stop(claim)
        return tuple(
            Eviction(claim.workload, EvictionReason.CLUSTER_QUEUE_STOPPED, None) for claim in leaving
        )

    # -- what is so ------------------------------------------------------------------------------------

    def waiting(self) -> int:
        """How many workloads wait for quota."""
        return sum(len(queue.waiting) for queue in self.queues.values())

    def is_admitted(self, workload: Workload) -> bool:
        claim = self._claims.get(workload)
        return claim is not None and claim.usage is not None

    def usage(self, name: str) -> Mapping[FlavorResource, int]:
        """What the workloads of a ClusterQueue hold."""
        return self.queues[name].node.usage

    def share(self, name: str) -> Share:
        """The dominant resource share of a ClusterQueue."""
        return self.shares.of(self.queues[name].node)

    # -- the cycle -------------------------------------------------------------------------------------

    def cycle(self, now: float) -> Cycle:
        """One scheduling cycle at time ``now``. Call it again while ``changed``."""
        sieve = self._sieve
        if sieve is not None and not self._excluded:
            claim = sieve.newcomer
            if claim is not None:
                admitted = self._admit_at_once(claim, now)
                if admitted is not None:
                    self._freed.clear()  # nobody is left whom that could help
                    return _new(Cycle, ((admitted,), (), (), True))
                sieve.seat()
            elif not sieve.lanes:
                self._freed.clear()
                sieve.untold.clear()
                return _NOTHING
        if self._freed:
            self._requeue()
        alone = self._alone
        if alone is not None and not self._excluded and alone.is_active:
            waiting = alone.waiting
            claim = waiting.head()
            if not waiting.untold or (len(waiting.untold) == 1 and waiting.untold[0] is claim):
                if claim is None:
                    return _NOTHING
                admitted = self._admit_at_once(claim, now)
                if admitted is not None:
                    waiting.untold.clear()
                    return _new(Cycle, ((admitted,), (), (), True))
        round_ = Round(now, self._nominator, retargets=self.retargets)
        if alone is not None:
            self._cycle_alone(alone, round_)
        else:
            heads = [
                (queue, head)
                for queue in self.queues.values()
                if queue.is_active and (head := queue.waiting.head()) is not None
            ]
            if heads:
                self._cycle_among(heads, round_)
        if self._excluded:
            round_.pending += [Pending(workload, EXCLUDED, True) for workload in self._excluded]
            self._excluded.clear()
        for queue in self.queues.values():
            if queue.waiting.untold:
                round_.tell_late(queue)
        return round_.cycle()

    def _admit_at_once(self, claim: Claim, now: float) -> Admission | None:
        """Admit ``claim``, the first of the only queue, if that takes no search."""
        queue = claim.queue
        if claim.tried is not None or queue.stop_policy is not _GOES_ON:
            return None
        ready = queue.at_once.get(claim.shape) or self.assigner.at_once(claim)
        if ready is None or not queue.node.takes(ready.usage):
            return None
        return admit(claim, ready, now)

    def settle(self, now: float, most: int = 1000) -> Iterator[Cycle]:
        """Cycles until one changes nothing, as an iterator: what a cycle did can be acted upon before the next.

        Raises :class:`Livelock` when ``most`` cycles do not come to an end.
        """
        preempted: tuple[Eviction, ...] = ()
        for _ in range(most):
            cycle = self.cycle(now)
            preempted = cycle.preempted or preempted
            yield cycle
            if not cycle.changed:
                return
        raise Livelock(now, most, (eviction.workload.name for eviction in preempted))

    def _cycle_alone(self, queue: LiveQueue, round_: Round) -> None:
        """The only queue there is: those who cannot go compete with nobody, so many may be tried in one cycle."""
        while queue.is_active:
            claim = queue.waiting.head()
            if claim is None:
                return
            entry = self._nominator.nominate(claim)
            round_.process(entry)
            round_.release()
            if entry.outcome == "admitted":
                round_.changed = True
                return
            round_.put_back(entry)
            if entry.outcome == "preempting" or queue.waiting.head() is claim:
                # A head that stays may do otherwise next time only if its search goes on elsewhere.
                round_.changed = round_.changed or bool(round_.preempted) or claim.tried is not None
                return

    def _cycle_among(self, heads: list[tuple[LiveQueue, Claim]], round_: Round) -> None:
        entries = {queue.node: self._nominator.nominate(claim) for queue, claim in heads}
        if self.fair_sharing is None:
            for entry in sorted(entries.values(), key=_classic_order):
                round_.process(entry)
        else:
            left = dict(entries)
            while left:
                entry = self._fairest(left)
                del left[entry.claim.queue.node]
                round_.process(entry)
        round_.release()
        for queue, claim in heads:
            entry = entries[queue.node]
            if entry.outcome != "admitted":
                round_.put_back(entry)
            if queue.waiting.head() is not claim or claim.tried is not None:
                round_.changed = True
        round_.changed = round_.changed or bool(round_.admitted or round_.preempted)

    def _fairest(self, left: Mapping[Node, Entry]) -> Entry:
        node, entry = next(iter(left.items()))
        if node.parent is None:
            return entry
        entrants = {other: Entrant(other, one.claim, one.assignment.usage) for other, one in left.items()}
        first = winner(node.root, entrants, self.shares)
        assert first is not None
        return left[first.node]

    def _line_up(self) -> None:
        """Give a queue that is alone the kind of line that suits it."""
        queue = self._alone
        self._sieve = None
        if queue is None:
            return
        old = queue.waiting
        new: Waiting | Sieve = Waiting(queue.spec.queueing_strategy)
        if Sieve.serves(queue):
            new = Sieve(queue, self.assigner.mismatch)
        sticky = old.sticky
        for claim in list(old):
            old.remove(claim)
            new.add(claim)
        new.sticky = sticky
        queue.waiting = new
        self._sieve = new if isinstance(new, Sieve) else None

    # -- bookkeeping -----------------------------------------------------------------------------------

    def _claim(self, workload: Workload) -> Claim:
        queue = self.queues.get(workload.cluster_queue)
        if queue is None:
            raise UnknownQueue(workload.cluster_queue)
        if workload in self._claims:
            raise ValueError(f"workload {workload.name} was submitted before")
        podsets = workload.podsets
        shape = self._known.get(id(podsets))
        if shape is None:
            key = shape_key(podsets)
            shape = self._shapes.get(key)
            if shape is None:
                shape = self._shapes[key] = self._known[id(podsets)] = Shape(podsets)
        claim = self._claims[workload] = Claim(workload, shape, queue)
        return claim

    def _requeue(self) -> None:
        """Whoever was set aside below a root where something came free is in line again."""
        for root in self._freed:
            if root.is_queue:
                self.queues[root.name].waiting.unpark()
            else:
                for node in root.queues_below():
                    self.queues[node.name].waiting.unpark()
        self._freed.clear()


def _classic_order(entry: Entry) -> tuple[int, int, float]:
    claim = entry.claim
    return entry.assignment.borrowing, -claim.priority, claim.turn[0]
