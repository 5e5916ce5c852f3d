"""Bounded slowdown by size class: how much longer than their work jobs took."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from skahasim.report import style
from skahasim.report.material import Material

STATISTICS = {"p5": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
COLUMNS = ("scenario", "size_class", "jobs", "mean", *STATISTICS, "max")
ALL = "all"


def table(material: Material) -> pd.DataFrame:
    """``COLUMNS`` of the bounded slowdown of jobs that ended, all replications together."""
    rows = []
    for name in material.names[: style.MOST_SCENARIOS]:
        jobs = material.all_jobs(name)
        jobs = jobs[np.isfinite(jobs["bounded_slowdown"])]
        classes = style.by_size(jobs["size_class"].astype(str))
        for label in [ALL, *(classes if len(classes) > 1 else [])]:
            chosen = jobs if label == ALL else jobs[jobs["size_class"] == label]
            values = chosen["bounded_slowdown"].to_numpy(dtype=float)
            if len(values):
                quantiles = np.quantile(values, list(STATISTICS.values()))
                rows.append((name, label, len(values), values.mean(), *quantiles, values.max()))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def draw(material: Material, data: pd.DataFrame) -> Figure:
    if not len(data):
        return style.message("No job ended, so there is no slowdown.")
    labels = [
        label
        for label in [ALL, *style.by_size(data["size_class"].astype(str))]
        if (data["size_class"] == label).any()
    ]
    labels = list(dict.fromkeys(labels))
    names = [name for name in material.names if (data["scenario"] == name).any()]
    made = style.figure(3.6)
    axes = made.subplots()
    width = min(0.8 / len(names), 0.26)
    for number, name in enumerate(names):
        index = material.names.index(name)
        part = data[data["scenario"] == name].set_index("size_class")
        here = [label for label in labels if label in part.index]
        places = [labels.index(label) + (number - (len(names) - 1) / 2) * width for label in here]
        colour = style.LINES[index]
        drawn = axes.bxp(
            [
                {"med": row.p50, "q1": row.p25, "q3": row.p75, "whislo": row.p5, "whishi": row.p95}
                for row in part.loc[here].itertuples()
            ],
            positions=places, widths=width * 0.78, showfliers=False, patch_artist=True, manage_ticks=False,
            boxprops={"facecolor": colour, "edgecolor": style.PAPER, "hatch": style.HATCHES[index]},
            medianprops={"color": style.INK, "linewidth": 1.6},
            whiskerprops={"color": colour, "linewidth": 1.3}, capprops={"color": colour, "linewidth": 1.3},
        )  # fmt: skip
        for box in drawn["boxes"]:
            box.set_linewidth(1.0)
        axes.plot(
            places, part.loc[here, "mean"], linestyle="none", marker="D", markersize=5.5, zorder=5,
            color=style.PAPER, markeredgecolor=style.INK, markeredgewidth=1.0,
        )  # fmt: skip
    _axis(axes, float(data[["p95", "mean"]].to_numpy().max()))
    counts = data.groupby("size_class")["jobs"].max()
    axes.set_xticks(
        range(len(labels)), [f"{'all jobs' if x == ALL else x}\n{counts[x]:,} jobs" for x in labels]
    )
    axes.set_xlim(-0.6, len(labels) - 0.4)
    axes.grid(visible=False, axis="x")
    handles = [
        Patch(facecolor=style.LINES[i], hatch=style.HATCHES[i], edgecolor=style.PAPER)
        for i in (material.names.index(name) for name in names)
    ]
    style.scenario_legend(made, names, handles)
    return made


def _axis(axes: Axes, top: float) -> None:
    top = max(top * 1.25, 2.0)
    axes.set_yscale("log")
    axes.set_ylim(0.97, top)
    ticks = [t for power in range(7) for t in (10**power, 2 * 10**power, 5 * 10**power) if t <= top]
    if top < 4:
        ticks = [1, 1.2, 1.5, 2, 3]
    if len(ticks) > 9:
        ticks = [t for t in ticks if str(t)[0] == "1"]
    y = axes.yaxis
    y.set_major_locator(FixedLocator(ticks))
    y.set_minor_locator(NullLocator())
    y.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.set_ylabel("bounded slowdown, times (logarithmic)")
