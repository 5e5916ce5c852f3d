"""The workloads of one ClusterQueue that wait for quota.

They are kept in *lanes*, one for each shape and priority. In a BestEffortFIFO queue a lane is parked when its first
workload cannot be admitted - its equals could not either - until something is freed; so what it costs to free
something depends on how many kinds of workload wait, not on how many workloads.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from heapq import heappop, heappush
from typing import TypeAlias

from skahasim.kueue.claim import Claim, Shape, Turn
from skahasim.kueue.objects import QueueingStrategy

LaneKey: TypeAlias = tuple[Shape, int]


class Lane:
    """Waiting workloads of one shape and priority, in order."""

    __slots__ = ("key", "listed", "members", "parked", "reason", "turns", "untold")

    def __init__(self, key: LaneKey) -> None:
        self.key = key
        self.members: dict[Turn, Claim] = {}
        self.turns: list[Turn] = []
        self.parked = False
        self.listed: Turn | None = None
        """The turn its entry in the queue's line has; ``None`` when it has none."""
        self.reason = ""
        self.untold: list[Claim] = []
        """Those not told why they wait."""

    def __lt__(self, other: Lane) -> bool:
        """Two entries of one turn: at least one is out of date, so their order does not matter."""
        return False

    def join(self, claim: Claim) -> None:
        """``claim`` waits here from now on. Raises ``ValueError`` when one of the same turn does."""
        turn = claim.turn
        if turn in self.members:
            raise ValueError(f"two workloads of the same creation time and uid {turn} wait")
        claim.lane = self
        self.members[turn] = claim
        heappush(self.turns, turn)

    def leave(self, claim: Claim) -> None:
        del self.members[claim.turn]
        claim.lane = None
        if not self.members:
            self.turns.clear()
            self.untold.clear()
        elif len(self.turns) > 64 + 2 * len(self.members):
            self.turns = sorted(self.members)

    def head(self) -> Claim | None:
        turns, members = self.turns, self.members
        while turns:
            claim = members.get(turns[0])
            if claim is not None:
                return claim
            heappop(turns)
        return None


class Lanes(ABC):
    """The lanes of one queue, those among them that are parked, and whoever must be first."""

    __slots__ = ("lanes", "parked", "sticky")

    def __init__(self) -> None:
        self.lanes: dict[LaneKey, Lane] = {}
        self.parked: list[Lane] = []
        """Lanes that were tried in vain since something was freed."""
        self.sticky: Claim | None = None
        """A workload that made others stop: it is first whenever it is in line (in a BestEffortFIFO queue), until
        it is admitted or gone, or another takes its place."""

    @abstractmethod
    def _list(self, lane: Lane, turn: Turn | None) -> None:
        """Put ``lane`` in line by ``turn``, or take it out."""

    def park(self, claim: Claim) -> None:
        """Set aside ``claim`` and its equals until :meth:`unpark`."""
        lane = claim.lane
        assert lane is not None
        lane.parked = True
        self._list(lane, None)
        self.parked.append(lane)

    def unpark(self) -> bool:
        """Put everybody back in line; whether somebody was set aside."""
        if not self.parked:
            return False
        for lane in self.parked:
            lane.parked = False
            head = lane.head()
            if head is None:
                self.lanes.pop(lane.key, None)
            else:
                self._list(lane, head.turn)
        self.parked.clear()
        return True


class Waiting(Lanes):
    """The line of one ClusterQueue: priority first, then creation time, then uid."""

    __slots__ = ("_line", "best_effort", "untold")

    def __init__(self, strategy: QueueingStrategy) -> None:
        super().__init__()
        self.best_effort = strategy is QueueingStrategy.BEST_EFFORT_FIFO
        self._line: list[tuple[int, float, str | int, Lane]] = []
        """Heap of (-priority, turn, lane) of the lanes that are not parked, with entries that are out of date."""
        self.untold: list[Lane] = []
        """Parked lanes that were joined by workloads nobody told."""

    def __len__(self) -> int:
        return sum(len(lane.members) for lane in self.lanes.values())

    def __iter__(self) -> Iterator[Claim]:
        for lane in self.lanes.values():
            yield from lane.members.values()

    def add(self, claim: Claim) -> None:
        key = (claim.shape, claim.priority)
        lane = self.lanes.get(key)
        if lane is None:
            lane = self.lanes[key] = Lane(key)
        turn = claim.turn
        lane.join(claim)
        if lane.parked and not lane.untold:
            self.untold.append(lane)
        lane.untold.append(claim)
        if not lane.parked and (lane.listed is None or turn < lane.listed):
            self._list(lane, turn)

    def _list(self, lane: Lane, turn: Turn | None) -> None:
        lane.listed = turn
        if turn is not None:
            heappush(self._line, (-lane.key[1], turn[0], turn[1], lane))

    def remove(self, claim: Claim) -> None:
        """``claim`` waits no more."""
        lane = claim.lane
        assert lane is not None
        lane.leave(claim)
        if self.sticky is claim:
            self.sticky = None
        if not lane.members and not lane.parked:
            del self.lanes[lane.key]

    def head(self) -> Claim | None:
        """Who is first in line."""
        sticky = self.sticky
        if sticky is not None and sticky.lane is not None and not sticky.lane.parked:
            return sticky
        line = self._line
        while line:
            entry = line[0]
            lane = entry[3]
            turn = entry[1:3]
            if lane.listed == turn and not lane.parked:
                head = lane.head()
                if head is not None and head.turn == turn:
                    return head
                heappop(line)
                lane.listed = None
                if head is not None:
                    self._list(lane, head.turn)
            else:
                heappop(line)
        return None
