"""What ``skahasim compare`` prints: the answer first, then one table for each pair, then what is open."""

from __future__ import annotations

import sys
from itertools import groupby
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from skahasim.cli.console import console
from skahasim.study.conclusion import conclusion, open_questions, rows, users
from skahasim.study.words import measure, shift, title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from skahasim.study.comparison import Comparison
    from skahasim.study.difference import Difference

ROOMY = 90
"""Columns from which on a table has wide gaps."""
_VERDICTS = {
    "better": ("✔", "+", "better", "green"),
    "worse": ("✘", "-", "worse", "red"),
    "more": ("↑", "^", "more", ""),
    "less": ("↓", "v", "less", ""),
    "same": ("=", "=", "same", "dim"),
    "undetected": ("?", "?", "not sure", "dim"),
    "unknown": ("?", "?", "unknown", "dim"),
}
"""Symbol, the same in ASCII, word, colour."""
_SHORT = {
    ("wait_time", "mean"): "mean wait",
    ("wait_time", "p95"): "p95 wait",
    ("bounded_slowdown", "mean"): "bounded slowdown",
    ("evicted", "value"): "evictions",
    ("preempted", "value"): "preemptions",
    ("badput", "value"): "work lost",
    ("gave_up", "value"): "gave up",
    ("waiting", "value"): "never started",
    ("starved", "value"): "waited > 1 day",
}


_DOUBT = "not sure although [ ] leaves out 0: of as many comparisons some do so by chance (Holm)"
_HEAD = "difference [95 % CI]"


def show(found: Comparison, *, everything: bool = False) -> None:
    """Everything about ``found`` on standard output that helps to decide."""
    screen = console()
    screen.print(Text(_what_was_done(found), style="dim"))
    for name in found.names[1:]:
        first, *others = conclusion(found, name)
        screen.print()
        screen.print(Text(first, style="bold"))
        for sentence in others:
            screen.print(Padding(Text(sentence), (0, 0, 0, 2), expand=False))
    for name in found.names[1:]:
        screen.print()
        screen.print(Text(f"{name} against {found.names[0]}", style="bold"))
        screen.print(_pair(found, name, screen.width))
        _show_users(screen, found, name)
        if everything:
            _show_all(screen, found, name)
    shown = [
        d
        for name in found.names[1:]
        for d in (*rows(found, name), *(found.differences if everything else ()))
    ]
    if any(d.finding == "undetected" and not d.paired.difference.covers(0.0) for d in shown):
        screen.print(Text(_DOUBT, style="dim"))
    for warning in found.warnings:
        screen.print(Text(f"warning: {warning}", style="yellow"))
    closing = (
        open_questions(found)
        or "Nothing of the mean waits is open: more replications only narrow the intervals."
    )
    screen.print()
    screen.print(Text(closing))


def _what_was_done(found: Comparison) -> str:
    times = "one run of each" if found.replications == 1 else f"{found.replications} runs of each"
    left_out = f"; first {found.warm_up / 3600:.3g} h left out" if found.warm_up else ""
    most = max((len(run.jobs) for run in found.runs), default=0)
    count = f", {most:,} jobs" if most else ""
    return f"{times}{count}, same arrivals for all{left_out}; [95 % CI]"


def _pair(found: Comparison, name: str, width: int) -> Table:
    told: list[tuple[str, Difference]] = []
    previous = ""
    for difference in rows(found, name):
        metric, statistic, by, label = difference.key
        head = _SHORT.get((metric, statistic), title(metric, statistic))
        text = head if by == "all" else f"  {label}" if head == previous else f"{head}, {label}"
        previous = head
        told.append((text, difference))
    return _table(("", found.names[0], name, _HEAD, ""), told, width)


def _show_users(screen: Console, found: Comparison, name: str) -> None:
    gainers, losers = users(found, name)
    screen.print()
    if not gainers and not losers:
        if any(d.finding == "undetected" for d in found.of(name, "user", "wait_time", "mean")):
            screen.print("users: for none of them alone the difference of the mean wait is sure")
        return
    told = [(difference.key.label, difference) for difference in (*gainers, *reversed(losers))]
    screen.print(_table(("mean wait of user", found.names[0], name, _HEAD, ""), told, screen.width))


def _show_all(screen: Console, found: Comparison, name: str) -> None:
    told = [d for d in found.differences if d.scenario == name and not d.is_idle]
    for (what, by), group in groupby(told, key=_heading):
        head = what if by == "all" else f"{what} by {by.replace('_', ' ')}"
        lines = [(title(*d.key[:2]) if d.key.statistic == "value" else d.key.label, d) for d in group]
        screen.print()
        screen.print(_table((head, found.names[0], name, _HEAD, ""), lines, screen.width))


def _heading(found: Difference) -> tuple[str, str]:
    metric, statistic, by, _ = found.key
    return ("cluster", "all") if statistic == "value" else (title(metric, statistic), by)


def _table(heads: tuple[str, ...], found: Sequence[tuple[str, Difference]], width: int) -> Table:
    """Numbers are never folded nor cut; long names of scenarios are folded."""
    cells = [(label, *_cells(difference)) for label, difference in found]
    gap = 2 if width >= ROOMY else 1  # one of it is the box's
    table = Table(
        box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, gap - 1, 0, 0), header_style=""
    )
    for number, head in enumerate(heads):
        is_number = 0 < number < len(heads) - 1
        widest = max((len(row[number]) for row in cells), default=0)
        table.add_column(head, justify="right" if is_number else "left", overflow="fold", min_width=widest)
    for row, (_, difference) in zip(cells, found, strict=True):
        table.add_row(*row, style=_VERDICTS[difference.finding][3])
    return table


def _cells(difference: Difference) -> tuple[str, ...]:
    metric = difference.key.metric
    symbol, plain, word, _ = _VERDICTS[difference.finding]
    return (
        measure(difference.baseline.mean, metric),
        measure(difference.value.mean, metric),
        shift(difference),
        f"{symbol if _speaks(symbol) else plain} {word}",
    )


def _speaks(symbol: str) -> bool:
    try:
        symbol.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
