"""The ids of sessions that a command is about: its arguments, or what it reads from standard input."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from skahaclient.cli.failure import Exit, UsageError, code_of, complain

if TYPE_CHECKING:
    from skahaclient.cli.connection import Connection
    from skahaclient.errors import SessionError

T = TypeVar("T")
_COMPLETION_SECONDS = 2.0


def completed(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The ids of the caller's sessions, with their names, for the shell's completion. Never an error, and never long:
    whoever presses Tab would rather go on typing."""
    found: list[tuple[str, str]] = []
    asking = Thread(target=_ask_for_ids, args=(ctx.find_root().obj, found), daemon=True)
    asking.start()
    asking.join(_COMPLETION_SECONDS)
    return list(found)


def _ask_for_ids(connection: Connection | None, found: list[tuple[str, str]]) -> None:
    from skahaclient.cli.connection import Connection

    with suppress(Exception), (connection or Connection()).session() as session:
        found += [(info.id, f"{info.name} {info.status}") for info in session.fetch()]


Ids = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ID",
        help="Sessions; without any, or for -, their ids are read from standard input.",
        show_default=False,
        autocompletion=completed,
    ),
]


def given(ids: Iterable[str] | None) -> list[str]:
    """The ids, each once, in order. Raises :class:`UsageError` when there are none."""
    words = list(ids or ())
    if not words and not sys.stdin.isatty():
        words = ["-"]
    found: dict[str, None] = {}
    for word in words:
        found.update(dict.fromkeys(sys.stdin.read().split() if word == "-" else [word]))
    if not found:
        raise UsageError("no session; give its id (skahaclient ps shows them), or pipe ids in")
    return list(found)


def gathered(call: Callable[[], T]) -> tuple[T, Mapping[str, SessionError]]:
    """What ``call`` gives, or what it got before some sessions failed, and these failures."""
    from skahaclient.errors import SessionRequestError

    try:
        return call(), {}
    except SessionRequestError as error:
        return error.results, error.errors


def conclude(failures: Mapping[str, SessionError], *, nothing_else: bool) -> None:
    """Tell each failure; end with their exit code if that is all there is to say, with 1 otherwise."""
    if not failures:
        return
    for failure in failures.values():
        complain(str(failure))
    codes = {code_of(failure) for failure in failures.values()}
    raise typer.Exit(codes.pop() if nothing_else and len(codes) == 1 else Exit.FAILED)
