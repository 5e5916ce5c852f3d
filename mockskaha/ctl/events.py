"""``ctl events`` and ``metrics``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mockskaha.ctl.command import app, command
from mockskaha.ctl.remote import UNREACHABLE, Remote, cell

_SHOWN_BEFORE = 10
"""Events that are told before one follows."""


def _line(item: dict[str, Any]) -> str:
    about = "/".join(part for part in (item["session"], item["app"]) if part)
    parts = [item["number"], item["time"], item["step"], about, item["user"], item["container"], item["node"]]
    return "  ".join(cell(part) for part in parts) + (f"  {item['reason']}" if item["reason"] else "")


@command(app, "events")
def events(
    remote: Remote,
    since: Annotated[int | None, typer.Option(metavar="NUMBER", help="Begin after this one.")] = None,
    limit: Annotated[int, typer.Option(metavar="N")] = 1_000,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="And go on, until Ctrl-C.")] = False,
) -> None:
    """What happened. With --json a line of JSON each."""
    if follow:
        if since is None:
            since = max(0, remote.get("events", query={"limit": 1})["last"] - _SHOWN_BEFORE)
        try:
            _follow(remote, since)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        return
    answer = remote.get("events", query={"since": since or 0, "limit": limit})
    if answer["lost"]:
        typer.echo(f"{answer['lost']} earlier ones are not kept any more", err=True)
    for item in answer["events"]:
        _tell(remote, item)


def _tell(remote: Remote, item: dict[str, Any]) -> None:
    from json import dumps

    typer.echo(dumps(item, ensure_ascii=False) if remote.wants_json else _line(item))


def _follow(remote: Remote, since: int) -> None:
    from json import loads

    import httpx

    name = ""
    timeout = httpx.Timeout(10.0, read=None)
    headers = {"Accept": "text/event-stream"}
    try:
        with remote.client.stream(
            "GET", remote.address("events"), params={"since": since}, headers=headers, timeout=timeout
        ) as answer:
            remote.check(answer)
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    data = loads(line.removeprefix("data: "))
                    if name in ("lost", "reset"):
                        typer.echo(f"{data['count']} are lost" if name == "lost" else "begun anew", err=True)
                    else:
                        _tell(remote, data)
    except httpx.HTTPError as error:
        remote.fail(f"no more from {remote.url}: {error}", UNREACHABLE)


@command(app, "metrics")
def metrics(remote: Remote) -> None:
    """The platform in numbers, as Prometheus reads them."""
    typer.echo(remote.ask("GET", "metrics").text, nl=False)
