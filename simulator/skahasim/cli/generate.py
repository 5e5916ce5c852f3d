"""``skahasim generate``: a workload as a file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skahasim.cli.console import BAD_INPUT, Meter, complain, one_clear_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skahasim.workload.arrival import Arrival


class Generator(StrEnum):
    CANFAR = "canfar"
    LUBLIN = "lublin"
    POISSON = "poisson"


def generate(
    source: Annotated[Generator, typer.Argument(help="The model that makes the jobs.", show_default=False)],
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Where to: .swf, .swf.gz, .csv, .csv.gz or .parquet.")
    ],
    jobs: Annotated[int | None, typer.Option(min=1, help="How many jobs.")] = None,
    days: Annotated[float | None, typer.Option(min=0, help="Or for how many days.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same jobs.")] = 0,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A parameter of the model, e.g. per_hour=30."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE.")] = False,
) -> None:
    """Make jobs and write them to a file: a log in the Standard Workload Format, or a table.

    The log keeps whole processors, memory and times; the table keeps everything.
    """
    with one_clear_error():
        wrong = _misuse(out, jobs, days, force=force)
        if wrong:
            complain(wrong)
            raise typer.Exit(BAD_INPUT)
        count = _written(source.value, out, jobs, days, seed, change or [])
    typer.echo(f"{count} jobs written to {out}")


def _misuse(out: Path, jobs: int | None, days: float | None, *, force: bool) -> str:
    if jobs is None and not days:
        return "give --jobs or --days: the model goes on for ever"
    if not out.name.endswith((".swf", ".swf.gz", ".csv", ".csv.gz", ".parquet")):
        return f"{out}: should end in .swf, .swf.gz, .csv, .csv.gz or .parquet"
    if out.is_dir() or (out.exists() and not force):
        return f"{out} exists; --force overwrites it"
    return ""


def _written(
    source: str, out: Path, jobs: int | None, days: float | None, seed: int, changes: list[str]
) -> int:
    from skahasim.cli.shortcuts import change_of
    from skahasim.scenario import scenario_of
    from skahasim.study.folder import appearing_file
    from skahasim.workload.swflog import write_swf
    from skahasim.workload.table import write_table

    workload: dict[str, Any] = {"source": source, "jobs": jobs, "days": days} | dict(map(change_of, changes))
    given = {key: value for key, value in workload.items() if value is not None}
    scenario = scenario_of({"workload": given}, name="generate")
    opened = scenario.workload(seed)
    count = 0

    def counted(arrivals: Iterator[Arrival]) -> Iterator[Arrival]:
        nonlocal count
        for arrival in arrivals:
            count += 1
            if count % 1024 == 0:
                share = count / jobs if jobs else arrival.submit_time / ((days or 1.0) * 86400.0)
                meter.update(min(1.0, share), f"{count:,} jobs")
            yield arrival

    with appearing_file(out) as staged, Meter(f"generate {source}") as meter:
        if ".swf" in out.name:
            header = (
                f"UnixStartTime: {int(opened.epoch.unix)}",
                f"TimeZoneString: {opened.epoch.time_zone}",
                f"Note: {source} workload, seed {seed}",
            )
            write_swf(staged, counted(opened.arrivals), header)
        else:
            write_table(staged, counted(opened.arrivals))
    return count
