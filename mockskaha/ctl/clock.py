"""``ctl clock`` and ``ctl until``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mockskaha.ctl.command import app, command, group
from mockskaha.ctl.remote import NO, Remote

clock = group("clock", "What time it is; let it stand still, run, or move on.")


def _lines(view: dict[str, Any]) -> list[str]:
    mode = (
        "stands still" if view["mode"] == "manual" else f"runs {view['speed']:g} times as fast as wall time"
    )
    due = "nothing is due" if view["next_due"] is None else f"next at {view['next_due']:.3f} s"
    return [f"{view['now']}  ({view['time']:.3f} s since {view['epoch']}), {mode}, {due}"]


@command(clock)
def show(remote: Remote) -> None:
    """What time it is; let it stand still, run, or move on."""
    view = remote.get("clock")
    remote.show(view, *_lines(view))


@command(clock, "advance")
def advance(
    remote: Remote, by: Annotated[str, typer.Argument(metavar="DURATION", help="90, 90s, 1h30m, 4d.")]
) -> None:
    """Move on, at once."""
    answer = remote.ask("POST", "clock/advance", body={"by": by}).json()
    remote.show(answer, *_lines(answer["clock"]))


@command(clock, "freeze")
def freeze(remote: Remote) -> None:
    """Stand still until told to move."""
    view = remote.ask("PUT", "clock", body={"mode": "manual"}).json()
    remote.show(view, *_lines(view))


@command(clock, "run")
def run(
    remote: Remote,
    speed: Annotated[float, typer.Option(metavar="FACTOR", help="Model seconds in a real second.")] = 1.0,
) -> None:
    """Follow wall time, or run faster."""
    view = remote.ask("PUT", "clock", body={"mode": "wall", "speed": speed}).json()
    remote.show(view, *_lines(view))


@command(app, "until")
def until(
    remote: Remote,
    session: Annotated[str, typer.Argument(metavar="SESSION", help="Its id.")],
    status: Annotated[str, typer.Argument(metavar="STATUS", help="Running, Completed, Failed, Gone, …")],
    within: Annotated[str, typer.Option(metavar="DURATION", help="But at most so far.")] = "1d",
) -> None:
    """Move on until a session has a status. Exit code 1 when it does not come to that."""
    goal = {"session": session, "status": status.capitalize()}
    answer = remote.ask("POST", "clock/advance", body={"until": goal, "within": within}).json()
    passed = f"after {answer['advanced']:.3f} s"
    if answer["reached"]:
        remote.show(answer, f"{session} is {answer['status']} {passed}")
        return
    remote.show(
        answer, f"{session} is {answer['status']}, and not {goal['status']}, {passed}", str(answer["why"])
    )
    raise typer.Exit(NO)
