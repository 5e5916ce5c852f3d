"""``ctl sessions``, ``why`` and ``timeline``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mockskaha.ctl.command import app, command
from mockskaha.ctl.remote import Remote

SessionArgument = Annotated[str, typer.Argument(metavar="SESSION", help="Its id.")]


@command(app, "sessions")
def sessions(
    remote: Remote,
    user: Annotated[str | None, typer.Option(metavar="NAME")] = None,
    kind: Annotated[str | None, typer.Option("--type", "-t", metavar="TYPE")] = None,
    status: Annotated[str | None, typer.Option(metavar="STATUS")] = None,
) -> None:
    """Everybody's sessions and apps."""
    answer = remote.get("sessions", query={"user": user, "kind": kind, "status": status})
    rows = (
        [
            item["id"] + (f"/{item['app']}" if item["app"] else ""), item["user"], item["kind"], item["name"],
            item["status"], item["node"], item["cores"], item["ram_gib"], item["reason"] or item["waiting_for"],
        ]
        for item in answer["sessions"]
    )  # fmt: skip
    remote.table(answer, ("id", "user", "type", "name", "status", "node", "cores", "GiB", "reason"), rows)


@command(app, "why")
def why(remote: Remote, session: SessionArgument) -> None:
    """Why a session stands where it does."""
    answer = remote.get(f"sessions/{session}/why")
    remote.show(answer, f"{answer['status']} ({answer['cause']}): {answer['text']}", *_details(answer))


def _details(answer: dict[str, Any]) -> list[str]:
    lines = [f"  waits for: {answer['waiting_for']}"] if answer["waiting_for"] else []
    lines += [
        f"  limit: {item['kind']} {item['holder']} holds {item['held']:g} of {item['most']:g} {item['resource']}, "
        f"asks for {item['asked']:g}"
        for item in answer["limits"]
    ]
    lines += [
        f"  quota: {item['queue']} uses {item['used']:g} of {item['nominal']:g} {item['resource']} ({item['flavor']}), "
        f"{item['available']:g} available, asks for {item['asked']:g}"
        for item in answer["quotas"]
    ]
    if (place := answer["place"]) is not None:
        ahead = f", behind {', '.join(place['ahead'])}" if place["ahead"] else ""
        lines.append(f"  place: {place['position']} of {place['length']} in {place['queue']}{ahead}")
    if (room := answer["room"]) is not None:
        lines += [
            f"  nearest: {item['node']}, short of {', '.join(item['short'])}" for item in room["nearest"]
        ]
    if answer["overrides"]:
        lines.append(
            "  it was told: " + " ".join(f"{key}={value}" for key, value in answer["overrides"].items())
        )
    return lines


@command(app, "timeline")
def timeline(remote: Remote, session: SessionArgument) -> None:
    """Everything that happened to a session."""
    answer = remote.get(f"sessions/{session}")
    rows = (
        [item["time"], item["at"], item["app"], item["step"], item["container"], item["node"], item["reason"]]
        for item in answer["timeline"]
    )
    remote.table(answer["timeline"], ("time", "at", "app", "step", "container", "node", "reason"), rows)
