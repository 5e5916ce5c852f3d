"""When jobs were put off their nodes, and why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from skahasim.report import style
from skahasim.report.figures.load import last_of_interest
from skahasim.report.material import Material
from skahasim.study.run import Run

COLUMNS = ("scenario", "seed", "time", "cause", "evictions", "dated_by")
PREEMPTED, OTHER = "preempted, to make room for another job", "evicted for another reason"
MOST_BINS = 84
MOST_PANELS = 4
_WIDTHS = (600.0, 1800.0, 3600.0, 7200.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0, 7 * 86_400.0, 30 * 86_400.0)


def width_of(material: Material) -> float:
    """Seconds of one bar: the shortest round time that makes at most 84 of them."""
    longest = max(last_of_interest(run) for run in material.runs)
    return next((width for width in _WIDTHS if longest / width <= MOST_BINS), longest / MOST_BINS)


def table(material: Material) -> pd.DataFrame:
    """``COLUMNS``: evictions in the interval that begins at ``time``, of the first replication of each scenario;
    intervals with none are left out.

    ``dated_by``: ``event`` when the run's events say when, else ``submission``: the table of jobs only says how often
    a job was put off, so it counts where the job was submitted.
    """
    width = width_of(material)
    rows: list[tuple[object, ...]] = []
    for name in material.names[:MOST_PANELS]:
        run = material.first(name)
        losses = material.evictions.get((run.name, run.seed))
        dated = "submission" if losses is None else "event"
        found = _by_submission(run) if losses is None else _by_event(losses)
        for cause, (times, counts) in found.items():
            bins = np.floor(times / width).astype(int)
            for place in np.unique(bins):
                total = int(counts[bins == place].sum())
                if total:
                    rows.append((name, run.seed, place * width, cause, total, dated))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _by_event(losses: pd.DataFrame) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    times = losses["time"].to_numpy(dtype=float)
    preempted = (losses["event"] == "preempted").to_numpy(dtype=bool)
    return {cause: (times[which], np.ones(int(which.sum()), dtype=int))
            for cause, which in ((PREEMPTED, preempted), (OTHER, ~preempted))}  # fmt: skip


def _by_submission(run: Run) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    times = run.jobs["submission_time"].to_numpy(dtype=float)
    evictions, preemptions = (
        run.jobs[name].fillna(0).to_numpy(dtype=int) for name in ("evictions", "preemptions")
    )
    return {PREEMPTED: (times, preemptions), OTHER: (times, np.maximum(evictions - preemptions, 0))}


def draw(material: Material, data: pd.DataFrame) -> Figure:
    if not len(data):
        return style.message("Nothing was evicted or preempted.")
    names = list(material.names[:MOST_PANELS])
    made = style.figure(1.1 + 1.5 * len(names))
    panels = made.subplots(len(names), 1, sharex=True, sharey=True, squeeze=False).ravel()
    width = width_of(material)
    looks: dict[str, Any] = {
        PREEMPTED: {"facecolor": style.LINES[0]},
        OTHER: {"facecolor": style.LINES[4], "hatch": "////"},
    }
    run = material.first(names[0])
    for axes, name in zip(panels, names, strict=True):
        rows = data[data["scenario"] == name]
        below = dict.fromkeys(rows["time"], 0)
        for cause, look in looks.items():
            part = rows[rows["cause"] == cause]
            if len(part):
                axes.bar(
                    style.moments(run, part["time"]), part["evictions"], width=width / 86_400, align="edge",
                    bottom=[below[time] for time in part["time"]], edgecolor=style.PAPER, linewidth=0.6, **look,
                )  # fmt: skip
            for time, count in zip(part["time"], part["evictions"], strict=True):
                below[time] += count
        total = int(rows["evictions"].sum())
        axes.set_title(
            f"{style.shorten(name, 70)}: {total:,} in all" if total else f"{style.shorten(name, 70)}: none"
        )
        axes.set_ylabel(f"in {style.duration(width)}")
    top = data.groupby(["scenario", "time"])["evictions"].sum().max()
    for axes in panels:
        style.zero_based(axes, top=float(top) * 1.08)
    panels[-1].set_xlim(*style.moments(run, [0.0, max(last_of_interest(r) for r in material.runs)]))
    style.time_axis(panels[-1], run)
    if (data["dated_by"] == "submission").any():
        panels[-1].set_xlabel(f"{panels[-1].get_xlabel()}; bars stand where the evicted jobs were submitted")
    causes = [cause for cause in looks if (data["cause"] == cause).any()]
    handles = [Patch(edgecolor=style.PAPER, **looks[cause]) for cause in causes]
    made.legend(handles, causes, loc="outside upper left", ncols=2)
    return made
