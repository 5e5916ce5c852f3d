"""``events``: what Kubernetes did with sessions."""

from __future__ import annotations

import typer

from skahaclient.cli.choices import OutputOption
from skahaclient.cli.columns import Column, rows_of
from skahaclient.cli.failure import told
from skahaclient.cli.ids import Ids, conclude, gathered, given
from skahaclient.cli.screen import Format, emit, note, say, show_table

NAMES = ("TYPE", "REASON", "MESSAGE", "FIRST-TIME", "LAST-TIME")


def _colour(kind: str) -> str | None:
    return "yellow" if kind == "Warning" else None


COLUMNS = (
    Column("LAST", goes=2),
    Column("TYPE", colour=_colour, goes=1),
    Column("REASON"),
    Column("MESSAGE", shrinks_to=20, folds=True),
)


def events(ctx: typer.Context, ids: Ids = None, output: OutputOption = Format.TABLE) -> None:
    """Show why sessions wait, fail or start late: their Kubernetes events, the oldest first."""
    with told(), ctx.obj.session() as session:
        wanted = given(ids)
        found, failures = gathered(lambda: session.events(wanted))
        parsed = {id_: rows_of(text) for each in found for id_, text in each.items()}
        if output is not Format.TABLE:
            emit({id_: [_entry(row) for row in rows] for id_, rows in parsed.items()}, output)
        else:
            for at, (id_, rows) in enumerate(parsed.items()):
                if len(wanted) > 1:
                    say(f"{'' if at == 0 else chr(10)}==> {id_} <==")
                if rows:
                    show_table(COLUMNS, [_cells(row) for row in rows])
                else:
                    note(f"{id_} has no events (they are kept for about an hour)")
        conclude(failures, nothing_else=not found)


def _entry(row: dict[str, str]) -> dict[str, str | None]:
    return {
        name.lower().replace("-", "_"): None if row.get(name) in (None, "<nil>", "<none>") else row[name]
        for name in NAMES
    }


def _cells(row: dict[str, str]) -> tuple[str, ...]:
    entry = _entry(row)
    # Events are kept for an hour: the time of day says when.
    when = (entry["last_time"] or "").partition("T")[2].removesuffix("Z")
    return when or "-", entry["type"] or "-", entry["reason"] or "-", entry["message"] or ""
