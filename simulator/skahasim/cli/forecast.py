"""``skahasim forecast``: how long one more job would wait, if it were submitted now."""

from __future__ import annotations

import json as json_text
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skahasim.cli.console import Meter, console, one_clear_error

if TYPE_CHECKING:
    from skahasim.scenario import Scenario
    from skahasim.study.forecast import Forecast
    from skahasim.study.state import QueueState
    from skahasim.study.wanted import WantedJob


def forecast(
    state: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="What waits and runs: the JSON of GET /v1/session, or a mockskaha state file.",
        ),
    ],
    job: Annotated[
        str,
        typer.Option(
            metavar="KEY=VALUE,…",
            help="What would be submitted: cores, ram, gpus, kind, user, group, priority_class, queue, requested; "
            "without cores and ram a flexible session.",
        ),
    ] = "",
    scenario: Annotated[
        Path | None,
        typer.Option(
            metavar="SCENARIO.yaml",
            help="Cluster, queue and the workload to come. \\[default: production, CANFAR's workload]",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="The moment, ISO 8601 UTC, or now. \\[default: the last the state tells of]"
        ),
    ] = None,
    replications: Annotated[int, typer.Option(min=10, help="Futures to simulate.")] = 200,
    horizon: Annotated[float, typer.Option(min=0.1, help="Hours after which a future is given up.")] = 336.0,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same forecast.")] = 0,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Simulations at a time. \\[one for each processor]"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the forecast as JSON.")] = False,
) -> None:
    """How long a job would wait if it were submitted now, as quantiles over many simulated futures."""
    with one_clear_error():
        from skahasim.scenario import load_scenario, scenario_of
        from skahasim.study.snapshot import read_state
        from skahasim.study.wanted import WantedJob

        wanted = WantedJob.parse(job)
        chosen = load_scenario(scenario) if scenario is not None else scenario_of({}, name="CANFAR")
        found = read_state(state, chosen, at)
        result = _forecast(chosen, found, wanted, replications, horizon, seed, jobs)
    if json:
        typer.echo(json_text.dumps({"job": wanted.described(), **result.to_dict()}, indent=2))
    else:
        _show(wanted, result)


def _forecast(
    scenario: Scenario,
    state: QueueState,
    wanted: WantedJob,
    replications: int,
    horizon: float,
    seed: int,
    workers: int | None,
) -> Forecast:
    from skahasim.study.execution import open_executor
    from skahasim.study.forecast import forecast

    with Meter("forecast") as meter, open_executor("process", workers=workers) as executor:
        return forecast(
            scenario, state, wanted.arrival(), replications=replications, executor=executor, seed=seed,
            horizon_hours=horizon,
            done=lambda count: meter.update(count / replications, f"{count}/{replications}"),
        )  # fmt: skip


def _show(wanted: WantedJob, result: Forecast) -> None:
    from rich.table import Table

    from skahasim.study.forecast import QUANTILES

    screen = console()
    screen.print(f"{wanted.described()}, behind {result.running} running and {result.waiting} waiting jobs")
    screen.print(f"starts within a minute in {result.starts_at_once:.0%} of {len(result.waits)} futures")
    table = Table(box=None, pad_edge=False)
    table.add_column("share of futures", justify="right")
    table.add_column("waits at most", justify="right")
    table.add_column("95 % CI", justify="right")
    for share in QUANTILES:
        low, high = result.interval(share)
        table.add_row(f"{share:.0%}", spelled(result.quantile(share)), f"{spelled(low)} to {spelled(high)}")
    screen.print(table)
    if result.unstarted:
        screen.print(f"not started after {spelled(result.horizon_seconds)} in {result.unstarted} futures")


def spelled(seconds: float) -> str:
    """A time as people say it."""
    from skahasim.study.words import duration

    return "longer" if seconds == inf else duration(seconds)
