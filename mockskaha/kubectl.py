"""The table of events kubectl prints, and what Skaha makes of it (skaha-contract §2.10)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

HEADER = ("TYPE", "REASON", "MESSAGE", "FIRST-TIME", "LAST-TIME")
NULL = "<nil>"
"""A field that is there and null: the times of events made through events.k8s.io."""
ABSENT = "<none>"
"""A field that is not there at all; also what Skaha says when there is no event."""

_MIN_WIDTH = 6
_PADDING = 3
_TERMINAL = str.maketrans({"\x1b": "^[", "\r": "\\r"})
_TRIMMED = "".join(map(chr, range(0x21)))


def custom_columns(rows: Sequence[tuple[str, ...]]) -> str:
    """Header and rows as kubectl aligns them, each line ended by a newline.

    A row holds the cells of ``HEADER``. Every column but the last is as wide, in characters, as its widest
    cell and three spaces. Tabs and newlines in a message are not escaped, so they break the row apart and the
    columns with it, as they do in kubectl; ESC and carriage return print as ``^[`` and ``\\r``.
    """
    text = "\n".join(["\t".join(HEADER), *("\t".join(row).translate(_TERMINAL) for row in rows)])
    lines = [line.split("\t") for line in text.split("\n")]
    return "".join(_aligned(lines, (), {}))


def events_body(rows: Sequence[tuple[str, ...]]) -> bytes:
    """The body of ``view=events``: the table, trimmed, and one newline; ``<none>`` when there is no row."""
    if not rows:
        return f"{ABSENT}\n".encode()
    return f"{custom_columns(rows).strip(_TRIMMED)}\n".encode()


def _aligned(lines: list[list[str]], widths: tuple[int, ...], widest: dict[int, int]) -> Iterator[str]:
    """The lines, whose first columns have these widths; ``widest`` remembers widths for later blocks.

    A column is a run of lines that have a cell there which a tab ends, so it may start and stop anywhere
    (elastic tabstops); a later run is never narrower than an earlier one, as in kubectl's own tabwriter.
    """
    column = len(widths)
    for continues, run in groupby(lines, lambda cells: len(cells) - 1 > column):
        block = list(run)
        if continues:
            width = max(
                _MIN_WIDTH, _PADDING + max(len(cells[column]) for cells in block), widest.get(column, 0)
            )
            widest[column] = width
            yield from _aligned(block, (*widths, width), widest)
        else:
            for cells in block:
                yield "".join(map(str.ljust, cells, widths)) + cells[-1] + "\n"
