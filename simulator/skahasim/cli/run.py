"""``skahasim run``: one scenario, one schedule."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skahasim.cli.console import BAD_INPUT, Meter, complain, console, one_clear_error

if TYPE_CHECKING:
    from rich.console import Console

    from skahasim.scenario import Scenario
    from skahasim.study.run import Run
    from skahasim.study.simulation import Progress
    from skahasim.study.validation import Validation


class Passes(StrEnum):
    EACH_INSTANT = "each-instant"
    EACH_EVENT = "each-event"


def run(
    scenario: Annotated[
        Path | None, typer.Argument(metavar="SCENARIO.yaml", help="What is simulated.", show_default=False)
    ] = None,
    swf: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Instead of a scenario: a log in the Standard Workload Format."),
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(metavar="processors:N|FILE", help="The machine; with --swf the log's own.")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[+NAME…]",
            help="fcfs, easy, easy-sjbf, conservative, or policies by name, as in sjf+easy+best-fit.",
        ),
    ] = None,
    passes: Annotated[
        Passes | None, typer.Option(help="A scheduling pass for each instant, or after each event.")
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change one setting, e.g. horizon.hours=48."),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Same seed, same run. \\[the scenario's]")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write the run there.")] = None,
    validate: Annotated[
        bool, typer.Option("--validate", help="Check that the schedule is possible.")
    ] = False,
    stream: Annotated[
        bool, typer.Option("--stream", help="Write jobs as they end: for millions of jobs. Needs --out.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite DIR whatever it holds.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Simulate a scenario, and print what came of it.

    With --out a folder is written: jobs.csv, schedule.json, events.jsonl, workload.swf, timeline.csv, run.json.
    """
    with one_clear_error():
        wrong = _misuse(scenario, swf, out, validate=validate, stream=stream)
        if wrong:
            complain(wrong)
            raise typer.Exit(BAD_INPUT)
        found = _scenario(scenario, swf, cluster, policy, passes, change or [])
        if out is not None:
            from skahasim.study.folder import require_free

            require_free(out, force=force)
        result, validation = _simulated(found, seed, out, force=force, stream=stream, validated=validate)
    if json:
        _print_json(result, validation, out)
    else:
        _print_tables(result, validation, out)
    if validation is not None and not validation.holds:
        if json:
            complain(validation.violation)
        raise typer.Exit(1)


def _misuse(
    scenario: Path | None, swf: Path | None, out: Path | None, *, validate: bool, stream: bool
) -> str:
    if (scenario is None) == (swf is None):
        return "give a scenario, or a log with --swf"
    if stream and out is None:
        return "--stream writes jobs to a folder: give --out"
    if stream and validate:
        return "--validate needs every job at hand: leave out --stream"
    return ""


def _scenario(
    path: Path | None,
    swf: Path | None,
    cluster: str | None,
    policy: str | None,
    passes: Passes | None,
    changes: list[str],
) -> Scenario:
    from skahasim.cli.shortcuts import BadShortcut, change_of, cluster_of, queue_of
    from skahasim.scenario import load_scenario, scenario_of

    overrides: dict[str, Any] = {}
    if cluster is not None:
        overrides["cluster"] = cluster_of(cluster)
    if policy is not None:
        queue = queue_of(policy)
        overrides |= {f"queue.{kind}.{key}": value for kind in queue for key, value in queue[kind].items()}
    if passes is not None:
        overrides["queue.backfill.passes"] = passes.value
    overrides |= dict(map(change_of, changes))
    if path is not None:
        return load_scenario(path, overrides)
    if swf is None:
        raise BadShortcut("give a scenario, or a log with --swf")
    data: dict[str, Any] = {
        "name": swf.name.removesuffix(".gz").removesuffix(".swf"),
        "workload": {"source": "swf", "file": str(swf)},
    }
    if cluster is None:
        data["cluster"] = {"processors": _processors(swf)}
    if policy is None:
        raise BadShortcut("--swf needs a --policy, e.g. --policy easy")
    return scenario_of(data, overrides, name="--swf")


def _processors(swf: Path) -> int:
    from skahasim.cli.shortcuts import BadShortcut
    from skahasim.workload.swf import read_header

    count = read_header(swf).processors
    if count is None:
        raise BadShortcut(
            f"{swf} does not say how many processors its machine has: give --cluster processors:N"
        )
    return count


def _simulated(
    scenario: Scenario, seed: int | None, out: Path | None, *, force: bool, stream: bool, validated: bool
) -> tuple[Run, Validation | None]:
    from skahasim.study.events import Event, event_keeper, read_events
    from skahasim.study.files import EVENTS, simulate_into
    from skahasim.study.simulation import simulate
    from skahasim.study.validation import validate

    with Meter(scenario.name) as meter:
        share = _share(scenario) if meter.is_shown else lambda _: None

        def progress(seen: Progress) -> None:
            meter.update(share(seen), f"{seen.ended:,} jobs")

        if out is not None:
            run = simulate_into(scenario, out, seed=seed, force=force, stream=stream, progress=progress)
            return run, validate(run, read_events(out / EVENTS)) if validated else None
        events: list[Event] = []
        observers = (event_keeper(events.append),) if validated else ()
        run = simulate(scenario, seed=seed, observers=observers, progress=progress)
        return run, validate(run, events) if validated else None


def _share(scenario: Scenario) -> Any:
    """How much of the work is done, as far as one can know beforehand."""
    workload, horizon = scenario.settings.workload, scenario.settings.horizon
    jobs = workload.jobs
    if (
        jobs is None
        and (file := getattr(workload, "file", None)) is not None
        and workload.source in ("swf", "table")
    ):
        from skahasim.workload.swf import opened

        with opened(scenario.folder / file) as lines:
            jobs = sum(1 for line in lines if not line.startswith(";"))
    seconds = min(
        (workload.days or float("inf")) * 86400.0, (horizon.hours or float("inf")) * 3600.0, float("inf")
    )

    def share(seen: Progress) -> float | None:
        if jobs:
            return min(1.0, seen.ended / jobs)
        return min(1.0, seen.time / seconds) if seconds < float("inf") else None

    return share


# -- what is printed ------------------------------------------------------------------------------------------


def _print_json(run: Run, validation: Validation | None, out: Path | None) -> None:
    from json import dumps

    from skahasim.metrics.summary import plain

    told: dict[str, Any] = {
        "name": run.name,
        "seed": run.seed,
        "hash": run.facts["hash"],
        "version": run.facts["version"],
        "end_time": run.end_time,
        "counts": run.facts["counts"],
        "schedule": run.facts["schedule"],
        "out": None if out is None else str(out),
    }
    if len(run.jobs):
        summary = _summary(run)
        told["summary"] = summary.to_dict()
        told["warnings"] = _warnings(run, summary)
    if validation is not None:
        told["validation"] = {"checks": dict(validation.checks), "violation": validation.violation or None}
    typer.echo(dumps(plain(told), indent=2))


def _summary(run: Run) -> Any:
    """Over the time in which work arrives, as comparisons have it."""
    from skahasim.metrics import summarise
    from skahasim.study.observation import arrivals_end, warm_up_within

    return summarise(run, warm_up=warm_up_within([run]), until=arrivals_end(run))


def _warnings(run: Run, summary: Any) -> list[str]:
    from skahasim.study.observation import said_warm_up

    said, used = said_warm_up(run), summary.warm_up
    if used == said:
        return []
    return [f"a warm-up of {_days(said)} would leave nothing of this run; {_days(used)} are left out"]


def _print_tables(run: Run, validation: Validation | None, out: Path | None) -> None:
    from rich.text import Text

    screen = console()
    schedule, counts = run.facts["schedule"], run.facts["counts"]
    title = Text(run.name, style="bold")
    screen.print(title.append(f"  seed {run.seed}, hash {run.facts['hash'][:12]}", style="not bold dim"))
    states = sorted(counts["by_state"].items(), key=lambda item: (-item[1], item[0]))
    told = [f"{count:,} {_STATES.get(state, state)}" for state, count in states]
    if counts["dropped"]:
        told.append(f"{counts['dropped']:,} left out: larger than any node")
    screen.print(f"{counts['jobs']:,} jobs: {', '.join(told)}" if told else "no jobs")
    screen.print(f"simulated {_days(run.end_time)}; makespan {_days(schedule['makespan'])}")
    if len(run.jobs):
        summary = _summary(run)
        system = summary.system
        screen.print(
            f"from {_days(summary.warm_up)} to {_days(summary.until)}: utilization {system['utilization']:.1%}, "
            f"mean queue {system['queue_length']:,.1f} jobs"
        )
        for warning in _warnings(run, summary):
            screen.print(Text(f"warning: {warning}", style="yellow"))
        screen.print()
        screen.print(_wait_table(summary.classes))
    if validation is not None:
        screen.print()
        _print_validation(screen, validation)
    if out is not None:
        screen.print(f"\nwritten to {out}; figures: skahasim report {out}")


def _print_validation(screen: Console, validation: Validation) -> None:
    if validation.holds:
        screen.print("the schedule is possible: nothing wrong; checked:")
    else:
        screen.print(f"the schedule is wrong: {validation.violation}")
        screen.print("checked until then:")
    width = max((len(f"{count:,}") for count in validation.checks.values()), default=0)
    for what, count in validation.checks.items():
        if count:
            screen.print(f"  {count:>{width},}  {what}")


_STATES = {
    "COMPLETED_SUCCESSFULLY": "succeeded",
    "COMPLETED_FAILED": "failed",
    "COMPLETED_WALLTIME_REACHED": "cut at their requested time",
    "COMPLETED_KILLED": "deleted, expired or given up",
    "RUNNING": "still running",
    "SUBMITTED": "still waiting",
}


def _wait_table(classes: Any) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="")
    for name in ("wait of", "jobs", "mean", "median", "90 %", "99 %", "longest", "slowdown"):
        table.add_column(name, justify="left" if name == "wait of" else "right", no_wrap=True)
    chosen = classes[classes["by"].isin(["all", "size_class"])]
    slowdowns = chosen[chosen["metric"] == "bounded_slowdown"].set_index(["by", "label"])["mean"]
    for row in chosen[chosen["metric"] == "wait_time"].itertuples(index=False):
        label = "all jobs" if row.by == "all" else row.label
        values = (row.mean, row.p50, row.p90, row.p99, row.max)
        slowdown = slowdowns.get((row.by, row.label))
        table.add_row(
            label, f"{row.n:,}", *map(_duration, values), "-" if slowdown is None else f"{slowdown:,.2f}"
        )
    return table


def _duration(seconds: float) -> str:
    if seconds != seconds:
        return "-"
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds else "0"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:,.1f} h"


def _days(seconds: float) -> str:
    return f"{seconds / 86400:,.1f} days" if seconds >= 172_800 else _duration(seconds)
