"""What a simulation yields: a table of jobs and a table of the cluster over time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from skahasim.resources import Resources

if TYPE_CHECKING:
    import pandas as pd

BATSIM_COLUMNS = (
    "job_id", "workload_name", "profile", "submission_time", "requested_number_of_resources", "requested_time",
    "success", "final_state", "starting_time", "execution_time", "finish_time", "waiting_time",
    "turnaround_time", "stretch", "allocated_resources", "consumed_energy", "metadata",
)  # fmt: skip
"""The columns of Batsim's ``jobs.csv``, in its order. Times in seconds since the start of the workload.

``job_id``: the arrival's number. ``profile``: its job class, or its kind. ``requested_number_of_resources``:
whole processors (cores, rounded up). ``requested_time``: -1 when none. ``success``: 0 or 1. ``final_state``:
``COMPLETED_SUCCESSFULLY``, ``COMPLETED_FAILED``, ``COMPLETED_WALLTIME_REACHED``, ``COMPLETED_KILLED`` (deleted, its
user gave up, or expired) or, for what never ended, ``RUNNING`` or ``SUBMITTED``. ``starting_time``: when it last
started; ``execution_time``: of that start. ``waiting_time``: ``starting_time - submission_time``; ``stretch``:
turnaround over execution time. ``allocated_resources``: index of its node. ``consumed_energy``: -1. What does not
exist (the start of a job that never started) is empty.
"""
OUR_COLUMNS = (
    "name", "user", "group", "kind", "job_class", "size_class", "priority_class", "queue", "flexible",
    "requested_cores", "requested_ram_gib", "requested_gpus", "run_seconds", "admission_time",
    "first_starting_time", "ready_time", "node", "evictions", "preemptions", "lost_seconds", "reason",
    "recorded_wait",
)  # fmt: skip
"""Ours, after Batsim's.

``size_class``: ``small``, ``medium`` or ``large`` by the scenario's size classes. ``flexible``: true or false.
``run_seconds``: what the work takes alone on the cores it wants (empty: until ended). ``admission_time``: when
admission last let it go (Kueue: quota reserved). ``evictions``: how often put off its node, ``preemptions`` those
that made room for another job. ``lost_seconds``: time on nodes that came to nothing by them. ``reason``: why it
ended, in Kubernetes' words, or ``GaveUp`` when its user deleted it because it had not started. ``recorded_wait``: its
wait in the trace it comes from.
"""
JOB_COLUMNS = BATSIM_COLUMNS + OUR_COLUMNS
TIMELINE_COLUMNS = (
    "time", "running_jobs", "queued_jobs", "allocated_cores", "allocated_ram_gib", "allocated_gpus",
    "used_cores", "queued_cores", "queued_ram_gib", "capacity_cores", "capacity_ram_gib", "capacity_gpus",
    "fragmented_cores",
)  # fmt: skip
"""One row for each interval, equally long: averages over the interval that begins at ``time``.

``queued_*``: of jobs submitted and on no node. ``used_cores``: what the work keeps busy (below ``allocated`` for
idle sessions, ``fragmented_cores``: free cores that no waiting job can use although jobs
wait. ``capacity_*``: of the nodes that are up and not cordoned.
"""
EVENT_COLUMNS = ("time", "job", "event", "reason")
"""``events.jsonl`` has one such object a line: every transition of every job, ``event`` a :class:`Step`."""


@dataclass(frozen=True, slots=True)
class Run:
    """One simulation of one scenario under one seed."""

    name: str
    """Of the scenario."""
    seed: int
    jobs: pd.DataFrame
    """``JOB_COLUMNS``, one row for each arrival, in the order of ``job_id``."""
    timeline: pd.DataFrame
    """``TIMELINE_COLUMNS``."""
    capacity: Resources
    """Of all nodes, whether up or not."""
    start_time: float
    """Seconds since 1970-01-01T00:00Z of time 0 (time of day and weekday follow from it and ``time_zone``)."""
    time_zone: str
    """IANA name."""
    end_time: float
    """When the simulation stopped, seconds since its start."""
    integrals: dict[str, float] = field(default_factory=dict)
    """Exact time integrals over [0, end_time]: ``queued_jobs``, ``running_jobs`` (job seconds), ``allocated_cores``,
    ``used_cores``, ``queued_cores``, ``capacity_cores``, ``fragmented_cores`` (core seconds)."""
    facts: dict[str, Any] = field(default_factory=dict)
    """For ``run.json``: configuration, version, hash, counts."""
