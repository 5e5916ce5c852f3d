"""``skahasim sweep``: every combination of a grid of settings, one row for each run."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skahasim.cli.compare import Workers
from skahasim.cli.console import INTERRUPTED, Meter, complain, console, one_clear_error

if TYPE_CHECKING:
    from skahasim.study.sweep import Sweep

SHOWN = (
    ("wait_time_mean", "mean wait"),
    ("wait_time_p95", "p95 wait"),
    ("bounded_slowdown_mean", "slowdown"),
    ("utilization", "utilization"),
)
MOST_POINTS = 20
"""Of a larger grid the best by the mean wait are shown."""


def sweep(
    grid: Annotated[Path, typer.Argument(metavar="GRID.yaml", help="A scenario and what to vary in it.")],
    executor: Annotated[Workers, typer.Option(help="What runs the simulations.")] = Workers.PROCESS,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://…", help="With --executor dask: a running Dask cluster.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Simulations at a time. \\[one for each processor]"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="For the results. \\[what the grid says]")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Simulate every combination of a grid of settings. Begun again, it goes on where it stopped."""
    with one_clear_error():
        from skahasim.study.execution import open_executor
        from skahasim.study.sweep import sweep as sweep_grid

        try:
            with (
                Meter("sweeping") as meter,
                open_executor(executor.value, workers=jobs, scheduler=scheduler) as workers,
            ):
                found = sweep_grid(
                    grid,
                    executor=workers,
                    out=out,
                    progress=lambda done, total: meter.update(done / max(total, 1), f"{done}/{total} runs"),
                )
        except KeyboardInterrupt:
            complain("interrupted; what was finished is kept, and the same command goes on from there")
            raise typer.Exit(INTERRUPTED) from None
    if json:
        from skahasim.metrics.summary import plain

        rows = plain(found.table.to_dict("records"))
        typer.echo(json_text.dumps({"planned": found.planned, "ran": found.ran, "rows": rows}, indent=2))
    else:
        show(found)


def show(found: Sweep) -> None:
    """What was done, a line for each point of the grid with the best marked, and where everything is."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from skahasim.study.sweep import columns

    screen = console()
    there = found.planned - found.ran
    known = f"; {there} were there already" if there else ""
    screen.print(f"{found.planned} runs, {found.ran} of them now{known}")
    keys = [
        name
        for name in found.table.columns
        if name not in ("position", "replication", "seed", "hash", *columns())
    ]
    short = [key.removesuffix(".policy").rpartition(".")[2] for key in keys]
    heads = short if len(set(short)) == len(keys) else keys
    points = [rows for _, rows in found.table.groupby("position", sort=True)]
    means = {name: [rows[name].astype(float).mean() for rows in points] for name, _ in SHOWN}
    best = {name: _best(name, values) for name, values in means.items()}
    order = list(range(len(points)))
    if len(points) > MOST_POINTS:
        order = sorted(order, key=lambda index: (means[SHOWN[0][0]][index], index))[:MOST_POINTS]
        screen.print(f"the {MOST_POINTS} of {len(points)} points with the shortest mean wait:")
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="")
    for head, key in zip(heads, keys, strict=True):
        table.add_column(head, overflow="fold", min_width=min(20, _widest(found.table[key])))
    for _, head in SHOWN:
        table.add_column(head, justify="right", no_wrap=True)
    for index in order:
        rows = points[index]
        cells = [str(rows.iloc[0][key]) for key in keys]
        cells += [_cell(name, rows[name], is_best=index in best[name]) for name, _ in SHOWN]
        table.add_row(*cells)
    screen.print()
    screen.print(table)
    if any(best.values()):
        screen.print("* the best of all points; the mean over replications, ± half its 95 % interval")
    screen.print()
    for file in found.files:
        screen.print(f"written to {file}")


def _widest(values: Any) -> int:
    return max((len(str(value)) for value in values), default=0)


def _best(name: str, values: list[float]) -> set[int]:
    """Which are best; none when all are the same."""
    from skahasim.metrics.names import METRICS

    known = [value for value in values if value == value]
    if not known or min(known) == max(known):
        return set()
    metric = name.removesuffix("_mean").removesuffix("_p95")
    target = max(known) if METRICS[metric].better == "higher" else min(known)
    return {index for index, value in enumerate(values) if value == target}


def _cell(name: str, values: Any, *, is_best: bool) -> str:
    from skahasim.metrics.statistics import student
    from skahasim.study.words import give_or_take

    metric = name.removesuffix("_mean").removesuffix("_p95")
    interval = student(values.dropna().to_numpy(dtype=float))
    text = give_or_take(interval.mean, interval.half_width, metric)
    return f"{text} *" if is_best else f"{text}  "
