"""``ctl namespaces``."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from mockskaha.ctl.command import command, group
from mockskaha.ctl.remote import USAGE, Remote
from mockskaha.ctl.state import content

namespaces = group("namespaces", "Platforms side by side: list, create, delete.")
_HEADER = ("name", "service", "time", "sessions", "requests")


def _row(view: dict[str, Any]) -> list[Any]:
    return [view["name"], view["service"], view["time"], view["sessions"], view["requests"]]


@command(namespaces)
def show(remote: Remote) -> None:
    """Platforms side by side: list, create, delete."""
    answer = remote.get("namespaces", of_server=True)
    remote.table(answer, _HEADER, (_row(view) for view in answer["namespaces"]))


@command(namespaces, "create")
def create(
    remote: Remote,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    seed: Annotated[str | None, typer.Option(metavar="FILE", help="What it begins with.")] = None,
    skaha_version: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Which Skaha it is, if not that of the server.")
    ] = None,
) -> None:
    """One more."""
    body: dict[str, Any] = {"name": name}
    if seed is not None:
        import yaml

        try:
            body["seed"] = yaml.safe_load(content(remote, seed))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            remote.fail(f"{seed}: {error}", USAGE)
    if skaha_version is not None:
        body["seed"] = _with_setting(body.get("seed"), "skaha_version", skaha_version)
    view = remote.ask("POST", "namespaces", body=body, of_server=True).json()
    remote.table(view, _HEADER, iter([_row(view)]))


def _with_setting(seed: Any, key: str, value: str) -> Any:
    """``seed`` with one more of its settings; one that is no seed is left for the server to refuse."""
    given = {} if seed is None else seed
    settings = given.get("settings") or {} if isinstance(given, dict) else None
    return {**given, "settings": {**settings, key: value}} if isinstance(settings, dict) else given


@command(namespaces, "delete")
def delete(remote: Remote, name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Forget one, and all in it."""
    remote.ask("DELETE", f"namespaces/{quote(name, safe='')}", of_server=True)
