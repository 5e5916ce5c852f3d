"""How a session's facts are worded in tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

HOST = "images.canfar.net/"
NOTHING = "-"
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_STATUS = {
    "Running": "green",
    "Pending": "yellow",
    "Terminating": "yellow",
    "Failed": "red",
    "Succeeded": "dim",
    "Completed": "dim",
}


def status_colour(status: str) -> str | None:
    """The style of a status."""
    return _STATUS.get(status)


def span(length: timedelta | None) -> str:
    """A length of time, in its largest unit and, while that is small, the next: ``3d4h``, ``12m``, ``5s``."""
    if length is None:
        return NOTHING
    seconds = max(0, int(length.total_seconds()))
    for (size, unit), (next_size, next_unit) in zip(_UNITS, (*_UNITS[1:], (0, "")), strict=True):
        if seconds >= size or unit == "s":
            whole, rest = divmod(seconds, size)
            part = rest // next_size if next_size and whole < 10 else 0
            return f"{whole}{unit}{part}{next_unit}" if part else f"{whole}{unit}"
    return NOTHING


def number(value: float | None, digits: int = 1) -> str:
    """A number without zeros that say nothing; ``-`` for none."""
    if value is None:
        return NOTHING
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def share(part: float | None, whole: float | None) -> str:
    """In percent; ``-`` when there is no telling."""
    return NOTHING if part is None or not whole else f"{part / whole:.0%}"


def short(image: str) -> str:
    """An image as it can be given to ``launch``: without the usual host."""
    return image.removeprefix(HOST)


def ranges(numbers: Sequence[int]) -> str:
    """Numbers, with ranges of three and more written as such: ``1-16, 20``."""
    runs: list[list[int]] = []
    for value in numbers:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    told = [f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return ", ".join(told) or "none"
