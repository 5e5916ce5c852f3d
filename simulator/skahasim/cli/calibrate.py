"""``skahasim calibrate``: fit the CANFAR workload model to a trace, and say how far the model is from it."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skahasim.cli.console import BAD_INPUT, Meter, complain, console, one_clear_error

if TYPE_CHECKING:
    import pandas as pd


def calibrate(
    scenario: Annotated[
        Path,
        typer.Argument(
            metavar="SCENARIO.yaml",
            help="Its workload is the trace (swf, table, sessions, journal); its cluster and queue are what "
            "observed waits are compared with.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the fitted model there, for workload.parameters_file."),
    ] = None,
    replications: Annotated[
        int, typer.Option(min=1, help="Simulations of the fitted model for the comparison of waits.")
    ] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same answer.")] = 0,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Simulations at a time. \\[one for each processor]"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Fit the CANFAR workload model to a trace, and print how well it fits and how far its waits are off."""
    if out is not None and out.exists() and not force:
        complain(f"{out} exists; --force overwrites it")
        raise typer.Exit(BAD_INPUT)
    with one_clear_error():
        from skahasim.scenario import load_scenario
        from skahasim.study.calibration import calibrate, waits
        from skahasim.study.execution import open_executor
        from skahasim.study.folder import appearing_file
        from skahasim.workload.calibration import describe, to_yaml
        from skahasim.workload.source import is_generated
        from skahasim.yamlfile import ConfigurationError

        chosen = load_scenario(scenario)
        if is_generated(chosen.settings.workload):
            raise chosen.refusal(
                "should be a trace, not a model: there is nothing to fit to", ("workload", "source")
            )
        try:
            fitted, days = calibrate(chosen, seed=seed)
        except ConfigurationError:
            raise
        except ValueError as error:
            raise chosen.refusal(str(error)) from None
        with Meter("simulate") as meter, open_executor("process", workers=jobs) as executor:
            table = waits(
                chosen, fitted, days, replications=replications, executor=executor, seed=seed,
                done=lambda count: meter.update(count / (replications + 1), f"{count}/{replications + 1}"),
            )  # fmt: skip
        if out is not None:
            with appearing_file(out) as staged:
                staged.write_text(to_yaml(fitted), "utf-8")
    if json:
        told = {
            "jobs_per_day": fitted.jobs_per_day,
            "offered_cores": fitted.offered_cores,
            "goodness": _records(fitted.goodness),
            "waits": _records(table),
        }
        typer.echo(json_text.dumps(told, indent=2))
        return
    _show(describe(fitted), table, fitted.jobs_per_day, fitted.offered_cores)
    if out is not None:
        typer.echo(
            f"fitted model written to {out}; use it as workload: {{source: canfar, parameters_file: {out.name}}}"
        )


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    return [
        {str(key): None if value != value else value for key, value in row.items()}
        for row in table.to_dict(orient="records")
    ]


def _show(goodness: pd.DataFrame, waits: pd.DataFrame, jobs_per_day: float, offered: float) -> None:
    from rich.table import Table

    from skahasim.study.words import duration

    screen = console()
    row: Any
    screen.print(f"{jobs_per_day:,.0f} sessions a day, which ask for {offered:,.0f} cores on average")
    fit = Table(title="fit of the workload model", title_justify="left", box=None, pad_edge=False)
    for name in ("part", "quantity"):
        fit.add_column(name, overflow="fold")
    for name in ("n", "observed median", "model median", "KS distance"):
        fit.add_column(name, justify="right")
    for row in goodness.itertuples(index=False):
        fit.add_row(
            str(row.part), str(row.quantity), f"{row.n}", f"{row.observed_median:,.4g}",
            f"{row.model_median:,.4g}", f"{row.ks_distance:.3f}",
        )  # fmt: skip
    screen.print()
    screen.print(fit)
    screen.print(
        "times in seconds, ram_used in GiB, busy and memory as shares of what was asked for; KS: 0 is perfect"
    )
    error = Table(title="waits, and the model's error", title_justify="left", box=None, pad_edge=False)
    for name in ("size class", "waits"):
        error.add_column(name)
    for name in ("n", "mean", "p50", "p95", "wait a minute", "error of the mean", "KS distance"):
        error.add_column(name, justify="right")
    for row in waits.itertuples(index=False):
        known = row.mean_error == row.mean_error
        error.add_row(
            str(row.size_class), str(row.waits), f"{row.n:,}", duration(row.mean), duration(row.p50),
            duration(row.p95), f"{row.share_waiting:.0%}", f"{row.mean_error:+.0%}" if known else "",
            f"{row.ks_distance:.3f}" if row.ks_distance == row.ks_distance else "",
        )  # fmt: skip
    screen.print()
    screen.print(error)
    if "observed" not in set(waits["waits"]):
        screen.print("the trace tells no waits, so there is no error to tell")
