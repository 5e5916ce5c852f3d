"""Tables of text: whole when piped, fitted to the width of a terminal, and quick for thousands of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

GAP = "  "
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Column:
    """A column and what may happen to it where there is no room."""

    head: str
    right: bool = False
    shrinks_to: int | None = None
    """Characters that its cells may be cut to; ``None``: never cut."""
    goes: int | None = None
    """May be left out; the column with the smallest number goes first."""
    folds: bool = False
    """The last column may go on below itself instead of being cut."""
    colour: Callable[[str], str | None] | None = None
    """The style of a cell by its text."""


Paint = Callable[[str, str], str]
"""``paint(text, style)``: the text as the terminal shows it in that style."""


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    width: int | None = None,
    paint: Paint | None = None,
) -> Iterator[str]:
    """The lines of a table with its head. ``width`` is that of the terminal; ``None`` cuts and leaves out nothing."""
    widths = [
        max(len(column.head), max((len(row[at]) for row in rows), default=0))
        for at, column in enumerate(columns)
    ]
    shown = list(range(len(columns)))
    if width is not None:
        shown = _room(columns, widths, width)
        _shrink(columns, widths, shown, width)
    yield _line([columns[at].head for at in shown], columns, widths, shown, None, paint)
    last = shown[-1]
    for row in rows:
        cells = [row[at] for at in shown]
        folded = _folded(cells[-1], widths[last]) if columns[last].folds else cells[-1:]
        yield _line([*cells[:-1], folded[0]], columns, widths, shown, row, paint)
        margin = " " * (sum(widths[at] + len(GAP) for at in shown[:-1]))
        yield from (margin + part for part in folded[1:])


def _folded(text: str, room: int) -> list[str]:
    return [text] if len(text) <= room else wrap(text, room, break_on_hyphens=False)


def _room(columns: Sequence[Column], widths: list[int], width: int) -> list[int]:
    """The columns that stay, so that the least they need fits."""
    shown = list(range(len(columns)))
    leaving = sorted((column.goes, at) for at, column in enumerate(columns) if column.goes is not None)
    for _, at in leaving:
        least = [min(widths[i], columns[i].shrinks_to or widths[i]) for i in shown]
        if sum(least) + len(GAP) * (len(shown) - 1) <= width:
            break
        shown.remove(at)
    return shown


def _shrink(columns: Sequence[Column], widths: list[int], shown: list[int], width: int) -> None:
    """Take from the widest first what is too much."""
    excess = sum(widths[at] for at in shown) + len(GAP) * (len(shown) - 1) - width
    while excess > 0:
        able = [at for at in shown if (least := columns[at].shrinks_to) is not None and widths[at] > least]
        if not able:
            return
        widths[max(able, key=lambda at: widths[at])] -= 1
        excess -= 1


def _line(
    cells: Sequence[str],
    columns: Sequence[Column],
    widths: list[int],
    shown: list[int],
    row: Sequence[str] | None,
    paint: Paint | None,
) -> str:
    parts = []
    for cell, at in zip(cells, shown, strict=True):
        column, room = columns[at], widths[at]
        text = cell if len(cell) <= room else cell[: room - 1] + _ELLIPSIS
        padded = text.rjust(room) if column.right else text.ljust(room)
        if at == shown[-1]:
            padded = padded.rstrip()
        if paint is not None:
            style = "bold" if row is None else column.colour(cell) if column.colour else None
            padded = paint(padded, style) if style else padded
        parts.append(padded)
    return GAP.join(parts).rstrip()


def rows_of(text: str) -> list[dict[str, str]]:
    """The rows of a table whose columns stand at least two spaces apart, by the names in its first line: what
    Skaha's events are (skaha-contract §2.10). A row that does not fit the head is kept as ``{"MESSAGE": row}``."""
    head, *lines = text.splitlines() or [""]
    if not lines:
        return []
    starts = [at for at in range(len(head)) if head[at] != " " and (at == 0 or head[at - 2 : at] == "  ")]
    names = [head[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
    found = []
    for line in lines:
        if any(line[start - 1 : start].strip() for start in starts[1:]):
            cells = [part.strip() for part in line.split("  ") if part.strip()]
            fits = len(cells) == len(names)
            found.append(dict(zip(names, cells, strict=True)) if fits else {"MESSAGE": line.strip()})
            continue
        cells = [line[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
        found.append(dict(zip(names, cells, strict=True)))
    return found
