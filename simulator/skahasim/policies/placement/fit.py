"""Best fit and worst fit: by what is left, in whole units."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from skahasim.resources import Resources

if TYPE_CHECKING:
    from skahasim.cluster import Node


class BestFit:
    """The node with the fewest free cores; among equals the least free memory, then the first. Leaves large gaps
    whole, so large jobs find a place."""

    def choose(self, request: Resources, nodes: Iterable[Node]) -> Node | None:
        millicores, ram_mib, gpus = request
        best: Node | None = None
        least_millicores = least_ram_mib = 0
        for node in nodes:
            free_millicores, free_ram_mib, free_gpus = node.free
            if (
                millicores <= free_millicores
                and ram_mib <= free_ram_mib
                and gpus <= free_gpus
                and (
                    best is None
                    or free_millicores < least_millicores
                    or (free_millicores == least_millicores and free_ram_mib < least_ram_mib)
                )
            ):
                best, least_millicores, least_ram_mib = node, free_millicores, free_ram_mib
        return best


class WorstFit:
    """The node with the most free cores; among equals the most free memory, then the first."""

    def choose(self, request: Resources, nodes: Iterable[Node]) -> Node | None:
        millicores, ram_mib, gpus = request
        best: Node | None = None
        most_millicores = most_ram_mib = -1
        for node in nodes:
            free_millicores, free_ram_mib, free_gpus = node.free
            if (
                free_millicores >= most_millicores
                and millicores <= free_millicores
                and ram_mib <= free_ram_mib
                and gpus <= free_gpus
                and (free_millicores > most_millicores or free_ram_mib > most_ram_mib)
            ):
                best, most_millicores, most_ram_mib = node, free_millicores, free_ram_mib
        return best
