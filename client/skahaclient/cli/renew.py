"""``renew`` and ``open``: sessions somebody works in."""

from __future__ import annotations

from typing import Annotated

import typer

from skahaclient.cli.failure import Exit, complain, told
from skahaclient.cli.ids import Ids, conclude, gathered, given
from skahaclient.cli.screen import note, say


def renew(ctx: typer.Context, ids: Ids = None) -> None:
    """Extend sessions: interactive ones to four days from now, headless ones when less than that is left."""
    with told(), ctx.obj.session() as session:
        renewed, failures = gathered(lambda: session.renew(given(ids)))
        for id_, done in renewed.items():
            if done:
                note(f"renewed {id_}")
        conclude(failures, nothing_else=not any(renewed.values()))


def open_sessions(
    ctx: typer.Context,
    ids: Ids = None,
    only_print: Annotated[
        bool, typer.Option("--print", "-p", help="Print the addresses; open nothing.")
    ] = False,
) -> None:
    """Open interactive sessions in the web browser."""
    with told(), ctx.obj.session() as session:
        found, failures = gathered(lambda: session.info(given(ids)))
    refused = False
    for each in found:
        if not each.connect_url:
            complain(f"{each.id} is {each.kind}: there is nothing to open; see skahaclient logs {each.id}")
            refused = True
        elif each.status != "Running":
            complain(
                f"{each.id} is {each.status}; wait until it runs: skahaclient wait --until Running {each.id}"
            )
            refused = True
        elif only_print or typer.launch(each.connect_url) != 0:
            say(each.connect_url)
    conclude(failures, nothing_else=not found)
    if refused:
        raise typer.Exit(Exit.FAILED)
