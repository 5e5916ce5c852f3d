"""What every command does alike: bad input is one clear error and status 2, Ctrl-C is status 130, long work has a
progress bar."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Timer
from types import TracebackType
from typing import TYPE_CHECKING, Self

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

BAD_INPUT = 2
INTERRUPTED = 130
PATIENCE_SECONDS = 2.0
"""Work shorter than that has no progress bar."""


UNSEEN_WIDTH = 120
"""Columns of what is piped, where nobody says another width (``COLUMNS``)."""


def console() -> Console:
    """Standard output: as wide as the terminal or as ``COLUMNS`` says, without colours that nobody asked for."""
    from os import environ

    from rich.console import Console

    wide = sys.stdout.isatty() or environ.get("COLUMNS", "").isdigit()
    return Console(width=None if wide else UNSEEN_WIDTH, highlight=False, markup=False, emoji=False)


def complain(message: str) -> None:
    """One line on standard error."""
    typer.echo(f"error: {message}", err=True)


@contextmanager
def one_clear_error() -> Iterator[None]:
    """Bad input ends the command with status 2 and a line for each problem; Ctrl-C with 130."""
    from skahasim.yamlfile import ConfigurationError

    try:
        yield
    except KeyboardInterrupt:
        complain("interrupted; nothing was written")
        raise typer.Exit(INTERRUPTED) from None
    except ConfigurationError as error:
        for problem in error.problems:
            complain(str(problem))
        raise typer.Exit(BAD_INPUT) from None
    except (OSError, ValueError) as error:
        if not _is_told(error):
            raise
        complain(str(error))
        raise typer.Exit(BAD_INPUT) from None


def _is_told(error: Exception) -> bool:
    """Whether the error is about what somebody gave us, so that its text is all there is to say."""
    from skahasim.cli.shortcuts import BadShortcut
    from skahasim.policies import UnknownPolicy
    from skahasim.profile import UnknownProfile
    from skahasim.study.folder import FolderInUse, NotWritable

    return isinstance(
        error, BadShortcut | UnknownPolicy | UnknownProfile | FolderInUse | NotWritable | OSError
    ) or (type(error).__module__.startswith("skahasim.study."))


class Meter:
    """A progress bar with time left on standard error, if that is a terminal, from two seconds on."""

    def __init__(self, label: str, *, quiet: bool = False) -> None:
        self._label = label
        self._quiet = quiet or not sys.stderr.isatty()
        self._lock = Lock()
        self._timer = Timer(PATIENCE_SECONDS, self._begin)
        self._timer.daemon = True
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._share: float | None = 0.0
        self._note = ""

    def __enter__(self) -> Self:
        if not self._quiet:
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._timer.cancel()
            self._quiet = True
            if self._bar is not None:
                self._bar.stop()

    @property
    def is_shown(self) -> bool:
        """Whether there will be a bar at all."""
        return not self._quiet

    def update(self, share: float | None, note: str = "") -> None:
        """``share`` of the work, from 0 to 1, is done; ``None``: nobody knows."""
        self._share, self._note = share, note
        if self._bar is not None:
            self._draw()

    def _begin(self) -> None:
        with self._lock:
            if not self._quiet:
                self._bar, self._task = _bar(self._label)
                self._draw()

    def _draw(self) -> None:
        if self._bar is not None and self._task is not None:
            total = None if self._share is None else 1.0
            self._bar.update(self._task, completed=self._share or 0.0, total=total, note=self._note)


def _bar(label: str) -> tuple[Progress, TaskID]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    bar.start()
    return bar, bar.add_task(label, total=None, note="")
