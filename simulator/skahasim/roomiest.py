"""The nodes of a cluster by how much of each is free, so that the roomiest is found without looking at all."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skahasim.cluster import Node
    from skahasim.resources import Resources

_ROUNDING = 1e-9
"""More than what adding shares in another order can change."""


class Roomiest:
    """Nodes by their free shares of cores and memory, added up; one line for each capacity, the roomiest first."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.moved: dict[Node, None] = {}
        """Nodes on which something came or went since the last look."""
        lines: dict[tuple[int, int], list[tuple[float, int, Node]]] = {}
        self._line_of: list[list[tuple[float, int, Node]]] = []
        self._used: list[float] = []
        """By index of the node, the key under which it stands in its line: the smaller, the roomier."""
        for node in nodes:
            line = lines.setdefault(node.capacity[:2], [])
            self._line_of.append(line)
            self._used.append(0.0)
            insort(line, (0.0, node.index, node))
            self.moved[node] = None
        self._lines = list(lines.values())

    def choose(self, request: Resources) -> Node | None:
        """The node with the largest free share once ``request`` is on it, averaged over cores and memory; among
        equals the first."""
        if self.moved:
            self._line_up()
        millicores, ram_mib, gpus = request
        best: Node | None = None
        best_score = -1.0
        for line in self._lines:
            worst = 3.0
            for used, index, node in line:
                if used > worst:
                    break
                free_millicores, free_ram_mib, free_gpus = node.free
                if millicores > free_millicores or ram_mib > free_ram_mib or gpus > free_gpus:
                    continue
                if worst == 3.0:
                    worst = used + _ROUNDING  # in this line nobody further back can be roomier
                all_millicores, all_ram_mib, _ = node.capacity
                score = (free_millicores - millicores) / all_millicores + (
                    free_ram_mib - ram_mib
                ) / all_ram_mib
                if score > best_score or (score == best_score and best is not None and index < best.index):
                    best, best_score = node, score
        return best

    def _line_up(self) -> None:
        keys = self._used
        for node in self.moved:
            index = node.index
            free_millicores, free_ram_mib, _ = node.free
            all_millicores, all_ram_mib, _ = node.capacity
            new = -(free_millicores / (all_millicores or 1) + free_ram_mib / (all_ram_mib or 1))
            old = keys[index]
            if old != new:
                line = self._line_of[index]
                del line[bisect_left(line, (old, index))]
                insort(line, (new, index, node))
                keys[index] = new
        self.moved.clear()
