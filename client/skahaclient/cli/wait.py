"""``wait``: until sessions are where they should be."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from skahaclient.cli.choices import OutputOption
from skahaclient.cli.columns import Column
from skahaclient.cli.failure import Exit, complain, told
from skahaclient.cli.ids import Ids, conclude, gathered, given
from skahaclient.cli.progress import bar
from skahaclient.cli.screen import Format, emit, show_table
from skahaclient.cli.words import status_colour

COLUMNS = (Column("ID"), Column("NAME", shrinks_to=16), Column("STATUS", colour=status_colour))


class Until(StrEnum):
    """What is waited for."""

    END = "end"
    RUNNING = "Running"


def wait(
    ctx: typer.Context,
    ids: Ids = None,
    until: Annotated[
        Until, typer.Option(case_sensitive=False, help="Until they have ended, or until they run (or have ended).")
    ] = Until.END,
    timeout: Annotated[
        float | None, typer.Option("--timeout", "-t", min=0, metavar="SECONDS", help="Wait no longer. \\[for ever]")
    ] = None,
    output: OutputOption = Format.TABLE,
) -> None:  # fmt: skip
    """Wait for sessions, and print where they are then.

    The exit code is 1 when one of them has failed, or when the time was up before.
    """
    from skahaclient.errors import WaitTimeout

    with told(), ctx.obj.session() as session:
        wanted = given(ids)
        late = None
        try:
            with bar("waiting", len(wanted), least=1) as report:
                found, failures = gathered(
                    lambda: session.wait(wanted, until=until.value, timeout=timeout, progress=report)
                )
        except WaitTimeout as error:
            found, failures, late = [*error.done, *error.waiting], error.errors, error
        if output is not Format.TABLE:
            emit([each.model_dump(mode="json") for each in found], output)
        elif found:
            show_table(COLUMNS, [(each.id, each.name, each.status) for each in found])
        failed = [each.id for each in found if each.status == "Failed"]
        for id_ in failed:
            complain(f"{id_} has failed; see skahaclient logs {id_} and skahaclient events {id_}")
        if late is not None:
            complain(str(late))
        conclude(failures, nothing_else=not found and late is None)
        if failed or late is not None:
            raise typer.Exit(Exit.FAILED)
