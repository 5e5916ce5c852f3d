"""What the comparison says, as text and as tables for the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import pandas as pd

from skahasim.metrics import by_class, summarise
from skahasim.metrics.names import METRICS
from skahasim.report.material import Found, Material
from skahasim.report.style import by_size
from skahasim.study.difference import DIFFERENCE_COLUMNS, TOLD, Difference
from skahasim.study.observation import arrivals_end
from skahasim.study.words import change, clause, duration, measure, probability, title

HEADLINE = ("wait_time", "mean", "all")
BADGES = {
    "better": ("▲", "better"),
    "worse": ("▼", "worse"),
    "more": ("", "more"),
    "less": ("", "less"),
    "same": ("", "the same"),
    "undetected": ("", "not sure"),
    "unknown": ("", "not known"),
}
SYSTEM = ("utilization", "effective_utilization", "used_utilization", "offered_load", "queue_length", "queued_cores",
          "running_jobs", "fragmentation", "loss_of_capacity", "contention_stretch", "makespan", "jain_index",
          "unfair_start_share", "starved", "submitted", "started", "succeeded", "failed", "gave_up", "evicted",
          "preempted")  # fmt: skip
CLASS_HEADS = ("mean", "95 % interval", "median", "90 %", "95 %", "99 %", "longest", "never started")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One scenario against the baseline, in words."""

    name: str
    better: tuple[str, ...]
    worse: tuple[str, ...]
    changed: tuple[str, ...]
    """Where neither side is better."""
    unsure: str
    headline: str
    """The mean wait of all jobs, whatever came of it."""
    users: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One scenario's side of a row."""

    value: str
    change: str
    finding: str
    sign: str
    word: str


@dataclass(frozen=True, slots=True)
class Row:
    """One number of all scenarios."""

    metric: str
    """Empty when it is that of the row above."""
    who: str
    baseline: str
    cells: tuple[Cell, ...]


def told(found: Found, name: str) -> Iterator[Difference]:
    """What verdicts tell of, without what never happened; classes from small to large."""
    for metric, statistic, kinds in TOLD:
        for by in kinds:
            here = {d.key.label: d for d in found.of(name, metric, statistic, by) if not d.is_idle}
            yield from (here[label] for label in by_size(list(here)))


def verdicts(material: Material) -> list[Verdict]:
    """For each scenario but the first."""
    return [] if material.found is None else [_verdict(material.found, name) for name in material.others]


def _verdict(found: Found, name: str) -> Verdict:
    better, worse, changed = [], [], []
    unsure: dict[str, list[str]] = {}
    headline = ""
    for difference in told(found, name):
        finding = difference.finding
        if finding == "better":
            better.append(
                f"{_what(difference)}: {clause(difference).removesuffix(': better)')}{_closed(difference)}"
            )
        elif finding == "worse":
            worse.append(
                f"{_what(difference)}: {clause(difference).removesuffix(': worse)')}{_closed(difference)}"
            )
        elif finding in ("more", "less"):
            changed.append(f"{_what(difference)}: {clause(difference)}")
        elif finding == "undetected":
            unsure.setdefault(title(difference.key.metric, difference.key.statistic), []).append(
                _who(difference)
            )
            if not headline and difference.key[:3] == HEADLINE:
                headline = f"{_what(difference)}: {clause(difference)}"
    told_unsure = "; ".join(
        text + (f" ({', '.join(who)})" if any(who) else "") for text, who in unsure.items()
    )
    return Verdict(
        name, tuple(better), tuple(worse), tuple(changed), told_unsure, headline, _users(found, name)
    )


def _closed(difference: Difference) -> str:
    """The bracket that went with the word."""
    return ")" if clause(difference).endswith((": better)", ": worse)")) else ""


def _what(difference: Difference) -> str:
    text, who = title(difference.key.metric, difference.key.statistic), _who(difference)
    return f"{text}, {who} jobs" if who else text


def _who(difference: Difference) -> str:
    key = difference.key
    if key.statistic == "value":
        return ""
    return "all" if key.by == "all" else key.label or "unnamed"


def _users(found: Found, name: str) -> str:
    users = [d for d in found.of(name, "wait_time", "mean", "user") if isfinite(d.paired.difference.mean)]
    if not users:
        return ""
    less = [d for d in users if d.paired.difference.mean < 0]
    more = [d for d in users if d.paired.difference.mean > 0]
    sure = sum(d.finding == "better" for d in less), sum(d.finding == "worse" for d in more)
    text = (
        f"{len(less)} of {len(users)} users wait less ({sure[0] or 'none'} of them surely), "
        f"{len(more)} wait more ({sure[1] or 'none'} surely)"
    )
    if len(less) + len(more) < len(users):
        text += f", {len(users) - len(less) - len(more)} the same"
    return text


def rows(material: Material) -> list[Row]:
    """The verdict table."""
    found = material.found
    if found is None:
        return []
    sides = {name: {d.key: d for d in found.differences if d.scenario == name} for name in material.others}
    keys = list(dict.fromkeys(d.key for name in material.others for d in told(found, name)))
    keys.sort(key=lambda key: [(m, s) for m, s, _ in TOLD].index((key.metric, key.statistic)))
    made, before = [], ""
    for key in keys:
        any_side = next(side[key] for side in sides.values() if key in side)
        cells = tuple(_cell(sides[name].get(key)) for name in material.others)
        text = title(key.metric, key.statistic)
        who = "" if key.statistic == "value" else "all jobs" if key.by == "all" else key.label or "unnamed"
        made.append(
            Row(text if text != before else "", who, measure(any_side.baseline.mean, key.metric), cells)
        )
        before = text
    return made


def _cell(difference: Difference | None) -> Cell:
    if difference is None:
        return Cell("–", "", "", "", "")
    finding = difference.finding
    sign, word = BADGES[finding]
    text = change(difference) if finding not in ("same", "unknown") else ""
    p_value = difference.p_adjusted
    if difference.basis == "exact":
        word = f"{word}, on this trace" if finding in ("better", "worse") else word
    elif finding in ("better", "worse", "more", "less", "undetected") and p_value == p_value:
        word = f"{word}, {probability(p_value)}" if word not in ("more", "less") else probability(p_value)
    return Cell(measure(difference.value.mean, difference.key.metric), text, finding, sign, word)


def verdict_table(material: Material) -> pd.DataFrame:
    """Everything that was compared, ``DIFFERENCE_COLUMNS``."""
    found = () if material.found is None else material.found.differences
    return pd.DataFrame([difference.row() for difference in found], columns=list(DIFFERENCE_COLUMNS))


# -- tables of the runs themselves ----------------------------------------------------------------------------


def class_table(material: Material) -> pd.DataFrame:
    """Waits and bounded slowdowns by size class and kind, all replications that are here together."""
    parts = []
    for name in material.names:
        jobs = material.all_jobs(name)
        found = by_class(jobs, ((), ("size_class",), ("kind",)), ("wait_time", "bounded_slowdown"))
        found.insert(0, "scenario", name)
        parts.append(found)
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else parts[0]


def class_rows(data: pd.DataFrame) -> list[dict[str, Any]]:
    """``class_table``'s waits as text, classes in order, scenarios next to each other."""
    waits = data[data["metric"] == "wait_time"]
    made = []
    for by, head in (("all", ""), ("size_class", "size"), ("kind", "kind")):
        part = waits[waits["by"] == by]
        if by != "all" and part["label"].nunique() < 2:
            continue
        for label in by_size(list(part["label"])):
            for number, row in enumerate(part[part["label"] == label].to_dict("records")):
                interval = (
                    f"{duration(row['mean_low'])} – {duration(row['mean_high'])}"
                    if isfinite(row["mean_low"])
                    else "–"
                )
                made.append(
                    {
                        "label": "" if number else "all jobs" if by == "all" else f"{head}: {label}",
                        "scenario": row["scenario"],
                        "n": f"{row['n']:,}",
                        "cells": [duration(row["mean"]), interval]
                        + [duration(row[name]) for name in ("p50", "p90", "p95", "p99", "max")]
                        + [f"{row['not_started']:,}" if row["not_started"] else "–"],
                    }
                )
    return made


def system_table(material: Material) -> pd.DataFrame:
    """``scenario, metric, value, unit, better``: means over the replications that are here."""
    made = []
    for name in material.names:
        summaries = [
            summarise(
                run,
                warm_up=material.warm_up,
                until=arrivals_end(run),
                classes=(),
                metrics=(),
                table=material.whole(run),
            )
            for run in material.of(name)
            if len(run.jobs)
        ]
        for metric in SYSTEM:
            values = pd.Series([_value(summary, metric) for summary in summaries], dtype=float)
            made.append((name, metric, float(values.mean()), METRICS[metric].unit, METRICS[metric].better))
    return pd.DataFrame(made, columns=["scenario", "metric", "value", "unit", "better"])


def _value(summary: Any, metric: str) -> float:
    for part in (summary.counts, summary.system, summary.fairness):
        if metric in part:
            return float(part[metric])
    raise KeyError(metric)


def system_rows(data: pd.DataFrame, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """``system_table`` as text."""
    made = []
    for metric in SYSTEM:
        part = data[data["metric"] == metric].set_index("scenario")["value"]
        values = [float(part[name]) for name in names]
        if all(not isfinite(value) for value in values):
            continue
        label = title(metric, "value")
        made.append(
            {"label": label, "better": METRICS[metric].better, "cells": [_amount(v, metric) for v in values]}
        )
    return made


def _amount(value: float, metric: str) -> str:
    if METRICS[metric].unit == "jobs" and value == round(value):
        return f"{value:,.0f}"
    return measure(value, metric).removesuffix(" jobs")


# -- what was simulated ---------------------------------------------------------------------------------------


def changed_settings(material: Material) -> list[dict[str, Any]]:
    """Settings in which the scenarios differ: key, and each scenario's value."""
    flat = {
        name: dict(_flat(material.first(name).facts.get("configuration") or {})) for name in material.names
    }
    keys = list(dict.fromkeys(key for settings in flat.values() for key in settings))
    made = []
    for key in keys:
        values = [flat[name].get(key) for name in material.names]
        if key in ("name", "description") or all(value == values[0] for value in values[1:]):
            continue
        made.append(
            {"key": key, "cells": ["–" if value in (None, "", [], {}) else str(value) for value in values]}
        )
    return made


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
