"""When the memory of a node runs short, and who must go then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from skahasim.job import Job, Work
from skahasim.resources import MIB_PER_GIB
from skahasim.usage import base_gib, ramp_seconds

SLACK_GIB = 1e-6
"""A kibibyte more or less is rounding, not pressure."""


class Growth(NamedTuple):
    """Memory of one run: from ``base`` GiB at ``start``, linearly to ``top`` GiB at ``full``, then constant."""

    start: float
    full: float
    base: float
    top: float

    @classmethod
    def of(cls, work: Work, start: float) -> Growth:
        """Of a run of ``work`` that began at ``start``, as :func:`~skahasim.usage.memory_gib` has it."""
        return cls(start, start + ramp_seconds(work), base_gib(work), work.ram_gib)

    def at(self, time: float) -> float:
        if time >= self.full:
            return self.top
        return self.base + (self.top - self.base) * (time - self.start) / (self.full - self.start)


def passes(growths: Sequence[Growth], limit_gib: float, now: float) -> float | None:
    """The first time, not before ``now``, at or right after which all ``growths`` together are above
    ``limit_gib``; ``None`` when they never are."""
    if sum(growth.top for growth in growths) <= limit_gib + SLACK_GIB:
        return None
    level = sum(growth.at(now) for growth in growths)
    if level > limit_gib + SLACK_GIB:
        return now
    growing = sorted((g for g in growths if g.full > now), key=lambda g: g.full)
    slope = sum((g.top - g.base) / (g.full - g.start) for g in growing)
    time = now
    for growth in growing:
        reached = level + slope * (growth.full - time)
        if reached > limit_gib + SLACK_GIB:
            return min(growth.full, time + max(0.0, limit_gib - level) / slope)
        slope -= (growth.top - growth.base) / (growth.full - growth.start)
        level, time = reached, growth.full
    return time


Rank: TypeAlias = tuple[bool, int, float, int]


def rank(job: Job, used_gib: float) -> Rank:
    """Place of ``job`` among those that a node short of memory can evict; the smallest goes first.

    The kubelet's order: whether the job uses more than it asked for, its priority, how much more. So jobs without
    a request (BestEffort) and jobs above theirs (Burstable) go by priority, then by excess; jobs within their
    request (Guaranteed always is) go last. Among equals the youngest.
    (Kubernetes documentation, "Node-pressure Eviction", pod selection for kubelet eviction.)
    """
    excess = used_gib - job.request.ram_gib
    return (excess <= SLACK_GIB, job.priority, -excess, -job.number)


def message(job: Job, used_gib: float, *, threshold_gib: float, available_gib: float) -> str:
    """What the kubelet says of an eviction."""
    container = job.main.name if job.containers else job.name
    return (
        f"The node was low on resource: memory. Threshold quantity: {_mib(threshold_gib)}, "
        f"available: {_mib(max(0.0, available_gib))}. Container {container} was using {_mib(used_gib)}, "
        f"request is {_mib(job.request.ram_gib)}, has larger consumption of memory. "
    )


def _mib(gib: float) -> str:
    whole = round(gib * MIB_PER_GIB)
    return f"{whole}Mi" if whole else "0"
