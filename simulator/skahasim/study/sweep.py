"""A grid of scenarios, each simulated under several seeds: one row for each run, resumed where it stopped."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from itertools import product
from math import isfinite, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from skahasim.configuration import Section
from skahasim.metrics.names import COUNTS, FAIRNESS_METRICS, KUEUER_METRICS, SYSTEM_METRICS
from skahasim.metrics.summary import warm_up_of
from skahasim.study.execution import SerialExecutor, run_all
from skahasim.study.observation import JOB_STATISTICS, Key, Simulate, observe
from skahasim.yamlfile import ConfigurationError, Document, Problem, read, validate

if TYPE_CHECKING:
    import pandas as pd

    from skahasim.scenario import Scenario

FINISHED = "finished.jsonl"
"""Every run that ever ended in this folder, as it ended."""
TABLE = "sweep.csv"
PARQUET = "sweep.parquet"
SIZES = ("small", "medium", "large")
MOST_RUNS = 1_000_000
MEASURED = 2
"""Of what :func:`measure` does: rows that were measured otherwise are measured again."""


class GridSettings(Section):
    """A file for ``skahasim sweep``."""

    scenario: str = Field(min_length=1)
    """The scenario that everything is a variant of; relative to this file."""
    grid: dict[str, list[Any]] = Field(min_length=1)
    """Dotted key (``queue.ordering.policy``, ``cluster.nodes.0.count``) -> the values to try; all combinations."""
    replications: int = Field(default=1, ge=1)
    seed: int | None = Field(default=None, ge=0)
    """Of the first replication; without it the scenario's."""
    warm_up: float | Literal["mser5"] = "mser5"
    """Hours to leave out of each run, or the rule; a scenario's ``horizon.warm_up_hours`` wins over the rule."""
    out: str = "sweep"
    """Folder for the results; relative to this file."""

    @field_validator("grid")
    @classmethod
    def _has_values(cls, value: dict[str, list[Any]]) -> dict[str, list[Any]]:
        for key, choices in value.items():
            if not choices:
                raise ValueError(f"{key} has no values to try")
            if not key or any(not part for part in key.split(".")):
                raise ValueError(f"{key!r} is no dotted key")
        return value

    @field_validator("warm_up")
    @classmethod
    def _is_not_negative(cls, value: float | Literal["mser5"]) -> float | Literal["mser5"]:
        if not isinstance(value, str) and value < 0:
            raise ValueError("should not be negative")
        return value


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One simulation of the sweep."""

    position: int
    """Of its grid point."""
    replication: int
    seed: int
    point: Mapping[str, Any]
    scenario: Scenario
    warm_up: float | None
    """Seconds; ``None``: by MSER-5."""
    simulate: Simulate
    hash: str
    """Of configuration, input files, seed, version and how it is measured."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """What came of a sweep."""

    table: pd.DataFrame
    """One row for each run that is finished, by position in the grid and replication."""
    planned: int
    ran: int
    """Simulated now; the others were there already."""
    folder: Path
    files: tuple[Path, ...]

    @property
    def complete(self) -> bool:
        return len(self.table) == self.planned


def columns() -> list[str]:
    """The numbers of a row: the system's by their names, of jobs ``metric_statistic``, or ``…_small`` and so on."""
    system = [*COUNTS, *SYSTEM_METRICS, *FAIRNESS_METRICS, *KUEUER_METRICS]
    jobs = [f"{metric}_{statistic}{size}" for size in ("", *(f"_{size}" for size in SIZES))
            for metric, statistic in JOB_STATISTICS]  # fmt: skip
    return [*system, "warm_up", *jobs]


def load_grid(path: Path) -> GridSettings:
    """The file at ``path``. Raises :class:`ConfigurationError`."""
    return validate(GridSettings, read(path))


def plan(path: Path, simulate: Simulate | None = None) -> list[PlannedRun]:
    """Every run of the grid at ``path``, checked, by position in the grid (the last key varies fastest).

    :raises ConfigurationError: with all that is wrong with the grid and every variant in it.
    """
    from skahasim.scenario import load_scenario
    from skahasim.study.simulation import simulate as simulate_scenario

    document = read(path)
    settings = validate(GridSettings, document)
    base = path.parent / settings.scenario
    if not base.is_file():
        key = ("scenario",)
        raise ConfigurationError([Problem(document.origin(key), key, f"no such file: {settings.scenario}")])
    points = 1
    for choices in settings.grid.values():
        points *= len(choices)
    if points * settings.replications > MOST_RUNS:
        raise ConfigurationError(
            [Problem(document.origin(("grid",)), ("grid",), f"{points:,} points are too many")]
        )
    problems: dict[str, Problem] = {}
    runs: list[PlannedRun] = []
    for position, values in enumerate(product(*settings.grid.values())):
        point = dict(zip(settings.grid, values, strict=True))
        # A policy's name first: it decides which other keys its section has.
        ordered = sorted(point.items(), key=lambda item: not item[0].endswith((".policy", ".source")))
        try:
            scenario = load_scenario(base, dict(ordered))
            _arrived(scenario, point, document)
        except ConfigurationError as error:
            problems |= {str(problem): problem for problem in error.problems}
            continue
        runs += _replications(position, point, scenario, settings, simulate or simulate_scenario)
    if problems:
        raise ConfigurationError(problems.values())
    return runs


def _replications(
    position: int, point: Mapping[str, Any], scenario: Scenario, settings: GridSettings, simulate: Simulate
) -> Iterator[PlannedRun]:
    hours: float | None = None if isinstance(settings.warm_up, str) else settings.warm_up
    if hours is None:
        hours = scenario.settings.horizon.warm_up_hours
    warm_up = None if hours is None else hours * 3600.0
    first = scenario.settings.seed if settings.seed is None else settings.seed
    for replication in range(settings.replications):
        seed = first + replication
        measured = json.dumps([scenario.identity(seed), warm_up, MEASURED])
        identity = sha256(measured.encode()).hexdigest()
        yield PlannedRun(position, replication, seed, point, scenario, warm_up, simulate, identity)


def _arrived(scenario: Scenario, point: Mapping[str, Any], document: Document) -> None:
    """Raise when a value of ``point`` went nowhere: its key leads past the end of a list."""
    for dotted_key, value in point.items():
        held = scenario.document.data
        for part in dotted_key.split("."):
            if isinstance(held, list):
                held = held[int(part)] if part.isdigit() and int(part) < len(held) else nan
            else:
                held = held.get(part, nan) if isinstance(held, dict) else nan
        if held is nan and value is not nan:
            key = ("grid", dotted_key)
            message = "leads nowhere in the scenario: it has no such item"
            raise ConfigurationError([Problem(document.origin(key), key, message)])


def measure(run: PlannedRun) -> dict[str, float]:
    """Simulate one run and reduce it to ``columns()``."""
    result = run.simulate(run.scenario, seed=run.seed)
    warm_up = warm_up_of(result)[0] if run.warm_up is None else run.warm_up
    found = observe(result, warm_up=warm_up, classes=((), ("size_class",)))
    numbers = {key.metric: value for key, value in found.items() if key.statistic == "value"}
    numbers["warm_up"] = warm_up
    for metric, statistic in JOB_STATISTICS:
        numbers[f"{metric}_{statistic}"] = found.get(Key(metric, statistic), nan)
        for size in SIZES:
            key = Key(metric, statistic, "size_class", size)
            numbers[f"{metric}_{statistic}_{size}"] = found.get(key, nan)
    return {name: float(numbers.get(name, nan)) for name in columns()}


def sweep(
    path: Path,
    *,
    executor: Executor | None = None,
    out: Path | None = None,
    simulate: Simulate | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Sweep:
    """Simulate what the grid at ``path`` asks for and has not been simulated yet.

    Results go to ``out`` (by default the folder that the file names): each run to ``finished.jsonl`` as it ends, and
    all runs of the grid, sorted, to ``sweep.csv`` (and ``sweep.parquet`` where pyarrow is installed) at the end: also
    when it is interrupted, or a run fails. Whatever the number of workers, those are the same to the byte.
    """
    runs = plan(path, simulate)
    folder = out if out is not None else path.parent / load_grid(path).out
    folder.mkdir(parents=True, exist_ok=True)
    known = finished(folder)
    missing, wanted = [], set()
    for run in runs:
        if run.hash not in known and run.hash not in wanted:
            wanted.add(run.hash)
            missing.append(run)
    total = len({run.hash for run in runs})
    done = total - len(missing)
    if progress is not None:
        progress(done, total)
    ran = 0
    files: tuple[Path, ...] = ()
    with (folder / FINISHED).open("a", encoding="utf-8") as journal:

        def keep(index: int, numbers: dict[str, float]) -> None:
            nonlocal ran
            run = missing[index]
            known[run.hash] = numbers
            plain = {name: value if isfinite(value) else None for name, value in numbers.items()}
            journal.write(json.dumps({"hash": run.hash, "seed": run.seed, "numbers": plain}) + "\n")
            journal.flush()
            ran += 1
            if progress is not None:
                progress(done + ran, total)

        try:
            run_all(executor or SerialExecutor(), measure, missing, keep)
        finally:
            rows = [row_of(run, known[run.hash]) for run in runs if run.hash in known]
            files = write(rows, runs, folder)
    import pandas as pd

    return Sweep(pd.DataFrame(rows, columns=header(runs)), len(runs), ran, folder, files)


def finished(folder: Path) -> dict[str, dict[str, float]]:
    """Hash -> numbers of every run that ended in ``folder``. A line cut short by a crash is dropped for good."""
    path = folder / FINISHED
    if not path.exists():
        return {}
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
    found: dict[str, dict[str, float]] = {}
    for line in content[:whole].splitlines():
        try:
            entry = json.loads(line)
            numbers, key = entry["numbers"], entry["hash"]
        except (ValueError, KeyError, TypeError):
            continue
        if set(numbers) >= set(columns()):
            found[key] = {name: nan if value is None else value for name, value in numbers.items()}
    return found


def header(runs: Sequence[PlannedRun]) -> list[str]:
    """The columns of the table."""
    return ["position", "replication", "seed", "hash", *runs[0].point, *columns()]


def row_of(run: PlannedRun, numbers: Mapping[str, float]) -> dict[str, Any]:
    """One row of the table."""
    point = {
        key: value if isinstance(value, str | int | float | bool) else json.dumps(value, sort_keys=True)
        for key, value in run.point.items()
    }
    first = {"position": run.position, "replication": run.replication, "seed": run.seed, "hash": run.hash}
    return {**first, **point, **{name: numbers[name] for name in columns()}}


def write(rows: Sequence[Mapping[str, Any]], runs: Sequence[PlannedRun], folder: Path) -> tuple[Path, ...]:
    """The table, whole or not at all."""
    target = folder / TABLE
    draft = target.with_suffix(".part")
    with draft.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, header(runs), lineterminator="\n")
        table.writeheader()
        table.writerows({k: "" if v != v else v for k, v in row.items()} for row in rows)
    draft.replace(target)
    if find_spec("pyarrow") is None:
        return (target,)
    import pandas as pd

    parquet = folder / PARQUET
    draft = parquet.with_suffix(".part")
    frame = pd.DataFrame(list(rows), columns=header(runs))
    for key in runs[0].point:
        if len({type(value) for value in frame[key]}) > 1:  # a column of a Parquet file has one type
            frame[key] = frame[key].astype(str)
    frame.to_parquet(draft, engine="pyarrow", index=False)
    draft.replace(parquet)
    return target, parquet
