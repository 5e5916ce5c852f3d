"""The tree of quotas: what is there, what is used, and what a queue may still take.

A node (ClusterQueue or cohort) owns quotas. What its children leave unused, up to their lending limits, belongs to
it as well (``capacity``). Usage beyond what a node keeps to itself (``kept``) counts against its parent.
Semantics are those of Kueue's hierarchical cohorts (KEP-79) and of its documentation of borrowing and lending
limits. The tree is changed in place; every change can be undone by its opposite.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from skahasim.kueue.objects import ClusterQueue, Cohort, FlavorResource, Quota, ResourceGroup, Usage


class CohortCycle(ValueError):
    """Cohorts that are each other's parents."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        super().__init__(f"cohorts form a cycle: {' -> '.join(self.names)}")


class Node:
    """A ClusterQueue or cohort in the tree."""

    __slots__ = (
        "_most",
        "_only",
        "_own",
        "_settled",
        "_usage",
        "capacity",
        "cohorts",
        "fair_weight",
        "height",
        "is_queue",
        "kept",
        "name",
        "parent",
        "path",
        "queues",
        "quotas",
        "root",
    )

    def __init__(self, name: str, quotas: Mapping[FlavorResource, Quota], fair_weight: float, is_queue: bool):
        self.name = name
        self.is_queue = is_queue
        self.fair_weight = fair_weight
        self.quotas = dict(quotas)
        self.parent: Node | None = None
        self.root = self
        """Of its tree."""
        self.path: tuple[Node, ...] = ()
        """Its ancestors, parent first."""
        self.cohorts: list[Node] = []
        self.queues: list[Node] = []
        self.height = 0
        """Steps to the furthest leaf below."""
        self.capacity: dict[FlavorResource, int] = {}
        """Its own quota and what its children lend: Kueue's SubtreeQuota."""
        self.kept: dict[FlavorResource, int] = {}
        """How much of the capacity a lending limit keeps from the parent."""
        self._usage: dict[FlavorResource, int] = {}
        self._most: dict[FlavorResource, int] | None = None
        """What it may take in all, where no other queue is in its tree: less its usage, that is what is free."""
        self._own: dict[FlavorResource, int] = {}
        """The same without borrowing."""
        self._only: Node | None = None
        """The queue below it, where that is the only one of the tree: what is used here follows from what it uses, and
        is worked out when somebody asks."""
        self._settled = True
        """Its ancestors know what it uses."""

    def __repr__(self) -> str:
        return f"<{'ClusterQueue' if self.is_queue else 'Cohort'} {self.name}>"

    def queues_below(self) -> Iterator[Node]:
        """Every ClusterQueue of its subtree."""
        yield from self.queues
        for cohort in self.cohorts:
            yield from cohort.queues_below()

    @property
    def usage(self) -> dict[FlavorResource, int]:
        """What is used of its capacity: by a queue itself, by those below a cohort beyond what they keep."""
        only = self._only
        if only is not None and not only._settled:
            only._settle()
        return self._usage

    # -- what there is ---------------------------------------------------------------------------------

    def nominal(self, key: FlavorResource) -> int:
        quota = self.quotas.get(key)
        return quota.nominal if quota is not None else 0

    def expect(self, keys: Iterable[FlavorResource] | None) -> None:
        """Work out once what it may take of ``keys``, as the only queue of its tree; ``None``: it is not."""
        self._most = most = None if keys is None else {key: self.potential(key) for key in keys}
        self._own = {key: min(amount, self.capacity.get(key, 0)) for key, amount in (most or {}).items()}
        for node in self.path:
            node._only = None if most is None else self

    def spare(self, keys: Iterable[FlavorResource]) -> dict[FlavorResource, int] | None:
        """What is left of ``keys``, negative when more is used than there is; ``None`` when others of its tree may
        take it too."""
        most, usage = self._most, self._usage
        if most is None:
            return None
        return {key: most.get(key, 0) - usage.get(key, 0) for key in keys}

    def available(self, key: FlavorResource) -> int:
        """What it may still take, from its own and from others."""
        most = self._most
        room = self._room(key) if most is None else most.get(key, 0) - self.usage.get(key, 0)
        return room if room > 0 else 0

    def _room(self, key: FlavorResource) -> int:
        """What is left; negative when more is used than there is."""
        usage = self.usage.get(key, 0)
        if self.parent is None:
            return self.capacity.get(key, 0) - usage
        above = self.parent._room(key)
        kept = self.kept.get(key, 0)
        quota = self.quotas.get(key)
        if quota is not None and quota.borrowing_limit is not None:
            lent = self.capacity.get(key, 0) - kept
            taken = usage - kept if usage > kept else 0
            above = min(above, lent - taken + quota.borrowing_limit)
        return above + (kept - usage if kept > usage else 0)

    def potential(self, key: FlavorResource) -> int:
        """What it could take were nothing used anywhere."""
        capacity = self.capacity.get(key, 0)
        if self.parent is None:
            return capacity
        most = self.kept.get(key, 0) + self.parent.potential(key)
        quota = self.quotas.get(key)
        if quota is not None and quota.borrowing_limit is not None:
            most = min(most, capacity + quota.borrowing_limit)
        return most

    def kept_free(self, key: FlavorResource) -> int:
        """What is free here and not to be seen from the parent."""
        return max(0, self.kept.get(key, 0) - self.usage.get(key, 0))

    def borrows(self, key: FlavorResource, more: int = 0) -> bool:
        """Whether it uses, with ``more``, beyond its own capacity."""
        return self.usage.get(key, 0) + more > self.capacity.get(key, 0)

    def borrows_any(self, keys: Iterable[FlavorResource]) -> bool:
        usage, capacity = self.usage, self.capacity
        return any(usage.get(key, 0) > capacity.get(key, 0) for key in keys)

    def takes(self, usage: Usage) -> bool:
        """Whether all of ``usage`` is available without borrowing. May say no of a queue that uses more than it has,
        and of nothing."""
        if self._most is None:
            return all(
                amount <= self.available(key) and not self.borrows(key, amount)
                for key, amount in usage.items()
            )
        used, own = self._usage, self._own
        for key, amount in usage.items():  # noqa: SIM110 - asked for every workload; a generator takes twice as long
            if used.get(key, 0) + amount > own.get(key, 0):
                return False
        return True

    def fits(self, usage: Usage) -> bool:
        """Whether all of ``usage`` is available."""
        return all(amount <= self.available(key) for key, amount in usage.items())

    def lowest_fit(self, key: FlavorResource, amount: int) -> tuple[int, bool]:
        """Height of the smallest subtree around this queue whose capacity takes ``amount`` more (0: its own), and
        whether that subtree is smaller than the whole tree. If there is none, the height of the tree."""
        if self.parent is None or not self.borrows(key, amount):
            return 0, self.parent is not None
        rest = amount - self.kept_free(key)
        for node in self.path:
            if not node.borrows(key, rest):
                return node.height, node.parent is not None
            rest -= node.kept_free(key)
        return self.path[-1].height, False

    # -- what is used ----------------------------------------------------------------------------------

    def use(self, usage: Usage, sign: int = 1) -> None:
        """Use ``usage`` more."""
        if self._most is not None:
            self._settled = False
            used = self._usage
            for key, amount in usage.items():
                if amount:
                    used[key] = used.get(key, 0) + amount * sign
            return
        for key, amount in usage.items():
            change = amount * sign
            node = self
            while change:
                used = node._usage
                before = used.get(key, 0)
                used[key] = after = before + change
                parent = node.parent
                if parent is None:
                    break
                kept = node.kept.get(key)
                if kept:
                    change = (after - kept if after > kept else 0) - (before - kept if before > kept else 0)
                node = parent

    def _settle(self) -> None:
        """Tell the ancestors of the only queue of a tree what it uses."""
        self._settled = True
        for node in self.path:
            node._usage = {}
        for key, amount in self._usage.items():
            node = self
            while node.parent is not None:
                amount -= node.kept.get(key, 0)
                if amount <= 0:
                    break
                node = node.parent
                node._usage[key] = amount

    def free(self, usage: Usage) -> None:
        """Use ``usage`` less."""
        self.use(usage, -1)


def quotas_of(groups: Iterable[ResourceGroup]) -> dict[FlavorResource, Quota]:
    return {
        (flavor.name, resource): quota
        for group in groups
        for flavor in group.flavors
        for resource, quota in flavor.quotas.items()
    }


class QuotaTree:
    """All ClusterQueues and cohorts, by name. Raises :class:`CohortCycle`."""

    def __init__(self, cluster_queues: Iterable[ClusterQueue], cohorts: Iterable[Cohort] = ()) -> None:
        self.cohorts: dict[str, Node] = {}
        self.queues: dict[str, Node] = {}
        parents: dict[str, str] = {}
        for cohort in cohorts:
            self.cohorts[cohort.name] = Node(
                cohort.name, quotas_of(cohort.resource_groups), cohort.fair_weight, is_queue=False
            )
            parents[cohort.name] = cohort.parent
        for name, parent in parents.items():
            if parent:
                self._attach(self.cohorts[name], parent)
        for queue in cluster_queues:
            node = Node(queue.name, quotas_of(queue.resource_groups), queue.fair_weight, is_queue=True)
            self.queues[queue.name] = node
            if queue.cohort:
                self._attach(node, queue.cohort)
        for node in (*self.cohorts.values(), *self.queues.values()):
            node.path = self._path(node)
            node.root = node.path[-1] if node.path else node
        for node in sorted(self.cohorts.values(), key=lambda node: -len(node.path)):
            node.height = max(
                min(1, len(node.cohorts) + len(node.queues)),
                *(child.height + 1 for child in node.cohorts),
                0,
            )
        for root in self.roots():
            _refresh(root)
            _shortcut(root)

    def _attach(self, node: Node, name: str) -> None:
        parent = self.cohorts.get(name)
        if parent is None:
            parent = self.cohorts[name] = Node(name, {}, 1.0, is_queue=False)
        node.parent = parent
        (parent.queues if node.is_queue else parent.cohorts).append(node)

    @staticmethod
    def _path(node: Node) -> tuple[Node, ...]:
        path: list[Node] = []
        above = node.parent
        while above is not None:
            if above is node or above in path:
                raise CohortCycle([node.name, *(step.name for step in path), above.name])
            path.append(above)
            above = above.parent
        return tuple(path)

    def roots(self) -> list[Node]:
        nodes = (*self.cohorts.values(), *self.queues.values())
        return [node for node in nodes if node.parent is None]

    def set_quotas(self, node: Node, quotas: Mapping[FlavorResource, Quota]) -> None:
        """Replace the quotas of ``node``; what is used stays."""
        node.quotas = dict(quotas)
        _refresh(node.root)
        _shortcut(node.root)


def _shortcut(root: Node) -> None:
    queues = [root] if root.is_queue else list(root.queues_below())
    for queue in queues:
        queue.expect(root.capacity if len(queues) == 1 else None)


def _refresh(node: Node) -> None:
    """Work out capacity below ``node``, and its usage from that of the queues below."""
    for cohort in node.cohorts:
        _refresh(cohort)
    for queue in node.queues:
        _refresh(queue)
    node.capacity = {key: quota.nominal for key, quota in node.quotas.items()}
    children = (*node.cohorts, *node.queues)
    if not node.is_queue:
        node._usage = {}
    for child in children:
        for key, capacity in child.capacity.items():
            node.capacity[key] = node.capacity.get(key, 0) + capacity - child.kept.get(key, 0)
        for key, usage in child._usage.items():
            beyond = usage - child.kept.get(key, 0)
            if beyond > 0:
                node._usage[key] = node._usage.get(key, 0) + beyond
    node.kept = {}
    for key, quota in node.quotas.items():
        if quota.lending_limit is not None and node.parent is not None:
            kept = node.capacity.get(key, 0) - quota.lending_limit
            if kept > 0:
                node.kept[key] = kept
