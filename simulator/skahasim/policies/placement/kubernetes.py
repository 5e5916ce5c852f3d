"""kube-scheduler's two scoring strategies of NodeResourcesFit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from skahasim.cluster import Nodes
from skahasim.resources import Resources

if TYPE_CHECKING:
    from skahasim.cluster import Node

_FEW = 8
"""So many nodes are looked at one by one."""


class Spread:
    """The node with the largest free share after placement, averaged over cores and memory: kube-scheduler's
    LeastAllocated score. Among equals the first."""

    def choose(self, request: Resources, nodes: Iterable[Node]) -> Node | None:
        if type(nodes) is Nodes and len(nodes) > _FEW:
            return nodes.by_room().choose(request)
        millicores, ram_mib, gpus = request
        best, best_score = None, -1.0
        for node in nodes:
            free_millicores, free_ram_mib, free_gpus = node.free
            if millicores > free_millicores or ram_mib > free_ram_mib or gpus > free_gpus:
                continue
            all_millicores, all_ram_mib, _ = node.capacity
            score = (free_millicores - millicores) / all_millicores + (free_ram_mib - ram_mib) / all_ram_mib
            if score > best_score:
                best, best_score = node, score
        return best


class MostAllocated:
    """The node with the smallest free share after placement, averaged over cores and memory: kube-scheduler's
    MostAllocated score. Among equals the first."""

    def choose(self, request: Resources, nodes: Iterable[Node]) -> Node | None:
        millicores, ram_mib, gpus = request
        best, best_score = None, 3.0
        for node in nodes:
            free_millicores, free_ram_mib, free_gpus = node.free
            if millicores > free_millicores or ram_mib > free_ram_mib or gpus > free_gpus:
                continue
            all_millicores, all_ram_mib, _ = node.capacity
            score = (free_millicores - millicores) / all_millicores + (free_ram_mib - ram_mib) / all_ram_mib
            if score < best_score:
                best, best_score = node, score
        return best
