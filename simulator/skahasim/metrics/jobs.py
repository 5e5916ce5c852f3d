"""What each job experienced, and the classes it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from skahasim.study.run import Run

TAU = 10.0
"""Threshold of the bounded slowdown, seconds (Feitelson et al., "Theory and practice in parallel job scheduling",
JSSPP 1997)."""
WORKING_DAYS = 5
WORKING_HOURS = (8, 18)
"""Monday to Friday, from 8 until 18 o'clock; the rest is off-peak."""
PLAIN_CLASSES = ("size_class", "kind", "priority_class", "job_class", "user", "group", "queue", "flexible")
"""Columns of the run's table that are classes as they are."""
CLASSES = (*PLAIN_CLASSES, "hour", "working_hours")
NUMBERS = (
    "submission_time", "starting_time", "execution_time", "finish_time", "requested_number_of_resources",
    "requested_cores", "requested_ram_gib", "requested_gpus", "run_seconds", "admission_time",
    "first_starting_time", "ready_time", "evictions", "preemptions", "lost_seconds", "success",
)  # fmt: skip


def measures(run: Run, tau: float = TAU) -> pd.DataFrame:
    """One row for each job of ``run``, in its order: the numbers of its table, ``JOB_METRICS`` and ``CLASSES``.

    ``wait_time`` of a job that never started is how long it waited: until it was deleted or the run ended. The
    other metrics are NaN for jobs that have none.
    """
    jobs = run.jobs
    # Columns are NumPy's until the end: a comparison does this for each of many runs.
    table: dict[str, Any] = {name: _numbers(jobs[name]) for name in NUMBERS}
    submit, start, finish = table["submission_time"], table["starting_time"], table["finish_time"]
    ended, started = ~np.isnan(finish), ~np.isnan(start)
    state = jobs["final_state"].to_numpy(dtype=object).astype(str)
    # Put off its node and waiting again, it has started once, and will again.
    started &= state != "SUBMITTED"
    table |= {"started": started, "ended": ended, "waiting": ~started & ~ended, "gave_up": ~started & ended}
    table["final_state"] = state

    over = np.where(ended, finish, run.end_time)
    table["wait_time"] = np.where(started, start, over) - submit
    ran = started & ended
    run_time = np.where(np.isnan(table["execution_time"]), finish - start, table["execution_time"])
    table["run_time"] = run_time = np.where(ran, run_time, np.nan)
    table["turnaround_time"] = turnaround = np.where(ran, finish - submit, np.nan)
    table["slowdown"] = turnaround / np.where(run_time > 0, run_time, np.nan)
    bounded = np.maximum(run_time, tau)
    table["bounded_slowdown"] = np.maximum(turnaround / bounded, 1.0)
    processors = np.maximum(table["requested_number_of_resources"], 1.0)
    table["per_processor_slowdown"] = np.maximum(turnaround / (processors * bounded), 1.0)

    quota = table["admission_time"] - submit
    table["kueue_quota_reserved_wait_time_seconds"] = quota
    table["kueue_admission_wait_time_seconds"] = quota
    table["startup_latency"] = start - table["admission_time"]
    table["time_to_ready"] = table["ready_time"] - submit
    table["evicted"] = np.nan_to_num(table["evictions"])
    table["preempted"] = np.nan_to_num(table["preemptions"])
    ended_by_it = ended & (jobs["reason"].to_numpy(dtype=object) == "Evicted")
    table["requeues"] = np.maximum(table["evicted"] - ended_by_it, 0.0)
    table["lost_core_seconds"] = np.nan_to_num(table["lost_seconds"]) * table["requested_cores"]

    for name in PLAIN_CLASSES:
        held = jobs[name]
        table[name] = held.where(held.notna(), "").to_numpy(dtype=object).astype(str).astype(object)
    moment = pd.DatetimeIndex(pd.to_datetime(run.start_time + submit, unit="s", utc=True)).tz_convert(
        run.time_zone
    )
    hour = moment.hour.to_numpy()
    table["hour"] = np.array([f"{number:02d}" for number in range(24)], dtype=object)[hour]
    working = (
        (moment.day_of_week.to_numpy() < WORKING_DAYS)
        & (hour >= WORKING_HOURS[0])
        & (hour < WORKING_HOURS[1])
    )
    table["working_hours"] = np.array(["off-peak", "working hours"], dtype=object)[working.astype(int)]
    return pd.DataFrame(table)


def _numbers(column: pd.Series[Any]) -> Any:
    if column.dtype.kind in "fiub":
        return column.to_numpy(dtype=float)
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)


def within(table: pd.DataFrame, since: float, until: float) -> pd.DataFrame:
    """The jobs submitted in ``[since, until]``."""
    submit = table["submission_time"]
    return table[(submit >= since) & (submit <= until)]
