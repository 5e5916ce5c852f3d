"""``images``: what can be launched."""

from __future__ import annotations

from typing import Annotated

import typer

from skahaclient.cli.choices import Kind, OutputOption
from skahaclient.cli.columns import Column
from skahaclient.cli.failure import told
from skahaclient.cli.screen import Format, emit, note, show_table
from skahaclient.cli.words import short

COLUMNS = (Column("IMAGE", shrinks_to=30), Column("KINDS", shrinks_to=10))


def images(
    ctx: typer.Context,
    kind: Annotated[Kind | None, typer.Option("--kind", "-k", help="Only images of this kind.")] = None,
    search: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="Only images with this in their name.")
    ] = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """List the public images."""
    with told(), ctx.obj.images() as registry:
        found = [
            image
            for image in registry.details(kind=None if kind is None else kind.value)
            if search is None or search.lower() in image.id.lower()
        ]
    found.sort(key=lambda image: image.id)
    if output is not Format.TABLE:
        emit([image.model_dump(mode="json") for image in found], output)
    elif found:
        show_table(COLUMNS, [(short(image.id), ", ".join(sorted(image.types))) for image in found])
    else:
        note("no such image")
