"""``auth``: who you are for the service, and where that is kept."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from skahaclient.cli.choices import OutputOption
from skahaclient.cli.failure import Exit, UsageError, complain, told
from skahaclient.cli.screen import Format, emit, note, say

app = typer.Typer(help="Log in, log out, and show which credentials are used.", no_args_is_help=True)


@app.command()
def login(
    ctx: typer.Context,
    token: Annotated[
        bool, typer.Option("--token", help="Ask for a token, not for a name and a password.")
    ] = False,
    certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Use a client certificate with its key, PEM.")
    ] = None,
    username: Annotated[
        str | None, typer.Option("--username", "-u", metavar="NAME", help="Ask only for the password.")
    ] = None,
) -> None:
    """Log in, and keep what that gives, with the URL, in your configuration.

    Asks for a name and a password. From a pipe they are read as two lines, and one line alone as a token.

    A token or certificate given before the command (skahaclient --token TOKEN auth login) is kept as it is.
    """
    from skahaclient import config
    from skahaclient.auth import login as buy

    with told():
        found = config.settings(**ctx.obj.given)
        url = found.values.get("url") or _asked("URL of the service, such as https://host/skaha")
        kept: dict[str, str | None] = {"url": url, "token": None, "certificate": None}
        if certificate is not None or ctx.obj.certificate is not None:
            kept["certificate"] = str((certificate or Path(ctx.obj.certificate)).expanduser().resolve())
        elif ctx.obj.token is not None:
            kept["token"] = ctx.obj.token
        else:
            name, secret = _credentials(token, username)
            kept["token"] = secret if name is None else buy(url, name, secret)
        _try(kept)
        config.save(**kept)
    note(f"logged in at {url}; kept in {config.path()}")


@app.command()
def show(ctx: typer.Context, output: OutputOption = Format.TABLE) -> None:
    """Show which service is used and how you are known there, and where each of that comes from. No secrets."""
    from skahaclient import config

    with told():
        found = config.settings(**ctx.obj.given)
    facts = {
        name: {"value": "***" if name in config.SECRETS else value, "from": found.origins[name]}
        for name, value in found.values.items()
    }
    if output is not Format.TABLE:
        emit(facts, output)
    else:
        for name, fact in facts.items():
            say(f"{name:<12}{fact['value']}  (from {fact['from']})")
    if not {"token", "certificate"} & set(facts):
        complain("not logged in; skahaclient auth login, or set SKAHA_TOKEN")
        raise typer.Exit(Exit.NOT_AUTHENTICATED)


@app.command()
def logout(ctx: typer.Context) -> None:
    """Forget the token and the certificate that are kept in your configuration. The URL stays."""
    from skahaclient import config

    with told():
        config.forget()
        left = config.settings(**ctx.obj.given)
    for name in ("token", "certificate"):
        if name in left.values:
            note(f"{left.origins[name]} still gives a {name}")


def _try(kept: dict[str, str | None]) -> None:
    """Raises what tells why the service does not let us in."""
    from skahaclient.context import Context

    with Context(**{name: value for name, value in kept.items() if value is not None}) as service:
        service.resources()


def _credentials(wants_token: bool, username: str | None) -> tuple[str | None, str]:
    """A name and a password; or ``None`` and a token."""
    if sys.stdin.isatty():
        if wants_token:
            return None, _asked("Token", hidden=True)
        name = username or _asked("Name")
        return name, _asked(f"Password of {name}", hidden=True)
    lines = [line for line in sys.stdin.read().splitlines() if line.strip()]
    if username is not None:
        lines.insert(0, username)
    match lines:
        case [secret] if username is None:
            return None, secret.strip()
        case [name, secret] if not wants_token:
            return name.strip(), secret
        case _:
            raise UsageError(
                "standard input has to be a token, or a name and a password, a line each; or log in at a terminal"
            )


def _asked(question: str, *, hidden: bool = False) -> str:
    if not sys.stdin.isatty():
        raise UsageError("no URL of a service; give --url before the command, or set SKAHA_URL")
    answer: str = typer.prompt(question, hide_input=hidden, err=True)
    return answer.strip()
