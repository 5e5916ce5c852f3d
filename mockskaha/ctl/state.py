"""``ctl reset``, ``seed``, ``snapshot``, ``restore`` and ``settings``."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from mockskaha.ctl.command import app, command
from mockskaha.ctl.remote import USAGE, Remote


class What(StrEnum):
    SEED = "seed"
    ALL = "all"
    SESSIONS = "sessions"
    JOURNAL = "journal"


FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="- reads standard input.")]


def _line(view: dict[str, Any]) -> str:
    name = view["name"] or "the root"
    return f"{name}: {view['sessions']} sessions, {view['requests']} requests, {view['time']:.3f} s"


def content(remote: Remote, file: str) -> bytes:
    """What ``file`` says; ends the process when it cannot be read."""
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        remote.fail(f"{file}: cannot be read: {error.strerror}", USAGE)


@command(app, "reset")
def reset(
    remote: Remote,
    what: Annotated[
        What,
        typer.Argument(
            help="seed: to the state last seeded; all: to the server's settings; sessions; journal (of requests)."
        ),
    ] = What.SEED,
) -> None:
    """Back to the beginning."""
    view = remote.ask("POST", "reset", body={"what": what.value}).json()
    remote.show(view, _line(view))


@command(app, "seed")
def seed(remote: Remote, file: FileArgument) -> None:
    """Begin anew in the state that a YAML or JSON file describes."""
    view = remote.ask("PUT", "state", document=content(remote, file)).json()
    remote.show(view, _line(view))


@command(app, "snapshot")
def snapshot(
    remote: Remote,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Instead of standard output.")
    ] = None,
) -> None:
    """Write the whole state as one JSON document. It has what users put into their launches."""
    text = remote.ask("GET", "snapshot").text
    if out is None:
        typer.echo(text)
        return
    try:
        out.write_text(text + "\n", "utf-8")
    except OSError as error:
        remote.fail(f"{out}: cannot be written: {error.strerror}", USAGE)


@command(app, "restore")
def restore(remote: Remote, file: FileArgument) -> None:
    """The state of a snapshot."""
    view = remote.ask("PUT", "snapshot", document=content(remote, file)).json()
    remote.show(view, _line(view))


@command(app, "settings")
def settings(remote: Remote) -> None:
    """The settings it runs by, as YAML; secrets are masked."""
    found = remote.get("settings")
    if remote.wants_json:
        remote.show(found)
        return
    import yaml

    typer.echo(yaml.safe_dump(found, sort_keys=False, allow_unicode=True), nl=False)
