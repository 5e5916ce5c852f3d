"""Which job ran where: a piece of the schedule, node by node."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from skahasim.report import style
from skahasim.report.material import Material
from skahasim.study.run import Run

COLUMNS = ("scenario", "seed", "node", "job_id", "user", "size_class", "start", "end", "from_core", "cores")
MOST_PANELS = 3
NODE_ROWS = 12
"""Of all panels together."""
MOST_PIECES = 1500
"""Rectangles in one panel; a longer window is cut to so many."""
SLIVER = 0.04
"""Of a node: rectangles thinner than that would be all border."""
WINDOW = 24 * 3600.0


class Window(NamedTuple):
    """A piece of the time, in seconds since the start."""

    start: float
    end: float


def table(material: Material, window: Window | None = None) -> pd.DataFrame:
    """``COLUMNS``: one row for each job (several where its cores do not lie side by side) on the nodes that come
    first, up to 12 rows in all, first replication of each scenario; without ``window`` in the day around the longest
    queue.

    The model does not say which cores of a node a job has: they are the lowest that were free. ``start`` and
    ``end`` are those of its last run, cut to the window.
    """
    chosen = window or busiest(material)
    parts = []
    names = material.names[:MOST_PANELS]
    for name in names:
        run = material.first(name)
        jobs = run.jobs[run.jobs["starting_time"].notna() & (run.jobs["node"] != "")]
        nodes = sorted(set(jobs["node"]))[: NODE_ROWS // len(names)]
        rows = [piece for node in nodes for piece in _pieces(run, jobs[jobs["node"] == node], node, chosen)]
        parts.append(_cut(pd.DataFrame(rows, columns=list(COLUMNS)), chosen))
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(COLUMNS))


def busiest(material: Material) -> Window:
    """A day around the longest queue of the baseline, or as much as there is."""
    run = material.first(material.names[0])
    if not len(run.timeline) or not len(run.jobs):
        return Window(0.0, min(WINDOW, run.end_time))
    queued = run.timeline["queued_cores"].to_numpy(dtype=float)
    times = run.timeline["time"].to_numpy(dtype=float)
    if queued.max() <= 0:
        queued = run.timeline["allocated_cores"].to_numpy(dtype=float)
    peak = float(times[int(np.argmax(queued))])
    start = max(0.0, min(peak - WINDOW / 2, run.end_time - WINDOW))
    return Window(start, min(start + WINDOW, run.end_time))


def _pieces(run: Run, jobs: pd.DataFrame, node: str, window: Window) -> Iterable[tuple[object, ...]]:
    ends = jobs["finish_time"].fillna(run.end_time)
    inside = jobs.assign(over=ends)[(jobs["starting_time"] < window.end) & (ends > window.start)]
    inside = inside.sort_values(["starting_time", "job_id"], kind="stable")
    free: list[tuple[int, int]] = [(0, 10**12)]
    running: list[tuple[float, int, list[tuple[int, int]]]] = []
    for job in zip(
        *(inside[c] for c in ("job_id", "starting_time", "over", "requested_cores", "user", "size_class")),
        strict=True,
    ):
        number, start, over, cores, user, size = job
        while running and running[0][0] <= start:
            for piece in heappop(running)[2]:
                heappush(free, piece)
        free = _joined(free)
        taken = _take(free, max(1, round(float(cores) * 1000)))
        heappush(running, (float(over), int(number), taken))
        for low, high in taken:
            yield (
                run.name, run.seed, node, number, user, size,
                max(float(start), window.start), min(float(over), window.end),
                low / 1000, (high - low) / 1000,
            )  # fmt: skip


def _joined(pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same, side by side made one."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(pieces):
        if found and found[-1][1] == low:
            found[-1] = (found[-1][0], high)
        else:
            found.append((low, high))
    return found


def _take(free: list[tuple[int, int]], need: int) -> list[tuple[int, int]]:
    """The lowest gap that is wide enough, or the lowest of what is free; the last piece of ``free`` has no end."""
    gap = next(index for index, (low, high) in enumerate(free) if high - low >= need)
    if gap < len(free) - 1:
        low, high = free[gap]
        free[gap : gap + 1] = [(low + need, high)] if low + need < high else []
        return [(low, low + need)]
    taken = []
    while need:
        low, high = free[0]
        width = min(need, high - low)
        taken.append((low, low + width))
        need -= width
        free[0] = (low + width, high)
        if free[0][0] == free[0][1]:
            free.pop(0)
    return taken


def _cut(rows: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Not more than ``MOST_PIECES``: what begins latest is left out, and the window ends there."""
    if len(rows) <= MOST_PIECES:
        return rows
    end = float(np.sort(rows["start"].to_numpy(dtype=float))[MOST_PIECES])
    if end <= window.start:
        return rows.iloc[:MOST_PIECES].reset_index(drop=True)
    rows = rows[rows["start"] < end]
    return rows.assign(end=rows["end"].clip(upper=end)).reset_index(drop=True)


def draw(material: Material, data: pd.DataFrame) -> Figure:
    if not len(data):
        return style.message("No job ran on a node in this window.")
    names = list(dict.fromkeys(data["scenario"]))
    nodes = {name: sorted(set(data.loc[data["scenario"] == name, "node"])) for name in names}
    sizes = style.by_size(data["size_class"].astype(str))
    colours = style.size_colours(sizes)
    rows = sum(len(nodes[name]) for name in names)
    made = style.figure(min(0.9 + 0.42 * len(names) + max(0.62, 2.2 / rows) * rows, 9.5))
    heights = [len(nodes[name]) for name in names]
    panels = made.subplots(len(names), 1, sharex=True, squeeze=False, height_ratios=heights).ravel()
    for axes, name in zip(panels, names, strict=True):
        _panel(axes, material.first(name), data[data["scenario"] == name], nodes[name], colours)
        axes.set_title(style.shorten(name, 80))
    run = material.first(names[0])
    low, high = float(data["start"].min()), float(data["end"].max())
    panels[-1].set_xlim(*style.moments(run, [low, high if high > low else low + 1.0]))
    style.time_axis(panels[-1], run)
    handles = [Patch(facecolor=colours[size], edgecolor=style.FAINT, linewidth=0.5) for size in sizes]
    handles.append(Patch(facecolor=style.GRID, alpha=0.6))
    legend = [f"{size or 'unnamed'} job" for size in sizes]
    made.legend(handles, [*legend, "free"], loc="outside upper left", ncols=len(handles))
    return made


def _panel(axes: Axes, run: Run, data: pd.DataFrame, nodes: list[str], colours: dict[str, object]) -> None:
    tall = {node: node_cores(run, node, data) for node in nodes}
    # Nodes are listed from the top; each is as high as it has cores, with a gap below.
    unit = max(tall.values())
    bottoms = {node: -(place + 1) * unit * 1.12 for place, node in enumerate(nodes)}
    left, right = style.moments(run, [float(data["start"].min()), float(data["end"].max())])
    for node in nodes:
        axes.fill_between(
            [left, right], bottoms[node], bottoms[node] + tall[node], color=style.GRID, alpha=0.6, linewidth=0
        )
    thin = data["cores"] < SLIVER * unit
    for size, colour in colours.items():
        for edge, which in ((0.0, thin), (0.4, ~thin)):
            part = data[(data["size_class"] == size) & which]
            if len(part):
                low = part["from_core"].to_numpy() + part["node"].map(bottoms).to_numpy(dtype=float)
                shape = _rectangles(
                    style.moments(run, part["start"]),
                    style.moments(run, part["end"]),
                    low,
                    low + part["cores"].to_numpy(),
                )
                axes.add_patch(PathPatch(shape, facecolor=colour, edgecolor=style.PAPER, linewidth=edge))
    axes.set_ylim(min(bottoms.values()), 0)
    axes.set_yticks(
        [bottoms[node] + tall[node] / 2 for node in nodes], [f"{n}\n{tall[n]:.0f} cores" for n in nodes]
    )
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)


def _rectangles(left: np.ndarray, right: np.ndarray, low: np.ndarray, high: np.ndarray) -> Path:
    """All as one path: many small ones would be many times its size in a file."""
    x = np.stack([left, right, right, left, left], 1)
    y = np.stack([low, low, high, high, low], 1)
    codes = np.tile([Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY], len(left))
    return Path(np.stack([x, y], 2).reshape(-1, 2), codes)


def node_cores(run: Run, node: str, data: pd.DataFrame) -> float:
    """How many cores the node has: an equal share of the cluster's, unless it is seen to hold more."""
    here = data[data["node"] == node]
    seen = float((here["from_core"] + here["cores"]).max())
    known = run.facts.get("nodes") or []
    share = run.capacity.cores / len(known) if known else seen
    return max(seen, share if share == share else seen)
