"""What is kept of one run of a comparison or a sweep: plain numbers, small enough to come back from a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from skahasim.metrics.classes import ALL, groups, label_of, statistics_of
from skahasim.metrics.jobs import measures, within
from skahasim.metrics.summary import NothingLeft, summarise

if TYPE_CHECKING:
    import pandas as pd

    from skahasim.scenario import Scenario
    from skahasim.study.run import Run

Simulate: TypeAlias = Callable[..., "Run"]
JOB_STATISTICS: tuple[tuple[str, str], ...] = (
    ("wait_time", "mean"),
    ("wait_time", "p50"),
    ("wait_time", "p95"),
    ("wait_time", "max"),
    ("bounded_slowdown", "mean"),
    ("turnaround_time", "mean"),
)
JUDGED_CLASSES: tuple[tuple[str, ...], ...] = (
    (),
    ("size_class",),
    ("kind",),
    ("use",),
    ("job_class",),
    ("priority_class",),
    ("working_hours",),
    ("user",),
)


USE = "use"
"""The class of a job that tells ``batch`` (headless) from ``interactive`` (every other kind)."""
BURST = 0.1
"""A workload that arrives within this share of the run is one burst: what counts is how it is worked off."""


class Unmeasurable(ValueError):
    """Nothing of a run is left to be judged."""


class Key(NamedTuple):
    """Which number of a run: a metric, a statistic of it (``value`` for the system's own) and a class of jobs."""

    metric: str
    statistic: str = "value"
    by: str = ALL
    label: str = ALL


@dataclass(frozen=True, slots=True)
class Task:
    """One simulation to do, in whatever process."""

    scenario: Scenario
    seed: int
    warm_up: float
    until: float | None
    simulate: Simulate
    tau: float = 10.0
    starved_after: float = 86_400.0
    whole: bool = False
    """Bring back the run instead of its numbers."""


def observe(
    run: Run,
    *,
    warm_up: float,
    until: float | None = None,
    tau: float = 10.0,
    starved_after: float = 86_400.0,
    classes: Sequence[Sequence[str]] = JUDGED_CLASSES,
) -> dict[Key, float]:
    """The numbers of ``run`` that are judged, NaN for what it has not.

    The cluster's own numbers (utilization, queue length...) are of the time in which work arrives, from ``warm_up`` to
    the last submission (at most ``until``): how long the last long job runs on an empty cluster afterwards says
    nothing of the policy. Where everything arrives in a burst, they are of the whole run. Raises
    :class:`Unmeasurable`.
    """
    table = with_use(measures(run, tau))
    until = arrivals_end(run, until)
    if len(table) and until < run.end_time and not warm_up < until:
        raise Unmeasurable(
            f"{run.name}, seed {run.seed}: a warm-up of {warm_up / 3600:g} h leaves nothing of a workload of "
            f"{until / 3600:.3g} h"
        )
    try:
        summary = summarise(
            run,
            warm_up=warm_up,
            until=until,
            tau=tau,
            starved_after=starved_after,
            classes=(),
            metrics=(),
            table=table,
        )
    except NothingLeft as error:
        raise Unmeasurable(f"{run.name}, seed {run.seed}: {error}") from None
    found: dict[Key, float] = {
        Key(name): float(value)
        for part in (summary.counts, summary.system, summary.fairness, summary.kueuer)
        for name, value in part.items()
    }
    whole, table = len(table), within(table, summary.warm_up, summary.until)
    if whole and not len(table):
        raise Unmeasurable(
            f"{run.name}, seed {run.seed}: a warm-up of {summary.warm_up / 3600:g} h leaves none of its {whole:,} jobs"
        )
    metrics = {metric: table[metric].to_numpy(dtype=float) for metric, _ in JOB_STATISTICS}
    for by in classes:
        title = label_of(by)
        for label, positions in groups(table, by):
            for metric, column in metrics.items():
                values = column[positions]
                values = values[np.isfinite(values)]
                if not len(values):
                    continue
                statistics = statistics_of(values)
                for name, statistic in JOB_STATISTICS:
                    if name == metric:
                        found[Key(metric, statistic, title, label)] = statistics[statistic]
    return found


def with_use(table: pd.DataFrame) -> pd.DataFrame:
    """``table`` (of :func:`.jobs.measures`) with the class :data:`USE`."""
    batch = table["kind"].isin(("", "headless")).to_numpy(dtype=bool)
    return table.assign(**{USE: np.array(["interactive", "batch"], dtype=object)[batch.astype(int)]})


def arrivals_end(run: Run, until: float | None = None) -> float:
    """When the last job was submitted, at most ``until``; the end of the run where all arrive in a :data:`BURST`."""
    end = run.end_time if until is None else min(until, run.end_time)
    last = float(run.jobs["submission_time"].max()) if len(run.jobs) else end
    return end if last <= BURST * run.end_time else min(last, end)


def said_warm_up(run: Run) -> float:
    """What the run's scenario says, in seconds; 0 without."""
    horizon = run.facts.get("configuration", {}).get("horizon") or {}
    return float(horizon.get("warm_up_hours") or 0.0) * 3600.0


def warm_up_within(runs: Iterable[Run]) -> float:
    """The longest warm-up that a run's scenario says, in seconds; half of the time in which work arrives where that
    would leave nothing, as of a scenario that was cut short."""
    runs = [run for run in runs if len(run.jobs)]
    if not runs:
        return 0.0
    said = max(map(said_warm_up, runs))
    last = min(min(float(run.jobs["submission_time"].max()), arrivals_end(run)) for run in runs)
    return said if said < last else last / 2


def perform(task: Task) -> Run | dict[Key, float]:
    """Simulate, and observe what is not wanted whole."""
    run = task.simulate(task.scenario, seed=task.seed)
    if task.whole:
        return run
    return observe(
        run, warm_up=task.warm_up, until=task.until, tau=task.tau, starved_after=task.starved_after
    )


def matched_batches(
    tables: Sequence[pd.DataFrame], classes: Sequence[Sequence[str]] = JUDGED_CLASSES, count: int = 20
) -> list[dict[Key, Any]]:
    """For runs of the very same jobs: batch means of each mean, over the jobs that every run has a value for.

    Batches are by order of submission and of the same jobs in each run, so they can be compared pair by pair.
    """
    from skahasim.metrics.statistics import batches

    found: list[dict[Key, Any]] = [{} for _ in tables]
    first = tables[0]
    for metric, statistic in JOB_STATISTICS:
        if statistic != "mean":
            continue
        columns = [table[metric].to_numpy(dtype=float) for table in tables]
        known = np.all([np.isfinite(column) for column in columns], axis=0)
        for by in classes:
            for label, positions in groups(first, by):
                chosen = positions[known[positions]]
                key = Key(metric, statistic, label_of(by), label)
                for result, column in zip(found, columns, strict=True):
                    result[key] = batches(column[chosen], count)
    return found
