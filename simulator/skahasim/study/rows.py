"""One row for each job of a run, kept compactly, and as a table."""

from __future__ import annotations

from array import array
from itertools import repeat
from math import isnan, nan
from typing import TYPE_CHECKING, Any, NamedTuple

from skahasim.resources import Resources
from skahasim.study.run import JOB_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

SUCCESSFUL = "COMPLETED_SUCCESSFULLY"
FAILED = "COMPLETED_FAILED"
WALLTIME_REACHED = "COMPLETED_WALLTIME_REACHED"
KILLED = "COMPLETED_KILLED"
STILL_RUNNING = "RUNNING"
SUBMITTED = "SUBMITTED"
GAVE_UP = "GaveUp"
"""Reason of a job whose user deleted it because it had not started in time."""


class Row(NamedTuple):
    """``JOB_COLUMNS``, in memory. Times in seconds, NaN for what does not exist."""

    number: int
    profile: str
    processors: int
    final_state: str
    submission: float
    requested: float
    start: float
    execution: float
    finish: float
    name: str
    user: str
    group: str
    kind: str
    job_class: str
    size_class: str
    priority_class: str
    queue: str
    flexible: bool
    request: Resources
    run: float
    admission: float
    first_start: float
    ready: float
    node_index: int
    node: str
    evictions: int
    preemptions: int
    lost: float
    reason: str
    recorded_wait: float

    def cells(self, workload: str) -> tuple[object, ...]:
        """The values of ``JOB_COLUMNS``."""
        turnaround = self.finish - self.submission
        stretch = turnaround / self.execution if self.execution > 0 else nan
        return (
            self.number, workload, self.profile, self.submission, self.processors,
            -1.0 if isnan(self.requested) else self.requested,
            int(self.final_state == SUCCESSFUL), self.final_state, self.start, self.execution, self.finish,
            self.start - self.submission, turnaround, stretch, self.allocated, -1.0, "",
            self.name, self.user, self.group, self.kind, self.job_class, self.size_class, self.priority_class,
            self.queue, self.flexible, self.request.cores, self.request.ram_gib, self.request.gpus, self.run,
            self.admission, self.first_start, self.ready, self.node, self.evictions, self.preemptions,
            self.lost, self.reason, self.recorded_wait,
        )  # fmt: skip

    @property
    def allocated(self) -> str:
        """Batsim's interval set of resources: its node's index, empty when it never had one."""
        return "" if self.node_index < 0 else str(self.node_index)


class Totals:
    """Sums over jobs for ``schedule.json``, kept while jobs stream by."""

    __slots__ = (
        "by_state", "finished", "jobs", "last_finish", "longest_turnaround", "longest_wait", "slowdowns",
        "started", "stretch_count", "turnarounds", "waits", "worst_slowdown",
    )  # fmt: skip

    def __init__(self) -> None:
        self.jobs = self.finished = self.started = self.stretch_count = 0
        self.by_state: dict[str, int] = {}
        self.waits = self.turnarounds = self.slowdowns = 0.0
        self.longest_wait = self.longest_turnaround = self.worst_slowdown = self.last_finish = 0.0

    def add(self, row: Row) -> None:
        self.jobs += 1
        self.by_state[row.final_state] = self.by_state.get(row.final_state, 0) + 1
        if row.finish != row.finish or row.start != row.start:
            return
        self.finished += 1
        wait, turnaround = row.start - row.submission, row.finish - row.submission
        self.waits += wait
        self.turnarounds += turnaround
        self.longest_wait = max(self.longest_wait, wait)
        self.longest_turnaround = max(self.longest_turnaround, turnaround)
        self.last_finish = max(self.last_finish, row.finish)
        if row.execution > 0:
            self.stretch_count += 1
            slowdown = turnaround / row.execution
            self.slowdowns += slowdown
            self.worst_slowdown = max(self.worst_slowdown, slowdown)


_FLOATS = (
    "submission", "requested", "start", "execution", "finish", "run", "admission", "first_start", "ready",
    "lost", "recorded_wait",
)  # fmt: skip
_WORDS = (
    "profile", "final_state", "user", "group", "kind", "job_class", "size_class", "priority_class", "queue",
    "node", "reason",
)  # fmt: skip
_CHUNK = 1024
_NUMBERS = ("number", "node_index", "evictions", "preemptions", "processors", "flexible")


class Columns:
    """Rows in columns of machine numbers: about 200 bytes a job, and each different word once."""

    def __init__(self) -> None:
        self._floats = {name: array("d") for name in _FLOATS}
        self._words = {name: array("i") for name in _WORDS}
        self._numbers = {name: array("q") for name in _NUMBERS}
        self._millicores, self._ram_mib, self._gpus = array("q"), array("q"), array("q")
        self._names: list[str] = []
        self._codes: dict[str, int] = {}
        self._fresh: list[Row] = []
        """Not yet in columns: a thousand rows at once cost a third of one by one."""

    def __len__(self) -> int:
        return len(self._names) + len(self._fresh)

    def keep(self, row: Row) -> None:
        self._fresh.append(row)
        if len(self._fresh) >= _CHUNK:
            self._store()

    def _store(self) -> None:
        columns: dict[str, Any] = dict(zip(Row._fields, zip(*self._fresh, strict=True), strict=True))
        self._fresh.clear()
        codes = self._codes
        for name, floats in self._floats.items():
            floats.extend(columns[name])
        for name, numbers in self._numbers.items():
            numbers.extend(columns[name])
        for name, words in self._words.items():
            words.extend([codes.setdefault(word, len(codes)) for word in columns[name]])
        for amounts, values in zip(
            (self._millicores, self._ram_mib, self._gpus), zip(*columns["request"], strict=True), strict=True
        ):
            amounts.extend(values)
        self._names.extend(columns["name"])

    def table(self, workload: str) -> pd.DataFrame:
        """``JOB_COLUMNS``, by number."""
        import numpy as np
        import pandas as pd

        if self._fresh:
            self._store()
        numbers = {name: np.array(column, dtype=np.int64) for name, column in self._numbers.items()}
        order = np.argsort(numbers["number"], kind="stable")
        values: dict[str, Any] = {name: column[order] for name, column in numbers.items()}
        values |= {name: np.array(column, dtype=float)[order] for name, column in self._floats.items()}
        vocabulary = np.array([*self._codes, ""], dtype=object)
        values |= {
            name: vocabulary[np.array(column, dtype=np.int64)[order]] for name, column in self._words.items()
        }
        submission, start, finish = values["submission"], values["start"], values["finish"]
        turnaround, execution = finish - submission, values["execution"]
        stretch = np.full(len(order), nan)
        np.divide(turnaround, execution, out=stretch, where=execution > 0)
        nodes = values["node_index"]
        node_words = np.array([*map(str, range(int(nodes.max(initial=-1)) + 1)), ""], dtype=object)
        requested = values["requested"]
        columns = {
            "job_id": values["number"],
            "workload_name": _words(repeat(workload, len(order))),
            "profile": _words(values["profile"]),
            "submission_time": submission,
            "requested_number_of_resources": values["processors"],
            "requested_time": np.where(np.isnan(requested), -1.0, requested),
            "success": (values["final_state"] == SUCCESSFUL).astype(np.int64),
            "final_state": _words(values["final_state"]),
            "starting_time": start,
            "execution_time": execution,
            "finish_time": finish,
            "waiting_time": start - submission,
            "turnaround_time": turnaround,
            "stretch": stretch,
            "allocated_resources": _words(node_words[nodes]),
            "consumed_energy": np.full(len(order), -1.0),
            "metadata": _words(repeat("", len(order))),
            "name": _words(self._names[index] for index in order),
            "requested_cores": np.array(self._millicores, dtype=np.int64)[order] / 1000,
            "requested_ram_gib": np.array(self._ram_mib, dtype=np.int64)[order] / 1024,
            "requested_gpus": np.array(self._gpus, dtype=np.int64)[order],
            "run_seconds": values["run"],
            "admission_time": values["admission"],
            "first_starting_time": values["first_start"],
            "ready_time": values["ready"],
            "flexible": values["flexible"].astype(bool),
            "evictions": values["evictions"],
            "preemptions": values["preemptions"],
            "lost_seconds": values["lost"],
            "recorded_wait": values["recorded_wait"],
        }
        columns |= {name: _words(values[name]) for name in _WORDS if name not in columns}
        return pd.DataFrame(columns, columns=list(JOB_COLUMNS))


def _words(values: Any) -> pd.Series[str]:
    import pandas as pd

    return pd.Series(list(values), dtype="str")
