"""The machines: what they have, and what happens to them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Path, Response
from pydantic import Field

from mockskaha import nodes
from mockskaha.commands import NodeChange
from mockskaha.control.form import Form, View, Whole
from mockskaha.control.problems import Conflict, NotFound
from mockskaha.control.scope import Handlers, Here
from mockskaha.namespace import Namespace
from mockskaha.session import Session
from skahasim.cluster import Node

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
    try:
        node = nodes.add(namespace.platform, body.name, body.cores, body.ram_gib, body.gpus)
    except nodes.NodeConflict as error:
        raise Conflict(str(error)) from None
    response.status_code = 201
    return node_view(node)


def _change(namespace: Namespace, name: str, change: NodeChange, *, evicts: bool = False) -> NodeView:
    try:
        return node_view(nodes.change(namespace.platform, name, change, evicts=evicts))
    except nodes.UnknownNode as error:
        raise NotFound(str(error)) from None
    except nodes.NodeConflict as error:
        raise Conflict(str(error)) from None


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
