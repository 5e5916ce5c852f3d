"""Waits of real logs, job for job: columns ``id,submit,run,procs,req_time,…,wait_<policy>…``, seconds, gzipped CSV."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from skahasim.configuration import Passes
from tests.conformance.replay import Policy, Rigid, starts
from tests.conformance.report import Report

COLUMNS: Mapping[str, tuple[str, Policy]] = MappingProxyType(
    {
        "fcfs": ("wait_fcfs", Policy("none")),
        "easy": ("wait_easy", Policy("easy")),
        "easy-clairvoyant": ("wait_easy_clairvoyant", Policy("easy", perfect=True)),
        "easy-sjbf": ("wait_easy_sjbf_clairvoyant", Policy("easy-sjbf", perfect=True)),
        "conservative": ("wait_conservative", Policy("conservative")),
    }
)
"""Name on the command line: the log's column, and what it was made with."""
MACHINES: Mapping[str, int] = MappingProxyType(
    {"kth-sp2": 100, "sdsc-sp2": 128, "ctc-sp2": 338, "sdsc-blue": 1152, "cea-curie": 80640}
)
_THRESHOLD = 10.0
"""Bounded slowdown counts a run as at least that long, seconds."""


@dataclass(frozen=True)
class Log:
    jobs: list[Rigid]
    ids: list[str]
    waits: Mapping[str, list[float]]
    """Expected, for each policy the file has a column of."""


def read(path: Path) -> Log:
    with gzip.open(path, "rt", encoding="ascii", newline="") as file:
        rows = list(csv.DictReader(file))
    jobs = [
        Rigid(float(row["submit"]), int(row["procs"]), float(row["run"]), float(row["req_time"]))
        for row in rows
    ]
    waits = {
        name: [float(row[column]) for row in rows]
        for name, (column, _) in COLUMNS.items()
        if rows and column in rows[0]
    }
    return Log(jobs, [row["id"] for row in rows], waits)


def waits(log: Log, processors: int, policy: Policy, passes: Passes = "each-event") -> list[float]:
    """Our waits."""
    found, _ = starts(log.jobs, processors, policy, passes)
    return [start - job.submit for start, job in zip(found, log.jobs, strict=True)]


def mean_wait(ours: list[float]) -> float:
    return sum(ours) / len(ours)


def mean_bounded_slowdown(log: Log, ours: list[float]) -> float:
    """Of runs as they are, cut at the requested time."""
    total = 0.0
    for wait, job in zip(ours, log.jobs, strict=True):
        run = min(job.run, job.requested)
        total += max(1.0, (wait + run) / max(run, _THRESHOLD))
    return total / len(ours)


def processors_of(path: Path, asked: int | None) -> int:
    """Raises ``SystemExit`` when the file's name does not tell and nobody said."""
    known = MACHINES.get(path.name.partition(".")[0])
    if asked is None and known is None:
        raise SystemExit(f"{path.name}: say with --procs how many processors the machine has")
    return asked or known or 0


def check(path: Path, *, procs: int | None = None, policy: str = "all") -> Report:
    """Compare each wait under each policy."""
    processors, log = processors_of(path, procs), read(path)
    names = list(log.waits) if policy == "all" else [policy]
    if unknown := [name for name in names if name not in log.waits]:
        raise SystemExit(f"{path.name}: no waits for {unknown[0]!r}; there are {', '.join(log.waits)}")
    report = Report(0, 0)
    for name in names:
        expected, ours = log.waits[name], waits(log, processors, COLUMNS[name][1])
        equal = 0
        for identity, mine, theirs in zip(log.ids, ours, expected, strict=True):
            if mine == theirs:
                equal += 1
            elif not report.first_difference:
                report.first_difference = f"{name}: job {identity} waits {mine:g} s, expected {theirs:g} s"
        report.total += len(expected)
        report.equal += equal
        report.notes.append(
            f"{name}: {equal}/{len(expected)}, mean wait {mean_wait(ours):,.2f} s, "
            f"mean bounded slowdown {mean_bounded_slowdown(log, ours):,.4f}"
        )
    return report
