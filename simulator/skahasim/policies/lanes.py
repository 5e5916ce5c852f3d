"""Waiting jobs that are alike but for their turn, and the index of those for whom no node is free."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Hashable, Iterable, Iterator
from heapq import heapify, heappop, heappush
from math import inf
from typing import TYPE_CHECKING, TypeAlias

from skahasim.policies.protocol import Verdict
from skahasim.resources import Resources

if TYPE_CHECKING:
    from skahasim.cluster import Node
    from skahasim.job import Job

Turn: TypeAlias = tuple[float, int]
Entry: TypeAlias = "tuple[Turn, Lane]"
FIRST: Turn = (-inf, -1)
"""Before every turn."""
_LONGEST_BLOCK = 64


class Lane:
    """Waiting jobs with the same request that admission treats alike, in order."""

    __slots__ = ("blocked", "held", "indexed", "jobs", "key", "request", "suspended", "turns", "unheard")

    def __init__(self, key: Hashable, request: Resources) -> None:
        self.key = key
        self.request = request
        self.jobs: dict[int, Job] = {}
        self.turns: list[Turn] = []
        self.blocked = False
        self.indexed: Turn | None = None
        """Its place among the full lanes; ``None`` when it is not there."""
        self.held = False
        """Blocked by admission rather than by the nodes."""
        self.unheard: dict[int, Job] = {}
        """Jobs not yet told why they wait."""
        self.suspended: dict[int, Job] = {}
        """Jobs told only that admission holds them."""

    def add(self, turn: Turn, job: Job) -> None:
        self.jobs[job.number] = job
        heappush(self.turns, turn)

    def remove(self, job: Job) -> None:
        del self.jobs[job.number]
        self.unheard.pop(job.number, None)
        self.suspended.pop(job.number, None)
        if len(self.turns) > 64 + 2 * len(self.jobs):
            self.turns = [turn for turn in self.turns if turn[1] in self.jobs]
            heapify(self.turns)

    def head(self) -> tuple[Turn, Job] | None:
        while self.turns:
            turn = self.turns[0]
            job = self.jobs.get(turn[1])
            if job is not None:
                return turn, job
            heappop(self.turns)
        return None

    def tell(self, reason: str, verdicts: list[Verdict]) -> None:
        """Say why of every job not yet told, or told only of an admission that holds it no more."""
        if not self.held:
            verdicts.extend(Verdict(job, None, reason, False) for job in self.suspended.values())
            self.suspended = {}
        verdicts.extend(Verdict(job, None, reason, self.held) for job in self.unheard.values())
        if self.held:
            self.suspended.update(self.unheard)
        self.unheard = {}


class _Block:
    """Neighbours in the order of turns. The minima are lower bounds: what leaves does not raise them."""

    __slots__ = ("entries", "least_millicores", "least_ram_mib")

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self.least_millicores = self.least_ram_mib = 0
        self.tighten()

    def tighten(self) -> None:
        """Make the minima exact."""
        self.least_millicores = min(entry[1].request[0] for entry in self.entries)
        self.least_ram_mib = min(entry[1].request[1] for entry in self.entries)


class FullLanes:
    """Lanes whose jobs fit no node, in the order of the first's turn.

    They stand in blocks that know their smallest request, so that a search among very many lanes for one that fits
    what little came free passes over most without looking at them.
    """

    def __init__(self) -> None:
        self._blocks: list[_Block] = []

    def add(self, lane: Lane) -> None:
        """``lane``, not empty, is full from now on."""
        head = lane.head()
        if head is None:
            raise ValueError("an empty lane is never full")
        turn = lane.indexed = head[0]
        if not self._blocks:
            self._blocks.append(_Block([(turn, lane)]))
            return
        where = self._where(turn)
        block = self._blocks[where]
        insort(block.entries, (turn, lane))
        millicores, ram_mib, _ = lane.request
        block.least_millicores = min(block.least_millicores, millicores)
        block.least_ram_mib = min(block.least_ram_mib, ram_mib)
        if len(block.entries) > _LONGEST_BLOCK:
            half = len(block.entries) // 2
            self._blocks[where : where + 1] = [_Block(block.entries[:half]), _Block(block.entries[half:])]

    def discard(self, lane: Lane) -> None:
        """``lane`` is not full any more. Harmless when it was not."""
        turn = lane.indexed
        if turn is None:
            return
        lane.indexed = None
        where = self._where(turn)
        entries = self._blocks[where].entries
        del entries[bisect_left(entries, turn, key=_turn)]
        if not entries:
            del self._blocks[where]

    def refresh(self, lane: Lane) -> None:
        """``lane`` may have another first job than before."""
        head = lane.head()
        if lane.indexed is not None and head is not None and head[0] != lane.indexed:
            self.discard(lane)
            self.add(lane)

    def first(self, nodes: Iterable[Node], after: Turn) -> Lane | None:
        """The first lane with a turn later than ``after`` whose request fits one of ``nodes``."""
        frees = [node.free for node in nodes]
        if not frees:
            return None
        most_millicores = max([free[0] for free in frees])
        most_ram_mib = max([free[1] for free in frees])
        blocks = self._blocks
        for where in range(self._where(after), len(blocks)):
            block = blocks[where]
            if block.least_millicores > most_millicores or block.least_ram_mib > most_ram_mib:
                continue
            for turn, lane in block.entries:
                millicores, ram_mib, _ = request = lane.request
                if (
                    millicores <= most_millicores
                    and ram_mib <= most_ram_mib
                    and turn > after
                    and any(request.fits(free) for free in frees)
                ):
                    return lane
            block.tighten()
        return None

    def fitting(self, nodes: Iterable[Node]) -> list[Lane]:
        """All lanes whose request fits one of ``nodes``, in order."""
        frees = [node.free for node in nodes]
        if not frees:
            return []
        most_millicores = max([free[0] for free in frees])
        most_ram_mib = max([free[1] for free in frees])
        return [
            lane
            for block in self._blocks
            if block.least_millicores <= most_millicores and block.least_ram_mib <= most_ram_mib
            for _, lane in block.entries
            if lane.request[0] <= most_millicores and any(lane.request.fits(free) for free in frees)
        ]

    def __iter__(self) -> Iterator[Lane]:
        for block in self._blocks:
            for _, lane in block.entries:
                yield lane

    def _where(self, turn: Turn) -> int:
        """The block to which ``turn`` belongs."""
        return max(0, bisect_right(self._blocks, turn, key=_first_turn) - 1)


def _turn(entry: Entry) -> Turn:
    return entry[0]


def _first_turn(block: _Block) -> Turn:
    return block.entries[0][0]
