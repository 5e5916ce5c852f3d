"""A progress bar for what takes long, on standard error, and only if that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Report = Callable[[int, int], None]
"""``report(done, total)``, from any thread."""


@contextmanager
def bar(label: str, total: int, *, least: int = 2) -> Iterator[Report]:
    """A bar that is gone when the block ends. Less than ``least`` things to do have none."""
    if not sys.stderr.isatty() or total < least:
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=total)
        yield lambda done, total: progress.update(task, completed=done, total=total)
