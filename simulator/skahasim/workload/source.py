"""From the settings of a workload to its arrivals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from skahasim.workload.arrival import Arrival
from skahasim.workload.cleaning import Cleaning
from skahasim.workload.settings import AnyWorkload, FilterSettings

DAY = 86400.0
DEFAULT_TIME_ZONE = "America/Vancouver"


@dataclass(frozen=True, slots=True)
class Epoch:
    """When a study's time 0 is: what cycles of the day and the week go by."""

    unix: float
    """Seconds since 1970-01-01T00:00Z."""
    time_zone: str
    """IANA name."""


@dataclass(slots=True)
class Workload:
    """An opened workload. ``arrivals`` can be gone through once; files close at its end."""

    arrivals: Iterator[Arrival]
    epoch: Epoch
    """Of the file, where it tells; else the one that was asked for."""
    files: tuple[Path, ...] = ()
    """What it is read from."""
    cleaning: Cleaning = field(default_factory=Cleaning)
    """What was dropped or changed so far."""
    processors: int | None = None
    """Of the machine the log is of, where it tells."""


Opener: TypeAlias = Callable[[Any, int, Path, Epoch], Workload]
_MODULES: Mapping[str, str] = MappingProxyType(
    {
        "swf": "skahasim.workload.swflog",
        "table": "skahasim.workload.table",
        "sessions": "skahasim.workload.sessions",
        "journal": "skahasim.workload.journal",
        "poisson": "skahasim.workload.poisson",
        "lublin": "skahasim.workload.lublin",
        "canfar": "skahasim.workload.canfar",
    }
)


def default_epoch(time_zone: str = DEFAULT_TIME_ZONE) -> Epoch:
    """A Monday, 2026-01-05 00:00 local time."""
    return Epoch(datetime(2026, 1, 5, tzinfo=ZoneInfo(time_zone)).timestamp(), time_zone)


def open_workload(
    settings: AnyWorkload, *, seed: int = 0, base: Path = Path(), epoch: Epoch | None = None
) -> Workload:
    """The workload that ``settings`` describe; files are relative to ``base``.

    The same settings, seed and epoch give the same arrivals, sorted by submit time and numbered from 0. They are
    made as they are asked for. A generator without ``jobs`` and ``days`` never ends.

    :raises ConfigurationError: a file that cannot be used; also later, for the line that cannot, from ``arrivals``.
    """
    opener: Opener = import_module(_MODULES[settings.source]).open_source
    workload = opener(settings, seed, base, epoch or default_epoch())
    workload.arrivals = _chosen(workload.arrivals, settings)
    if settings.skip_days:
        workload.epoch = Epoch(workload.epoch.unix + settings.skip_days * DAY, workload.epoch.time_zone)
    return workload


def arrivals(
    settings: AnyWorkload, *, seed: int = 0, base: Path = Path(), epoch: Epoch | None = None
) -> Iterator[Arrival]:
    """The arrivals of :func:`open_workload`."""
    return open_workload(settings, seed=seed, base=base, epoch=epoch).arrivals


def is_generated(settings: AnyWorkload) -> bool:
    """Whether it is drawn from a model: its arrivals depend on the seed, and go on for ever."""
    return settings.source in ("poisson", "lublin", "canfar")


def _chosen(found: Iterable[Arrival], settings: AnyWorkload) -> Iterator[Arrival]:
    """The arrivals the common settings ask for, numbered from 0."""
    begin = settings.skip_days * DAY
    end = float("inf") if settings.days is None else begin + settings.days * DAY
    shrink = 1.0 if is_generated(settings) else 1.0 / settings.scale
    takes = _takes(settings.filter)
    number = 0
    for arrival in found:
        time = arrival.submit_time
        if shrink != 1.0:
            time *= shrink
        if time < begin:
            continue
        if time >= end:
            return
        if takes is not None and not takes(arrival):
            continue
        time -= begin
        if arrival.number != number or arrival.submit_time != time:
            arrival = arrival._replace(number=number, submit_time=time)
        yield arrival
        number += 1
        if number == settings.jobs:
            return


def _takes(choice: FilterSettings) -> Callable[[Arrival], bool] | None:
    if choice == FilterSettings():
        return None
    fields = (
        ("user", frozenset(choice.users)),
        ("group", frozenset(choice.groups)),
        ("kind", frozenset(choice.kinds)),
        ("job_class", frozenset(choice.job_classes)),
        ("queue", frozenset(choice.queues)),
    )
    wanted = [(name, values) for name, values in fields if values]
    most = float("inf") if choice.max_cores is None else choice.max_cores

    def takes(arrival: Arrival) -> bool:
        return choice.min_cores <= arrival.request.cores <= most and all(
            getattr(arrival, name) in values for name, values in wanted
        )

    return takes
