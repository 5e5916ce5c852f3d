"""``logs``: what sessions print."""

from __future__ import annotations

from typing import Annotated

import typer

from skahaclient.cli.failure import told
from skahaclient.cli.ids import Ids, conclude, gathered, given
from skahaclient.cli.screen import note, say


def logs(
    ctx: typer.Context,
    ids: Ids = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on printing until the session has ended.")
    ] = False,
) -> None:
    """Print what sessions have written. Several are told apart by their ids.

    The service cannot tell a session that is unknown from one that has written nothing.
    """
    with told(), ctx.obj.session() as session:
        wanted = given(ids)
        if follow:
            for id_, text in session.logs(wanted, follow=True):
                if len(wanted) == 1:
                    say(text, end="")
                else:
                    say("\n".join(f"{id_}  {line}" for line in text.splitlines()))
            return
        found, failures = gathered(lambda: session.logs(wanted))
        for at, (id_, text) in enumerate(found.items()):
            if len(wanted) > 1:
                say(f"{'' if at == 0 else chr(10)}==> {id_} <==")
            say(text, end="" if text.endswith("\n") or not text else "\n")
            if not text:
                note(f"{id_} has written nothing yet, or is not one of your sessions")
        conclude(failures, nothing_else=not found)
