"""Cores in use, cores waited for and jobs that wait, over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from skahasim.report import style
from skahasim.report.material import Material
from skahasim.study.run import Run

COLUMNS = ("scenario", "seed", "time", "allocated_cores", "capacity_cores", "queued_cores", "queued_jobs")
AVERAGED = COLUMNS[3:]
MOST_POINTS = 360


def table(material: Material) -> pd.DataFrame:
    """``COLUMNS``: averages over at most 360 equal intervals of the first replication of each scenario, until the last
    job of any has started."""
    runs = [material.first(name) for name in material.names[: style.MOST_SCENARIOS]]
    until = max(map(last_of_interest, runs))
    parts = [_averages(run, until) for run in runs]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def last_of_interest(run: Run) -> float:
    """When everything submitted had started: what follows is only the end of long sessions."""
    jobs = run.jobs
    if not len(jobs):
        return run.end_time
    latest = max(float(jobs["submission_time"].max()), float(jobs["starting_time"].max()))
    return min(run.end_time, latest * 1.02) if latest > 0 else run.end_time


def _averages(run: Run, until: float) -> pd.DataFrame:
    rows = run.timeline[run.timeline["time"] <= until]
    every = max(1, int(np.ceil(len(rows) / MOST_POINTS)))
    group = np.arange(len(rows)) // every
    found = rows.groupby(group).agg({"time": "first", **dict.fromkeys(AVERAGED, "mean")})
    found.insert(0, "seed", run.seed)
    found.insert(0, "scenario", run.name)
    return found[list(COLUMNS)].reset_index(drop=True)


def draw(material: Material, data: pd.DataFrame) -> Figure:
    if not len(data):
        return style.message("No time passed in this run.")
    made = style.figure(6.0)
    panels = made.subplots(3, 1, sharex=True, height_ratios=(1.25, 1, 1))
    handles = []
    names = list(dict.fromkeys(data["scenario"]))
    run = material.first(names[0])
    for index, name in enumerate(names):
        rows = data[data["scenario"] == name]
        times = style.moments(material.first(name), rows["time"])
        for axes, column in zip(panels, ("allocated_cores", "queued_cores", "queued_jobs"), strict=True):
            (drawn,) = axes.plot(times, rows[column], drawstyle="steps-post", **style.line(index))
        handles.append(drawn)
    _capacity(panels[0], run, data)
    for axes, title, unit in zip(
        panels,
        ("Cores in use", "Cores that jobs wait for", "Jobs that wait"),
        ("cores", "cores", "jobs"),
        strict=True,
    ):
        axes.set_title(title)
        axes.set_ylabel(unit)
        top = float(data["capacity_cores"].max()) if axes is panels[0] else 0.0
        style.zero_based(axes, max(top, float(data["allocated_cores"].max())) * 1.12 if top else None)
        if material.warm_up:
            axes.axvspan(
                *style.moments(run, [0, material.warm_up]), color=style.GRID, alpha=0.45, linewidth=0
            )
    if material.warm_up:
        panels[1].annotate("warm-up", (style.moments(run, 0.0), 0.97), xycoords=("data", "axes fraction"),
                           xytext=(5, 0), textcoords="offset points", va="top", fontsize=8,
                           color=style.FAINT)  # fmt: skip
    last = float(data["time"].max()) + float(np.median(np.diff(data["time"])) if len(data) > 1 else 1.0)
    panels[-1].set_xlim(*style.moments(run, [0.0, last]))
    style.time_axis(panels[-1], run)
    made.align_ylabels()
    style.scenario_legend(made, names, handles)
    return made


def _capacity(axes: Axes, run: Run, data: pd.DataFrame) -> None:
    first = data[data["scenario"] == run.name]
    axes.plot(
        style.moments(run, first["time"]), first["capacity_cores"], color=style.FAINT, linewidth=1.1,
        linestyle=(0, (1, 1)), drawstyle="steps-post",
    )  # fmt: skip
    axes.annotate(
        f"capacity {first['capacity_cores'].max():,.0f} cores",
        (1, float(first["capacity_cores"].iloc[-1])), xycoords=("axes fraction", "data"),
        xytext=(-2, 3), textcoords="offset points", ha="right", va="bottom", fontsize=8, color=style.FAINT,
    )  # fmt: skip
