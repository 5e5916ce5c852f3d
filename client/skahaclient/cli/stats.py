"""``stats``: what is asked for and what is used, of the platform or of sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from skahaclient.cli.choices import OutputOption
from skahaclient.cli.columns import Column
from skahaclient.cli.failure import told
from skahaclient.cli.ids import completed, conclude, gathered, given
from skahaclient.cli.screen import Format, emit, show_table
from skahaclient.cli.words import number, share, status_colour

if TYPE_CHECKING:
    from skahaclient.models.platform import PlatformStats
    from skahaclient.models.session import SessionInfo

PLATFORM = (
    Column(""),
    Column("REQUESTED", right=True),
    Column("CAPACITY", right=True),
    Column("LOAD", right=True),
    Column("MOST PER SESSION", right=True),
)
SESSIONS = (
    Column("ID"),
    Column("NAME", shrinks_to=12),
    Column("STATUS", colour=status_colour),
    Column("CORES USED", right=True),
    Column("OF", right=True),
    Column("%", right=True),
    Column("GIB USED", right=True),
    Column("OF", right=True),
    Column("%", right=True),
)


def stats(
    ctx: typer.Context,
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ID", help="Sessions; - reads their ids from standard input.", show_default=False,
            autocompletion=completed,
        ),
    ] = None,
    output: OutputOption = Format.TABLE,
) -> None:  # fmt: skip
    """Show the load of the platform or, of sessions, what they use of what they asked for.

    OF is what is guaranteed; a flexible session has no such number and uses what is free.
    """
    with told(), ctx.obj.session() as session:
        if not ids:
            _show_platform(session.stats(), output)
            return
        found, failures = gathered(lambda: session.info(given(ids)))
        if output is not Format.TABLE:
            emit([_use(each) for each in found], output)
        elif found:
            show_table(SESSIONS, [_cells(each) for each in found])
        conclude(failures, nothing_else=not found)


def _show_platform(found: PlatformStats, output: Format) -> None:
    if output is not Format.TABLE:
        emit(found.model_dump(mode="json"), output)
        return
    amounts: tuple[tuple[str, float | None, float | None, float | None], ...] = (
        ("cores", found.requested_cores, found.capacity_cores, found.most_cores),
        ("memory, GiB", found.requested_ram, found.capacity_ram, found.most_ram),
    )
    if found.capacity_gpus is not None:
        amounts += (("GPUs", found.requested_gpus, found.capacity_gpus, None),)
    rows = [
        (name, number(asked), number(capacity), share(asked, capacity), number(most))
        for name, asked, capacity, most in amounts
    ]
    show_table(PLATFORM, rows)


def _use(info: SessionInfo) -> dict[str, object]:
    return {
        "id": info.id,
        "name": info.name,
        "status": info.status,
        "cores_in_use": info.cores_in_use,
        "requested_cores": info.requested_cores,
        "ram_in_use": info.ram_in_use,
        "requested_ram": info.requested_ram,
    }


def _cells(info: SessionInfo) -> tuple[str, ...]:
    return (
        info.id,
        info.name,
        info.status,
        number(info.cores_in_use, 2),
        number(info.requested_cores),
        share(info.cores_in_use, info.requested_cores),
        number(info.ram_in_use, 2),
        number(info.requested_ram),
        share(info.ram_in_use, info.requested_ram),
    )
