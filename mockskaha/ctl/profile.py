"""``ctl profile``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mockskaha.ctl.command import command, group
from mockskaha.ctl.remote import USAGE, Remote
from mockskaha.ctl.state import content

profile = group("profile", "How long the steps of a session take.")


def _lines(view: dict[str, Any]) -> list[str]:
    return [f"{view['name']}: {view['description']}", f"packaged: {', '.join(view['packaged'])}"]


@command(profile)
def show(remote: Remote) -> None:
    """How long the steps of a session take."""
    view = remote.get("profile")
    remote.show(view, *_lines(view))


@command(profile, "set")
def change(
    remote: Remote,
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A packaged one, or a file of one's own.")],
) -> None:
    """Follow another from now on."""
    body: dict[str, Any] = {"name": name}
    if name == "-" or Path(name).suffix in (".yaml", ".yml", ".json"):
        import yaml

        try:
            body = {"name": Path(name).stem.strip("-"), "profile": yaml.safe_load(content(remote, name))}
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            remote.fail(f"{name}: {error}", USAGE)
    view = remote.ask("PUT", "profile", body=body).json()
    remote.show(view, *_lines(view))
