"""``delete`` and ``prune``: the end of sessions."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from skahaclient.cli.choices import Kind, Status, YesOption
from skahaclient.cli.columns import Column, table
from skahaclient.cli.failure import UsageError, told
from skahaclient.cli.ids import Ids, conclude, gathered, given
from skahaclient.cli.screen import note, say, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skahaclient.sessions import Session

FINISHED = ("Succeeded", "Completed")
"""Two words for the same: which one a service uses depends on its age."""
_MOST_NAMED = 20


def delete(ctx: typer.Context, ids: Ids = None, yes: YesOption = False) -> None:
    """Delete sessions, whatever they are doing. Asks first, if there is a terminal to ask at.

    The service says yes to any id, so one that is unknown is no error. Also called del and rm.
    """
    with told(), ctx.obj.session() as session:
        wanted = given(ids)
        if _agreed(f"delete {_several(wanted)}?", yes=yes):
            _destroy(session, wanted)


def prune(
    ctx: typer.Context,
    prefix: Annotated[
        str, typer.Argument(metavar="PREFIX", help="How their names begin; or a regular expression for that.")
    ],
    kind: Annotated[Kind, typer.Argument(metavar="KIND", help="Their kind.")] = Kind.HEADLESS,
    status: Annotated[
        Status, typer.Argument(metavar="STATUS", help="Their status.", case_sensitive=False)
    ] = Status.COMPLETED,
    yes: YesOption = False,
) -> None:
    """Delete sessions by how their names begin. Asks first, if there is a terminal to ask at. Prints their ids."""
    with told(), ctx.obj.session() as session:
        try:
            matches = re.compile(prefix).match
        except re.error as error:
            raise UsageError(f"{prefix!r} is no regular expression: {error}") from None
        meant = FINISHED if status in FINISHED else (status.value,)
        found = [
            info for info in session.fetch(kind=kind.value) if info.status in meant and matches(info.name)
        ]
        if not found:
            note(f"no {kind} session of that name is {status}")
            return
        if sys.stdin.isatty() and not yes:
            rows = [(info.id, info.name, info.status) for info in found[:_MOST_NAMED]]
            for line in table((Column("ID"), Column("NAME"), Column("STATUS")), rows):
                tell(line)
        wanted = [info.id for info in found]
        if _agreed(f"delete {_several(wanted)}?", yes=yes):
            say("\n".join(_destroy(session, wanted)))


def _destroy(session: Session, ids: Sequence[str]) -> list[str]:
    done, failures = gathered(lambda: session.destroy(ids))
    deleted = [id_ for id_, is_done in done.items() if is_done]
    if deleted:
        note(f"deleted {_several(deleted)}")
    conclude(failures, nothing_else=not deleted)
    return deleted


def _several(ids: Sequence[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{len(ids)} sessions"


def _agreed(question: str, *, yes: bool) -> bool:
    """Whether to go on. Nobody is asked who cannot answer: a script that says delete means it."""
    return yes or not sys.stdin.isatty() or typer.confirm(question, err=True)
