"""Which flavors a workload would get: Kueue's flavor assignment.

Flavors of a resource group are tried in order; how good one is depends on whether it fits, fits by borrowing, or
needs preemption, and ``flavorFungibility`` says when to stop looking. All resources of a group take one flavor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from typing import TypeAlias

from skahasim.kueue.affinity import selects, untolerated
from skahasim.kueue.assignment import (
    BEYOND,
    LACKING,
    UNKNOWN_RESOURCE,
    Assignment,
    Choice,
    Mode,
    PodSetChoice,
    Reason,
)
from skahasim.kueue.claim import Claim, Shape, scaled, with_pods
from skahasim.kueue.objects import (
    PODS,
    FlavorFungibility,
    FlavorResource,
    FungibilityPolicy,
    FungibilityPreference,
    PodSet,
    PreemptionPolicy,
    ResourceFlavor,
    ResourceGroup,
)
from skahasim.kueue.queue import LiveQueue


class Possibility(IntEnum):
    """What a look at preemption in one flavor and resource found."""

    NO_CANDIDATES = 1
    PREEMPT = 2
    """Something of the same queue would have to go."""
    RECLAIM = 3
    """Only others' would."""


_NO_FIT, _NO_CANDIDATES, _FIT = 0, int(Possibility.NO_CANDIDATES), 4
Grade: TypeAlias = tuple[int, int]
"""(0 no fit, a Possibility, or 4 fits; borrowing level)."""
_WORST: Grade = (_NO_FIT, 1 << 30)
Oracle: TypeAlias = Callable[[Claim, FlavorResource, int], tuple[Possibility, int]]
"""What preemption could do for an amount of one flavor and resource, and the borrowing level after it."""


def better(one: Grade, other: Grade, fungibility: FlavorFungibility) -> bool:
    """Whether ``one`` is preferred to ``other``."""
    if one[0] == _NO_FIT:
        return False
    if other[0] == _NO_FIT:
        return True
    if (one[0] == _NO_CANDIDATES) != (other[0] == _NO_CANDIDATES):
        return one[0] != _NO_CANDIDATES
    if fungibility.preference is FungibilityPreference.PREEMPTION_OVER_BORROWING:
        return one[1] < other[1] if one[1] != other[1] else one[0] > other[0]
    return one[0] > other[0] if one[0] != other[0] else one[1] < other[1]


def looks_further(grade: Grade, fungibility: FlavorFungibility) -> bool:
    """Whether the search goes on after a flavor of this grade."""
    mode, borrowing = grade
    if mode <= _NO_CANDIDATES:
        return True
    if mode < _FIT and fungibility.when_can_preempt is FungibilityPolicy.TRY_NEXT_FLAVOR:
        return True
    return borrowing > 0 and fungibility.when_can_borrow is FungibilityPolicy.TRY_NEXT_FLAVOR


class FlavorAssigner:
    """Assigns flavors against the live quota tree."""

    def __init__(self, flavors: Iterable[ResourceFlavor], oracle: Oracle, *, fair_sharing: bool) -> None:
        self.flavors = {flavor.name: flavor for flavor in flavors}
        self.oracle = oracle
        self.fair_sharing = fair_sharing

    def assign(
        self,
        claim: Claim,
        counts: tuple[int, ...] | None = None,
        nominated: tuple[Mapping[str, str], ...] | None = None,
    ) -> Assignment:
        """The flavors of ``claim``, with all pods or with ``counts``; with ``nominated``, only those flavors."""
        queue = claim.queue
        shape = claim.shape
        if counts is None and nominated is None and claim.tried is None:
            ready = self.at_once(claim)
            if ready is not None and queue.node.takes(ready.usage):
                return ready
        assignment = Assignment()
        pods = PODS in queue.group_of
        for index, podset in enumerate(shape.podsets):
            if counts is None:
                count, requests = podset.count, shape.requests[index]
            else:
                count, requests = counts[index], scaled(podset, counts[index])
            if pods:
                requests = with_pods(requests, count)
            choices: dict[str, Choice] = {}
            reasons: list[Reason] = []
            failed = False
            for resource, amount in requests.items():
                if resource in choices:
                    continue  # took its flavor together with another of its group
                group = queue.group_of.get(resource)
                if group is None:
                    if not amount:
                        continue
                    choices, reasons = {}, [Reason(UNKNOWN_RESOURCE, ("", resource))]
                    failed = True
                    break
                found, why = self._search(
                    claim, index, requests, resource, group, assignment.usage, nominated
                )
                if not found:
                    choices, reasons = {}, why
                    failed = True
                    break
                choices.update(found)
                reasons += why
            assignment.append(PodSetChoice(podset.name, count, requests, choices, tuple(reasons)))
            if failed:
                break
        assignment.judge()
        return assignment

    def at_once(self, claim: Claim) -> Assignment | None:
        """What ``claim`` gets while it fits without borrowing; ``None`` where that takes a search, or is never so."""
        try:
            return claim.queue.at_once[claim.shape]
        except KeyError:
            only = claim.queue.at_once[claim.shape] = self._only_choice(claim)
            return only

    def why(self, claim: Claim) -> str:
        """As ``assign(claim).message()``, at less cost where it takes no search."""
        ready = self.at_once(claim)
        if ready is None or len(ready.podsets) > 1:
            return self.assign(claim).message()
        node = claim.queue.node
        reasons: list[str] = []
        for key, amount in ready.usage.items():
            available = node.available(key)
            if amount <= available:
                continue
            if amount > node.nominal(key):
                return self.assign(claim).message()
            reasons.append(str(Reason(LACKING, key, (amount - available,))))
        if not reasons:
            return ""
        return f"couldn't assign flavors to pod set {ready.podsets[0].name}: {', '.join(sorted(reasons))}"

    def _only_choice(self, claim: Claim) -> Assignment | None:
        queue, shape = claim.queue, claim.shape
        assignment = Assignment()
        for index, podset in enumerate(shape.podsets):
            requests: Mapping[str, int] = shape.requests[index]
            if PODS in queue.group_of:
                requests = with_pods(requests, podset.count)
            choices: dict[str, Choice] = {}
            for resource, amount in requests.items():
                group = queue.group_of.get(resource)
                if group is None:
                    if amount:
                        return None
                    continue
                if len(group.flavors) > 1 or self.mismatch(claim.shape, index, group.flavors[0].name):
                    return None
                if resource not in choices:
                    only = Choice(group.flavors[0].name, Mode.FIT, -1, 0)
                    choices.update((name, only) for name in group.resources if name in requests)
            assignment.append(PodSetChoice(podset.name, podset.count, requests, choices, ()))
        assignment.judge()
        return assignment

    def _search(
        self,
        claim: Claim,
        index: int,
        requests: Mapping[str, int],
        resource: str,
        group: ResourceGroup,
        used: Mapping[FlavorResource, int],
        nominated: tuple[Mapping[str, str], ...] | None,
    ) -> tuple[dict[str, Choice], list[Reason]]:
        """The best flavor of ``group``; with why not at once, unless it fits."""
        fungibility = claim.queue.spec.flavor_fungibility
        covered = [(name, requests[name]) for name in group.resources if name in requests]
        reasons: list[Reason] = []
        best: dict[str, tuple[int, int]] = {}
        best_flavor, best_grade = "", _WORST
        last = len(group.flavors) - 1
        position = tried = -1
        start = 0
        if claim.tried is not None and index < len(claim.tried):
            start = claim.tried[index].get(resource, -1) + 1
        for position in range(start, last + 1):
            flavor = group.flavors[position].name
            tried = position
            if nominated is not None and nominated[index].get(resource) != flavor:
                continue
            mismatch = self.mismatch(claim.shape, index, flavor)
            if mismatch:
                reasons.append(Reason(mismatch))
                continue
            grades: dict[str, tuple[int, int]] = {}
            grade: Grade = (_FIT, 0)
            for name, amount in covered:
                key = (flavor, name)
                one = self._grade(claim, key, used.get(key, 0), amount, reasons)
                if better(grade, one, fungibility):
                    grade = one
                if grade[0] == _NO_FIT:
                    break
                grades[name] = one
            if not looks_further(grade, fungibility):
                best, best_flavor, best_grade = grades, flavor, grade
                break
            if better(grade, best_grade, fungibility):
                best, best_flavor, best_grade = grades, flavor, grade
        if tried == last:
            tried = -1
        if best_grade[0] == _FIT:
            reasons = []
        return {
            name: Choice(best_flavor, _MODES[mode], tried, borrowing)
            for name, (mode, borrowing) in best.items()
        }, reasons

    def _grade(
        self, claim: Claim, key: FlavorResource, used: int, amount: int, reasons: list[Reason]
    ) -> Grade:
        """How ``amount`` more than ``used`` could be had."""
        queue = claim.queue
        node = queue.node
        needed = used + amount
        if needed > queue.potential(key):
            reasons.append(Reason(BEYOND, key, (used, amount, queue.potential(key))))
            return _NO_FIT, 0
        available = node.available(key)
        if needed <= available:
            return _FIT, node.lowest_fit(key, needed)[0] if node.parent is not None else 0
        reasons.append(Reason(LACKING, key, (needed - available,)))
        borrowing, reclaims = node.lowest_fit(key, needed)
        if node.nominal(key) >= needed or reclaims or self._preempts_while_borrowing(queue):
            possibility, borrowing = self.oracle(claim, key, needed)
            return int(possibility), borrowing
        return _NO_FIT, borrowing

    def _preempts_while_borrowing(self, queue: LiveQueue) -> bool:
        preemption = queue.spec.preemption
        borrow = preemption.borrow_within_cohort
        return (borrow is not None and borrow.policy is not PreemptionPolicy.NEVER) or (
            self.fair_sharing and preemption.reclaim_within_cohort is not PreemptionPolicy.NEVER
        )

    def mismatch(self, shape: Shape, index: int, name: str) -> str:
        """Why pod set ``index`` of ``shape`` may not go to flavor ``name``; empty when it may."""
        found = shape.matches.get((index, name))
        if found is None:
            found = shape.matches[index, name] = self._compare(shape.podsets[index], name)
        return found

    def _compare(self, podset: PodSet, name: str) -> str:
        flavor = self.flavors.get(name)
        if flavor is None:
            return f"flavor {name} not found"
        taint = untolerated(flavor.taints, (*podset.tolerations, *flavor.tolerations))
        if taint is not None:
            return f"untolerated taint {taint} in flavor {name}"
        if not selects(
            podset.node_selector,
            podset.required_affinity,
            flavor.node_labels,
            frozenset(flavor.node_labels),
        ):
            return f"flavor {name} doesn't match node affinity"
        return ""


_MODES = (Mode.NO_FIT, Mode.PREEMPT, Mode.PREEMPT, Mode.PREEMPT, Mode.FIT)
