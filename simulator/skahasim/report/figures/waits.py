"""How many jobs had started after how long a wait: the empirical distribution by size class."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from skahasim.report import style
from skahasim.report.material import Material

COLUMNS = ("scenario", "size_class", "wait_s", "started_share", "started", "jobs")
AT_ONCE = 1.0
"""Seconds: the axis begins here, and a curve at the share of jobs that had started by then."""
POINTS = 160
ALL = "all"


def table(material: Material) -> pd.DataFrame:
    """``COLUMNS``: ``started_share`` of the ``jobs`` submitted had started ``wait_s`` after their submission at the
    latest. All replications together; at 160 waits from 1 s to the longest, equally far apart in logarithm."""
    tables = {name: material.all_jobs(name) for name in material.names[: style.MOST_SCENARIOS]}
    waits = [jobs.loc[jobs["started"], "wait_time"].max() for jobs in tables.values()]
    longest = max([AT_ONCE * 60, *(float(wait) for wait in waits if wait == wait)])
    grid = np.geomspace(AT_ONCE, longest * (1 + 1e-9), POINTS)
    parts = []
    classes = style.by_size([label for jobs in tables.values() for label in jobs["size_class"]])
    for label in [ALL, *(classes if len(classes) > 1 else [])]:
        for name, jobs in tables.items():
            chosen = jobs if label == ALL else jobs[jobs["size_class"] == label]
            if not len(chosen):
                continue
            ordered = np.sort(chosen.loc[chosen["started"], "wait_time"].to_numpy(dtype=float))
            count = np.searchsorted(ordered, grid, side="right")
            parts.append(
                pd.DataFrame(
                    {"scenario": name, "size_class": label, "wait_s": grid, "started_share": count / len(chosen),
                     "started": count, "jobs": len(chosen)}
                )
            )  # fmt: skip
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def draw(material: Material, data: pd.DataFrame) -> Figure:
    if not len(data):
        return style.message("No jobs, so no waits.")
    labels = list(dict.fromkeys(data["size_class"]))
    names = [name for name in material.names if (data["scenario"] == name).any()]
    columns = min(len(labels), 2)
    rows = -(-len(labels) // columns)
    made = style.figure(0.6 + 2.75 * rows)
    panels = made.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    longest = float(data["wait_s"].max())
    low = 100.0 * float(data["started_share"].min())
    handles = {}
    for axes, label in zip(panels, labels, strict=False):
        for name in names:
            part = data[(data["scenario"] == name) & (data["size_class"] == label)]
            if not len(part):
                continue
            index = material.names.index(name)
            (handles[name],) = axes.plot(
                part["wait_s"], 100 * part["started_share"], drawstyle="steps-post", **style.line(index)
            )
            axes.plot(
                [AT_ONCE], [100 * part["started_share"].iloc[0]], markersize=5, clip_on=False, zorder=5,
                **style.marker(index),
            )  # fmt: skip
        count = int(data.loc[data["size_class"] == label, "jobs"].max())
        title = "All jobs" if label == ALL else f"{label.capitalize() or 'Unnamed'} jobs"
        axes.set_title(f"{title} ({count:,})")
        axes.set_xscale("log")
        axes.set_xlim(AT_ONCE, longest)
        style.log_seconds(axes.xaxis, AT_ONCE, longest)
    for axes in panels[len(labels) :]:
        axes.set_visible(False)
    panels[0].set_ylim(max(0.0, 10 * np.floor(low / 10) - 5 if low > 40 else 0.0), 101)
    made.supylabel("started by then, % of jobs submitted", fontsize=9)
    made.supxlabel("wait since submission (logarithmic; the dot: started within 1 s)", fontsize=9)
    style.scenario_legend(made, list(handles), list(handles.values()))
    return made
