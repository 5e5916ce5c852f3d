"""Nodes, what runs on them and what is left of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from skahasim.resources import NOTHING, Resources
from skahasim.roomiest import Roomiest

if TYPE_CHECKING:
    from skahasim.job import Job

_IMAGES_PER_NODE = 512
_new = tuple.__new__
"""Makes a named tuple without the call in between."""
_SHORT_OF = ("Insufficient cpu", "Insufficient memory", "Insufficient nvidia.com/gpu")
UNSCHEDULABLE = "node(s) were unschedulable"
UNREACHABLE = "node(s) had untolerated taint {node.kubernetes.io/unreachable: }"
_CLOSED = Resources(-1, -1, -1)
"""Free on a node that takes nothing: even a job that asks for nothing does not fit."""


class Node:
    """One machine: its capacity, what is free of it, and the images it holds."""

    __slots__ = (
        "capacity", "closures", "flexible_millicores", "free", "images", "index", "jobs", "name", "set_aside",
    )  # fmt: skip

    def __init__(self, index: int, name: str, capacity: Resources) -> None:
        self.index = index
        self.name = name
        self.capacity = capacity
        self.free = capacity
        """What a job may still take; less than nothing of everything while the node is closed."""
        self.set_aside: Resources | None = None
        """What is free while the node is closed; ``None`` while it is open."""
        self.closures: dict[str, int] = {}
        """Why it is closed, in kube-scheduler's words, and how often for that reason."""
        self.jobs: dict[Job, None] = {}
        """Those bound here, in the order in which they came."""
        self.flexible_millicores = 0
        """Requests of the jobs here that may burst, the weights by which they share idle cores."""
        self.images: dict[str, float] = {}
        """Image -> model time from which it is on the node, most recently used last."""

    def __repr__(self) -> str:
        return f"Node({self.name}, free={self.free})"

    @property
    def is_open(self) -> bool:
        """Whether it takes jobs: neither cordoned nor down."""
        return self.set_aside is None

    @property
    def idle(self) -> Resources:
        """What nobody asked for, whether the node is open or closed."""
        return self.free if self.set_aside is None else self.set_aside

    def use_image(self, image: str, available: float) -> None:
        """Note that ``image`` is (or will be) here from ``available`` on; the least used is forgotten."""
        self.images.pop(image, None)
        self.images[image] = available
        if len(self.images) > _IMAGES_PER_NODE:
            del self.images[next(iter(self.images))]


class Nodes(list[Node]):
    """The nodes of one cluster, in its order."""

    __slots__ = ("roomiest",)

    def __init__(self, nodes: Iterable[Node]) -> None:
        super().__init__(nodes)
        self.roomiest: Roomiest | None = None
        """Nodes by what is free on them; ``None`` while no placement has asked for it."""

    def by_room(self) -> Roomiest:
        """The nodes by what is free on them, kept up to date from the first time on."""
        if self.roomiest is None:
            self.roomiest = Roomiest(self)
        return self.roomiest


class Cluster:
    """All nodes. ``bind``, ``unbind``, ``add``, ``close`` and ``reopen`` are the only ways to change what is free."""

    __slots__ = ("_by_name", "_explained", "allocated", "capacity", "name", "nodes", "open_capacity")

    def __init__(self, name: str, nodes: Iterable[tuple[str, Resources]]) -> None:
        self.name = name
        self.nodes = Nodes(Node(index, label, capacity) for index, (label, capacity) in enumerate(nodes))
        total = NOTHING
        for node in self.nodes:
            total = total.plus(node.capacity)
        self.capacity = total
        """Of all nodes, open or closed."""
        self.open_capacity = total
        """Of the nodes that are open."""
        self._by_name = {node.name: node for node in self.nodes}
        self.allocated = NOTHING
        self._explained: dict[Resources, str] = {}
        """What :meth:`explain` said since anything last changed on a node."""

    def bind(self, job: Job, node: Node) -> None:
        """Give ``job`` its request on ``node``. Raises ``ValueError`` when it does not fit."""
        request = job.request
        millicores, ram_mib, gpus = request
        free_millicores, free_ram_mib, free_gpus = node.free
        if millicores > free_millicores or ram_mib > free_ram_mib or gpus > free_gpus:
            raise ValueError(f"{job.name} does not fit on {node}")
        node.free = _new(Resources, (free_millicores - millicores, free_ram_mib - ram_mib, free_gpus - gpus))
        node.jobs[job] = None
        most = job.limit[0]
        if not most or most > millicores:  # as Job.may_burst says
            node.flexible_millicores += millicores
        cores, memory, devices = self.allocated
        self.allocated = _new(Resources, (cores + millicores, memory + ram_mib, devices + gpus))
        job.node = node
        self._moved(node)

    def unbind(self, job: Job) -> Node:
        """Take back what ``job`` holds and say where."""
        node = job.node
        if node is None:
            raise ValueError(f"{job.name} is on no node")
        request = job.request
        millicores, ram_mib, gpus = request
        if node.set_aside is None:
            cores, memory, devices = node.free
            node.free = _new(Resources, (cores + millicores, memory + ram_mib, devices + gpus))
        else:
            node.set_aside = node.set_aside.plus(request)
        del node.jobs[job]
        most = job.limit[0]
        if not most or most > millicores:
            node.flexible_millicores -= millicores
        cores, memory, devices = self.allocated
        self.allocated = _new(Resources, (cores - millicores, memory - ram_mib, devices - gpus))
        job.node = None
        self._moved(node)
        return node

    def _moved(self, node: Node) -> None:
        """What is free on ``node`` is not what it was."""
        if self._explained:
            self._explained.clear()
        roomiest = self.nodes.roomiest
        if roomiest is not None:
            roomiest.moved[node] = None

    def node(self, name: str) -> Node:
        """The node called ``name``. Raises ``KeyError`` when there is none."""
        return self._by_name[name]

    def add(self, name: str, capacity: Resources) -> Node:
        """A further node. Raises ``ValueError`` when there is one of that name."""
        if name in self._by_name:
            raise ValueError(f"there is a node {name} already")
        node = self._by_name[name] = Node(len(self.nodes), name, capacity)
        self.nodes.append(node)
        self.nodes.roomiest = None  # made anew by whoever asks for it next
        self.capacity = self.capacity.plus(capacity)
        self.open_capacity = self.open_capacity.plus(capacity)
        self._explained.clear()
        return node

    def close(self, node: Node, why: str = UNSCHEDULABLE) -> None:
        """From now on ``node`` takes no job; what it runs goes on. ``why`` is what :meth:`explain` says of it.

        Closed twice, it must be reopened twice.
        """
        node.closures[why] = node.closures.get(why, 0) + 1
        if node.set_aside is None:
            node.set_aside, node.free = node.free, _CLOSED
            self.open_capacity = self.open_capacity.minus(node.capacity)
        self._moved(node)

    def reopen(self, node: Node, why: str = UNSCHEDULABLE) -> bool:
        """Take back one :meth:`close` of ``node`` for ``why``; whether it takes jobs again.

        Raises ``ValueError`` when it is not closed for that.
        """
        if why not in node.closures:
            raise ValueError(f"{node.name} is not closed because {why}")
        node.closures[why] -= 1
        if not node.closures[why]:
            del node.closures[why]
        if node.closures or node.set_aside is None:
            self._moved(node)
            return False
        node.free, node.set_aside = node.set_aside, None
        self._moved(node)
        self.open_capacity = self.open_capacity.plus(node.capacity)
        return True

    def explain(self, request: Resources) -> str:
        """Why no node takes ``request`` now, in kube-scheduler's words (skaha-contract §5.1)."""
        if request not in self._explained:
            self._explained[request] = self._explain(request)
        return self._explained[request]

    def _explain(self, request: Resources) -> str:
        total = len(self.nodes)
        millicores, ram_mib, wanted_gpus = request
        cores = memory = gpus = 0
        """On so many nodes there is too little of it."""
        closed: dict[str, int] = {}
        for node in self.nodes:
            if node.set_aside is not None:
                # A node is filtered out by the first plugin that objects: unschedulable before taints.
                why = UNSCHEDULABLE if UNSCHEDULABLE in node.closures else next(iter(node.closures))
                closed[why] = closed.get(why, 0) + 1
                continue
            free = node.free
            cores += millicores > free[0]
            memory += ram_mib > free[1]
            gpus += wanted_gpus > free[2]
        short = (cores, memory, gpus)
        counts = [(count, reason) for count, reason in zip(short, _SHORT_OF, strict=True) if count]
        counts.extend((count, why) for why, count in closed.items())
        without = sum(closed.values())
        victims = [
            (without, "Preemption is not helpful for scheduling"),
            (total - without, "No preemption victims found for incoming pod"),
        ]
        return (
            f"0/{total} nodes are available: {_sorted(counts)}. preemption: 0/{total} nodes are available: "
            f"{_sorted([item for item in victims if item[0]])}."
        )


def _sorted(counts: list[tuple[int, str]]) -> str:
    # kube-scheduler sorts these as text, so "10 Insufficient memory" comes before "9 Insufficient cpu".
    return ", ".join(sorted(f"{count} {reason}" for count, reason in counts))
