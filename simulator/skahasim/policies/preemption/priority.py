"""Preemption by priority, as kube-scheduler does it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from skahasim.resources import Resources

if TYPE_CHECKING:
    from skahasim.cluster import Node
    from skahasim.job import Job

LOWEST_PRIORITY = -(2**31)
Cost = tuple[int, int, int, float]


class PriorityPreemption:
    """A waiting job makes jobs of lower priority on one node leave when that lets it fit.

    On each node the victims are a minimal set: from all of lower priority, as many as possible are spared, the most
    important first and among equals the one that has run longest. Then the node is chosen whose most important victim
    is least important; then the smallest sum of priorities, each counted from the lowest there is; then the fewest
    victims; then where the most important victim started last; then the first (Kubernetes documentation, Pod
    Priority and Preemption, and kube-scheduler's order of candidates).
    """

    def victims(
        self, job: Job, nodes: Iterable[tuple[Node, Resources, Iterable[Job]]]
    ) -> tuple[Node, list[Job]] | None:
        best: tuple[Node, list[Job]] | None = None
        best_cost: Cost | None = None
        for node, usable, running in nodes:
            chosen = _minimal(job, usable, running)
            if not chosen:
                continue
            cost = _cost(chosen)
            if best_cost is None or cost < best_cost:
                best, best_cost = (node, chosen), cost
        return best


def _minimal(job: Job, usable: Resources, running: Iterable[Job]) -> list[Job]:
    """Those of ``running`` that must go so that ``job`` fits, the most important first; empty when that does not do."""
    lower = [other for other in running if other.priority < job.priority]
    left = usable.minus(job.request)
    for other in lower:
        left = left.plus(other.request)
    if not lower or min(left) < 0:
        return []
    lower.sort(key=lambda other: (-other.priority, other.schedule_time or 0.0, other.number))
    victims = []
    for other in lower:
        if other.request.fits(left):
            left = left.minus(other.request)
        else:
            victims.append(other)
    return victims


def _cost(victims: list[Job]) -> Cost:
    highest = victims[0].priority
    started = max(victim.schedule_time or 0.0 for victim in victims if victim.priority == highest)
    return highest, sum(victim.priority - LOWEST_PRIORITY for victim in victims), len(victims), -started
