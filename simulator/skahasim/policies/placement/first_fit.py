"""First fit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from skahasim.resources import Resources

if TYPE_CHECKING:
    from skahasim.cluster import Node


class FirstFit:
    """The first node, in the cluster's order, that fits."""

    def choose(self, request: Resources, nodes: Iterable[Node]) -> Node | None:
        millicores, ram_mib, gpus = request
        for node in nodes:
            free_millicores, free_ram_mib, free_gpus = node.free
            if millicores <= free_millicores and ram_mib <= free_ram_mib and gpus <= free_gpus:
                return node
        return None
