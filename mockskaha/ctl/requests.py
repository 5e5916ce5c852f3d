"""``ctl requests``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mockskaha.ctl.command import command, group
from mockskaha.ctl.remote import NO, USAGE, Remote

requests = group("requests", "What the service was asked; whether that is what should have been asked.")
OperationOption = Annotated[
    str | None, typer.Option(metavar="ID", help="operationId of the contract, e.g. createSession.")
]
MethodOption = Annotated[str | None, typer.Option(metavar="METHOD")]
PathOption = Annotated[str | None, typer.Option(metavar="PATH", help="Exact, or a pattern with *.")]
UserOption = Annotated[str | None, typer.Option(metavar="NAME")]
StatusOption = Annotated[int | None, typer.Option(metavar="CODE")]
FaultOption = Annotated[str | None, typer.Option(metavar="ID", help="That met it.")]


def _row(request: dict[str, Any]) -> list[Any]:
    parameters = " ".join(f"{item['name']}={item['value']}" for item in request["parameters"])
    return [
        request["number"], request["time"], request["status"], request["user"], request["method"],
        request["path"], parameters, request["fault"],
    ]  # fmt: skip


_HEADER = ("#", "time", "status", "user", "method", "path", "parameters", "fault")


@command(requests)
def show(
    remote: Remote,
    operation: OperationOption = None,
    method: MethodOption = None,
    path: PathOption = None,
    user: UserOption = None,
    status: StatusOption = None,
    fault: FaultOption = None,
    limit: Annotated[int, typer.Option(metavar="N", help="The last so many.")] = 100,
) -> None:
    """What the service was asked; whether that is what should have been asked."""
    query = {
        "operation": operation, "method": method, "path": path, "user": user, "status": status, "fault": fault,
        "limit": limit,
    }  # fmt: skip
    answer = remote.get("requests", query=query)
    remote.table(answer, _HEADER, (_row(request) for request in answer["requests"]))


@command(requests, "clear")
def clear(remote: Remote) -> None:
    """Forget them."""
    remote.ask("DELETE", "requests")


@command(requests, "verify")
def verify(
    remote: Remote,
    operation: OperationOption = None,
    method: MethodOption = None,
    path: PathOption = None,
    user: UserOption = None,
    status: StatusOption = None,
    fault: FaultOption = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="That must have been sent."),
    ] = None,
    times: Annotated[int | None, typer.Option(metavar="N", help="Exactly so many.")] = None,
    at_least: Annotated[int | None, typer.Option(metavar="N", help="\\[1, if no number is given]")] = None,
    at_most: Annotated[int | None, typer.Option(metavar="N")] = None,
) -> None:
    """Whether there were so many of these. Exit code 1 when there were not; says then which came near."""
    given = dict(item.partition("=")[::2] for item in parameter or ())
    if any("=" not in item for item in parameter or ()):
        remote.fail("--parameter should be NAME=VALUE", USAGE)
    body = {
        "operation": operation, "method": method, "path": path, "user": user, "status": status, "fault": fault,
        "parameters": given, "times": times, "at_least": at_least, "at_most": at_most,
    }  # fmt: skip
    answer = remote.ask(
        "POST", "requests/verify", body={key: value for key, value in body.items() if value not in (None, {})}
    ).json()
    near = [
        f"  {item['request']['method']} {item['request']['path']} ({item['request']['status']}): "
        f"{', '.join(item['differs'])}"
        for item in answer["nearest"]
    ]
    remote.show(answer, answer["text"], *near)
    if not answer["ok"]:
        raise typer.Exit(NO)
