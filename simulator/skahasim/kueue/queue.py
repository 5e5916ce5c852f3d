"""A ClusterQueue at work: its specification, its quota and what it has admitted."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import TYPE_CHECKING

from skahasim.kueue.claim import Claim, Shape
from skahasim.kueue.objects import (
    ClusterQueue,
    FlavorResource,
    PreemptionPolicy,
    ResourceGroup,
    StopPolicy,
)
from skahasim.kueue.pending import Waiting
from skahasim.kueue.quota import Node

if TYPE_CHECKING:
    from skahasim.kueue.assignment import Assignment
    from skahasim.kueue.sieve import Sieve


class Level:
    """The admitted workloads of one priority, and what they use together."""

    __slots__ = ("claims", "in_turn", "latest", "usage")

    def __init__(self) -> None:
        self.claims: dict[Claim, None] = {}
        self.usage: dict[FlavorResource, int] = {}
        self.latest = -inf
        """When the last of them was admitted."""
        self.in_turn = True
        """They stand in the order of their admission."""

    def latest_first(self) -> Iterator[Claim]:
        """As candidates for preemption: the latest admitted first, then by uid."""
        if not self.in_turn:
            yield from sorted(self.claims, key=Claim.rank)
            return
        together: list[Claim] = []
        for claim in reversed(self.claims):
            if together and claim.reserved != together[0].reserved:
                yield from together if len(together) == 1 else sorted(together, key=Claim.rank)
                together = []
            together.append(claim)
        yield from sorted(together, key=Claim.rank)


class LiveQueue:
    """One ClusterQueue."""

    __slots__ = (
        "at_once",
        "generation",
        "group_of",
        "levels",
        "most",
        "node",
        "spec",
        "stop_policy",
        "stopping",
        "waiting",
    )

    def __init__(self, spec: ClusterQueue, node: Node) -> None:
        self.node = node
        self.waiting: Waiting | Sieve = Waiting(spec.queueing_strategy)
        self.levels: dict[int, Level] = {}
        """What is admitted, by priority."""
        self.stopping: dict[Claim, None] = {}
        """Admitted workloads that were told to go."""
        self.generation = 0
        """Grows with whatever may make more fit: something left, or quotas changed."""
        self.stop_policy: StopPolicy = spec.stop_policy
        self.specify(spec)

    def specify(self, spec: ClusterQueue) -> None:
        """Take over new resource groups; the node's quotas are set apart from this."""
        self.spec = spec
        self.group_of: dict[str, ResourceGroup] = {
            resource: group for group in reversed(spec.resource_groups) for resource in group.resources
        }
        self.at_once: dict[Shape, Assignment | None] = {}
        """What a shape gets while it fits without borrowing, where there is one flavor to choose from."""
        self.most: dict[FlavorResource, int] = {}
        """What the queue could take were nothing used; forgotten when quotas change."""
        self.generation += 1

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def is_active(self) -> bool:
        return self.stop_policy is StopPolicy.NONE

    def potential(self, key: FlavorResource) -> int:
        most = self.most.get(key)
        if most is None:
            most = self.most[key] = self.node.potential(key)
        return most

    # -- what is admitted ------------------------------------------------------------------------------

    def admit(self, claim: Claim, usage: dict[FlavorResource, int], now: float) -> None:
        claim.usage = usage
        claim.reserved = now
        claim.evicting = False
        level = self.levels.get(claim.priority)
        if level is None:
            level = self.levels[claim.priority] = Level()
        level.claims[claim] = None
        if now < level.latest:
            level.in_turn = False
        level.latest = now
        held = level.usage
        for key, amount in usage.items():
            held[key] = held.get(key, 0) + amount
        self.node.use(usage)

    def stop(self, claim: Claim) -> None:
        """``claim`` is told to go; it holds its quota until it is released."""
        claim.evicting = True
        self.stopping[claim] = None

    def release(self, claim: Claim) -> None:
        usage = claim.usage
        assert usage is not None
        level = self.levels[claim.priority]
        del level.claims[claim]
        held = level.usage
        for key, amount in usage.items():
            held[key] -= amount
        self.node.use(usage, -1)
        if not level.claims:
            del self.levels[claim.priority]
        claim.usage = None
        claim.evicting = False
        if self.stopping:
            self.stopping.pop(claim, None)
        self.generation += 1

    def admitted(self) -> Iterator[Claim]:
        for level in self.levels.values():
            yield from level.claims

    def levels_for(self, priority: int, policy: PreemptionPolicy) -> list[Level]:
        """The levels that may hold something a workload of ``priority`` may preempt under ``policy``."""
        if policy is PreemptionPolicy.LOWER_PRIORITY:
            return [level for own, level in self.levels.items() if own < priority]
        if policy is PreemptionPolicy.NEVER:
            return []
        if policy is PreemptionPolicy.ANY:
            return list(self.levels.values())
        return [level for own, level in self.levels.items() if own <= priority]


def may_preempt(claim: Claim, victim: Claim, policy: PreemptionPolicy) -> bool:
    """Whether ``policy`` lets ``claim`` have ``victim`` evicted."""
    if policy is PreemptionPolicy.ANY:
        return True
    if policy is PreemptionPolicy.NEVER:
        return False
    if claim.priority > victim.priority:
        return True
    return (
        policy is PreemptionPolicy.LOWER_OR_NEWER_EQUAL_PRIORITY
        and claim.priority == victim.priority
        and claim.turn[0] < victim.turn[0]
    )
