"""The ``skahasim`` command. What a command needs is imported when it runs, so that ``--help`` waits for nothing."""

from __future__ import annotations

import typer

from skahasim.cli.calibrate import calibrate
from skahasim.cli.compare import compare
from skahasim.cli.forecast import forecast
from skahasim.cli.generate import generate
from skahasim.cli.report import report
from skahasim.cli.run import run
from skahasim.cli.sweep import sweep

app = typer.Typer(
    name="skahasim",
    help="What-if questions about queue policies on a Skaha cluster: simulate, compare, report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (run, generate, compare, sweep, forecast, calibrate, report):
    app.command()(_command)


@app.command()
def version() -> None:
    """Print the version."""
    from skahasim.scenario import distribution_version

    typer.echo(f"skahasim {distribution_version()}")


def main() -> None:
    """Run the command line."""
    app(prog_name="skahasim")
