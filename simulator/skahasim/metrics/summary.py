"""Everything one run is judged by, in one typed result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from skahasim.metrics.classes import DEFAULT_CLASSES, by_class
from skahasim.metrics.fairness import STARVED_AFTER, fairness, users
from skahasim.metrics.jobs import TAU, measures, within
from skahasim.metrics.names import JOB_METRICS, METRICS
from skahasim.metrics.statistics import CONFIDENCE, mser
from skahasim.metrics.system import counts, kueuer, system

if TYPE_CHECKING:
    from skahasim.study.run import Run

WarmUp: TypeAlias = float | Literal["mser5"]
"""Seconds to leave out at the beginning, or the rule that finds how many."""


class NothingLeft(ValueError):
    """The warm-up takes the whole run."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One run, measured over ``[warm_up, until]``. Seconds, cores; names as in ``docs/metrics.md``."""

    name: str
    seed: int
    warm_up: float
    """Jobs submitted earlier, in seconds since the start, do not count."""
    until: float
    settled: bool
    """False when MSER-5 found no end of the warm-up in the first half of the run."""
    counts: Mapping[str, int]
    system: Mapping[str, float]
    fairness: Mapping[str, float]
    kueuer: Mapping[str, float]
    classes: pd.DataFrame
    """``CLASS_COLUMNS``: each job metric by each class."""
    users: pd.DataFrame
    """``USER_COLUMNS``."""

    def value(self, metric: str, statistic: str = "mean", by: str = "all", label: str = "all") -> float:
        """One number: of the whole system by its name, of the jobs by metric, statistic and class.

        Raises ``KeyError`` for what was not measured.
        """
        if metric not in JOB_METRICS or statistic == "total":
            for part in (self.system, self.fairness, self.kueuer, self.counts):
                if metric in part:
                    return float(part[metric])
            raise KeyError(metric)
        rows = self.classes
        found = rows[(rows["metric"] == metric) & (rows["by"] == by) & (rows["label"] == label)]
        if not len(found) or statistic not in found:
            raise KeyError((metric, statistic, by, label))
        return float(found.iloc[0][statistic])

    def to_dict(self) -> dict[str, Any]:
        """For JSON; what does not exist is ``None``."""
        result: dict[str, Any] = plain(
            {
                "name": self.name,
                "seed": self.seed,
                "warm_up": self.warm_up,
                "until": self.until,
                "settled": self.settled,
                "counts": dict(self.counts),
                "system": dict(self.system),
                "fairness": dict(self.fairness),
                "kueuer": dict(self.kueuer),
                "classes": self.classes.to_dict("records"),
                "users": self.users.to_dict("records"),
            }
        )
        return result

    def tables(self) -> dict[str, pd.DataFrame]:
        """``system`` (columns metric, value, unit, better), ``classes`` and ``users``."""
        rows = [
            {
                "metric": name,
                "value": float(value),
                "unit": METRICS[name].unit,
                "better": METRICS[name].better,
            }
            for part in (self.counts, self.system, self.fairness, self.kueuer)
            for name, value in part.items()
        ]
        return {"system": pd.DataFrame(rows), "classes": self.classes, "users": self.users}


def plain(value: Any) -> Any:
    """``value`` as JSON has it: no NumPy numbers, ``None`` for NaN and infinities."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not isfinite(value):
        return None
    return value


def warm_up_of(run: Run, table: pd.DataFrame | None = None) -> tuple[float, bool]:
    """By MSER-5 on the waits in the order of submission: seconds to leave out, and whether the run settled."""
    jobs = measures(run) if table is None else table
    cut = mser(jobs["wait_time"].to_numpy(dtype=float))
    if not cut.observations:
        return 0.0, cut.settled
    return float(jobs["submission_time"].iloc[cut.observations]), cut.settled


def summarise(
    run: Run,
    *,
    warm_up: WarmUp = 0.0,
    until: float | None = None,
    tau: float = TAU,
    starved_after: float = STARVED_AFTER,
    classes: Iterable[Sequence[str]] = DEFAULT_CLASSES,
    metrics: Iterable[str] = tuple(JOB_METRICS),
    confidence: float = CONFIDENCE,
    table: pd.DataFrame | None = None,
) -> Summary:
    """Measure ``run``.

    ``warm_up``: seconds to leave out, or ``"mser5"``. ``until``: also leave out what is submitted later (what is left
    to do when a workload ends is not the usual load); the end of the run by default. ``tau``: threshold of the bounded
    slowdown. ``starved_after``: longest wait that is not starvation. ``table``: of :func:`.jobs.measures` with the same
    ``tau``, when it is there already. Raises :class:`NothingLeft`.
    """
    table = measures(run, tau) if table is None else table
    since, settled = warm_up_of(run, table) if isinstance(warm_up, str) else (float(warm_up), True)
    end = run.end_time if until is None else min(until, run.end_time)
    if not 0 <= since < end and len(table):
        raise NothingLeft(f"a warm-up of {since:g} s leaves nothing of a run of {end:g} s")
    table = within(table, since, end)
    per_user = users(run, table, since, end)
    return Summary(
        name=run.name,
        seed=run.seed,
        warm_up=since,
        until=end,
        settled=settled,
        counts=counts(table),
        system=system(run, table, since, end),
        fairness=fairness(run, table, per_user, starved_after),
        kueuer=kueuer(table),
        classes=by_class(table, classes, metrics, confidence),
        users=per_user,
    )
