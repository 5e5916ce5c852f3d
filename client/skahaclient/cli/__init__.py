"""The ``skahaclient`` command. What a command needs is imported when it runs, so that ``--help`` waits for nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from skahaclient.cli import auth
from skahaclient.cli.connection import Connection
from skahaclient.cli.context import context
from skahaclient.cli.delete import delete, prune
from skahaclient.cli.events import events
from skahaclient.cli.failure import Exit, complain
from skahaclient.cli.images import images
from skahaclient.cli.info import info
from skahaclient.cli.launch import LaunchCommand, launch
from skahaclient.cli.logs import logs
from skahaclient.cli.ps import ps
from skahaclient.cli.renew import open_sessions, renew
from skahaclient.cli.stats import stats
from skahaclient.cli.wait import wait

PROGRAM = "skahaclient"
app = typer.Typer(
    name=PROGRAM,
    help="Run containers on a CANFAR Science Platform: submit, watch and clean up Skaha sessions.",
    epilog="Exit codes: 0 fine, 1 something failed, 2 wrong usage, 3 not authenticated, 4 unreachable.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(auth.app, name="auth")
app.command(cls=LaunchCommand)(launch)
for _alias in ("create", "run"):
    app.command(_alias, cls=LaunchCommand, hidden=True)(launch)
app.command()(ps)
app.command()(info)
app.command()(logs)
app.command()(events)
app.command()(stats)
app.command()(wait)
app.command()(renew)
app.command("open")(open_sessions)
app.command()(delete)
for _alias in ("del", "rm"):
    app.command(_alias, hidden=True)(delete)
app.command()(prune)
app.command()(images)
app.command()(context)


@app.command()
def version() -> None:
    """Print the version."""
    _print_version(True)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version as installed

        typer.echo(f"{PROGRAM} {installed('mockskaha')}")
        raise typer.Exit


@app.callback()
def connect(
    ctx: typer.Context,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="The service, such as https://host/skaha. \\[SKAHA_URL]")
    ] = None,
    token: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="A bearer token. \\[SKAHA_TOKEN]")
    ] = None,
    certificate: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A client certificate with its key, PEM. \\[SKAHA_CERTIFICATE]"),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0.001, help="How long an answer may take. \\[SKAHA_TIMEOUT]"),
    ] = None,
    is_version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    ctx.obj = Connection(url, token, certificate, timeout)


def main() -> None:
    """Run the command line."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """The exit code of a command line. Nothing but bugs is raised."""
    try:
        code = app(list(arguments), prog_name=PROGRAM, standalone_mode=False)
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    except typer.Abort:
        sys.stderr.write("\n")
        code = Exit.INTERRUPTED
    except Exception as error:
        code = _usage(error)
    return int(code or 0)


def _usage(error: Exception) -> int:
    """What Typer itself has to say about a command line, in one line. It raises what is no such thing."""
    words = getattr(error, "format_message", None)
    if words is None:
        raise error
    asked = getattr(error, "ctx", None)
    text = " ".join(words().replace("Value error, ", "").split())
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(text if asked is None else asked.get_help(), err=True)
        return Exit.USAGE
    text = text[:1].lower() + text[1:].rstrip(".")
    complain(f"{text}; see {asked.command_path if asked is not None else PROGRAM} --help")
    return Exit.USAGE
