"""The line of a ClusterQueue that competes with no other, when many wait.

In such a queue (BestEffortFIFO, one flavor for each resource group, no other queue to borrow from or to be reclaimed
by) a workload that cannot go changes nothing for those behind it. So it need not be looked at: the next head is the
first in line that fits in what is free together with what it might preempt. Lanes stand in order on *shelves*, one
for each priority, in blocks that know the least any of their lanes needs; most of them are passed over at a glance.

Whoever was passed over need not be looked at again before something leaves the queue: admissions leave less for
everybody, even for those who might preempt what was admitted.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from math import inf
from operator import le
from typing import TypeAlias

from skahasim.kueue.claim import Claim, Shape, Turn, scaled, with_pods
from skahasim.kueue.objects import PODS, FlavorResource, PreemptionPolicy
from skahasim.kueue.pending import Lane, Lanes
from skahasim.kueue.queue import LiveQueue

_BLOCK = 32
NEVER = 1 << 200  # more than there can ever be
Amounts: TypeAlias = Sequence[int]
"""By flavor and resource, in the order of :attr:`Sieve.keys`."""
_Entry: TypeAlias = tuple[Turn, Amounts, Lane]
"""Turn and need of a lane's first workload, and the lane."""
Place: TypeAlias = tuple[float, Turn]
"""Where a lane stands among all: (-priority, turn of its first workload)."""
_FRONT: Place = (-inf, (-inf, ""))


class _Block:
    """Lanes next to each other in line."""

    __slots__ = ("entries", "least", "left")

    def __init__(self, entries: list[_Entry]) -> None:
        self.entries = entries
        self.left = False
        self.least: Amounts = entries[0][1]
        if len(entries) > 1:
            self.measure()

    def measure(self) -> None:
        self.least = tuple(map(min, zip(*(entry[1] for entry in self.entries), strict=True)))
        """No lane needs less."""
        self.left = False
        """Lanes have left since ``least`` was worked out, so it may be too little."""


class Shelf:
    """The lanes of one priority, in order of their first workload."""

    def __init__(self) -> None:
        self._blocks: list[_Block] = []

    def __bool__(self) -> bool:
        return bool(self._blocks)

    def insert(self, turn: Turn, need: Amounts, lane: Lane) -> None:
        blocks = self._blocks
        if not blocks:
            blocks.append(_Block([(turn, need, lane)]))
            return
        index = self._find(turn)
        block = blocks[index]
        insort(block.entries, (turn, need, lane), key=_turn)
        block.least = tuple(map(min, block.least, need))
        if len(block.entries) > 2 * _BLOCK:
            blocks.insert(index + 1, _Block(block.entries[_BLOCK:]))
            del block.entries[_BLOCK:]
            block.measure()

    def remove(self, turn: Turn) -> None:
        index = self._find(turn)
        block = self._blocks[index]
        del block.entries[bisect_left(block.entries, turn, key=_turn)]
        block.left = True
        if not block.entries:
            del self._blocks[index]

    def first(self, room: Amounts, since: Turn | None) -> Lane | None:
        """The first lane, not before turn ``since``, that needs no more than ``room``."""
        for block in self._blocks:
            entries = block.entries
            if since is not None and entries[-1][0] < since:
                continue
            if not _within(block.least, room):
                continue
            scarce = room[0]
            for turn, need, lane in entries:
                if need[0] <= scarce and _within(need, room) and (since is None or turn >= since):
                    return lane
            if block.left:
                block.measure()
        return None

    def _find(self, turn: Turn) -> int:
        """The block in which ``turn`` is or belongs."""
        low, high = 0, len(self._blocks) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self._blocks[middle].entries[0][0] <= turn:
                low = middle
            else:
                high = middle - 1
        return low


def _within(need: Amounts, room: Amounts) -> bool:
    return all(map(le, need, room))


def _turn(entry: _Entry) -> Turn:
    return entry[0]


class Sieve(Lanes):
    """The line of one queue; as :class:`~skahasim.kueue.pending.Waiting`, but for those it passes over."""

    best_effort = True

    def __init__(self, queue: LiveQueue, mismatch: Callable[[Shape, int, str], str]) -> None:
        """``mismatch`` says why a pod set of a shape may not go to a flavor; empty when it may."""
        super().__init__()
        self._queue = queue
        self._mismatch = mismatch
        self._flavor_of = {resource: group.flavors[0].name for resource, group in queue.group_of.items()}
        self.keys: tuple[FlavorResource, ...] = tuple(
            (flavor, resource) for resource, flavor in self._flavor_of.items()
        )
        self._most = tuple(queue.potential(key) for key in self.keys)
        self._least: dict[Shape, tuple[int, ...]] = {}
        self._shelves: dict[int, Shelf] = {}
        self._priorities: list[int] = []
        """Highest first, of the shelves that are not empty."""
        self._passed: Place | None = None
        """All lanes before this place, but for those that came since, were passed over; ``None``: all there are."""
        self._fresh: dict[Lane, None] = {}
        """Lanes that came since to places that were passed."""
        self._generation = -1
        """Generation of the queue when these two began to be true."""
        self.newcomer: Claim | None = None
        """Who alone waits and was not looked at yet; it has no lane of its own."""
        self._lobby = Lane((Shape(()), 0))
        """Stands for the newcomer's lane."""
        self.untold: list[Claim] = []
        """Workloads that came since somebody was told why they wait."""

    @staticmethod
    def serves(queue: LiveQueue) -> bool:
        """Whether the queue is of the kind this is for, provided that it is alone."""
        groups = queue.spec.resource_groups
        return (
            queue.waiting.best_effort
            and bool(queue.group_of)
            and all(len(group.flavors) == 1 for group in groups)
        )

    def __len__(self) -> int:
        return sum(len(lane.members) for lane in self.lanes.values()) + (self.newcomer is not None)

    def __iter__(self) -> Iterator[Claim]:
        if self.newcomer is not None:
            yield self.newcomer
        for lane in self.lanes.values():
            yield from lane.members.values()

    def _needs(self, lane: Lane) -> Amounts:
        shape = lane.key[0]
        least = self._least.get(shape)
        if least is None:
            least = self._least[shape] = self._measure(shape)
        return least

    def _measure(self, shape: Shape) -> tuple[int, ...]:
        """The least that workloads of ``shape`` can do with."""
        least = dict.fromkeys(self.keys, 0)
        for index, podset in enumerate(shape.podsets):
            pods = podset.count if podset.min_count is None else podset.min_count
            requests = scaled(podset, pods)
            if PODS in self._flavor_of:
                requests = with_pods(requests, pods)
            for resource, amount in requests.items():
                flavor = self._flavor_of.get(resource)
                if flavor is None and not amount:
                    continue
                if flavor is None or self._mismatch(shape, index, flavor):
                    return (NEVER,) * len(self.keys)
                least[flavor, resource] += amount
        return tuple(least.values())

    # -- what is free ----------------------------------------------------------------------------------

    def _room(self) -> list[int]:
        """What is free. Nobody else uses what the queue may take, so it is what there is less what it uses."""
        usage = self._queue.node.usage
        return [most - usage.get(key, 0) for key, most in zip(self.keys, self._most)]  # noqa: B905 - equally long

    def _reach(self, room: list[int], priority: int) -> list[int]:
        """``room`` and what a workload of ``priority`` might preempt."""
        policy = self._queue.spec.preemption.within_cluster_queue
        if policy is PreemptionPolicy.NEVER:
            return room
        keys, reach = self.keys, room
        for level in self._queue.levels_for(priority, policy):
            usage = level.usage
            reach = [free + usage.get(key, 0) for key, free in zip(keys, reach)]  # noqa: B905 - equally long
        return reach

    # -- the line --------------------------------------------------------------------------------------

    def head(self) -> Claim | None:
        """The first that could go."""
        if self.newcomer is not None:
            self.seat()
        sticky = self.sticky
        if sticky is not None and sticky.lane is not None and not sticky.lane.parked:
            return sticky
        if self._generation != self._queue.generation:
            self._generation = self._queue.generation
            self._passed = _FRONT
            self._fresh.clear()
        if self._passed is None and not self._fresh:
            return None
        lane = self._first()
        return None if lane is None else lane.head()

    def _first(self) -> Lane | None:
        """The first lane whose first workload could go, of those not passed over."""
        room = self._room()
        for lane in sorted(self._fresh, key=_place) if len(self._fresh) > 1 else list(self._fresh):
            if _within(self._needs(lane), self._reach(room, lane.key[1])):
                return lane
            del self._fresh[lane]
        if self._passed is None:
            return None
        before, since = self._passed
        for priority in self._priorities:
            if -priority < before:
                continue
            turn = since if -priority == before else None
            found = self._shelves[priority].first(self._reach(room, priority), turn)
            if found is not None:
                assert found.listed is not None
                self._passed = (-priority, found.listed)
                return found
        self._passed = None
        return None

    def add(self, claim: Claim) -> None:
        if not self.lanes and self.newcomer is None:
            self.newcomer = claim
            claim.lane = self._lobby
            return
        if self.newcomer is not None:
            self.seat()
        key = (claim.shape, claim.priority)
        lane = self.lanes.get(key)
        if lane is None:
            lane = self.lanes[key] = Lane(key)
        turn = claim.turn
        lane.join(claim)
        self.untold.append(claim)
        if not lane.parked and (lane.listed is None or turn < lane.listed):
            self._list(lane, turn)

    def seat(self) -> None:
        """Give the newcomer, whom there must be, a lane like everybody else."""
        claim = self.newcomer
        assert claim is not None
        self.newcomer = None
        key = (claim.shape, claim.priority)
        lane = self.lanes[key] = Lane(key)
        lane.join(claim)
        self.untold.append(claim)
        self._list(lane, claim.turn)

    def remove(self, claim: Claim) -> None:
        if self.sticky is claim:
            self.sticky = None
        if self.newcomer is claim:
            self.newcomer = claim.lane = None
            return
        lane = claim.lane
        assert lane is not None
        lane.leave(claim)
        head = lane.head()
        if lane.listed is not None and (head is None or head.turn != lane.listed):
            self._list(lane, None if head is None else head.turn)
        if head is None and not lane.parked:
            del self.lanes[lane.key]

    def _list(self, lane: Lane, turn: Turn | None) -> None:
        """Put the lane on its shelf by ``turn``, or take it off."""
        priority = lane.key[1]
        shelf = self._shelves.get(priority)
        if shelf is None:
            shelf = self._shelves[priority] = Shelf()
        listed = bool(shelf)
        if lane.listed is not None:
            shelf.remove(lane.listed)
        lane.listed = turn
        if turn is None:
            self._fresh.pop(lane, None)
        else:
            shelf.insert(turn, self._needs(lane), lane)
            passed = self._passed
            if passed is None or (-priority, turn) < passed:
                self._fresh[lane] = None
            else:
                self._fresh.pop(lane, None)
        if listed != bool(shelf):
            if listed:
                self._priorities.remove(priority)
            else:
                insort(self._priorities, priority, key=lambda one: -one)


def _place(lane: Lane) -> Place:
    assert lane.listed is not None
    return -lane.key[1], lane.listed
