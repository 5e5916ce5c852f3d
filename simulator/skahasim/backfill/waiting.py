"""Waiting jobs in the order of their turn, in blocks that know their smallest job.

A search for the first job that fits passes over a block without looking into it when not even the smallest size
and the shortest estimate of the block would do; so a pass over a long queue on full nodes is cheap.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from math import inf
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from skahasim.job import Job

Entry: TypeAlias = "tuple[Any, int, int, float, Job]"
"""Key of the order, number of the job, millicores, estimate in seconds, job. Key and number are the turn."""

_LONGEST_BLOCK = 96


class Block:
    """Some neighbours. The minima are lower bounds: what leaves does not raise them until ``tighten``."""

    __slots__ = ("entries", "shortest", "smallest")

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self.smallest: float = inf
        """Millicores."""
        self.shortest = inf
        """Estimate, seconds."""
        self.tighten()

    def tighten(self) -> None:
        """Make the minima exact."""
        entries = self.entries
        self.smallest = min([entry[2] for entry in entries], default=inf)
        self.shortest = min([entry[3] for entry in entries], default=inf)


class Waiting:
    """Entries by turn. Not to be changed while it is iterated."""

    __slots__ = ("_count", "blocks")

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        ordered = sorted(entries)
        self._count = len(ordered)
        half = _LONGEST_BLOCK // 2
        self.blocks = [Block(ordered[start : start + half]) for start in range(0, self._count, half)]

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Entry]:
        for block in self.blocks:
            yield from block.entries

    @property
    def first(self) -> Entry:
        """Whose turn it is. There must be one."""
        return self.blocks[0].entries[0]

    def add(self, entry: Entry) -> None:
        self._count += 1
        blocks = self.blocks
        if not blocks:
            blocks.append(Block([entry]))
            return
        block = blocks[-1]
        if entry > block.entries[-1]:
            block.entries.append(entry)
            where = len(blocks) - 1
        else:
            where = self._where(entry)
            block = blocks[where]
            insort(block.entries, entry)
        if entry[2] < block.smallest:
            block.smallest = entry[2]
        if entry[3] < block.shortest:
            block.shortest = entry[3]
        if len(block.entries) > _LONGEST_BLOCK:
            half = len(block.entries) // 2
            blocks[where : where + 1] = [Block(block.entries[:half]), Block(block.entries[half:])]

    def remove(self, entry: Entry) -> None:
        """``entry`` must be there."""
        self._count -= 1
        where = self._where(entry)
        entries = self.blocks[where].entries
        del entries[bisect_left(entries, entry)]
        if not entries:
            del self.blocks[where]

    def _where(self, entry: Entry) -> int:
        blocks = self.blocks
        if len(blocks) == 1:
            return 0
        return max(0, bisect_right(blocks, entry, key=_start) - 1)


def _start(block: Block) -> Entry:
    return block.entries[0]
