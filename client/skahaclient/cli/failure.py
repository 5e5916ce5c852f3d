"""How a command ends: its exit code, and what it says on standard error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer

from skahaclient.cli.screen import tell


class Exit(IntEnum):
    """The exit codes. They are part of the interface and stay as they are."""

    OK = 0
    FAILED = 1
    """Something failed about a session, or about the request."""
    USAGE = 2
    """The command line, the environment or the configuration makes no sense. Nothing was asked."""
    NOT_AUTHENTICATED = 3
    UNREACHABLE = 4
    """There was no answer, or none of a Skaha service."""
    INTERRUPTED = 130


class UsageError(Exception):
    """A command line that cannot be obeyed; the text says what to write instead."""


def complain(text: str) -> None:
    """One problem, on standard error."""
    tell(f"error: {text}")


def code_of(error: BaseException) -> Exit:
    """The exit code for an error of this client."""
    from skahaclient.errors import (
        ConfigurationError,
        InvalidRequest,
        NoAnswer,
        NoService,
        NotAuthenticated,
        Refused,
        SessionError,
        SessionRequestError,
        UnexpectedAnswer,
    )

    match error:
        case ConfigurationError() | InvalidRequest() | UsageError():
            return Exit.USAGE
        case NotAuthenticated():
            return Exit.NOT_AUTHENTICATED
        case NoAnswer() | UnexpectedAnswer() | NoService() | Refused(status=502 | 503 | 504):
            return Exit.UNREACHABLE
        case SessionError():
            return code_of(error.cause)
        case SessionRequestError() if not error.results:
            codes = {code_of(failure) for failure in error.errors.values()}
            return codes.pop() if len(codes) == 1 else Exit.FAILED
        case _:
            return Exit.FAILED


@contextmanager
def told() -> Iterator[None]:
    """What this client raises ends the command with one clear line and its exit code."""
    from skahaclient.errors import SkahaError

    try:
        yield
    except (SkahaError, UsageError) as error:
        complain(str(error))
        raise typer.Exit(code_of(error)) from None
