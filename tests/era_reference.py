"""The tables of ``docs/eras.md``, from the table of what the versions of Skaha do differently.

``python -m tests.era_reference`` writes them; ``tests/mockskaha/test_eras_page.py`` holds the page to them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any

from mockskaha.era import VERSIONS, era
from mockskaha.era import table as eras
from tests.differences import ROOT
from tests.fault_reference import table
from tests.written import with_parts

PAGE = ROOT / "docs" / "eras.md"
MARKS = {"certain": "", "inferred": " ~", "uncertain": " ?"}
CONCERNS = {
    "addresses": "Addresses", "sessions": "Sessions", "launching": "Launching", "deleting": "Deleting",
    "platform": "The platform", "service": "The service",
}  # fmt: skip
"""Title of the section of each concern."""
_LONGEST = 24
"""A longer answer does not go into a column of its own."""


def versions() -> str:
    return table(
        "| version | stands for | of | |",
        (
            f"| `{it['name']}` | Skaha {it['release']} | {it['date']} | {it['about']} |"
            for it in eras()["versions"]
        ),
    )


def differences() -> str:
    return "\n\n".join(
        f"### {CONCERNS[concern]}\n\n{section(list(rows))}"
        for concern, rows in groupby(eras()["differences"], key=lambda row: str(row["concern"]))
    )


def section(rows: list[Mapping[str, Any]]) -> str:
    short = [row for row in rows if all(len(str(value)) <= _LONGEST for value in row["values"].values())]
    header = f"| | | {' | '.join(VERSIONS)} | changed in | source |"
    parts = [table(header, map(line, short))]
    parts += ["\n".join(told_at_length(row)) for row in rows if row not in short]
    return "\n\n".join(parts)


def line(row: Mapping[str, Any]) -> str:
    answers = " | ".join(cell(getattr(era(version), row["name"])) for version in VERSIONS)
    changes = ", ".join(list(row["values"])[1:])
    what = row["what"].replace("|", "\\|")
    return f"| `{row['name']}` | {what}{MARKS[row['certainty']]} | {answers} | {changes} | {row['source']} |"


def told_at_length(row: Mapping[str, Any]) -> Iterator[str]:
    """An answer that is a text of several lines."""
    yield f"`{row['name']}`: {row['what']}{MARKS[row['certainty']]} ({row['source']})"
    starts = list(row["values"])
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        between = [f"since {start}"] * (start != starts[0]) + [f"before {end}"] * (end is not None)
        yield f"\n- {', '.join(between)}:\n\n  ```text"
        yield from (f"  {part}".rstrip() for part in row["values"][start].splitlines())
        yield "  ```"


def cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"`{value}`" if value != "" else "empty"


def unchanged() -> str:
    return "\n".join(f"- {row['what']} ({row['source']})" for row in eras()["unchanged"])


TABLES: dict[str, Callable[[], str]] = {
    "versions": versions, "differences": differences, "unchanged": unchanged,
}  # fmt: skip


def page() -> str:
    """The page with its tables as they should be."""
    return with_parts(PAGE.read_text(), "tests.era_reference", TABLES)


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"wrote {PAGE.relative_to(ROOT)}\n")
