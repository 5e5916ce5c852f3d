"""Keeping GPU nodes for those who need them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from skahasim.policies.protocol import Placement
from skahasim.resources import Resources

if TYPE_CHECKING:
    from skahasim.cluster import Node


class AvoidGpuNodes:
    """As ``placement`` says, but a job that needs no GPU takes a node with GPUs only when no other fits."""

    def __init__(self, placement: Placement) -> None:
        self._placement = placement

    def choose(self, request: Resources, nodes: Iterable[Node]) -> Node | None:
        if request.gpus:
            return self._placement.choose(request, nodes)
        every = list(nodes)
        chosen = self._placement.choose(request, [node for node in every if not node.capacity[2]])
        return chosen or self._placement.choose(request, [node for node in every if node.capacity[2]])
