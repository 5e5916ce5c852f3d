"""``context``: what sessions may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from skahaclient.cli.choices import OutputOption
from skahaclient.cli.columns import Column
from skahaclient.cli.failure import told
from skahaclient.cli.screen import Format, emit, show_table
from skahaclient.cli.words import ranges

if TYPE_CHECKING:
    from skahaclient.models.platform import Choices

COLUMNS = (
    Column(""),
    Column("FLEXIBLE", right=True),
    Column("UP TO", right=True),
    Column("CHOICES", shrinks_to=20, folds=True),
)


def context(ctx: typer.Context, output: OutputOption = Format.TABLE) -> None:
    """Show how many cores, how much memory and how many GPUs a session may ask for.

    FLEXIBLE is what a session that asks for nothing is guaranteed, and UP TO what it may use if that is free.
    """
    with told(), ctx.obj.context() as service:
        found = service.resources()
    if output is not Format.TABLE:
        emit(found.model_dump(mode="json"), output)
    else:
        rows = (("cores", found.cores), ("memory, GiB", found.ram), ("GPUs", found.gpus))
        show_table(COLUMNS, [_cells(name, part) for name, part in rows])


def _cells(name: str, part: Choices) -> tuple[str, ...]:
    least, most = part.flexible_request, part.flexible_limit
    return (
        name,
        "-" if least is None else str(least),
        "-" if most is None else str(most),
        ranges(part.options),
    )
