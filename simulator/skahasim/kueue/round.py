"""One scheduling cycle under way: what becomes of each head, and what is said to whom.

What only counts within the cycle - room kept for whoever has to wait for an eviction - is in the quota tree until
the cycle ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from skahasim.kueue.assignment import Assignment, Mode
from skahasim.kueue.claim import Claim
from skahasim.kueue.nomination import Entry, Nominator
from skahasim.kueue.objects import (
    Admission,
    Cycle,
    Eviction,
    FlavorResource,
    Pending,
    PreemptionPolicy,
)
from skahasim.kueue.pending import Lane, Waiting
from skahasim.kueue.queue import LiveQueue
from skahasim.kueue.quota import Node

OVERLAP = "Workload has overlapping preemption targets with another workload"
DEFERRED = f"{OVERLAP}, but will fit after these preemptions complete"
NO_LONGER_FITS = "Workload no longer fits after processing another workload"
_new = tuple.__new__


class Round:
    """What a cycle did so far."""

    __slots__ = (
        "_nominator",
        "_now",
        "_reserved",
        "_retargets",
        "admitted",
        "changed",
        "pending",
        "preempted",
        "taken",
    )

    def __init__(self, now: float, nominator: Nominator, *, retargets: bool) -> None:
        self._now = now
        self._nominator = nominator
        self._retargets = retargets
        self.taken: dict[Claim, None] = {}
        """Victims of this cycle."""
        self._reserved: list[tuple[Node, Mapping[FlavorResource, int]]] = []
        """Usage that counts in this cycle only."""
        self.admitted: list[Admission] = []
        self.preempted: list[Eviction] = []
        self.pending: list[Pending] = []
        self.changed = False

    def _reserve(self, node: Node, usage: Mapping[FlavorResource, int]) -> None:
        node.use(usage)
        self._reserved.append((node, usage))

    def release(self) -> None:
        """Give back what counted in this cycle only."""
        for node, usage in self._reserved:
            node.free(usage)
        self._reserved.clear()
        self.taken.clear()

    def cycle(self) -> Cycle:
        return Cycle(tuple(self.admitted), tuple(self.preempted), tuple(self.pending), self.changed)

    def process(self, entry: Entry) -> None:
        """Admit the entry, evict for it, or say why not."""
        claim = entry.claim
        node = claim.queue.node
        taken = self.taken
        if taken and self._retargets and any(target.claim in taken for target in entry.targets):
            self._retarget(entry)
        assignment = entry.assignment
        mode = assignment.mode
        if mode is Mode.NO_FIT:
            return
        if mode is Mode.DEFERRED_FIT:
            entry.outcome, entry.message = "preempting", DEFERRED
            self._reserve(node, assignment.usage)
            return
        if mode is Mode.PREEMPT and not entry.targets:
            if claim.queue.spec.preemption.reclaim_within_cohort is not PreemptionPolicy.ANY:
                self._reserve(node, _to_reserve(assignment, node))
            return
        if any(target.claim in taken for target in entry.targets):
            entry.outcome, entry.message = "retry", OVERLAP
            return
        if (taken or self._reserved or self.admitted) and not self._fits_still(entry):
            entry.outcome, entry.message = "retry", NO_LONGER_FITS
            return
        if mode is Mode.PREEMPT:
            self._reserve(node, assignment.usage)
            entry.outcome = "preempting"
            for target in entry.targets:
                taken[target.claim] = None
                if not target.claim.evicting:
                    target.claim.queue.stop(target.claim)
                    self.preempted.append(Eviction(target.claim.workload, target.reason, claim.workload))
            return
        entry.outcome = "admitted"
        self.admitted.append(admit(claim, assignment, self._now))

    def _retarget(self, entry: Entry) -> None:
        """Look for flavors and victims again, as if the victims of this cycle were gone."""
        _remove(self.taken)
        entry.claim.tried = None
        assignment, targets = self._nominator.assign(entry.claim, entry.assignment.nomination())
        _restore(self.taken)
        if assignment.mode is Mode.FIT:
            assignment.mode = Mode.DEFERRED_FIT
        entry.assignment, entry.targets = assignment, targets

    def _fits_still(self, entry: Entry) -> bool:
        gone = dict(self.taken)
        gone.update((target.claim, None) for target in entry.targets)
        _remove(gone)
        fits = entry.claim.queue.node.fits(entry.assignment.usage)
        _restore(gone)
        return fits

    def put_back(self, entry: Entry) -> None:
        """Where a head that was not admitted waits, and what is said about it."""
        claim = entry.claim
        waiting = claim.queue.waiting
        claim.tried = None
        if entry.outcome == "preempting":
            if waiting.best_effort:
                waiting.sticky = claim
        elif entry.assignment.goes_on():
            claim.tried = entry.assignment.tried()
            claim.generation = claim.queue.generation
        parked = entry.outcome == "inadmissible" and waiting.best_effort and claim.tried is None
        lane = claim.lane
        assert lane is not None
        if claim.told != entry.outcome or (parked and lane.untold):
            message = entry.message or entry.assignment.message()
            if entry.outcome == "preempting" and not entry.message:
                message += f". Pending the preemption of {len(entry.targets)} workload(s)"
            lane.reason = message
            if claim.told != entry.outcome:
                claim.told = entry.outcome
                self.pending.append(Pending(claim.workload, message, parked))
        if parked:
            waiting.park(claim)
            self._tell(lane)

    def tell_late(self, queue: LiveQueue) -> None:
        """Tell those why they wait who joined a parked lane, or were passed over."""
        waiting = queue.waiting
        if isinstance(waiting, Waiting):
            for lane in waiting.untold:
                self._tell(lane)
        else:
            reasons: dict[Lane, str] = {}
            for claim in waiting.untold:
                lane_of = claim.lane
                if lane_of is None or claim.told:
                    continue
                if lane_of not in reasons:
                    reasons[lane_of] = self._nominator.assigner.why(claim)
                claim.told = "inadmissible"
                self.pending.append(Pending(claim.workload, reasons[lane_of], True))
        waiting.untold.clear()

    def _tell(self, lane: Lane) -> None:
        for claim in lane.untold:
            if claim.lane is lane and not claim.told:
                claim.told = "inadmissible"
                self.pending.append(Pending(claim.workload, lane.reason, True))
        lane.untold = []


def admit(claim: Claim, assignment: Assignment, now: float) -> Admission:
    """``claim`` holds quota from now on."""
    queue = claim.queue
    queue.waiting.remove(claim)
    queue.admit(claim, assignment.usage, now)
    claim.tried = None
    return _new(Admission, (claim.workload, assignment.admission()))


def _to_reserve(assignment: Assignment, node: Node) -> dict[FlavorResource, int]:
    """What a workload that nobody makes room for keeps from those after it in the cycle."""
    held: dict[FlavorResource, int] = {}
    for key, amount in assignment.usage.items():
        quota = node.quotas.get(key)
        nominal = quota.nominal if quota is not None else 0
        limit = quota.borrowing_limit if quota is not None else None
        used = node.usage.get(key, 0)
        if assignment.borrowing == 0:
            held[key] = max(0, min(amount, nominal - used))
        else:
            held[key] = amount if limit is None else min(amount, nominal + limit - used)
    return held


def _remove(claims: Iterable[Claim]) -> None:
    for claim in claims:
        assert claim.usage is not None
        claim.queue.node.free(claim.usage)


def _restore(claims: Iterable[Claim]) -> None:
    for claim in claims:
        assert claim.usage is not None
        claim.queue.node.use(claim.usage)
