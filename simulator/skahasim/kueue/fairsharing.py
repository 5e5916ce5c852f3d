"""Fair sharing: dominant resource shares, and whom they let preempt whom.

A node's share is what it borrows, as a part of what its parent could lend, of the resource in which that part is
largest, divided by its weight (Kueue KEP-1714).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from math import ceil, inf
from typing import NamedTuple

from skahasim.kueue.claim import Claim
from skahasim.kueue.objects import FlavorResource
from skahasim.kueue.quota import Node


class Share(NamedTuple):
    """The dominant resource share of a node. Shares compare by :attr:`rank`."""

    weight: float = 1.0
    ratio: float = 0.0
    """Borrowed per lendable, in thousandths."""
    resource: str = ""
    borrowed: tuple[FlavorResource, ...] = ()

    @property
    def is_infinite(self) -> bool:
        """A node of no weight that borrows."""
        return self.weight == 0 and bool(self.borrowed)

    @property
    def weighted(self) -> float:
        if self.is_infinite:
            return inf
        return self.ratio / self.weight if self.ratio else 0.0

    @property
    def rounded(self) -> int:
        """As Kueue's status and metrics show it; 2**63 - 1 for infinite."""
        return 2**63 - 1 if self.is_infinite else ceil(self.weighted)

    @property
    def rank(self) -> tuple[bool, float]:
        """Infinite shares last, ordered among themselves by what is borrowed."""
        return (True, self.ratio) if self.is_infinite else (False, self.weighted)


_LOWEST = (False, -1.0)


class Shares:
    """Works out shares; what nodes could lend is kept until quotas change."""

    def __init__(self) -> None:
        self._lendable: dict[Node, dict[str, int]] = {}

    def forget(self) -> None:
        """Quotas have changed."""
        self._lendable.clear()

    def of(self, node: Node) -> Share:
        if node.parent is None:
            return Share(node.fair_weight)
        borrowed: dict[str, int] = {}
        keys = []
        usage = node.usage
        for key, capacity in node.capacity.items():
            beyond = usage.get(key, 0) - capacity
            if beyond > 0:
                borrowed[key[1]] = borrowed.get(key[1], 0) + beyond
                keys.append(key)
        if not keys:
            return Share(node.fair_weight)
        lendable = self._lendable_by(node.parent)
        ratio, dominant = 0.0, ""
        for resource, amount in borrowed.items():
            most = lendable.get(resource, 0)
            if most > 0:
                part = amount * 1000.0 / most
                if part > ratio or (part == ratio and resource < dominant):
                    ratio, dominant = part, resource
        return Share(node.fair_weight, ratio, dominant, tuple(keys))

    def _lendable_by(self, node: Node) -> dict[str, int]:
        found = self._lendable.get(node)
        if found is None:
            found = {}
            for key in node.root.capacity:
                found[key[1]] = found.get(key[1], 0) + node.potential(key)
            self._lendable[node] = found
        return found


class Victims:
    """The order in which fair sharing looks for victims: from the root down, always into the child with the highest
    share, to the queues that have candidates left."""

    def __init__(self, preemptor: Node, candidates: Iterable[Claim], shares: Shares) -> None:
        self._preemptor = preemptor
        self._ancestors = set(preemptor.path)
        self._shares = shares
        self._left: dict[Node, list[Claim]] = {}
        for claim in candidates:
            self._left.setdefault(claim.queue.node, []).append(claim)
        for claims in self._left.values():
            claims.reverse()  # taken from the end
        self._pruned: set[Node] = set()

    def __iter__(self) -> Iterator[Node]:
        """Queues to take from; between two of them, take one or drop the queue."""
        if self._preemptor.parent is None:
            while self._left.get(self._preemptor):
                yield self._preemptor
            return
        root = self._preemptor.root
        while root not in self._pruned:
            queue = self._next(root)
            if queue is not None:
                yield queue

    def has(self, queue: Node) -> bool:
        return bool(self._left.get(queue))

    def take(self, queue: Node) -> Claim:
        return self._left[queue].pop()

    def drop(self, queue: Node) -> None:
        self._pruned.add(queue)

    def _next(self, cohort: Node) -> Node | None:
        best_queue: Node | None = None
        best_rank = _LOWEST
        for queue in cohort.queues:
            if queue in self._pruned:
                continue
            share = self._shares.of(queue)
            if (share.ratio == 0 and queue is not self._preemptor) or not self.has(queue):
                self._pruned.add(queue)
            elif share.rank > best_rank:
                best_rank, best_queue = share.rank, queue
            elif (
                share.rank == best_rank
                and best_queue is not None
                and self._first(queue) < self._first(best_queue)
            ):
                best_queue = queue
        best_cohort: Node | None = None
        cohort_rank = _LOWEST
        for child in cohort.cohorts:
            if child in self._pruned:
                continue
            share = self._shares.of(child)
            if share.ratio == 0 and child not in self._ancestors:
                self._pruned.add(child)
            elif share.rank >= cohort_rank:
                cohort_rank, best_cohort = share.rank, child
        if best_queue is None and best_cohort is None:
            self._pruned.add(cohort)
            return None
        if best_cohort is not None and cohort_rank >= best_rank:
            return self._next(best_cohort)
        return best_queue

    def _first(self, queue: Node) -> tuple[bool, bool, int, float, str | int]:
        claim = self._left[queue][-1]
        evicting, priority, reserved, uid = claim.rank()
        return evicting, queue is self._preemptor, priority, reserved, uid

    def compared(self, target: Node) -> tuple[Node, Node]:
        """The ancestors of preemptor and target (or themselves) just below the lowest cohort they share."""
        common = next(node for node in target.path if node in self._ancestors)
        return _below(self._preemptor, common), _below(target, common)


def _below(node: Node, ancestor: Node) -> Node:
    for above in node.path:
        if above is ancestor:
            return node
        node = above
    raise AssertionError(f"{ancestor} is above no {node}")


class Entrant(NamedTuple):
    """A nominated workload in the tournament for who goes first."""

    node: Node
    claim: Claim
    usage: Mapping[FlavorResource, int]


def winner(cohort: Node, entrants: Mapping[Node, Entrant], shares: Shares) -> Entrant | None:
    """Who of the queues below ``cohort`` goes first: at every level the one whose side would have the lowest share
    after its admission; those that would not borrow come first."""
    ranks: dict[tuple[Node, Node], tuple[bool, tuple[bool, float], int, float]] = {}
    for node, entrant in entrants.items():
        if cohort not in node.path:
            continue
        node.use(entrant.usage)
        share = shares.of(node)
        for ancestor in node.path:
            borrows = any(entrant.usage.get(key, 0) > 0 for key in share.borrowed)
            ranks[ancestor, node] = (borrows, share.rank, -entrant.claim.priority, entrant.claim.turn[0])
            share = shares.of(ancestor)
        node.free(entrant.usage)
    return _tournament(cohort, entrants, ranks)


def _tournament(
    cohort: Node,
    entrants: Mapping[Node, Entrant],
    ranks: Mapping[tuple[Node, Node], tuple[bool, tuple[bool, float], int, float]],
) -> Entrant | None:
    found: Collection[Entrant | None] = [
        *(_tournament(child, entrants, ranks) for child in cohort.cohorts),
        *(entrants.get(queue) for queue in cohort.queues),
    ]
    candidates = [entrant for entrant in found if entrant is not None]
    return min(candidates, key=lambda entrant: ranks[cohort, entrant.node], default=None)
