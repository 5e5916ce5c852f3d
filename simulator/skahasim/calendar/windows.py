"""From what the wall clock says to model time: the windows of a calendar entry.

A pure function of the entry, the start of the run and the time zone. Where the clock is put forward, a time of day
that it leaves out is the moment as far after the change as it would have been (02:30 is 03:30); where it is put
back, one that comes twice is the first. A window that this leaves without length is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from math import inf
from typing import NamedTuple
from zoneinfo import ZoneInfo

from skahasim.calendar.settings import DAYS, WhenSettings

_HOUR = 3600.0
_DAY = timedelta(days=1)
_NEVER_ENDING = 400 * 24 * _HOUR
"""A window that goes on from week to week for longer than this never ends."""


class Window(NamedTuple):
    """From ``begin`` until ``end`` (infinite when it never ends), in seconds of model time."""

    begin: float
    end: float


def windows(when: WhenSettings, *, start: float, zone: ZoneInfo, lead: float = 0.0) -> Iterator[Window]:
    """The windows of ``when`` that end after time 0, in order, without end for a weekly one.

    Those that overlap or touch are one. Model time 0 is ``start``, in seconds since 1970-01-01T00:00Z. Each begins
    ``lead`` seconds earlier than said; one that is open at time 0 begins there.
    """
    first = datetime.fromtimestamp(start, zone).date()
    for begin, end in _joined(_each(when, first, zone, lead)):
        if end > start:
            yield Window(max(begin, start) - start, end - start)


def _joined(spans: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    begin = end = -inf
    for next_begin, next_end in spans:
        if next_begin <= end:
            end = max(end, next_end)
            if end - begin > _NEVER_ENDING:
                yield begin, inf
                return
            continue
        if end > begin:
            yield begin, end
        begin, end = next_begin, next_end
    if end > begin:
        yield begin, end


def _each(when: WhenSettings, first: date, zone: ZoneInfo, lead: float) -> Iterator[tuple[float, float]]:
    """In seconds since 1970, by begin; those of a week from some time before the day ``first`` on."""
    if when.start is not None:
        begin = instant(when.start, zone)
        end = begin + (when.hours or 0.0) * _HOUR if when.end is None else instant(when.end, zone)
        yield begin - lead, end
        return
    weekdays = {DAYS.index(day) for day in when.days}
    back = int((when.hours or 24.0) // 24) + 2
    try:
        day = first - timedelta(days=back)
        while True:
            if day.weekday() in weekdays:
                begin = _at(day, when.from_, zone)
                if when.hours is not None:
                    end = begin + when.hours * _HOUR
                else:
                    to = "24:00" if when.to is None else when.to
                    end = _at(day if to > when.from_ else day + _DAY, to, zone)
                if end > begin:
                    yield begin - lead, end
            day += _DAY
    except OverflowError:  # the year 9999
        return


def _at(day: date, time_of_day: str, zone: ZoneInfo) -> float:
    if time_of_day == "24:00":
        return instant(datetime.combine(day + _DAY, time()), zone)
    return instant(datetime.combine(day, time.fromisoformat(time_of_day)), zone)


def instant(local: datetime, zone: ZoneInfo) -> float:
    """Seconds since 1970-01-01T00:00Z of ``local``, in ``zone`` unless it has an offset of its own."""
    aware = local if local.tzinfo is not None else local.replace(tzinfo=zone)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
