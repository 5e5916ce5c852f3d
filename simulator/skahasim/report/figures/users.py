"""Winners and losers: whose jobs wait less, and whose wait more, than under the first policy."""

from __future__ import annotations

from math import isfinite

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from skahasim.report import style
from skahasim.report.material import Material

COLUMNS = ("scenario", "user", "jobs", "baseline_wait_s", "wait_s", "difference_s", "low_s", "high_s", "p_adjusted",
           "finding", "shown")  # fmt: skip
SHOWN = 8
MOST_PANELS = 3


def table(material: Material) -> pd.DataFrame:
    """``COLUMNS``: every user's mean wait against the baseline's, the largest gain first; ``shown``: whether the figure
    has it (the eight who gain most, and the eight who lose most). ``jobs`` of the first replication."""
    if material.found is None:
        return pd.DataFrame(columns=list(COLUMNS))
    counts = material.jobs(material.first(material.names[0]))["user"].value_counts()
    rows = []
    for scenario in material.others[:MOST_PANELS]:
        users = [d for d in material.found.of(scenario, "wait_time", "mean", "user")
                 if isfinite(d.paired.difference.mean)]  # fmt: skip
        users.sort(key=lambda d: (d.paired.difference.mean, d.key.label))
        gains = [d.key.label for d in users if d.paired.difference.mean < 0][:SHOWN]
        losses = [d.key.label for d in users if d.paired.difference.mean > 0][-SHOWN:]
        shown = {*gains, *losses}
        for found in users:
            gap, who = found.paired.difference, found.key.label
            rows.append(
                (scenario, who, int(counts.get(who, 0)), found.baseline.mean, found.value.mean, gap.mean, gap.low,
                 gap.high, found.p_adjusted, found.finding, who in shown)
            )  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def draw(material: Material, data: pd.DataFrame) -> Figure:
    drawn = data[data["shown"].astype(bool)]
    if not len(drawn):
        return style.message("No user waits more or less under one policy than under the other.")
    names = [name for name in material.others if (drawn["scenario"] == name).any()]
    tallest = int(drawn.groupby("scenario").size().max())
    columns = min(len(names), 2)
    lines = -(-len(names) // 2)
    made = style.figure(lines * (1.15 + 0.215 * (tallest + 1)))
    panels = made.subplots(lines, columns, squeeze=False).ravel()
    for axes, name in zip(panels, names, strict=False):
        _panel(axes, drawn[drawn["scenario"] == name], material.names.index(name))
        rows = data[data["scenario"] == name]
        less, more = int((rows["difference_s"] < 0).sum()), int((rows["difference_s"] > 0).sum())
        axes.set_title(f"{style.shorten(name)}: {less} users wait less, {more} more")
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    return made


def _panel(axes: Axes, rows: pd.DataFrame, index: int) -> None:
    gaps = rows["difference_s"].to_numpy(dtype=float)
    # A gap between those who gain and those who lose.
    places = np.arange(len(rows)) + np.where(gaps > 0, 1.0 if (gaps < 0).any() else 0.0, 0.0)
    ends = rows[["low_s", "high_s"]].to_numpy(dtype=float)
    known = ends[np.isfinite(ends)]
    span = float(np.abs(gaps).max())
    limit = min(max(span, float(np.abs(known).max()) if len(known) else 0.0), 2.2 * span) * 1.08 or 1.0
    for place, gap, (low, high), finding in zip(places, gaps, ends, rows["finding"], strict=True):
        sure = finding in ("better", "worse")
        axes.plot([0, gap], [place, place], color=style.LINES[index], alpha=0.35, linewidth=5)
        if np.isfinite(low) and np.isfinite(high):
            axes.plot([low, high], [place, place], color=style.LINES[index], linewidth=1.3)
        axes.plot(gap, place, linestyle="none", markersize=5.5, markeredgewidth=1.4, zorder=5,
                  **style.marker(index, filled=sure))  # fmt: skip
    axes.axvline(0, color=style.FAINT, linewidth=1.0)
    labels = [f"{style.shorten(str(user), 24) or 'unnamed'} ({jobs:,})"
              for user, jobs in zip(rows["user"], rows["jobs"], strict=True)]  # fmt: skip
    axes.set_yticks(places, labels)
    axes.set_ylim(places.max() + 0.7, -0.7)
    axes.set_xlim(-limit, limit)
    style.linear_seconds(axes.xaxis, limit)
    axes.set_xlabel("waits less ←  mean wait against the baseline  → waits more")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
