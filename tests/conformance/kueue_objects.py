"""Kueue's objects out of the case files' JSON."""

from __future__ import annotations

from typing import Any

from skahasim.kueue.affinity import Requirement, Taint, Toleration
from skahasim.kueue.objects import (
    BorrowWithinCohort,
    ClusterQueue,
    Cohort,
    FlavorFungibility,
    FlavorQuotas,
    FungibilityPolicy,
    FungibilityPreference,
    PodSet,
    PodSetAssignment,
    Preemption,
    PreemptionPolicy,
    QueueingStrategy,
    Quota,
    ResourceFlavor,
    ResourceGroup,
    Workload,
)
from skahasim.kueue.quantity import amount, quantity


def units(resource: str, value: Any) -> int | None:
    """An amount: whole units where it is a number, a quantity where it is text."""
    if value is None or isinstance(value, int):
        return value
    return amount(resource, quantity(value))


def requests_of(requests: dict[str, Any]) -> dict[str, int]:
    return {resource: units(resource, value) or 0 for resource, value in requests.items()}


def _quota(resource: str, values: list[Any]) -> Quota:
    nominal, borrowing, lending = (units(resource, value) for value in values)
    return Quota(nominal or 0, borrowing, lending)


def _groups(groups: list[dict[str, Any]] | None) -> tuple[ResourceGroup, ...]:
    return tuple(
        ResourceGroup(
            tuple(group["resources"] or ()),
            tuple(
                FlavorQuotas(
                    flavor["name"],
                    {resource: _quota(resource, values) for resource, values in flavor["quotas"].items()},
                )
                for flavor in group["flavors"]
            ),
        )
        for group in groups or ()
    )


def _weight(value: Any) -> float:
    return 1.0 if value is None else float(quantity(value))


def cluster_queue(one: dict[str, Any]) -> ClusterQueue:
    preemption = one["preemption"]
    borrow = preemption["borrow"]
    fungibility = one["fungibility"]
    return ClusterQueue(
        one["name"],
        _groups(one.get("groups")),
        one.get("cohort") or "",
        QueueingStrategy(one["strategy"]),
        Preemption(
            PreemptionPolicy(preemption["within"]),
            PreemptionPolicy(preemption["reclaim"]),
            borrow and BorrowWithinCohort(PreemptionPolicy(borrow["policy"]), borrow.get("max_priority")),
        ),
        FlavorFungibility(
            FungibilityPolicy(fungibility.get("whenCanBorrow") or FungibilityPolicy.MAY_STOP_SEARCH),
            FungibilityPolicy(fungibility.get("whenCanPreempt") or FungibilityPolicy.TRY_NEXT_FLAVOR),
            FungibilityPreference(
                fungibility.get("preference") or FungibilityPreference.BORROWING_OVER_PREEMPTION
            ),
        ),
        _weight(one.get("fair_weight")),
        namespace_selector=one.get("namespace_selector"),
    )


def cohort(one: dict[str, Any]) -> Cohort:
    return Cohort(
        one["name"], one.get("parent") or "", _groups(one.get("groups")), _weight(one.get("fair_weight"))
    )


def flavor(one: dict[str, Any]) -> ResourceFlavor:
    return ResourceFlavor(
        one["name"],
        one.get("node_labels") or {},
        tuple(Taint(**taint) for taint in one.get("taints") or ()),
        tuple(Toleration(**toleration) for toleration in one.get("tolerations") or ()),
    )


def podset(one: dict[str, Any]) -> PodSet:
    required = (
        (one.get("affinity") or {})
        .get("nodeAffinity", {})
        .get("requiredDuringSchedulingIgnoredDuringExecution", {})
        .get("nodeSelectorTerms", ())
    )
    return PodSet(
        one["name"],
        one["count"],
        one.get("requests") or {},
        one.get("min_count"),
        one.get("nodeSelector") or {},
        tuple(
            tuple(
                Requirement(need["key"], need["operator"], tuple(need.get("values") or ()))
                for need in term.get("matchExpressions") or ()
            )
            for term in required
        ),
        tuple(Toleration(**toleration) for toleration in one.get("tolerations") or ()),
    )


def workload(one: dict[str, Any], queue: str, created: float = 0.0) -> Workload:
    name = f"{one['ns']}/{one['name']}" if one.get("ns") else one["name"]
    return Workload(
        name,
        queue,
        tuple(podset(each) for each in one["podsets"]),
        one.get("priority") or 0,
        float(one.get("created_rel_s") or 0) + created,
        one["name"],
    )


def assignments(admission: dict[str, Any]) -> tuple[PodSetAssignment, ...]:
    return tuple(
        PodSetAssignment(each["name"], each["count"], each.get("flavors") or {}, each.get("usage") or {})
        for each in admission["podsets"]
    )
