"""``info``: everything about sessions."""

from __future__ import annotations

import typer

from skahaclient.cli.choices import OutputOption
from skahaclient.cli.failure import told
from skahaclient.cli.ids import Ids, conclude, gathered, given
from skahaclient.cli.screen import Format, emit, say
from skahaclient.cli.words import number


def info(ctx: typer.Context, ids: Ids = None, output: OutputOption = Format.TABLE) -> None:
    """Show everything the service tells about sessions."""
    with told(), ctx.obj.session() as session:
        found, failures = gathered(lambda: session.info(given(ids)))
        if output is not Format.TABLE:
            emit([each.model_dump(mode="json") for each in found], output)
        else:
            say("\n\n".join(_paragraph(each.model_dump(mode="json")) for each in found)) if found else None
        conclude(failures, nothing_else=not found)


def _paragraph(facts: dict[str, object]) -> str:
    room = max(map(len, facts))
    return "\n".join(
        f"{name:<{room}}  {_worded(value)}" for name, value in facts.items() if value is not None
    )


def _worded(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return " ".join(map(str, value)) or "-"
        case float():
            return number(value, 3)
        case _:
            return str(value) or "-"
