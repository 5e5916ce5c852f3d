"""Differences in words, for people who do not read p values."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING

from skahasim.metrics.names import METRICS

if TYPE_CHECKING:
    from skahasim.metrics.statistics import Interval
    from skahasim.study.difference import Difference
    from skahasim.study.observation import Key

SHARES = (
    "utilization", "effective_utilization", "used_utilization", "fragmentation", "loss_of_capacity",
    "unfair_start_share", "starved_share", "completion_ratio",
)  # fmt: skip
"""Metrics that are shares of a whole: told in per cent, and their differences in points."""

_TITLES = {
    ("wait_time", "mean"): "mean wait",
    ("wait_time", "p50"): "median wait",
    ("wait_time", "p95"): "95th percentile of the wait",
    ("wait_time", "max"): "longest wait",
    ("bounded_slowdown", "mean"): "mean bounded slowdown",
    ("turnaround_time", "mean"): "mean turnaround time",
    ("jain_index", "value"): "fairness between users (Jain's index)",
    ("unfair_start_share", "value"): "share of unfair starts",
}
_STEPS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))


def title(metric: str, statistic: str) -> str:
    """What people call it."""
    plain = metric.replace("_", " ")
    return _TITLES.get((metric, statistic), plain if statistic == "value" else f"{statistic} of {plain}")


def duration(seconds: float) -> str:
    """``7.5 h``: three digits in the largest unit that fits."""
    for size, unit in _STEPS:
        if abs(seconds) >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def amount(value: float, unit: str) -> str:
    """A value with its unit; a ratio has none. Work is told in core hours; ``%`` is for a share."""
    if not isfinite(value):
        return "unknown"
    if unit == "s":
        return duration(value)
    if unit == "%":
        return f"{value * 100:.1f} %"
    if unit == "core-s":
        hours = value / 3600
        return f"{hours:,.0f} core-h" if abs(hours) >= 100 else f"{hours:.3g} core-h"
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return text if unit == "1" else f"{text} {unit}"


def percent(share: float) -> str:
    return f"{share * 100:.2g}" if abs(share) < 0.095 else f"{share * 100:.0f}"


def probability(p_value: float) -> str:
    for bound in (0.001, 0.01, 0.05):
        if p_value < bound:
            return f"p < {bound:g}"
    return f"p = {p_value:.2g}"


def change(found: Difference) -> str:
    """``34 % [29, 39] less``: relative where that can be said, in points for shares, else in the metric's unit."""
    gap, ratio = found.paired.difference, found.paired.ratio
    if not isfinite(gap.mean):
        return "not known"
    if gap.mean == 0:
        return "none"
    unit = METRICS[found.key.metric].unit
    word = "more" if gap.mean > 0 else "less"
    if found.key.metric in SHARES:
        ways = 1.0 if gap.mean > 0 else -1.0
        low, high = sorted((ways * gap.low, ways * gap.high))
        told = f" [{percent(low)}, {percent(high)}]" if isfinite(low) and isfinite(high) else ""
        return f"{percent(abs(gap.mean))} points{told} {word}"
    if isfinite(ratio.mean):
        # Bounds are told in the direction of the change: the smaller first, negative where they go the other way.
        sign = 1.0 if ratio.mean > 0 else -1.0
        low, high = sorted((sign * ratio.low, sign * ratio.high))
        told = f" [{percent(low)}, {percent(high)}]" if isfinite(low) and isfinite(high) else ""
        text = f"{percent(abs(ratio.mean))} %{told} {word}"
        if told or not isfinite(gap.low):
            return text
        # The baseline may be zero, so no share of it is bounded.
        return f"{text} [{signed(gap.low, unit)}, {signed(gap.high, unit)}]"
    return f"{amount(abs(gap.mean), unit)} {word}"


def measure(value: float, metric: str) -> str:
    """A value of ``metric`` as people say it."""
    return amount(value, "%" if metric in SHARES else METRICS[metric].unit)


def give_or_take(value: float, half: float, metric: str) -> str:
    """``2.1 ± 0.3 h``: a value and half its interval in the unit of the value."""
    if not isfinite(half) or half <= abs(value) * 5e-4 or not isfinite(value):
        return measure(value, metric)
    if metric in SHARES:
        return f"{value * 100:.1f} ± {half * 100:.{1 if half < 0.1 else 0}f} %"
    unit = METRICS[metric].unit
    size = 1.0
    if unit == "s":
        size, unit = next(((size, name) for size, name in _STEPS if abs(value) >= size), (1.0, "s"))
    spread = half / size
    return f"{value / size:.3g} ± {f'{spread:.2g}' if spread < 100 else f'{spread:,.0f}'}" + (
        "" if unit == "1" else f" {unit}"
    )


def shift(found: Difference) -> str:
    """The difference and its interval, signed: ``+32 % [-4, +70]``; in points for shares, and in the metric's unit
    where the baseline may be zero."""
    gap, ratio = found.paired.difference, found.paired.ratio
    metric = found.key.metric
    if not isfinite(gap.mean):
        return ""
    if metric in SHARES:
        return _with_bounds(gap, 100, "points", "+.1f" if abs(gap.mean) >= 0.1 else "+.2f")
    if isfinite(ratio.mean) and (isfinite(ratio.low) or not isfinite(gap.low)):
        return _with_bounds(ratio, 100, "%", f"+,.{_digits(ratio.mean)}f")
    unit, size = METRICS[metric].unit, 1.0
    if unit == "s":
        largest = max(abs(value) for value in (gap.mean, gap.low, gap.high) if isfinite(value))
        size, unit = next(((size, name) for size, name in _STEPS if largest >= size), (1.0, "s"))
    elif unit == "core-s":
        size, unit = 3600.0, "core-h"
    return _with_bounds(gap, 1 / size, "" if unit == "1" else unit, "+.3g")


def _with_bounds(interval: Interval, scale: float, unit: str, form: str) -> str:
    mean, low, high = (value * scale for value in interval[:3])
    bounds = f" [{low:{form}}, {high:{form}}]" if isfinite(low) and isfinite(high) else ""
    return f"{mean:{form}}{f' {unit}' if unit else ''}{bounds}"


def signed(value: float, unit: str) -> str:
    return ("+" if value > 0 else "") + amount(value, unit)


def _digits(share: float) -> int:
    return 0 if abs(share) >= 0.095 else 1 if abs(share) >= 0.0095 else 2


def who(key: Key) -> str:
    """Whose number it is."""
    if key.by == "all":
        return "all jobs"
    if key.by == "use" and key.label == "interactive":
        return "interactive sessions"
    return f"{key.label} jobs" if key.by in ("size_class", "use") else f"{key.by} {key.label}"


def clause(found: Difference) -> str:
    """What is said of one class."""
    metric, finding = found.key.metric, found.finding
    sides = f"{measure(found.value.mean, metric)} against {measure(found.baseline.mean, metric)}"
    if finding == "unknown":
        return "not known"
    if finding == "same":
        return f"the same ({measure(found.value.mean, metric)})"
    if finding == "undetected":
        base = abs(found.baseline.mean)
        seen = found.paired.detectable
        if metric in SHARES:
            could = f"{percent(seen)} points"
        else:
            could = f"{percent(seen / base)} %" if base else amount(seen, METRICS[metric].unit)
        return f"no difference detected ({sides}; {could} would probably have been seen)"
    if found.basis == "exact":
        return f"{change(found)} ({sides}; on this trace)"
    return f"{change(found)} ({sides}, {probability(found.p_adjusted)}{verdict(finding)})"


def verdict(finding: str) -> str:
    return f": {finding}" if finding in ("better", "worse") else ""


def sentence(name: str, baseline: str, metric: str, statistic: str, differences: Sequence[Difference]) -> str:
    """``B against A, mean wait: all jobs 34 % [29, 39] less (...); small jobs ...``."""
    parts = []
    for found in differences:
        label = found.key.label
        who = "" if METRICS[metric].name == metric and statistic == "value" else _who(found.key.by, label)
        parts.append(f"{who}{clause(found)}")
    return f"{name} against {baseline}, {title(metric, statistic)}: {'; '.join(parts)}."


def _who(by: str, label: str) -> str:
    return "all jobs " if by == "all" else f"{label} jobs " if by == "size_class" else f"{by} {label} "
