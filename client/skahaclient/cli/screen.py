"""Where the answers go: standard output, in the form that was asked for, and standard error for people."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import typer

from skahaclient.cli.columns import Column, Paint, table

if TYPE_CHECKING:
    from typing import TextIO

BROKEN_PIPE = 141
"""What a program has for its exit code that nobody listens to."""


class Format(StrEnum):
    """What ``-o`` takes."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def emit(value: Any, form: Format) -> None:
    """``value`` on standard output, as JSON or YAML."""
    if form is Format.YAML:
        from skahaclient.cli.yamltext import yaml_text

        say(yaml_text(value).rstrip("\n"))
    else:
        say(json.dumps(value, indent=2, ensure_ascii=not _speaks_utf8(sys.stdout)))


def say(text: str, end: str = "\n") -> None:
    """A line, or several, on standard output. Ends the command when nobody reads it any more."""
    try:
        sys.stdout.write(f"{text}{end}")
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would stumble over the rest when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(BROKEN_PIPE) from None


def say_lines(lines: Iterable[str]) -> None:
    say("".join(f"{line}\n" for line in lines), end="")


def tell(text: str) -> None:
    """A line for the person at the terminal, on standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def note(text: str) -> None:
    """As :func:`tell`, but only if somebody is looking: scripts do not want to hear it."""
    if sys.stderr.isatty():
        tell(text)


def warn(text: str) -> None:
    tell(f"warning: {text}")


def show_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """A table on standard output: as wide as the terminal, and neither cut nor coloured when it is piped."""
    say_lines(table(columns, rows, width(), painter()))


def width() -> int | None:
    """Columns of the terminal that standard output is; ``None`` when it is none."""
    return get_terminal_size().columns if sys.stdout.isatty() else None


def painter() -> Paint | None:
    """How to colour standard output; ``None`` when it is no terminal, or ``NO_COLOR`` or ``TERM=dumb`` is set."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return None
    from rich.color import ColorSystem
    from rich.style import Style

    styles: dict[str, Style] = {}

    def paint(text: str, style: str) -> str:
        found = styles.get(style)
        if found is None:
            found = styles[style] = Style.parse(style)
        return found.render(text, color_system=ColorSystem.STANDARD)

    return paint


def _speaks_utf8(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "") == "utf8"
