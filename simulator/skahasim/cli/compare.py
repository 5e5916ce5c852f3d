"""``skahasim compare``: which of several scenarios is better, for whom, by how much, and how sure that is."""

from __future__ import annotations

import json as json_text
import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skahasim.cli.console import BAD_INPUT, INTERRUPTED, Meter, complain, one_clear_error

if TYPE_CHECKING:
    from skahasim.scenario import Scenario
    from skahasim.study.comparison import Comparison
    from skahasim.yamlfile import Problem

_PERCENT = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*%\s*$")


class Workers(StrEnum):
    """Where simulations run."""

    PROCESS = "process"
    THREAD = "thread"
    SERIAL = "serial"
    DASK = "dask"


def compare(
    scenarios: Annotated[
        list[Path],
        typer.Argument(
            metavar="A.yaml B.yaml…", help="Two or more; the first is what the others are measured by."
        ),
    ],
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change one setting of every scenario, e.g. workload.load=1.1."
        ),
    ] = None,
    replications: Annotated[
        int, typer.Option(min=1, help="Simulations of each, on the same arrivals for all scenarios.")
    ] = 10,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE", help="Go on until the difference of the mean wait is that sure, e.g. 5%."
        ),
    ] = None,
    warm_up: Annotated[
        str | None,
        typer.Option(
            metavar="HOURS|mser5",
            help="What to leave out at the beginning of each run. \\[horizon.warm_up_hours, else the rule MSER-5]",
        ),
    ] = None,
    until: Annotated[
        float | None,
        typer.Option(metavar="HOURS", help="Leave out jobs submitted later, as a workload runs out."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of the first replication. \\[the first scenario's]")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Simulations at a time. \\[one for each processor]"),
    ] = None,
    executor: Annotated[Workers, typer.Option(help="What runs them.")] = Workers.PROCESS,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://…", help="With --executor dask: a running Dask cluster.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write numbers, and the first run of each scenario, there."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite DIR whatever it holds.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also print every metric, class of jobs and user.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Simulate scenarios on the same arrivals and say which is better, for whom, by how much and how surely.

    Utilization and the like are of the time in which work arrives; with --out, skahasim report DIR draws figures.
    """
    with one_clear_error():
        from skahasim.study.folder import require_free

        share, hours = _share(precision), _warm_up(warm_up)
        if out is not None:
            require_free(out, force=force)
        chosen = _load(scenarios, change or [])
        try:
            found = _compared(
                chosen, replications, share, hours, until, seed, executor.value, jobs, scheduler
            )
        except KeyboardInterrupt:
            complain("interrupted; nothing was written")
            raise typer.Exit(INTERRUPTED) from None
        if out is not None:
            write(found, out, force=force)
    if json:
        typer.echo(json_text.dumps(found.to_dict(), indent=2))
        return
    from skahasim.cli.answer import show

    show(found, everything=everything)
    if out is not None:
        typer.echo(f"\nwritten to {out}; figures: skahasim report {out}")


def _share(text: str | None) -> float | None:
    if text is None:
        return None
    match = _PERCENT.match(text)
    try:
        value = float(match[1]) / 100 if match else float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        complain(f"--precision {text}: should be a share, as 5% or 0.05")
        raise typer.Exit(BAD_INPUT)
    return value


def _warm_up(text: str | None) -> float | None:
    """Hours; ``None`` for what scenarios say, or MSER-5."""
    if text is None or text == "mser5":
        return None
    try:
        hours = float(text)
    except ValueError:
        hours = -1.0
    if not 0 <= hours < float("inf"):
        complain(f"--warm-up {text}: should be a number of hours, or mser5")
        raise typer.Exit(BAD_INPUT)
    return hours


def _load(paths: list[Path], changes: list[str]) -> list[Scenario]:
    from skahasim.cli.shortcuts import change_of
    from skahasim.scenario import load_scenario
    from skahasim.yamlfile import ConfigurationError

    overrides = dict(map(change_of, changes))
    found: list[Scenario] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            found.append(load_scenario(path, overrides))
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError({str(problem): problem for problem in problems}.values())
    return found


def _compared(
    scenarios: list[Scenario],
    replications: int,
    precision: float | None,
    warm_up: float | None,
    until: float | None,
    seed: int | None,
    kind: str,
    workers: int | None,
    scheduler: str | None,
) -> Comparison:
    from skahasim.study.comparison import compare as compare_scenarios
    from skahasim.study.execution import open_executor

    with Meter("comparing") as meter, open_executor(kind, workers=workers, scheduler=scheduler) as executor:
        meter.update(0.0, "starting")
        return compare_scenarios(
            scenarios,
            replications=replications,
            seed=scenarios[0].settings.seed if seed is None else seed,
            executor=executor,
            precision=precision,
            warm_up="mser5" if warm_up is None else warm_up,
            until=until,
            progress=lambda done, total: meter.update(done / total, f"{done}/{total} runs"),
        )


def write(found: Comparison, folder: Path, *, force: bool = False) -> None:
    """``comparison.json``, ``differences.csv``, ``values.csv``, and a folder for the first run of each scenario, whole
    or not at all."""
    from skahasim.study.files import write as write_run
    from skahasim.study.folder import appearing

    with appearing(folder, force=force) as staged:
        text = json_text.dumps(found.to_dict(), indent=2)
        (staged / "comparison.json").write_text(text + "\n", "utf-8")
        for name, table in found.tables().items():
            table.to_csv(staged / f"{name}.csv", index=False, lineterminator="\n")
        for number, run in enumerate(found.runs, 1):
            write_run(run, staged / f"{number:02d}-{re.sub(r'[^A-Za-z0-9._-]+', '-', run.name)}")
