"""What the cluster got done, and what it did not."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from skahasim.study.run import Run

INTEGRALS = ("queued_jobs", "running_jobs", "allocated_cores", "used_cores", "queued_cores", "capacity_cores",
             "fragmented_cores")  # fmt: skip
INTERACTIVE_LOSES_NOTHING = ("COMPLETED_KILLED", "COMPLETED_WALLTIME_REACHED")


def ratio(over: float, under: float) -> float:
    return over / under if under else nan


def integrals(run: Run, since: float, until: float) -> dict[str, float]:
    """Time integrals over ``[since, until]``: exact over the whole run, else from the timeline's averages."""
    if since <= 0 and until >= run.end_time and all(name in run.integrals for name in INTEGRALS):
        return {name: float(run.integrals[name]) for name in INTEGRALS}
    times = run.timeline["time"].to_numpy(dtype=float)
    ends = np.append(times[1:], max(run.end_time, times[-1] if len(times) else 0.0))
    inside = np.clip(np.minimum(ends, until) - np.maximum(times, since), 0.0, None)
    return {name: float(inside @ run.timeline[name].to_numpy(dtype=float)) for name in INTEGRALS}


def system(run: Run, table: pd.DataFrame, since: float, until: float) -> dict[str, float]:
    """``SYSTEM_METRICS`` over ``[since, until]``; ``table`` has the jobs submitted in it (:func:`.jobs.measures`)."""
    total = integrals(run, since, until)
    span = until - since
    capacity, allocated = total["capacity_cores"], total["allocated_cores"]
    cores, run_time = table["requested_cores"], table["run_time"]
    lost = float(table["lost_core_seconds"].sum())
    ended = table["ended"] & table["started"]
    good = ended & (
        (table["success"] == 1)
        | ((table["kind"] != "headless") & table["final_state"].isin(INTERACTIVE_LOSES_NOTHING))
    )
    done = cores * run_time
    needs = (cores * table["run_seconds"].fillna(run_time)).fillna(0.0)
    finish = table["finish_time"].where(table["started"])
    flexible = good & (table["flexible"].str.lower() == "true") & (table["run_seconds"] > 0)
    return {
        "utilization": ratio(allocated, capacity),
        "effective_utilization": ratio(allocated - lost, capacity),
        "used_utilization": ratio(total["used_cores"], capacity),
        "goodput": float(done[good].sum()),
        "badput": float(done[ended & ~good].sum()) + lost,
        "offered_load": ratio(float(needs.sum()), capacity),
        "makespan": float(finish.max() - table["submission_time"].min()) if finish.notna().any() else nan,
        "queue_length": ratio(total["queued_jobs"], span),
        "queued_cores": ratio(total["queued_cores"], span),
        "queued_work": ratio(float((needs * table["wait_time"]).sum()), span),
        "running_jobs": ratio(total["running_jobs"], span),
        "fragmentation": ratio(total["fragmented_cores"], capacity - allocated),
        "loss_of_capacity": loss_of_capacity(run, since, until),
        "overcommit": ratio(total["used_cores"], allocated),
        "contention_stretch": ratio(
            float(run_time[flexible].sum()), float(table.loc[flexible, "run_seconds"].sum())
        ),
    }


def loss_of_capacity(run: Run, since: float, until: float) -> float:
    """Share of the capacity that stood idle while jobs waited that asked for as much (Leung, Sabin, Sadayappan,
    "Parallel job scheduling policies to improve fairness", ICPP Workshops 2010; Zhang et al., JSSPP 2000):

    integral of min(cores waited for, cores free) over that of the capacity. From submission and starting times: a job
    that starts up counts as waiting, and so does an evicted job until its last start.
    """
    jobs = run.jobs
    cores = jobs["requested_cores"].to_numpy(dtype=float)
    submit = jobs["submission_time"].to_numpy(dtype=float)
    start = pd.to_numeric(jobs["starting_time"], errors="coerce").to_numpy(dtype=float, copy=True)
    finish = pd.to_numeric(jobs["finish_time"], errors="coerce").to_numpy(dtype=float)
    start[(jobs["final_state"] == "SUBMITTED").to_numpy(dtype=bool)] = nan  # evicted, and waiting again
    begun = np.where(np.isnan(start), np.where(np.isnan(finish), run.end_time, finish), start)
    over = np.where(np.isnan(finish), run.end_time, finish)
    on_node = ~np.isnan(start)
    times = run.timeline["time"].to_numpy(dtype=float)
    capacity = run.timeline["capacity_cores"].to_numpy(dtype=float)
    if not len(times):
        return nan
    # Steps of (time, cores waited for, cores in use, capacity), each change at its time.
    nothing = np.zeros(len(cores))
    moments = np.concatenate([submit, begun, begun[on_node], over[on_node], times, [since, until]])
    waiting = np.concatenate([cores, -cores, nothing[on_node], nothing[on_node], 0 * times, [0, 0]])
    busy = np.concatenate([nothing, nothing, cores[on_node], -cores[on_node], 0 * times, [0, 0]])
    steps = np.diff(capacity, prepend=0.0)
    room = np.concatenate([nothing, nothing, nothing[on_node], nothing[on_node], steps, [0, 0]])
    order = np.argsort(moments, kind="stable")
    moments = np.clip(moments[order], since, until)
    waiting, busy, room = (np.cumsum(change[order]) for change in (waiting, busy, room))
    widths = np.diff(moments)
    free = np.clip(room[:-1] - busy[:-1], 0.0, None)
    idle = float((np.minimum(np.clip(waiting[:-1], 0.0, None), free) * widths).sum())
    return ratio(idle, float((room[:-1] * widths).sum()))


def kueuer(table: pd.DataFrame) -> dict[str, float]:
    """kueuer's four: jobs completed per second from the first submission to the last completion, the share of the
    jobs that completed, the time from the last submission to the last completion, and how much longer the average
    job took than its work."""
    done = table[table["success"] == 1]
    if not len(done):
        return {"throughput": 0.0, "completion_ratio": 0.0 if len(table) else nan,
                "tail_job_turnaround_s": nan, "turnaround_overhead_s": nan}  # fmt: skip
    last = float(done["finish_time"].max())
    work = done["run_seconds"].fillna(done["run_time"])
    return {
        "throughput": ratio(len(done), last - float(table["submission_time"].min())),
        "completion_ratio": len(done) / len(table),
        "tail_job_turnaround_s": last - float(table["submission_time"].max()),
        "turnaround_overhead_s": float((done["turnaround_time"] - work).mean()),
    }


def counts(table: pd.DataFrame) -> dict[str, int]:
    """``COUNTS``: how many jobs came to what, and how often they were put off a node."""
    return {
        "submitted": len(table),
        "started": int(table["started"].sum()),
        "finished": int((table["ended"] & table["started"]).sum()),
        "succeeded": int((table["success"] == 1).sum()),
        "failed": int(table["final_state"].isin(("COMPLETED_FAILED", "COMPLETED_WALLTIME_REACHED")).sum()),
        "gave_up": int(table["gave_up"].sum()),
        "waiting": int(table["waiting"].sum()),
        "running": int((table["started"] & ~table["ended"]).sum()),
        "evicted": int(table["evicted"].sum()),
        "preempted": int(table["preempted"].sum()),
        "requeues": int(table["requeues"].sum()),
    }
