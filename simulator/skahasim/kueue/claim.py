"""A workload's standing with the scheduler: what it asks for, where it waits, what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from skahasim.kueue.objects import PODS, FlavorResource, PodSet, Workload

if TYPE_CHECKING:
    from skahasim.kueue.pending import Lane
    from skahasim.kueue.queue import LiveQueue

Turn: TypeAlias = tuple[float, str | int]
"""(creation time, uid): the smaller, the sooner."""
Tried: TypeAlias = tuple[Mapping[str, int], ...]
"""For each pod set, by resource: the index of the last flavor tried, or -1 after the last there is."""


class Shape:
    """What workloads ask for, apart from who they are. Those of one shape and priority are treated alike (Kueue's
    scheduling equivalence)."""

    __slots__ = ("matches", "partial", "podsets", "requests")

    def __init__(self, podsets: tuple[PodSet, ...]) -> None:
        self.podsets = podsets
        self.requests = tuple(scaled(podset, podset.count) for podset in podsets)
        """What each pod set asks for in all."""
        self.partial = any(
            podset.min_count is not None and podset.min_count < podset.count for podset in podsets
        )
        self.matches: dict[tuple[int, str], str] = {}
        """By pod set and flavor: why the flavor does not do; empty when it does."""


def scaled(podset: PodSet, count: int) -> dict[str, int]:
    """What ``count`` pods of ``podset`` ask for."""
    return {resource: amount * count for resource, amount in podset.requests.items()}


def with_pods(requests: Mapping[str, int], count: int) -> dict[str, int]:
    return {**requests, PODS: count}


def shape_key(podsets: tuple[PodSet, ...]) -> object:
    """Equal for pod sets that ask for the same."""
    if len(podsets) == 1:
        podset = podsets[0]
        if not (podset.node_selector or podset.tolerations or podset.required_affinity):
            return podset.name, podset.count, podset.min_count, frozenset(podset.requests.items())
    return tuple(
        (
            podset.name,
            podset.count,
            podset.min_count,
            frozenset(podset.requests.items()),
            frozenset(podset.node_selector.items()),
            podset.required_affinity,
            podset.tolerations,
        )
        for podset in podsets
    )


class Claim:
    """One workload, from submission to withdrawal. The scheduler alone writes it."""

    __slots__ = (
        "evicting",
        "generation",
        "lane",
        "priority",
        "queue",
        "reserved",
        "shape",
        "told",
        "tried",
        "turn",
        "usage",
        "workload",
    )

    def __init__(self, workload: Workload, shape: Shape, queue: LiveQueue) -> None:
        self.workload = workload
        self.shape = shape
        self.queue = queue
        self.priority = workload.priority
        self.turn: Turn = (workload.created, workload.uid)
        self.lane: Lane | None = None
        """Where it waits; ``None`` while it holds quota."""
        self.usage: dict[FlavorResource, int] | None = None
        """Quota it holds; ``None`` while it holds none."""
        self.reserved = 0.0
        """When it was given that quota."""
        self.evicting = False
        """Told to stop, and still holding its quota."""
        self.tried: Tried | None = None
        """Where the search for flavors goes on; ``None``: from the first."""
        self.generation = 0
        """Generation of its queue when ``tried`` was written."""
        self.told = ""
        """What became of it in a cycle, as last said; empty when nothing was."""

    def rank(self) -> tuple[bool, int, float, str | int]:
        """Order among candidates for preemption: those on their way out, the least priority, the latest admitted."""
        return not self.evicting, self.priority, -self.reserved, self.turn[1]


class Target(NamedTuple):
    """An admitted workload that would have to go, and why."""

    claim: Claim
    reason: str
