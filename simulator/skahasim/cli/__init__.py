"""The ``skahasim`` command. What a command needs is imported when it runs, so that ``--help`` waits for nothing."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import typer

from skahasim.cli.generate import generate
from skahasim.cli.run import run

app = typer.Typer(
    name="skahasim",
    help="What-if questions about queue policies on a Skaha cluster: simulate, compare, report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(run)
app.command()(generate)
for _name in ("compare", "sweep", "forecast", "calibrate", "report"):
    if find_spec(f"skahasim.cli.{_name}") is not None:
        app.command(_name)(getattr(import_module(f"skahasim.cli.{_name}"), _name))


@app.command()
def version() -> None:
    """Print the version."""
    from skahasim.scenario import distribution_version

    typer.echo(f"skahasim {distribution_version()}")


def main() -> None:
    """Run the command line."""
    app(prog_name="skahasim")
