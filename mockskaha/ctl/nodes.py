"""``ctl nodes``."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from mockskaha.ctl.command import command, group
from mockskaha.ctl.remote import Remote

nodes = group("nodes", "The machines: list, add, drain, fail, restore.")
NodeArgument = Annotated[str, typer.Argument(metavar="NODE")]


def _row(node: dict[str, Any]) -> list[Any]:
    return [
        node["name"],
        f"{node['free_cores']:g}/{node['cores']:g}",
        f"{node['free_ram_gib']:g}/{node['ram_gib']:g}",
        f"{node['free_gpus']}/{node['gpus']}",
        "open" if node["open"] else ", ".join(node["closed_because"]),
        len(node["sessions"]),
    ]


_HEADER = ("node", "free cores", "free GiB", "free GPUs", "state", "sessions")


@command(nodes)
def show(remote: Remote) -> None:
    """The machines: list, add, drain, fail, restore."""
    answer = remote.get("nodes")
    remote.table(answer, _HEADER, (_row(node) for node in answer["nodes"]))


@command(nodes, "add")
def add(
    remote: Remote,
    node: NodeArgument,
    cores: Annotated[float, typer.Option(metavar="CORES")],
    ram: Annotated[float, typer.Option(metavar="GIB")],
    gpus: Annotated[int, typer.Option(metavar="N")] = 0,
) -> None:
    """One more."""
    body = {"name": node, "cores": cores, "ram_gib": ram, "gpus": gpus}
    _changed(remote, remote.ask("POST", "nodes", body=body).json())


@command(nodes, "drain")
def drain(
    remote: Remote,
    node: NodeArgument,
    evict: Annotated[bool, typer.Option("--evict", help="Put off what runs there.")] = False,
) -> None:
    """Let nothing new come."""
    _changed(remote, remote.ask("POST", f"nodes/{quote(node, safe='')}/drain", body={"evict": evict}).json())


@command(nodes, "fail")
def fail(remote: Remote, node: NodeArgument) -> None:
    """Go down, with what runs there."""
    _changed(remote, remote.ask("POST", f"nodes/{quote(node, safe='')}/fail").json())


@command(nodes, "restore")
def restore(remote: Remote, node: NodeArgument) -> None:
    """Take sessions again."""
    _changed(remote, remote.ask("POST", f"nodes/{quote(node, safe='')}/restore").json())


def _changed(remote: Remote, node: dict[str, Any]) -> None:
    remote.table(node, _HEADER, iter([_row(node)]))
