"""Logs in the Standard Workload Format as workloads: processors to cores, and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from math import ceil
from pathlib import Path
from typing import Literal

from skahasim.resources import MIB_PER_GIB, Resources
from skahasim.workload.arrival import Arrival
from skahasim.workload.cleaning import Cleaning
from skahasim.workload.settings import SwfWorkload
from skahasim.workload.source import Epoch, Workload
from skahasim.workload.swf import (
    Header,
    Malformed,
    Record,
    opened,
    read_header,
    read_lines,
    refused,
    write_log,
)

KIB_PER_MIB = 1024
BYTES_PER_MIB = 2**20
FAILED, CANCELLED = 0, 5
_NODES = re.compile(r"(\d+)(?::|$)")
_UNIX_TIMES_FROM = 1e8
"""A first submit time above this (March 1973) is a Unix time: logs begin near 0, as the standard has it."""
_NUMBERED = re.compile(r"(?:user|group|queue|app)-?(\d{1,9})")

Memory = Literal["swf", "bytes-per-node", "bytes-per-job", "ignore"]


def open_source(settings: SwfWorkload, seed: int, base: Path, epoch: Epoch) -> Workload:
    """The log of ``settings``. Nothing is drawn: ``seed`` is not used."""
    path = base / settings.file
    header = read_header(path)
    cleaning = Cleaning()
    processors = settings.processors or header.processors
    records = _cleaned(path, settings, processors, cleaning)
    first = next(records, None)
    offset = 0.0
    start = header.unix_start
    if first is not None and first.submit_time >= _UNIX_TIMES_FROM:
        offset = float(first.submit_time)
        start = int(first.submit_time)

    def arrivals() -> Iterator[Arrival]:
        if first is not None:
            for number, record in enumerate(chain((first,), records)):
                yield arrival_of(record, settings, offset, number)

    if start is not None:
        epoch = Epoch(float(start), header.time_zone or epoch.time_zone)
    return Workload(arrivals(), epoch, (path,), cleaning, processors)


def size_of(record: Record, prefer: Literal["requested", "allocated"] = "requested") -> int:
    """Processors of a job: the preferred number where known, else the other; 0 or less where neither is."""
    first, second = record.requested_processors, record.allocated_processors
    if prefer == "allocated":
        first, second = second, first
    return int(first if first > 0 else second)


def arrival_of(record: Record, settings: SwfWorkload, offset: float = 0.0, number: int = 0) -> Arrival:
    """The arrival of a record that cleaning kept: one core for each processor, fixed."""
    size = size_of(record, settings.size)
    request = Resources(size * 1000, _ram_mib(record, size, settings))
    queue = record.extra[1] if record.extra else _name("queue", record.queue)
    return Arrival(
        number=number,
        submit_time=float(record.submit_time - offset),
        request=request,
        limit=request,
        run_seconds=float(record.run_time),
        requested_seconds=float(record.requested_time) if record.requested_time > 0 else None,
        name=f"job-{record.number}",
        user=_name("user", record.user) or "user",
        group=_name("group", record.group),
        job_class=_name("app", record.executable),
        queue=queue,
        completes=record.status not in (FAILED, CANCELLED),
        recorded_wait=float(record.wait_time) if record.wait_time >= 0 else None,
    )


def _name(what: str, number: float) -> str:
    return f"{what}{number}" if number >= 0 else ""


def _ram_mib(record: Record, size: int, settings: SwfWorkload) -> int:
    memory = record.requested_memory
    if memory <= 0 and settings.memory == "swf":
        memory = record.used_memory
    if settings.memory == "ignore" or memory <= 0:
        return round(size * (settings.ram_gib_per_core or 0.0) * MIB_PER_GIB)
    if settings.memory == "swf":
        return ceil(memory * size / KIB_PER_MIB)
    if settings.memory == "bytes-per-node":
        return ceil(memory / BYTES_PER_MIB) * nodes_of(record)
    return ceil(memory / BYTES_PER_MIB)


def nodes_of(record: Record) -> int:
    """Nodes of a job by its node specification (``8:ppn=8:x86_64``, parts joined by ``+``); 1 where it has none."""
    if not record.extra:
        return 1
    parts = record.extra[2].partition("#")[0].split("+")
    return sum(int(match[1]) if (match := _NODES.match(part)) else 1 for part in parts)


def _cleaned(
    path: Path, settings: SwfWorkload, processors: int | None, cleaning: Cleaning
) -> Iterator[Record]:
    """The records that can be run. Raises ``ConfigurationError`` for the first that the rules do not drop."""
    rules = settings.cleaning
    last: float = float("-inf")
    with opened(path) as text:
        for number, item in read_lines(text):
            if isinstance(item, str):
                continue
            cleaning.read += 1
            fault = (
                ("malformed", item)
                if isinstance(item, Malformed)
                else _fault(item, settings, processors, last)
            )
            if fault is not None:
                reason, error = fault
                if getattr(rules, reason) != "drop":
                    raise refused(path, number, error)
                cleaning.dropped[reason] += 1
                continue
            assert isinstance(item, Record)
            last = item.submit_time
            if rules.cut_at_requested and 0 < item.requested_time < item.run_time:
                cleaning.cut += 1
                item = item._replace(run_time=item.requested_time)
            yield item


def _fault(
    record: Record, settings: SwfWorkload, processors: int | None, last: float
) -> tuple[str, Malformed] | None:
    """Why a record cannot be run as it stands: the cleaning rule it falls under, and the message."""
    least = min(record[:11])
    for name, value in zip(Record._fields, record[:11], strict=False) if least < 0 and least != -1 else ():
        if value < 0 and value != -1:
            return "negative", Malformed(name, f"is {value}; below 0 only -1 (unknown) is allowed")
    if record.submit_time < 0:
        return "malformed", Malformed("submit_time", "is unknown (-1)")
    size = size_of(record, settings.size)
    if size <= 0:
        return "no_processors", Malformed(
            "requested_processors", "neither requested nor allocated processors are known"
        )
    if record.run_time < 0 or (record.run_time == 0 and settings.cleaning.no_run_time != "keep"):
        what = "is unknown (-1)" if record.run_time else "is 0"
        return "no_run_time", Malformed("run_time", what)
    if processors is not None and size > processors:
        return "oversized", Malformed(
            "requested_processors", f"{size} processors, but the machine has {processors}"
        )
    if record.submit_time < last:
        return "unsorted", Malformed(
            "submit_time", f"{record.submit_time} is before the job above, submitted at {last}"
        )
    return None


class _Numbering:
    """Numbers for names, as the format has no names: ``user12`` is 12, others are counted from 1."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def __call__(self, name: str) -> int:
        if not name:
            return -1
        if match := _NUMBERED.fullmatch(name):
            return int(match[1])
        return self._given.setdefault(name, len(self._given) + 1)


def write_swf(
    path: Path,
    arrivals: Iterable[Arrival],
    header: Iterable[str] = (),
    *,
    wait: Callable[[Arrival], float | None] = lambda arrival: arrival.recorded_wait,
) -> None:
    """Write arrivals as a log (gzip when the name ends in ``.gz``). ``header``: lines such as ``MaxProcs: 128``.

    The format has whole processors and no limits, kinds or idle time: cores are rounded up, memory is kilobytes
    for each processor, and whatever else an arrival has is lost; a table keeps it. Times keep their fractions.
    """
    write_log(path, _lines(arrivals, header, wait))


def _lines(
    arrivals: Iterable[Arrival], header: Iterable[str], wait: Callable[[Arrival], float | None]
) -> Iterator[Record | str]:
    yield "; Version: 2.2"
    yield from (f"; {line}" for line in header)
    user, group, app, queue = _Numbering(), _Numbering(), _Numbering(), _Numbering()
    for arrival in arrivals:
        size = max(1, ceil(arrival.request.millicores / 1000))
        waited = wait(arrival)
        yield Record(
            number=arrival.number + 1,
            submit_time=arrival.submit_time,
            wait_time=-1 if waited is None else waited,
            run_time=-1 if arrival.run_seconds is None else arrival.run_seconds,
            allocated_processors=size,
            requested_processors=size,
            requested_time=-1 if arrival.requested_seconds is None else arrival.requested_seconds,
            requested_memory=arrival.request.ram_mib * KIB_PER_MIB / size if arrival.request.ram_mib else -1,
            status=1 if arrival.completes else 0,
            user=user(arrival.user),
            group=group(arrival.group),
            executable=app(arrival.job_class),
            queue=queue(arrival.queue),
        )


def header_of(workload: Workload) -> Header:
    """The header of the log a workload was read from; empty for other workloads."""
    return read_header(workload.files[0]) if workload.files else Header()
