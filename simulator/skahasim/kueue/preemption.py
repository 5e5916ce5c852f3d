"""Who would have to go: Kueue's preemption, classic and with fair sharing.

Candidates are taken out of the live quota tree in order until the workload fits; those that turn out not to be
needed are put back, last first; and the tree is left as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from skahasim.kueue.assignment import Assignment
from skahasim.kueue.claim import Claim, Target
from skahasim.kueue.fairsharing import Shares, Victims
from skahasim.kueue.flavors import Possibility
from skahasim.kueue.objects import (
    EvictionReason,
    FairSharing,
    FairSharingStrategy,
    FlavorResource,
    PreemptionPolicy,
)
from skahasim.kueue.queue import Level, LiveQueue, may_preempt
from skahasim.kueue.quota import Node


class Want(NamedTuple):
    """What room is sought for."""

    claim: Claim
    usage: Mapping[FlavorResource, int]
    lacking: frozenset[FlavorResource]
    """Where something must go."""


class _Candidate(NamedTuple):
    claim: Claim
    reason: EvictionReason
    only_within_quota: bool
    """May go only if the preemptor does not borrow afterwards."""
    common: Node | None
    """The lowest cohort of both; ``None`` within the queue."""


class Preemptor:
    """Finds victims in the live quota tree."""

    def __init__(
        self, queues: Mapping[str, LiveQueue], shares: Shares, fair_sharing: FairSharing | None
    ) -> None:
        self._queues = queues
        self._shares = shares
        self._fair = fair_sharing

    def targets(self, claim: Claim, assignment: Assignment) -> list[Target]:
        """Who must go for ``assignment``; empty when that cannot be."""
        return self._find(Want(claim, assignment.needs(), frozenset(assignment.lacking())))

    def oracle(self, claim: Claim, key: FlavorResource, amount: int) -> tuple[Possibility, int]:
        """What preemption could do for ``amount`` of one flavor and resource."""
        node = claim.queue.node
        targets = self._find(Want(claim, {key: amount}, frozenset((key,))))
        if not targets:
            return Possibility.NO_CANDIDATES, node.lowest_fit(key, amount)[0]
        _remove(targets)
        borrowing = node.lowest_fit(key, amount)[0]
        _restore(targets)
        if any(target.claim.queue is claim.queue for target in targets):
            return Possibility.PREEMPT, borrowing
        return Possibility.RECLAIM, borrowing

    def _find(self, want: Want) -> list[Target]:
        if not self._could(want):
            return []
        if self._fair is not None:
            return self._fair_targets(want, self._fair)
        return self._classic_targets(want)

    def _could(self, want: Want) -> bool:
        """Whether there would be room with everything gone that policy lets go: a bound, and quick."""
        queue = want.claim.queue
        policy = queue.spec.preemption
        priority = want.claim.priority
        levels = queue.levels_for(priority, policy.within_cluster_queue)
        if queue.node.parent is not None and policy.reclaim_within_cohort is not PreemptionPolicy.NEVER:
            for node in queue.node.root.queues_below():
                if node is not queue.node:
                    levels += self._queues[node.name].levels_for(priority, policy.reclaim_within_cohort)
        if not levels:
            return False
        return all(
            amount <= queue.node.available(key) + sum(level.usage.get(key, 0) for level in levels)
            for key, amount in want.usage.items()
        )

    # -- classic ---------------------------------------------------------------------------------------

    def _classic_targets(self, want: Want) -> list[Target]:
        queue = want.claim.queue
        hierarchical, by_priority = self._cohort_candidates(want)
        if not hierarchical and not by_priority:
            return self._own_targets(want)
        own = [
            _Candidate(victim, EvictionReason.IN_CLUSTER_QUEUE, False, None)
            for victim in self._own_candidates(want)
        ]
        groups = [sorted(group, key=_rank) for group in (hierarchical, by_priority, own)]
        candidates = [one for group in groups for one in group if one.claim.evicting]
        candidates += [one for group in groups for one in group if not one.claim.evicting]
        borrow = queue.spec.preemption.borrow_within_cohort
        forbidden = borrow is None or borrow.policy is PreemptionPolicy.NEVER
        attempts: tuple[bool, ...] = (True, False)
        if forbidden and not _below_nominal(queue, want.lacking):
            attempts = (True,)
        elif forbidden and not hierarchical:
            attempts = (False, True)
        for borrowing in attempts:
            targets: list[Target] = []
            for candidate in candidates:
                if not _valid(candidate, queue, want.lacking, borrowing):
                    continue
                victim = candidate.claim
                assert victim.usage is not None
                victim.queue.node.free(victim.usage)
                targets.append(Target(victim, candidate.reason))
                if _fits(want, borrowing):
                    targets = _give_back(want, targets, borrowing)
                    _restore(targets)
                    return targets
            _restore(targets)
        return []

    def _own_targets(self, want: Want) -> list[Target]:
        """The same where only its own queue has candidates: they are looked at one by one, as many as it takes."""
        claim, queue = want.claim, want.claim.queue
        policy = queue.spec.preemption.within_cluster_queue
        levels = sorted(queue.levels_for(claim.priority, policy), key=_priority)
        candidates = chain.from_iterable(level.latest_first() for level in levels)
        if queue.stopping:
            everybody = list(candidates)
            stopping = [victim for victim in everybody if victim.evicting]
            candidates = chain(stopping, (victim for victim in everybody if not victim.evicting))
        chosen = (
            victim
            for victim in candidates
            if may_preempt(claim, victim, policy) and _uses(victim, want.lacking)
        )
        spare = queue.node.spare(want.usage)
        if spare is not None:
            return _counted(want.usage, spare, chosen)
        targets: list[Target] = []
        for victim in chosen:
            assert victim.usage is not None
            queue.node.free(victim.usage)
            targets.append(Target(victim, EvictionReason.IN_CLUSTER_QUEUE))
            if _fits(want, borrowing=True):
                targets = _give_back(want, targets, borrowing=True)
                _restore(targets)
                return targets
        _restore(targets)
        return []

    def _own_candidates(self, want: Want) -> Iterator[Claim]:
        claim, queue = want.claim, want.claim.queue
        policy = queue.spec.preemption.within_cluster_queue
        for level in queue.levels_for(claim.priority, policy):
            for victim in level.claims:
                if may_preempt(claim, victim, policy) and _uses(victim, want.lacking):
                    yield victim

    def _cohort_candidates(self, want: Want) -> tuple[list[_Candidate], list[_Candidate]]:
        """Candidates of other queues: those over whom this queue has the advantage of being nearer to the quota they
        use, and the others."""
        hierarchical: list[_Candidate] = []
        by_priority: list[_Candidate] = []
        queue = want.claim.queue
        if queue.node.parent is None or queue.spec.preemption.reclaim_within_cohort is PreemptionPolicy.NEVER:
            return hierarchical, by_priority
        advantage, rest = _fit_in_quota(queue.node, want.usage)
        done: Node | None = None
        for cohort in queue.node.path:
            found = hierarchical if advantage else by_priority
            self._collect(want, cohort, cohort, done, advantage, found)
            fits, rest = _fit_in_quota(cohort, rest)
            advantage = advantage or fits
            done = cohort
        return hierarchical, by_priority

    def _collect(
        self,
        want: Want,
        cohort: Node,
        common: Node,
        done: Node | None,
        advantage: bool,
        found: list[_Candidate],
    ) -> None:
        for child in cohort.cohorts:
            if child is not done and child.borrows_any(want.lacking):
                self._collect(want, child, common, done, advantage, found)
        own = want.claim.queue
        policy = own.spec.preemption.reclaim_within_cohort
        for node in cohort.queues:
            if node is own.node or not node.borrows_any(want.lacking):
                continue
            for level in self._queues[node.name].levels_for(want.claim.priority, policy):
                for victim in level.claims:
                    if may_preempt(want.claim, victim, policy) and _uses(victim, want.lacking):
                        reason, limited = self._variant(want.claim, victim, advantage)
                        found.append(_Candidate(victim, reason, limited, common))

    def _variant(self, claim: Claim, victim: Claim, advantage: bool) -> tuple[EvictionReason, bool]:
        if advantage:
            return EvictionReason.IN_COHORT_RECLAMATION, False
        borrow = claim.queue.spec.preemption.borrow_within_cohort
        if borrow is None or borrow.policy is PreemptionPolicy.NEVER or victim.priority >= claim.priority:
            return EvictionReason.IN_COHORT_RECLAMATION, True
        threshold = borrow.max_priority_threshold
        if threshold is not None and victim.priority > threshold:
            return EvictionReason.IN_COHORT_RECLAMATION, True
        return EvictionReason.IN_COHORT_RECLAIM_WHILE_BORROWING, False

    # -- fair sharing ----------------------------------------------------------------------------------

    def _fair_targets(self, want: Want, fair: FairSharing) -> list[Target]:
        node = want.claim.queue.node
        candidates = sorted(
            self._fair_candidates(want),
            key=lambda victim: (not victim.evicting, victim.queue is want.claim.queue, victim.rank()),
        )
        if not candidates:
            return []
        targets: list[Target] = []
        node.use(want.usage)
        try:
            fits = self._fair_search(want, fair, candidates, targets)
        finally:
            node.free(want.usage)
        if fits:
            targets = _give_back(want, targets, borrowing=True)
        _restore(targets)
        return targets if fits else []

    def _fair_candidates(self, want: Want) -> Iterator[Claim]:
        yield from self._own_candidates(want)
        claim, queue = want.claim, want.claim.queue
        policy = queue.spec.preemption.reclaim_within_cohort
        if queue.node.parent is None or policy is PreemptionPolicy.NEVER:
            return
        for node in queue.node.root.queues_below():
            if node is queue.node or not node.borrows_any(want.lacking):
                continue
            for level in self._queues[node.name].levels_for(claim.priority, policy):
                for victim in level.claims:
                    if may_preempt(claim, victim, policy) and _uses(victim, want.lacking):
                        yield victim

    def _fair_search(
        self, want: Want, fair: FairSharing, candidates: list[Claim], targets: list[Target]
    ) -> bool:
        """Take victims until there is room; the workload's own usage is in the tree meanwhile."""
        node = want.claim.queue.node

        def takes(victim: Claim, reason: EvictionReason) -> bool:
            assert victim.usage is not None
            victim.queue.node.free(victim.usage)
            targets.append(Target(victim, reason))
            node.free(want.usage)
            fits = _fits(want, borrowing=True)
            node.use(want.usage)
            return fits

        within_nominal = node.parent is not None and not node.borrows_any(want.lacking)
        strategy = fair.strategies[0]
        retry: list[Claim] = []
        order = Victims(node, candidates, self._shares)
        for queue in order:
            if queue is node:
                if takes(order.take(queue), EvictionReason.IN_CLUSTER_QUEUE):
                    return True
                continue
            if within_nominal:
                if takes(order.take(queue), EvictionReason.IN_COHORT_RECLAMATION):
                    return True
                continue
            ours, theirs = order.compared(queue)
            new = self._shares.of(ours).rank
            old = self._shares.of(theirs).rank
            while order.has(queue):
                victim = order.take(queue)
                if strategy is FairSharingStrategy.FINAL_SHARE:
                    assert victim.usage is not None
                    queue.free(victim.usage)
                    passed = new <= self._shares.of(theirs).rank
                    queue.use(victim.usage)
                else:
                    passed = new < old
                if passed:
                    if takes(victim, EvictionReason.IN_COHORT_FAIR_SHARING):
                        return True
                    break
                retry.append(victim)
        if len(fair.strategies) < 2:
            return False
        order = Victims(node, retry, self._shares)
        for queue in order:
            ours, theirs = order.compared(queue)
            passed = self._shares.of(ours).rank < self._shares.of(theirs).rank
            victim = order.take(queue)
            if passed and takes(victim, EvictionReason.IN_COHORT_FAIR_SHARING):
                return True
            order.drop(queue)
        return False


def _priority(level: Level) -> int:
    return next(iter(level.claims)).priority


def _rank(candidate: _Candidate) -> tuple[bool, int, float, str | int]:
    return candidate.claim.rank()


def _uses(claim: Claim, keys: frozenset[FlavorResource]) -> bool:
    return claim.usage is not None and not keys.isdisjoint(claim.usage)


def _below_nominal(queue: LiveQueue, keys: Iterable[FlavorResource]) -> bool:
    node = queue.node
    return all(node.usage.get(key, 0) < node.nominal(key) for key in keys)


def _fit_in_quota(node: Node, usage: Mapping[FlavorResource, int]) -> tuple[bool, dict[FlavorResource, int]]:
    """Whether ``usage`` fits in the capacity of ``node``, and what of it goes beyond what the node keeps free."""
    fits = not any(node.borrows(key, amount) for key, amount in usage.items())
    return fits, {key: max(0, amount - node.kept_free(key)) for key, amount in usage.items()}


def _valid(
    candidate: _Candidate, queue: LiveQueue, lacking: Iterable[FlavorResource], borrowing: bool
) -> bool:
    """Whether the candidate may (still) go: its queue, and the cohorts up to the common one, still borrow."""
    if candidate.claim.queue is queue:
        return True
    if borrowing and candidate.only_within_quota:
        return False
    node = candidate.claim.queue.node
    if not node.borrows_any(lacking):
        return False
    for above in node.path:
        if above is candidate.common:
            break
        if not above.borrows_any(lacking):
            return False
    return True


def _fits(want: Want, borrowing: bool) -> bool:
    node = want.claim.queue.node
    return all(
        (borrowing or not node.borrows(key, amount)) and amount <= node.available(key)
        for key, amount in want.usage.items()
    )


def _give_back(want: Want, targets: list[Target], borrowing: bool) -> list[Target]:
    """Put back, last first, whoever need not go; the last one taken must."""
    for index in range(len(targets) - 2, -1, -1):
        victim = targets[index].claim
        assert victim.usage is not None
        victim.queue.node.use(victim.usage)
        if _fits(want, borrowing):
            targets[index] = targets[-1]
            targets.pop()
        else:
            victim.queue.node.free(victim.usage)
    return targets


def _counted(
    wanted: Mapping[FlavorResource, int], spare: dict[FlavorResource, int], candidates: Iterable[Claim]
) -> list[Target]:
    """The same search with sums instead of the tree, where nobody else is in it: ``spare`` is what is left of each
    resource that is ``wanted``."""
    lacking = {key: amount - spare[key] for key, amount in wanted.items()}
    taken: list[Claim] = []
    for victim in candidates:
        usage = victim.usage
        assert usage is not None
        taken.append(victim)
        for key in lacking:
            lacking[key] -= usage.get(key, 0)
        if max(lacking.values(), default=0) <= 0:
            break
    else:
        return []
    for index in range(len(taken) - 2, -1, -1):
        usage = taken[index].usage
        assert usage is not None
        if all(usage.get(key, 0) <= -short for key, short in lacking.items()):
            for key in lacking:
                lacking[key] += usage.get(key, 0)
            taken[index] = taken[-1]
            taken.pop()
    return [Target(victim, EvictionReason.IN_CLUSTER_QUEUE) for victim in taken]


def _remove(targets: Iterable[Target]) -> None:
    for target in targets:
        assert target.claim.usage is not None
        target.claim.queue.node.free(target.claim.usage)


def _restore(targets: Iterable[Target]) -> None:
    for target in targets:
        assert target.claim.usage is not None
        target.claim.queue.node.use(target.claim.usage)
