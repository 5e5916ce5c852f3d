"""Nodes, what runs on them and what is left of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from skahasim.resources import NOTHING, Resources

if TYPE_CHECKING:
    from skahasim.job import Job

_IMAGES_PER_NODE = 512
_SHORT_OF = ("Insufficient cpu", "Insufficient memory", "Insufficient nvidia.com/gpu")


class Node:
    """One machine: its capacity, what is free of it, and the images it holds."""

    __slots__ = ("capacity", "flexible_millicores", "free", "images", "index", "jobs", "name")

    def __init__(self, index: int, name: str, capacity: Resources) -> None:
        self.index = index
        self.name = name
        self.capacity = capacity
        self.free = capacity
        self.jobs = 0
        self.flexible_millicores = 0
        """Requests of the jobs here that may burst, the weights by which they share idle cores."""
        self.images: dict[str, float] = {}
        """Image -> model time from which it is on the node, most recently used last."""

    def __repr__(self) -> str:
        return f"Node({self.name}, free={self.free})"

    def use_image(self, image: str, available: float) -> None:
        """Note that ``image`` is (or will be) here from ``available`` on; the least used is forgotten."""
        self.images.pop(image, None)
        self.images[image] = available
        if len(self.images) > _IMAGES_PER_NODE:
            del self.images[next(iter(self.images))]


class Cluster:
    """All nodes. ``bind`` and ``unbind`` are the only ways to change what is free."""

    __slots__ = ("_explained", "allocated", "capacity", "name", "nodes")

    def __init__(self, name: str, nodes: Iterable[tuple[str, Resources]]) -> None:
        self.name = name
        self.nodes = [Node(index, label, capacity) for index, (label, capacity) in enumerate(nodes)]
        total = NOTHING
        for node in self.nodes:
            total = total.plus(node.capacity)
        self.capacity = total
        self.allocated = NOTHING
        self._explained: dict[Resources, str] = {}
        """What :meth:`explain` said since anything last changed on a node."""

    def bind(self, job: Job, node: Node) -> None:
        """Give ``job`` its request on ``node``. Raises ``ValueError`` when it does not fit."""
        if not job.request.fits(node.free):
            raise ValueError(f"{job.name} does not fit on {node}")
        self._explained.clear()
        node.free = node.free.minus(job.request)
        node.jobs += 1
        if job.may_burst:
            node.flexible_millicores += job.request.millicores
        self.allocated = self.allocated.plus(job.request)
        job.node = node

    def unbind(self, job: Job) -> Node:
        """Take back what ``job`` holds and say where."""
        node = job.node
        if node is None:
            raise ValueError(f"{job.name} is on no node")
        self._explained.clear()
        node.free = node.free.plus(job.request)
        node.jobs -= 1
        if job.may_burst:
            node.flexible_millicores -= job.request.millicores
        self.allocated = self.allocated.minus(job.request)
        job.node = None
        return node

    def explain(self, request: Resources) -> str:
        """Why no node takes ``request`` now, in kube-scheduler's words (skaha-contract §5.1)."""
        if request not in self._explained:
            self._explained[request] = self._explain(request)
        return self._explained[request]

    def _explain(self, request: Resources) -> str:
        total = len(self.nodes)
        short = [0] * len(_SHORT_OF)
        for node in self.nodes:
            for index, (wanted, free) in enumerate(zip(request, node.free, strict=True)):
                if wanted > free:
                    short[index] += 1
        # kube-scheduler sorts these as text, so "10 Insufficient memory" comes before "9 Insufficient cpu".
        reasons = ", ".join(
            sorted(f"{count} {reason}" for count, reason in zip(short, _SHORT_OF, strict=True) if count)
        )
        return (
            f"0/{total} nodes are available: {reasons}. preemption: 0/{total} nodes are available: "
            f"{total} No preemption victims found for incoming pod."
        )
