"""The machines: what they have, and what happens to them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Path, Response
from pydantic import Field

from mockskaha.commands import ChangeNode, NodeChange
from mockskaha.control.form import Form, View, Whole
from mockskaha.control.problems import Conflict, NotFound
from mockskaha.control.scope import Handlers, Here
from mockskaha.namespace import Namespace
from mockskaha.session import Session
from skahasim.cluster import UNREACHABLE, UNSCHEDULABLE, Node

MOST_NODES = 10_000
NODE = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
Name = Annotated[str, Path()]


class NewNode(Form):
    """A machine to be added."""

    name: str = Field(pattern=NODE)
    cores: float = Field(gt=0, le=1e6)
    ram_gib: float = Field(gt=0, le=1e6)
    gpus: Whole = Field(default=0, ge=0, le=10_000)


class Drain(Form):
    """How a node is drained."""

    evict: bool = False
    """What runs there is put off; otherwise it goes on, and only nothing new comes."""


class Nothing(Form):
    """There is nothing to say."""


class NodeView(View):
    """One machine."""

    name: str
    cores: float
    ram_gib: float
    gpus: int
    free_cores: float
    """What nobody asked for, whether the node is open or closed."""
    free_ram_gib: float
    free_gpus: int
    open: bool
    """Whether it takes sessions."""
    closed_because: list[str]
    """In kube-scheduler's words."""
    sessions: list[str]
    """Ids of the sessions that hold something on it, and of apps as ``session/app``."""


class NodeList(View):
    """All of them."""

    nodes: list[NodeView]


def node_view(node: Node) -> NodeView:
    owners = [job.owner for job in node.jobs]
    return NodeView(
        name=node.name,
        cores=node.capacity.cores,
        ram_gib=node.capacity.ram_gib,
        gpus=node.capacity.gpus,
        free_cores=node.idle.cores,
        free_ram_gib=node.idle.ram_gib,
        free_gpus=node.idle.gpus,
        open=node.is_open,
        closed_because=list(node.closures),
        sessions=[
            f"{owner.session_id}/{owner.app_id}" if owner.app_id else owner.session_id
            for owner in owners
            if isinstance(owner, Session)
        ],
    )


async def list_nodes(namespace: Here) -> NodeList:
    return NodeList(nodes=[node_view(node) for node in namespace.platform.model.cluster.nodes])


async def add_node(namespace: Here, body: NewNode, response: Response) -> NodeView:
    platform = namespace.platform
    model = platform.model
    if getattr(model.queue, "nodes_are_fixed", False):
        name = type(model.queue).__name__
        raise Conflict(f"the queue ({name}) plans with the nodes it began with, so none can be added")
    if any(node.name == body.name for node in model.cluster.nodes):
        raise Conflict(f"there is a node {body.name} already")
    if len(model.cluster.nodes) >= MOST_NODES:
        raise Conflict(f"there are {MOST_NODES} nodes, which is the most")
    platform.execute(ChangeNode(body.name, "add", cores=body.cores, ram_gib=body.ram_gib, gpus=body.gpus))
    platform.catch_up()
    response.status_code = 201
    return node_view(model.cluster.node(body.name))


def _change(namespace: Namespace, name: str, change: NodeChange, *, evicts: bool = False) -> NodeView:
    platform = namespace.platform
    try:
        node = platform.model.cluster.node(name)
    except KeyError:
        raise NotFound(f"there is no node {name[:80]!r}") from None
    if change == "drain" and UNSCHEDULABLE in node.closures and not (evicts and node.jobs):
        raise Conflict(f"{name} is drained already")
    if change == "fail" and UNREACHABLE in node.closures:
        raise Conflict(f"{name} has failed already")
    if change == "restore" and node.is_open:
        raise Conflict(f"{name} takes sessions already")
    platform.execute(ChangeNode(name, change, evicts=evicts))
    platform.catch_up()
    return node_view(node)


async def drain_node(namespace: Here, node: Name, body: Annotated[Drain | None, Body()] = None) -> NodeView:
    return _change(namespace, node, "drain", evicts=body is not None and body.evict)


async def fail_node(namespace: Here, node: Name, _: Annotated[Nothing | None, Body()] = None) -> NodeView:
    return _change(namespace, node, "fail")


async def restore_node(namespace: Here, node: Name, _: Annotated[Nothing | None, Body()] = None) -> NodeView:
    return _change(namespace, node, "restore")


HANDLERS: Handlers = {
    "listNodes": list_nodes,
    "addNode": add_node,
    "drainNode": drain_node,
    "failNode": fail_node,
    "restoreNode": restore_node,
}
