"""What may happen to the machines of a platform, checked before it does."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from mockskaha.commands import ChangeNode, NodeChange
from skahasim.cluster import UNREACHABLE, UNSCHEDULABLE

if TYPE_CHECKING:
    from mockskaha.platform import Platform
    from skahasim.cluster import Node

MOST_NODES = 10_000


class UnknownNode(LookupError):
    """There is no node of that name; the text names some there are."""


class NodeConflict(ValueError):
    """The node is so already, or the queue cannot take it in."""


def find(platform: Platform, name: str) -> Node:
    """The node called ``name``. Raises :class:`UnknownNode`."""
    try:
        return platform.model.cluster.node(name)
    except KeyError:
        names = [node.name for node in platform.model.cluster.nodes]
        close = get_close_matches(name, names, 1) or names[:3]
        raise UnknownNode(f"there is no node {name[:80]!r}; there is {', '.join(close)}") from None


def add(platform: Platform, name: str, cores: float, ram_gib: float, gpus: int = 0) -> Node:
    """A further node. Raises :class:`NodeConflict`."""
    model = platform.model
    if getattr(model.queue, "nodes_are_fixed", False):
        queue = type(model.queue).__name__
        raise NodeConflict(f"the queue ({queue}) plans with the nodes it began with, so none can be added")
    if any(node.name == name for node in model.cluster.nodes):
        raise NodeConflict(f"there is a node {name!r} already")
    if len(model.cluster.nodes) >= MOST_NODES:
        raise NodeConflict(f"there are {MOST_NODES} nodes, which is the most")
    platform.execute(ChangeNode(name, "add", cores=cores, ram_gib=ram_gib, gpus=gpus))
    platform.catch_up()
    return model.cluster.node(name)


def change(platform: Platform, name: str, what: NodeChange, *, evicts: bool = False) -> Node:
    """``drain`` (with what runs there, if it ``evicts``), ``fail`` or ``restore`` a node.

    Raises :class:`UnknownNode` or :class:`NodeConflict`.
    """
    node = find(platform, name)
    if what == "drain" and UNSCHEDULABLE in node.closures and not (evicts and node.jobs):
        raise NodeConflict(f"{name} is drained already")
    if what == "fail" and UNREACHABLE in node.closures:
        raise NodeConflict(f"{name} has failed already")
    if what == "restore" and node.is_open:
        raise NodeConflict(f"{name} takes sessions already")
    platform.execute(ChangeNode(name, what, evicts=evicts))
    platform.catch_up()
    return node
