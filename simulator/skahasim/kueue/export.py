"""Kueue's objects as manifests of ``kueue.x-k8s.io/v1beta2``, ready for ``kubectl apply`` or a diff."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from skahasim.kueue.objects import (
    ClusterQueue,
    Cohort,
    FlavorFungibility,
    LocalQueue,
    Quota,
    ResourceFlavor,
    ResourceGroup,
    StopPolicy,
    WorkloadPriorityClass,
)
from skahasim.kueue.quantity import written

if TYPE_CHECKING:
    from skahasim.kueue.manifests import Configuration

_VERSION = "kueue.x-k8s.io/v1beta2"


def dump(configuration: Configuration) -> str:
    """``configuration`` as YAML that :func:`~skahasim.kueue.manifests.parse_manifests` reads back to an equal one.

    Flavors and cohorts come before the queues that name them. What has its default is left out, but for how a
    queue waits and preempts.
    """
    import yaml  # wanted only here

    return str(yaml.safe_dump_all(_manifests(configuration), sort_keys=False, allow_unicode=True))


def _manifests(configuration: Configuration) -> Iterator[dict[str, Any]]:
    yield from map(_flavor, configuration.flavors)
    yield from map(_cohort, configuration.cohorts)
    yield from map(_cluster_queue, configuration.cluster_queues)
    yield from map(_local_queue, configuration.local_queues)
    yield from map(_priority_class, configuration.priority_classes)


def _object(kind: str, metadata: Mapping[str, str], **rest: Any) -> dict[str, Any]:
    return {"apiVersion": _VERSION, "kind": kind, "metadata": dict(metadata), **rest}


def _with(**optional: Any) -> dict[str, Any]:
    """Keys that have something to say."""
    return {key: value for key, value in optional.items() if value not in (None, "", (), [], {})}


def _weight(weight: float) -> Any:
    return None if weight == 1 else {"weight": f"{weight:.12g}"}


def _stop(policy: StopPolicy) -> str | None:
    return None if policy is StopPolicy.NONE else str(policy)


def _flavor(flavor: ResourceFlavor) -> dict[str, Any]:
    spec = _with(
        nodeLabels=dict(flavor.node_labels),
        nodeTaints=[_with(key=t.key, value=t.value, effect=t.effect) for t in flavor.taints],
        tolerations=[
            _with(key=t.key, operator=t.operator, value=t.value, effect=t.effect) for t in flavor.tolerations
        ],
    )
    return _object("ResourceFlavor", {"name": flavor.name}, **_with(spec=spec))


def _cohort(cohort: Cohort) -> dict[str, Any]:
    spec = _with(
        parentName=cohort.parent,
        resourceGroups=_groups(cohort.resource_groups),
        fairSharing=_weight(cohort.fair_weight),
    )
    return _object("Cohort", {"name": cohort.name}, **_with(spec=spec))


def _cluster_queue(queue: ClusterQueue) -> dict[str, Any]:
    borrow = queue.preemption.borrow_within_cohort
    borrowing = borrow and _with(policy=str(borrow.policy)) | (
        {}
        if borrow.max_priority_threshold is None
        else {"maxPriorityThreshold": borrow.max_priority_threshold}
    )
    fungibility = queue.flavor_fungibility
    spec = _with(cohortName=queue.cohort)
    if queue.namespace_selector is not None:
        spec["namespaceSelector"] = queue.namespace_selector
    spec |= {
        "queueingStrategy": str(queue.queueing_strategy),
        "preemption": {
            "withinClusterQueue": str(queue.preemption.within_cluster_queue),
            "reclaimWithinCohort": str(queue.preemption.reclaim_within_cohort),
        }
        | _with(borrowWithinCohort=borrowing),
    }
    spec |= _with(
        flavorFungibility=None
        if fungibility == FlavorFungibility()
        else {
            "whenCanBorrow": str(fungibility.when_can_borrow),
            "whenCanPreempt": str(fungibility.when_can_preempt),
            "preference": str(fungibility.preference),
        },
        fairSharing=_weight(queue.fair_weight),
        stopPolicy=_stop(queue.stop_policy),
        resourceGroups=_groups(queue.resource_groups),
    )
    return _object("ClusterQueue", {"name": queue.name}, spec=spec)


def _groups(groups: tuple[ResourceGroup, ...]) -> list[dict[str, Any]]:
    return [
        {
            "coveredResources": list(group.resources),
            "flavors": [
                {
                    "name": flavor.name,
                    "resources": [_quota(name, flavor.quotas[name]) for name in group.resources],
                }
                for flavor in group.flavors
            ],
        }
        for group in groups
    ]


def _quota(resource: str, quota: Quota) -> dict[str, Any]:
    amounts = {
        "nominalQuota": quota.nominal,
        "borrowingLimit": quota.borrowing_limit,
        "lendingLimit": quota.lending_limit,
    }
    return {"name": resource} | {
        key: written(resource, units) for key, units in amounts.items() if units is not None
    }


def _local_queue(queue: LocalQueue) -> dict[str, Any]:
    spec = _with(clusterQueue=queue.cluster_queue, stopPolicy=_stop(queue.stop_policy))
    return _object("LocalQueue", {"namespace": queue.namespace, "name": queue.name}, spec=spec)


def _priority_class(one: WorkloadPriorityClass) -> dict[str, Any]:
    return _object(
        "WorkloadPriorityClass", {"name": one.name}, value=one.value, **_with(description=one.description)
    )
