"""Kueue's quotas as a checker needs them: the most that a ClusterQueue, and all of a cohort tree, may ever use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from skahasim.resources import NOTHING, Resources

if TYPE_CHECKING:
    from skahasim.kueue.installation import Installation
    from skahasim.kueue.objects import ClusterQueue, Cohort

_BYTES_PER_MIB = 2**20
_AMOUNTS = (("cpu", 1), ("memory", _BYTES_PER_MIB), ("nvidia.com/gpu", 1))
"""Resources in the order of :class:`Resources`, and how many of Kueue's units one of ours is."""


def quota_facts(installation: Installation) -> dict[str, Any]:
    """For ``run.json``: ``queues`` (LocalQueue to ClusterQueue), and ``limits``: names of a ClusterQueue or of the
    root of a cohort tree, to millicores, MiB and GPUs; ``None`` where there is no limit of its own.

    A ClusterQueue may use its nominal quota, and in a cohort what it may borrow; a tree all that is nominal in it.
    """
    configuration = installation.configuration
    parents = {cohort.name: cohort.parent for cohort in configuration.cohorts}

    def root(name: str) -> str:
        while parents.get(name):
            name = parents[name]
        return name

    limits: dict[str, list[float | None]] = {}
    trees: dict[str, list[float]] = {}
    members: dict[str, list[str]] = {}
    for queue in configuration.cluster_queues:
        limits[queue.name] = [_most(queue, resource, unit) for resource, unit in _AMOUNTS]
        holder = root(queue.cohort) if queue.cohort else queue.name
        _add(trees.setdefault(holder, [0.0, 0.0, 0.0]), queue)
        members.setdefault(holder, []).append(queue.name)
    for cohort in configuration.cohorts:
        if root(cohort.name) in trees:
            _add(trees[root(cohort.name)], cohort)
    return {
        "queues": {
            name: queue.cluster_queue
            for queue in configuration.local_queues
            for name in (queue.name, f"{queue.namespace}/{queue.name}")
        },
        "limits": limits,
        "trees": [{"of": members[name], "limits": trees[name]} for name in trees],
    }


def _quotas(holder: ClusterQueue | Cohort, resource: str) -> Iterator[Any]:
    for group in holder.resource_groups:
        for flavor in group.flavors:
            if resource in flavor.quotas:
                yield flavor.quotas[resource]


def _most(queue: ClusterQueue, resource: str, unit: int) -> float | None:
    quotas = list(_quotas(queue, resource))
    if queue.cohort and any(quota.borrowing_limit is None for quota in quotas):
        return None
    return (
        float(sum(quota.nominal + (quota.borrowing_limit or 0) * bool(queue.cohort) for quota in quotas))
        / unit
    )


def _add(total: list[float], holder: ClusterQueue | Cohort) -> None:
    for index, (resource, unit) in enumerate(_AMOUNTS):
        total[index] += sum(quota.nominal for quota in _quotas(holder, resource)) / unit


class QuotaLedger:
    """What the jobs that Kueue let in ask for together, by ClusterQueue."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._queues: Mapping[str, str] = facts.get("queues", {})
        self._limits: Mapping[str, list[float | None]] = facts.get("limits", {})
        self._trees = facts.get("trees", [])
        self._used: dict[str, Resources] = dict.fromkeys(self._limits, NOTHING)
        self._admitted: dict[int, tuple[str, Resources]] = {}

    def admit(self, job: int, local_queue: str, request: Resources) -> None:
        """Its quota is reserved."""
        queue = self._queues.get(local_queue)
        if queue is not None and job not in self._admitted:
            self._admitted[job] = (queue, request)
            self._used[queue] = self._used[queue].plus(request)

    def withdraw(self, job: int) -> None:
        """Its quota is free again. Harmless when it had none."""
        queue, request = self._admitted.pop(job, ("", NOTHING))
        if queue:
            self._used[queue] = self._used[queue].minus(request)

    def excess(self) -> str:
        """Which quota is exceeded now; empty when none."""
        for queue, used in self._used.items():
            for name, amount, most in zip(Resources._fields, used, self._limits[queue], strict=True):
                if most is not None and amount > most:
                    return f"ClusterQueue {queue} uses {amount:g} {name} of {most:g}"
        for tree in self._trees:
            total = NOTHING
            for queue in tree["of"]:
                total = total.plus(self._used[queue])
            for name, amount, most in zip(Resources._fields, total, tree["limits"], strict=True):
                if amount > most:
                    return f"the cohort of {', '.join(tree['of'])} uses {amount:g} {name} of {most:g}"
        return ""
