"""Every policy against the first, with how sure that is: relative differences of paired replications."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from skahasim.metrics.names import METRICS
from skahasim.report import style
from skahasim.report.material import Material
from skahasim.study.difference import DIFFERENCE_COLUMNS, TOLD
from skahasim.study.words import title

MOST_PERCENT = 400.0
COLUMNS = (*DIFFERENCE_COLUMNS, "percent", "percent_low", "percent_high")
CLASSES = (("wait_time", "mean"), ("wait_time", "p95"), ("bounded_slowdown", "mean"))


def table(material: Material) -> pd.DataFrame:
    """``COLUMNS`` of everything that verdicts tell of, where it can be said in per cent of the baseline: the paired
    difference and its interval, over the baseline's mean."""
    rows = []
    for scenario in material.others if material.found else ():
        for metric, statistic, kinds in TOLD:
            for by in kinds:
                assert material.found is not None
                rows += [
                    found.row()
                    for found in material.found.of(scenario, metric, statistic, by)
                    if isfinite(found.paired.difference.mean) and found.baseline.mean
                ]
    data = pd.DataFrame(rows, columns=list(DIFFERENCE_COLUMNS))
    scale = data["baseline"].abs() / 100
    return data.assign(
        percent=data["difference"] / scale,
        percent_low=data["difference_low"] / scale,
        percent_high=data["difference_high"] / scale,
    )


def draw(material: Material, data: pd.DataFrame) -> Figure:
    if not len(data):
        return style.message("Nothing to compare: one scenario, or other jobs in each.")
    names = [name for name in material.others if (data["scenario"] == name).any()][: style.MOST_SCENARIOS - 1]
    data = data[data["scenario"].isin(names)]
    chosen = [key for key in CLASSES if ((data["metric"] == key[0]) & (data["statistic"] == key[1])).any()]
    classes = _classes(data)
    rest = [
        metric for metric, statistic, _ in TOLD if statistic == "value" and (data["metric"] == metric).any()
    ]
    lines = max(len(names), 2) * 0.125
    heights = [0.5 + len(classes) * (0.14 + lines), 0.5 + len(rest) * (0.14 + lines)]
    made = style.figure(1.1 + sum(heights))
    parts: Any = made.subfigures(2, 1, height_ratios=heights) if rest and chosen else [made, made]
    handles: dict[str, object] = {}
    if chosen:
        panels = parts[0].subplots(1, len(chosen), sharey=True, squeeze=False).ravel()
        for axes, (metric, statistic) in zip(panels, chosen, strict=True):
            rows = data[(data["metric"] == metric) & (data["statistic"] == statistic)]
            handles |= _dots(axes, material, rows, names, classes)
            axes.set_title(_capital(title(metric, statistic)))
            axes.set_xlabel("less ←  %  → more")
        panels[0].set_yticks(
            range(len(classes)), ["all jobs" if label == "all" else label for label in classes]
        )
    if rest:
        axes = parts[1].subplots()
        rows = data[(data["statistic"] == "value") & data["metric"].isin(rest)]
        handles |= _dots(axes, material, rows.assign(label=rows["metric"]), names, rest)
        axes.set_yticks(range(len(rest)), [f"{_plain(metric)} ({METRICS[metric].better or 'neither'} is better)"
                                           for metric in rest])  # fmt: skip
        axes.set_title("The cluster and its users")
        axes.set_xlabel("less ←  % of the baseline's  → more")
    told = [f"{style.shorten(name)} against {style.shorten(material.names[0])}" for name in handles]
    style.scenario_legend(made, told, list(handles.values()), always=True)
    return made


def _classes(data: pd.DataFrame) -> list[str]:
    labels = data.loc[data["by"] == "size_class", "label"]
    return ["all", *style.by_size(list(labels))]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _plain(metric: str) -> str:
    return {"jain_index": "fairness (Jain's index)", "unfair_start_share": "unfair starts"}.get(
        metric, metric.replace("_", " ")
    )


def _dots(
    axes: Axes, material: Material, rows: pd.DataFrame, names: list[str], labels: list[str]
) -> dict[str, object]:
    handles: dict[str, object] = {}
    furthest = float(rows["percent"].abs().max())
    ends = np.abs(rows[["percent_low", "percent_high"]].to_numpy(dtype=float))
    widest = float(ends[np.isfinite(ends)].max(initial=0.0))
    limit = max(furthest, min(widest, 3 * furthest)) * 1.12
    limit = min(max(limit, 1.0), MOST_PERCENT)
    axes.axvline(0, color=style.FAINT, linewidth=1.0)
    for number, name in enumerate(names):
        index = material.names.index(name)
        look = style.marker(index)
        for row in rows[rows["scenario"] == name].itertuples():
            if row.label not in labels:
                continue
            place = labels.index(str(row.label)) + (number - (len(names) - 1) / 2) * min(
                0.24, 0.8 / len(names)
            )
            value, low, high = (float(str(x)) for x in (row.percent, row.percent_low, row.percent_high))
            sure = row.finding in ("better", "worse", "more", "less")
            if isfinite(low) and isfinite(high):
                axes.plot([low, high], [place, place], color=look["color"], linewidth=1.5)
                for end, sign in ((low, "<"), (high, ">")):
                    if abs(end) > limit:
                        axes.plot(
                            np.copysign(limit * 0.985, end), place, sign, color=look["color"], markersize=4
                        )
            shown = style.marker(index, filled=sure)
            if abs(value) > limit:
                axes.text(np.copysign(limit * 0.95, value), place, f"{value:+,.0f} %", va="center", fontsize=7.5,
                          ha="right" if value > 0 else "left", color=look["color"])  # fmt: skip
            else:
                axes.plot(
                    value, place, linestyle="none", markersize=5.5, markeredgewidth=1.4, zorder=5, **shown
                )
        (handles[name],) = axes.plot([], [], markersize=5.5, linewidth=1.5, **look)
    axes.set_xlim(-limit, limit)
    axes.set_ylim(len(labels) - 0.45, -0.55)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(4, symmetric=True, prune="both"))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:+.10g}" if abs(value) > 1e-9 else "0")
    )
    return handles
