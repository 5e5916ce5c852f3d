"""Mean wait by size class and hour of submission."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from skahasim.report import style
from skahasim.report.material import Material

COLUMNS = ("scenario", "size_class", "hour", "jobs", "mean_wait_s")
MOST_PANELS = 4
FLOOR = 1.0
"""Seconds: shorter means are all of the lightest colour."""


def table(material: Material) -> pd.DataFrame:
    """``COLUMNS`` of all replications together. ``hour`` of local time, 0 to 23; hours without a job are left out."""
    parts = []
    for name in material.names[:MOST_PANELS]:
        jobs = material.all_jobs(name)
        if not len(jobs):
            continue
        keys = [jobs["size_class"], jobs["hour"].astype(int)]
        found = jobs.groupby(keys, sort=True)["wait_time"].agg(["size", "mean"]).reset_index()
        found.columns = pd.Index(COLUMNS[1:])
        found.insert(0, "scenario", name)
        parts.append(found)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def draw(material: Material, data: pd.DataFrame) -> Figure:
    if not len(data):
        return style.message("No jobs, so no waits.")
    names = [name for name in material.names if (data["scenario"] == name).any()]
    labels = style.by_size(data["size_class"].astype(str))[::-1]
    made = style.figure(0.75 + len(names) * (0.34 + 0.36 * len(labels)))
    panels = made.subplots(len(names), 1, sharex=True, squeeze=False).ravel()
    top = max(float(data["mean_wait_s"].max()), 60 * FLOOR)
    norm = LogNorm(FLOOR, top)
    shade = None
    for axes, name in zip(panels, names, strict=True):
        grid = np.full((len(labels), 24), np.nan)
        for row in data[data["scenario"] == name].itertuples():
            grid[labels.index(str(row.size_class)), int(str(row.hour))] = float(str(row.mean_wait_s))
        shade = axes.pcolormesh(
            np.arange(25), np.arange(len(labels) + 1), np.clip(grid, FLOOR, None), norm=norm,
            cmap="cividis_r", edgecolors=style.PAPER, linewidth=1.2,
        )  # fmt: skip
        for (row_number, hour), value in np.ndenumerate(grid):
            if np.isfinite(value):
                dark = norm(max(value, FLOOR)) > 0.55
                axes.text(
                    hour + 0.5, row_number + 0.5, short(value), ha="center", va="center", fontsize=7.5,
                    color="#fefefe" if dark else "#1c2127",
                )  # fmt: skip
        axes.set_yticks(np.arange(len(labels)) + 0.5, [label or "unnamed" for label in labels])
        axes.set_title(style.shorten(name, 80))
        axes.grid(visible=False)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    panels[-1].set_xticks(np.arange(0, 25, 3), [f"{hour:02d}:00" for hour in range(0, 25, 3)])
    panels[-1].set_xlabel(f"hour of submission, local time ({material.first(names[0]).time_zone})")
    if shade is not None:
        bar = made.colorbar(shade, ax=list(panels), aspect=12 * len(names) + 8, pad=0.015, fraction=0.04)
        style.log_seconds(bar.ax.yaxis, FLOOR, top)
        bar.set_label("mean wait")
        bar.outline.set_visible(False)
    return made


def short(seconds: float) -> str:
    """What fits in a cell: ``45s``, ``12m``, ``3.1h``, ``2.0d``."""
    if seconds < FLOOR:
        return "0"
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            value = seconds / size
            return f"{value:.0f}{unit}" if value >= 9.95 or unit == "m" else f"{value:.1f}{unit}"
    return f"{seconds:.0f}s"
