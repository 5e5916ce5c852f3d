"""One number of one scenario against the baseline's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from skahasim.metrics.jobs import measures, within
from skahasim.metrics.names import METRICS
from skahasim.metrics.statistics import CONFIDENCE, Interval, Paired, holm, paired, student
from skahasim.study.observation import USE, Key, matched_batches, with_use

if TYPE_CHECKING:
    from skahasim.study.run import Run

Basis: TypeAlias = Literal["replications", "batches", "exact"]
Finding: TypeAlias = Literal["better", "worse", "more", "less", "same", "undetected", "unknown"]
DIFFERENCE_COLUMNS = (
    "scenario", "metric", "statistic", "by", "label", "unit", "baseline", "value", "difference", "difference_low",
    "difference_high", "relative", "relative_low", "relative_high", "p_value", "p_adjusted", "detectable", "n",
    "basis", "finding",
)  # fmt: skip
SIZES = ("all", "size_class")
TOLD: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("wait_time", "mean", SIZES),
    ("wait_time", "p95", SIZES),
    ("bounded_slowdown", "mean", SIZES),
    ("utilization", "value", ("all",)),
    ("effective_utilization", "value", ("all",)),
    ("fragmentation", "value", ("all",)),
    ("jain_index", "value", ("all",)),
    ("unfair_start_share", "value", ("all",)),
    ("starved", "value", ("all",)),
    ("preempted", "value", ("all",)),
)
"""Metric, statistic and kinds of classes that verdicts tell of."""
CHIEF: tuple[str, str, tuple[str, ...]] = ("wait_time", "mean", ("all", "size_class", USE))
"""The question that a comparison answers first."""
ROUNDING = 1e-12
"""Of a value: a smaller difference is none."""
BESIDE = ("evicted", "preempted", "badput", "gave_up", "failed", "waiting", "starved")
"""What is told beside it when it happened."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One number of one scenario against the baseline's."""

    scenario: str
    key: Key
    baseline: Interval
    value: Interval
    paired: Paired
    basis: Basis
    """What varies: independent replications; batches of the same jobs, for a workload that is one fixed trace; or
    nothing, so that the difference is that of this trace and says nothing of others."""
    p_adjusted: float = nan
    """After Holm's correction for all that is judged beside it."""

    @property
    def finding(self) -> Finding:
        """In words what ``p_adjusted`` at 5 % says. Neither better nor worse where a metric has no better side."""
        change = self.paired.difference.mean
        if not isfinite(change) or (self.basis != "exact" and self.paired.difference.n < 2):
            return "unknown"
        is_nothing = abs(change) <= ROUNDING * max(abs(self.baseline.mean), abs(self.value.mean))
        if is_nothing and (self.basis == "exact" or not self.paired.varies):
            return "same"
        if self.basis != "exact" and self.paired.varies and not self.p_adjusted <= 1 - CONFIDENCE:
            return "undetected"
        better = METRICS[self.key.metric].better
        if not better:
            return "more" if change > 0 else "less"
        return "better" if (change < 0) == (better == "lower") else "worse"

    @property
    def is_idle(self) -> bool:
        """Nothing of the sort happened on either side."""
        return self.baseline.mean == self.value.mean == 0 and self.key.statistic == "value"

    def row(self) -> dict[str, Any]:
        """``DIFFERENCE_COLUMNS``."""
        gap, ratio = self.paired.difference, self.paired.ratio
        values = (
            self.scenario, *self.key, METRICS[self.key.metric].unit, self.baseline.mean, self.value.mean, gap.mean,
            gap.low, gap.high, ratio.mean, ratio.low, ratio.high, self.paired.p_value, self.p_adjusted,
            self.paired.detectable, gap.n, self.basis, self.finding,
        )  # fmt: skip
        return dict(zip(DIFFERENCE_COLUMNS, values, strict=True))


def keys_of(numbers: Sequence[dict[Key, float]]) -> list[Key]:
    seen: dict[Key, None] = {}
    for result in numbers:
        seen.update(dict.fromkeys(result))
    return list(seen)


def column_of(numbers: Sequence[dict[Key, float]], key: Key) -> list[float]:
    return [value for result in numbers if isfinite(value := result.get(key, nan))]


def from_replications(
    names: Sequence[str], observed: Sequence[Sequence[dict[Key, float]]], confidence: float
) -> list[Difference]:
    baseline = observed[0]
    found = []
    for name, numbers in zip(names[1:], observed[1:], strict=True):
        for key in keys_of([*baseline, *numbers]):
            a, b = ([result.get(key, nan) for result in side] for side in (baseline, numbers))
            ours, theirs = (student(column_of(side, key), confidence) for side in (baseline, numbers))
            found.append(Difference(name, key, ours, theirs, paired(a, b, confidence), "replications"))
    return found


def from_batches(
    names: Sequence[str],
    observed: Sequence[Sequence[dict[Key, float]]],
    runs: Sequence[Run],
    left_out: float,
    limit: float | None,
    tau: float,
    confidence: float,
) -> list[Difference]:
    ends = [run.end_time if limit is None else min(limit, run.end_time) for run in runs]
    tables = [within(with_use(measures(run, tau)), left_out, max(ends)) for run in runs]
    same = all(len(table) == len(tables[0]) for table in tables)
    matched = matched_batches(tables) if same else [{} for _ in tables]
    found = []
    for index, name in enumerate(names[1:], 1):
        for key in keys_of([observed[0][0], observed[index][0]]):
            a, b = observed[0][0].get(key, nan), observed[index][0].get(key, nan)
            exact = paired([a], [b], confidence)
            basis: Basis = "exact"
            batches = matched[0].get(key, ()), matched[index].get(key, ())
            if len(batches[0]) >= 2:
                exact, basis = paired(*batches, confidence), "batches"
            ours, theirs = (Interval(value, nan, nan, 1, confidence) for value in (a, b))
            found.append(Difference(name, key, ours, theirs, exact, basis))
    return found


def adjusted(differences: Sequence[Difference]) -> list[Difference]:
    """With Holm's correction within families: what is asked first (``CHIEF``), the classes of each other metric that
    verdicts tell of, and for the rest the classes of one kind, of one metric."""
    chief = {(*CHIEF[:2], by) for by in CHIEF[2]}
    told = {(metric, statistic, by) for metric, statistic, kinds in TOLD for by in kinds}
    families: dict[tuple[str, ...], list[int]] = {}
    for index, found in enumerate(differences):
        which = (found.key.metric, found.key.statistic, found.key.by)
        family = ("chief",) if which in chief else which[:2] if which in told else which
        families.setdefault((found.scenario, *family), []).append(index)
    result = list(differences)
    for members in families.values():
        for index, p_value in zip(
            members, holm([differences[i].paired.p_value for i in members]), strict=True
        ):
            result[index] = replace(differences[index], p_adjusted=p_value)
    return result
