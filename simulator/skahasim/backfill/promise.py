"""The promise EASY makes to the first in turn: when and where it will fit at the latest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import TYPE_CHECKING, TypeAlias

from skahasim.resources import NOTHING, Resources

if TYPE_CHECKING:
    from skahasim.cluster import Node
    from skahasim.job import Job

End: TypeAlias = "tuple[float, int, int, Job]"
"""Planned end of a running job, in model time; its number, its millicores, the job."""


class Promise:
    """The earliest time at which a request fits on some node, if all that runs ends as planned.

    It remembers for each node when the request would fit there, and looks again at nodes that changed.
    """

    __slots__ = ("_ends", "_nodes", "_request", "_times", "left", "node", "time")

    def __init__(self, nodes: Sequence[Node], ends: Sequence[list[End]]) -> None:
        self._nodes = nodes
        self._ends = ends
        self._times = [inf] * len(nodes)
        self._request: Resources | None = None
        self.node: Node | None = None
        """Where; ``None`` when nothing can be promised. Among equals the first of the cluster."""
        self.time = inf
        self.left = NOTHING
        """What the request leaves over there at that time."""

    def make(self, request: Resources, changed: Iterable[int]) -> None:
        """Promise anew, to ``request``; ``changed`` are the indices of nodes that are not as they were."""
        times = self._times
        if request != self._request:
            self._request = request
            changed = range(len(times))
        for index in changed:
            times[index] = self._fits_at(index, request)
        self.time = min(times)
        self.node = None
        if self.time < inf:
            index = times.index(self.time)
            self.node = self._nodes[index]
            free = self.node.free.minus(request)
            for end, _, _, job in self._ends[index]:
                if end > self.time:
                    break
                free = free.plus(job.request)
            self.left = free

    def take(self, request: Resources) -> None:
        """A job that is planned to be there still takes its request of what is left over."""
        self.left = self.left.minus(request)

    def _fits_at(self, index: int, request: Resources) -> float:
        node = self._nodes[index]
        if not node.is_open:
            return inf
        millicores, ram_mib, gpus = request
        free_millicores, free_ram_mib, free_gpus = node.free
        for end, _, size, job in self._ends[index]:
            _, more_ram_mib, more_gpus = job.request
            free_millicores += size
            free_ram_mib += more_ram_mib
            free_gpus += more_gpus
            if millicores <= free_millicores and ram_mib <= free_ram_mib and gpus <= free_gpus:
                return end
        return inf
