"""What the commands of this package have in common: options, and how they end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from mockskaha.era import Era
    from mockskaha.verify.client import Client

UNREACHABLE = 4
"""Exit code when nobody answers at the address."""
INTERRUPTED = 130


UrlArgument = Annotated[
    str | None,
    typer.Argument(
        envvar="CANFAR_URL", metavar="URL", help="The server: https://host/skaha, with or without /v1."
    ),
]
TokenOption = Annotated[
    str | None,
    typer.Option(envvar="CANFAR_TOKEN", metavar="TOKEN", help="Bearer token of a user.", show_envvar=True),
]
WriteOption = Annotated[
    bool, typer.Option("--write", help="Launch sessions too, and remove them again. Read-only without.")
]
RateOption = Annotated[
    float | None,
    typer.Option(
        min=0.01, metavar="N", help="At most N requests a second. \\[10; on this machine as fast as it goes]"
    ),
]
WaitOption = Annotated[
    float, typer.Option(min=0, metavar="SECONDS", help="Wait that long for a session to run.")
]
ImageOption = Annotated[
    str | None, typer.Option(metavar="IMAGE", help="Public image for batch jobs; has sleep and echo.")
]
TimeoutOption = Annotated[
    float, typer.Option(min=0.1, metavar="SECONDS", help="Wait that long for an answer.")
]


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """A request to end is an interrupt, so that what was launched is removed."""

    def interrupt(number: int, frame: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def usage(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(2)


def root_of(url: str | None) -> str:
    from mockskaha.verify.client import service_root

    if not url:
        usage("there is no server; give its URL or set CANFAR_URL")
    try:
        return service_root(url)[0]
    except ValueError as error:
        usage(str(error))


def era_named(version: str) -> Era:
    from mockskaha.era import UnknownVersion, era

    try:
        return era(version)
    except UnknownVersion as error:
        usage(str(error))


def client_of(root: str, tokens: Any, rate: float | None, timeout: float) -> Client:
    from mockskaha.verify.client import POLITE_RATE, Client, is_loopback

    polite = None if is_loopback(root) else POLITE_RATE
    try:
        return Client(root, tokens, rate=rate or polite, timeout=timeout)
    except OSError as error:  # certificates named by SSL_CERT_FILE or SSL_CERT_DIR
        usage(f"the certificates of the environment (SSL_CERT_FILE) cannot be read: {error}")
