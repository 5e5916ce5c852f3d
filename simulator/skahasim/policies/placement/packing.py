"""Packing by the dominant resource."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from skahasim.resources import Resources

if TYPE_CHECKING:
    from skahasim.cluster import Node


class DominantResource:
    """The node on which the largest free share of cores, memory and GPUs is smallest after placement: what is left
    of a node is then of little use in every resource, not plenty of one that cannot be used for want of another.
    Among equals the first. (Vector bin packing; dominant share as in Ghodsi et al., NSDI 2011.)"""

    def choose(self, request: Resources, nodes: Iterable[Node]) -> Node | None:
        millicores, ram_mib, gpus = request
        best, best_share = None, 2.0
        for node in nodes:
            free_millicores, free_ram_mib, free_gpus = node.free
            if millicores > free_millicores or ram_mib > free_ram_mib or gpus > free_gpus:
                continue
            all_millicores, all_ram_mib, all_gpus = node.capacity
            share = (free_millicores - millicores) / all_millicores
            if (ram_share := (free_ram_mib - ram_mib) / all_ram_mib) > share:
                share = ram_share
            if all_gpus and (gpu_share := (free_gpus - gpus) / all_gpus) > share:
                share = gpu_share
            if share < best_share:
                best, best_share = node, share
        return best
