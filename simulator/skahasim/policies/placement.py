"""Placements: which node a job goes to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from skahasim.resources import Resources

if TYPE_CHECKING:
    from skahasim.cluster import Node


class FirstFit:
    """The first node, in the cluster's order, that fits."""

    def choose(self, request: Resources, nodes: Iterable[Node]) -> Node | None:
        return next((node for node in nodes if request.fits(node.free)), None)


class Spread:
    """The node with the largest free share after placement, averaged over cores and memory: kube-scheduler's
    LeastAllocated score. Among equals the first."""

    def choose(self, request: Resources, nodes: Iterable[Node]) -> Node | None:
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
