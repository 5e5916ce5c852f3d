"""A metric by class of job: how many, mean with its interval, quantiles, maximum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from skahasim.metrics.names import JOB_METRICS, QUANTILES, STATISTICS
from skahasim.metrics.statistics import CONFIDENCE, Floats, batch_means

ALL = "all"
SEPARATOR = " / "
DEFAULT_CLASSES: tuple[tuple[str, ...], ...] = (
    (),
    ("size_class",),
    ("kind",),
    ("priority_class",),
    ("job_class",),
    ("user",),
    ("group",),
    ("queue",),
    ("flexible",),
    ("hour",),
    ("working_hours",),
    ("size_class", "kind"),
    ("size_class", "hour"),
    ("size_class", "working_hours"),
    ("size_class", "kind", "priority_class", "group", "working_hours"),
)
"""Single classes, and those combinations that figures and tables show. Any other can be asked for."""
CLASS_COLUMNS = ("metric", "by", "label", "n", *STATISTICS, "mean_low", "mean_high", "not_started")


def label_of(by: Sequence[str]) -> str:
    """``("size_class", "kind")`` as the ``by`` column writes it: ``size_class / kind``."""
    return SEPARATOR.join(by) or ALL


def groups(table: pd.DataFrame, by: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Label and positions (ascending) of each class of jobs that ``by`` makes, in the order of the labels.

    Nothing when no job has any of the classes.
    """
    if not by:
        yield ALL, np.arange(len(table))
        return
    if not len(table) or any((table[name] == "").all() for name in by):
        return
    for key, positions in sorted(table.groupby(list(by), sort=True).indices.items()):
        names = key if isinstance(key, tuple) else (key,)
        yield SEPARATOR.join(str(name) or "-" for name in names), np.sort(positions)


def statistics_of(values: Floats) -> dict[str, float]:
    """The ``STATISTICS`` of at least one value; quantiles are NumPy's (linear between neighbours)."""
    ordered = np.sort(values)
    last = len(ordered) - 1
    found = {"mean": float(ordered.mean())}
    for name, probability in QUANTILES.items():
        below, share = divmod(probability * last, 1.0)
        low = float(ordered[int(below)])
        found[name] = low + share * (float(ordered[min(int(below) + 1, last)]) - low)
    found["max"] = float(ordered[-1])
    return found


def by_class(
    table: pd.DataFrame,
    classes: Iterable[Sequence[str]] = DEFAULT_CLASSES,
    metrics: Iterable[str] = tuple(JOB_METRICS),
    confidence: float = CONFIDENCE,
) -> pd.DataFrame:
    """``CLASS_COLUMNS`` for each metric and class of jobs with a value. ``table`` is of :func:`.jobs.measures`.

    ``mean_low``, ``mean_high``: batch means over the order of submission. ``not_started``: jobs of the class that
    never started, whose ``wait_time`` (so far) is counted.
    """
    wanted = [(name, table[name].to_numpy(dtype=float)) for name in metrics]
    started = table["started"].to_numpy(dtype=bool)
    rows = []
    for by in classes:
        title = label_of(by)
        for label, positions in groups(table, by):
            not_started = int((~started[positions]).sum())
            for name, column in wanted:
                values = column[positions]
                values = values[np.isfinite(values)]
                if not len(values):
                    continue
                interval = batch_means(values, confidence=confidence)
                rows.append(
                    {
                        "metric": name,
                        "by": title,
                        "label": label,
                        "n": len(values),
                        **statistics_of(values),
                        "mean_low": interval.low,
                        "mean_high": interval.high,
                        "not_started": not_started,
                    }
                )
    return pd.DataFrame(rows, columns=list(CLASS_COLUMNS))
