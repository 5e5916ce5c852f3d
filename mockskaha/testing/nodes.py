"""The machines of the cluster, to be taken away from under a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mockskaha import nodes
from mockskaha.platform import Platform
from mockskaha.session import Session
from skahasim.cluster import Node as ModelNode


@dataclass(frozen=True, slots=True)
class Node:
    """One machine, as it is now."""

    name: str
    cores: float
    ram_gib: float
    gpus: int
    free_cores: float
    """What nobody asked for, whether it is open or not."""
    free_ram_gib: float
    free_gpus: int
    is_open: bool
    """Whether it takes sessions: neither drained nor down."""
    sessions: tuple[str, ...]
    """Ids of those that run on it."""


class Nodes:
    """All of them, in the cluster's order."""

    def __init__(self, with_platform: Callable[[Callable[[Platform], Any]], Any]) -> None:
        self._with_platform = with_platform

    def __iter__(self) -> Iterator[Node]:
        def listed(platform: Platform) -> list[Node]:
            return [_node(node) for node in platform.model.cluster.nodes]

        return iter(self._with_platform(listed))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, name: str) -> Node:
        """The node of this name. Raises ``LookupError``."""
        found: Node = self._with_platform(lambda platform: _node(nodes.find(platform, name)))
        return found

    def of(self, session_id: str) -> Node | None:
        """Where the session runs; ``None`` when it is on no node."""
        return next((node for node in self if session_id in node.sessions), None)

    def add(self, name: str, *, cores: float, ram_gib: float, gpus: int = 0) -> None:
        """A further node. Raises ``ValueError`` when there is one of that name, or the queue can take in none."""

        self._with_platform(lambda platform: nodes.add(platform, name, cores, ram_gib, gpus))

    def drain(self, name: str, *, evict: bool = False) -> None:
        """It takes no more sessions; those that run there go on, or have to go. Raises ``LookupError``, and
        ``ValueError`` when it is drained already."""
        self._with_platform(lambda platform: nodes.change(platform, name, "drain", evicts=evict))

    def fail(self, name: str) -> None:
        """It is down, and what ran there is lost. Raises ``LookupError``, and ``ValueError`` when it is down."""
        self._with_platform(lambda platform: nodes.change(platform, name, "fail"))

    def restore(self, name: str) -> None:
        """It takes sessions again. Raises ``LookupError``, and ``ValueError`` when it does already."""
        self._with_platform(lambda platform: nodes.change(platform, name, "restore"))


def _node(node: ModelNode) -> Node:
    idle = node.idle
    return Node(
        node.name, node.capacity.cores, node.capacity.ram_gib, node.capacity.gpus,
        idle.cores, idle.ram_gib, idle.gpus, node.is_open,
        tuple(job.owner.session_id for job in node.jobs if isinstance(job.owner, Session)),
    )  # fmt: skip
