"""``events.jsonl``: every transition of every job, a JSON object a line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from json import JSONDecodeError, dumps, loads
from pathlib import Path
from typing import NamedTuple

from skahasim.transition import Transition


class Event(NamedTuple):
    """One transition as a file holds it."""

    time: float
    job: int
    """Number of the job."""
    event: str
    """A :class:`~skahasim.transition.Step`."""
    reason: str
    container: int = -1
    """Index of the container it happened to; -1 when it is the job's own."""


class DamagedFile(ValueError):
    """A file of a run that cannot be read as one."""


def event_writer(write: Callable[[str], object]) -> Callable[[Transition], None]:
    """A listener that writes each transition as a line."""
    quoted: dict[str, str] = {}

    def hear(seen: Transition) -> None:
        reason = seen.reason
        text = quoted.get(reason)
        if text is None:
            text = dumps(reason)
            if len(quoted) < 10_000:
                quoted[reason] = text
        write(_line(seen.time, seen.job.number, seen.step, text, seen.container))

    return hear


def line_of(event: Event) -> str:
    """The line of ``events.jsonl`` that holds ``event``."""
    return _line(event.time, event.job, event.event, dumps(event.reason), event.container)


def _line(time: float, number: int, step: str, reason: str, container: int) -> str:
    own = "" if container < 0 else f',"container":{container}'
    return f'{{"time":{time!r},"job":{number},"event":"{step}","reason":{reason}{own}}}\n'


def event_keeper(keep: Callable[[Event], object]) -> Callable[[Transition], None]:
    """A listener that keeps each transition as an :class:`Event`."""

    def hear(seen: Transition) -> None:
        keep(Event(seen.time, seen.job.number, seen.step.value, seen.reason, seen.container))

    return hear


def read_events(path: Path) -> Iterator[Event]:
    """The events in the file at ``path``. Raises :class:`DamagedFile`."""
    with path.open(encoding="utf-8") as lines:
        yield from parse_events(lines, path.name)


def parse_events(lines: Iterable[str], name: str) -> Iterator[Event]:
    """The events on ``lines``; messages call them ``name``. Raises :class:`DamagedFile`."""
    for number, line in enumerate(lines, 1):
        try:
            found = loads(line)
            event = Event(
                float(found["time"]), int(found["job"]), str(found["event"]), str(found["reason"]),
                int(found.get("container", -1)),
            )  # fmt: skip
        except (JSONDecodeError, KeyError, TypeError, ValueError):
            raise DamagedFile(f"{name}:{number}: no event") from None
        yield event
