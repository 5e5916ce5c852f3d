"""``ps``: the caller's sessions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from skahaclient.cli.choices import Kind, OutputOption, Status
from skahaclient.cli.columns import Column
from skahaclient.cli.failure import told
from skahaclient.cli.screen import Format, emit, note, say, show_table, width
from skahaclient.cli.words import number, short, span, status_colour

if TYPE_CHECKING:
    from datetime import datetime

    from skahaclient.models.session import SessionInfo

_DIGITS = re.compile(r"([0-9]+)")
COLUMNS = (
    Column("ID"),
    Column("NAME", shrinks_to=12),
    Column("KIND", goes=4),
    Column("STATUS", colour=status_colour),
    Column("AGE", right=True, goes=5),
    Column("LEFT", right=True, goes=3),
    Column("CORES", right=True, goes=6),
    Column("GIB", right=True, goes=7),
    Column("GPUS", right=True, goes=2),
    Column("IMAGE", shrinks_to=20, goes=1),
)


def ps(
    ctx: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="Also those that have ended, which stay listed for a while.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only ids, one a line.")] = False,
    kind: Annotated[Kind | None, typer.Option("--kind", "-k", help="Only this kind.")] = None,
    status: Annotated[
        Status | None,
        typer.Option("--status", "-s", case_sensitive=False, help="Only those with this status."),
    ] = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """List your sessions that wait or run, the newest first."""
    from skahaclient.clock import SYSTEM

    with told(), ctx.obj.session() as session:
        found = session.fetch(
            kind=None if kind is None else kind.value, status=None if status is None else status.value
        )
    listed = [info for info in found if everything or status is not None or not info.is_finished]
    listed.sort(key=newest_first)
    if quiet:
        if listed:
            say("\n".join(info.id for info in listed))
    elif output is not Format.TABLE:
        emit([info.model_dump(mode="json") for info in listed], output)
    else:
        now = SYSTEM.now()
        if listed or width() is None:  # a program that reads the table finds its head
            show_table(COLUMNS, [_cells(info, now) for info in listed])
        hidden = len(found) - len(listed)
        if hidden:
            note(f"{hidden} more {'has' if hidden == 1 else 'have'} ended; ps -a shows them")
        elif not listed:
            note("no sessions")


def newest_first(info: SessionInfo) -> tuple[float, list[str | int]]:
    """What to sort by."""
    # What has not started yet is the newest of all; of replicas, the second comes before the tenth.
    words = [int(part) if part.isascii() and part.isdigit() else part for part in _DIGITS.split(info.name)]
    return (-info.start_time.timestamp() if info.start_time else float("-inf"), words)


def _cells(info: SessionInfo, now: datetime) -> tuple[str, ...]:
    left = None if info.expiry_time is None or info.is_finished else info.expiry_time - now
    return (
        info.id,
        info.name,
        info.kind,
        info.status,
        span(None if info.start_time is None else now - info.start_time),
        span(left),
        number(info.requested_cores) if info.requested_cores is not None else "flex",
        number(info.requested_ram) if info.requested_ram is not None else "flex",
        str(info.requested_gpus) if info.requested_gpus else "-",
        short(info.image),
    )
