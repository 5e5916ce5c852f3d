"""The metrics there are: name, unit, and which way is better. ``docs/metrics.md`` has their formulas and sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

Better: TypeAlias = Literal["lower", "higher", ""]


class Metric(NamedTuple):
    """One number that a run is judged by."""

    name: str
    unit: str
    """``s``, ``1`` (a ratio), ``jobs``, ``cores``, ``core-s``, ``jobs/s``."""
    better: Better = ""
    """Empty where neither way is."""


def _by_name(metrics: Iterable[Metric]) -> Mapping[str, Metric]:
    return MappingProxyType({metric.name: metric for metric in metrics})


JOB_METRICS = _by_name(
    [
        Metric("wait_time", "s", "lower"),
        Metric("run_time", "s"),
        Metric("turnaround_time", "s", "lower"),
        Metric("slowdown", "1", "lower"),
        Metric("bounded_slowdown", "1", "lower"),
        Metric("per_processor_slowdown", "1", "lower"),
        Metric("kueue_quota_reserved_wait_time_seconds", "s", "lower"),
        Metric("kueue_admission_wait_time_seconds", "s", "lower"),
        Metric("startup_latency", "s", "lower"),
        Metric("time_to_ready", "s", "lower"),
        Metric("evicted", "1", "lower"),
        Metric("preempted", "1", "lower"),
        Metric("requeues", "1", "lower"),
    ]
)
"""One value for each job; the last three count."""

SYSTEM_METRICS = _by_name(
    [
        Metric("utilization", "1", "higher"),
        Metric("effective_utilization", "1", "higher"),
        Metric("used_utilization", "1", "higher"),
        Metric("goodput", "core-s", "higher"),
        Metric("badput", "core-s", "lower"),
        Metric("offered_load", "1"),
        Metric("makespan", "s", "lower"),
        Metric("queue_length", "jobs", "lower"),
        Metric("queued_cores", "cores", "lower"),
        Metric("queued_work", "core-s", "lower"),
        Metric("running_jobs", "jobs"),
        Metric("fragmentation", "1", "lower"),
        Metric("loss_of_capacity", "1", "lower"),
        Metric("overcommit", "1"),
        Metric("contention_stretch", "1", "lower"),
    ]
)
COUNTS = _by_name(
    [
        Metric("submitted", "jobs"),
        Metric("started", "jobs", "higher"),
        Metric("finished", "jobs", "higher"),
        Metric("succeeded", "jobs", "higher"),
        Metric("failed", "jobs", "lower"),
        Metric("gave_up", "jobs", "lower"),
        Metric("waiting", "jobs", "lower"),
        Metric("running", "jobs"),
        Metric("evicted", "jobs", "lower"),
        Metric("preempted", "jobs", "lower"),
        Metric("requeues", "jobs", "lower"),
    ]
)
FAIRNESS_METRICS = _by_name(
    [
        Metric("jain_index", "1", "higher"),
        Metric("jain_dominant_share", "1", "higher"),
        Metric("largest_dominant_share", "1", "lower"),
        Metric("unfair_start_share", "1", "lower"),
        Metric("starved", "jobs", "lower"),
        Metric("starved_share", "1", "lower"),
    ]
)
KUEUER_METRICS = _by_name(
    [
        Metric("throughput", "jobs/s", "higher"),
        Metric("completion_ratio", "1", "higher"),
        Metric("tail_job_turnaround_s", "s", "lower"),
        Metric("turnaround_overhead_s", "s", "lower"),
    ]
)
"""CANFAR's benchmark tool kueuer calls its four so."""

METRICS: Mapping[str, Metric] = MappingProxyType(
    {**JOB_METRICS, **COUNTS, **SYSTEM_METRICS, **FAIRNESS_METRICS, **KUEUER_METRICS}
)
STATISTICS = ("mean", "p50", "p90", "p95", "p99", "max")
QUANTILES: Mapping[str, float] = MappingProxyType({"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99})
