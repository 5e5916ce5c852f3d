"""What a report is made of: runs by scenario, and how they compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from json import JSONDecodeError, loads
from math import isfinite, nan
from pathlib import Path
from typing import Any

import pandas as pd

from skahasim.metrics.jobs import measures, within
from skahasim.metrics.statistics import CONFIDENCE, Interval, Paired
from skahasim.study.difference import Difference, adjusted, from_batches, from_replications
from skahasim.study.events import DamagedFile, read_events
from skahasim.study.files import EVENTS, read
from skahasim.study.folder import MARK
from skahasim.study.observation import Key, observe, warm_up_within
from skahasim.study.run import Run

COMPARISON = "comparison.json"
LOSSES = ("evicted", "preempted")
"""Events that put a job off its node."""
EVICTION_COLUMNS = ("time", "job", "event", "reason")


class NoMaterial(ValueError):
    """Folders that make no report."""


@dataclass(frozen=True, slots=True)
class Found:
    """How scenarios compare with the first of them."""

    replications: int
    seeds: tuple[int, ...]
    differences: tuple[Difference, ...]
    warnings: tuple[str, ...] = ()

    def of(
        self, scenario: str, metric: str, statistic: str = "mean", by: str = "all"
    ) -> tuple[Difference, ...]:
        """Of one metric, for all classes of one kind."""
        wanted = (scenario, metric, statistic, by)
        return tuple(
            d for d in self.differences if (d.scenario, d.key.metric, d.key.statistic, d.key.by) == wanted
        )


@dataclass(frozen=True, slots=True)
class Material:
    """Runs of one or more scenarios, in the order in which the report tells of them; the first is the baseline."""

    names: tuple[str, ...]
    runs: tuple[Run, ...]
    """All replications of a scenario next to each other, by seed."""
    warm_up: float = 0.0
    """Seconds; jobs submitted earlier are in no number. Figures over time show them."""
    found: Found | None = None
    evictions: Mapping[tuple[str, int], pd.DataFrame] = field(default_factory=dict)
    """By scenario and seed: ``EVICTION_COLUMNS``, where the run's events are known."""
    _measures: dict[int, pd.DataFrame] = field(default_factory=dict, repr=False, compare=False)

    def of(self, name: str) -> tuple[Run, ...]:
        """The replications of the scenario ``name``."""
        return tuple(run for run in self.runs if run.name == name)

    def first(self, name: str) -> Run:
        """The replication that is shown where one has to stand for all."""
        return self.of(name)[0]

    def jobs(self, run: Run) -> pd.DataFrame:
        """:func:`~skahasim.metrics.jobs.measures` of all jobs that count."""
        return within(self.whole(run), self.warm_up, run.end_time)

    def whole(self, run: Run) -> pd.DataFrame:
        """Of all jobs, in the warm-up too."""
        if id(run) not in self._measures:
            self._measures[id(run)] = measures(run)
        return self._measures[id(run)]

    def all_jobs(self, name: str) -> pd.DataFrame:
        """Of all replications."""
        return pd.concat([self.jobs(run) for run in self.of(name)], ignore_index=True)

    @property
    def others(self) -> tuple[str, ...]:
        """All scenarios but the baseline."""
        return self.names[1:]


def material(
    runs: Sequence[Run],
    *,
    warm_up: float | None = None,
    found: Found | None = None,
    evictions: Mapping[tuple[str, int], pd.DataFrame] | None = None,
) -> Material:
    """Runs grouped by scenario, in the order in which the scenarios come, and compared where that can be.

    ``warm_up`` in seconds; without it the longest that a run's scenario says. Raises :class:`NoMaterial` for no runs,
    and for two that are called the same, with the same seed, but differ.
    """
    chosen: dict[tuple[str, int], Run] = {}
    for run in runs:
        before = chosen.setdefault((run.name, run.seed), run)
        if before is not run and before.facts.get("hash") != run.facts.get("hash"):
            raise NoMaterial(
                f"two different runs are called {run.name!r} and have seed {run.seed}; name them differently"
            )
    if not chosen:
        raise NoMaterial("no runs to report")
    names = tuple(dict.fromkeys(run.name for run in runs))
    ordered = tuple(
        run
        for name in names
        for run in sorted((r for r in chosen.values() if r.name == name), key=lambda r: r.seed)
    )
    left_out = warm_up_within(ordered) if warm_up is None else warm_up
    return Material(names, ordered, left_out, found or compared(names, ordered, left_out), evictions or {})


def compared(names: Sequence[str], runs: Sequence[Run], warm_up: float) -> Found | None:
    """Every scenario against the first, on the seeds that all have, as ``skahasim compare`` does it.

    With one seed the same jobs are compared batch by batch, when they are the same. ``None`` where nothing can be
    paired.
    """
    by_name = {name: {run.seed: run for run in runs if run.name == name} for name in names}
    seeds = sorted(set.intersection(*(set(group) for group in by_name.values())))
    if len(names) < 2 or not seeds or any(not len(run.jobs) for run in runs):
        return None
    chosen = [[by_name[name][seed] for seed in seeds] for name in names]
    if any(not same_arrivals(group) for group in zip(*chosen, strict=True)):
        return None
    observed = [[observe(run, warm_up=warm_up) for run in group] for group in chosen]
    if len(seeds) > 1:
        return Found(
            len(seeds), tuple(seeds), tuple(adjusted(from_replications(names, observed, CONFIDENCE)))
        )
    firsts = [group[0] for group in chosen]
    differences = adjusted(from_batches(names, observed, firsts, warm_up, None, 10.0, CONFIDENCE))
    warning = (
        "one replication of each scenario: means are judged by 20 batches of the same jobs, all else holds for this "
        "one workload only; skahasim compare --replications N says more"
    )
    return Found(1, tuple(seeds), tuple(differences), (warning,))


def same_arrivals(runs: Sequence[Run]) -> bool:
    """Whether all simulated the very same submissions."""
    first = runs[0].jobs["submission_time"].to_numpy()
    return all(
        len(run.jobs) == len(first) and bool((run.jobs["submission_time"].to_numpy() == first).all())
        for run in runs[1:]
    )


# -- from folders ---------------------------------------------------------------------------------------------


def load(folders: Iterable[Path]) -> Material:
    """What ``skahasim run`` and ``skahasim compare`` wrote to ``folders``.

    A folder of ``compare`` is read with its verdicts, unless others are given beside it; a folder that holds only
    folders of runs stands for these. Raises :class:`NoMaterial`, ``NotARun``.
    """
    given = list(folders)
    found, warm_up, order = None, None, None
    if len(given) == 1 and (given[0] / COMPARISON).is_file():
        found, warm_up, order = read_comparison(given[0])
    runs: list[Run] = []
    evictions: dict[tuple[str, int], pd.DataFrame] = {}
    for folder in given:
        for place in _places(folder):
            run = read(place)
            runs.append(run)
            losses = read_evictions(place)
            if losses is not None:
                evictions[run.name, run.seed] = losses
    if order is not None:
        missing = [name for name in order if name not in {run.name for run in runs}]
        if missing:
            raise NoMaterial(f"{given[0]}: {COMPARISON} tells of {missing[0]!r}, of which no run is there")
        runs.sort(key=lambda run: order.index(run.name) if run.name in order else len(order))
    return material(runs, warm_up=warm_up, found=found, evictions=evictions)


def _places(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise NoMaterial(f"{folder}: no such folder")
    if (folder / MARK).is_file():
        return [folder]
    inside = sorted(path.parent for path in folder.glob(f"*/{MARK}"))
    if not inside:
        raise NoMaterial(f"{folder}: no run is here: {MARK} is missing")
    return inside


def read_evictions(folder: Path) -> pd.DataFrame | None:
    """Who was put off a node when, by the run's events; ``None`` for a run without events."""
    path = folder / EVENTS
    if not path.is_file() or not path.stat().st_size:
        return None
    try:
        lost = [(e.time, e.job, e.event, e.reason) for e in read_events(path) if e.event in LOSSES]
    except (DamagedFile, UnicodeDecodeError) as error:
        raise NoMaterial(f"{folder}: {error}") from None
    return pd.DataFrame(lost, columns=list(EVICTION_COLUMNS))


def read_comparison(folder: Path) -> tuple[Found, float, tuple[str, ...]]:
    """What ``skahasim compare`` found, its warm-up and its scenarios. Raises :class:`NoMaterial`."""
    try:
        data = loads((folder / COMPARISON).read_text("utf-8"))
        found = Found(
            int(data["replications"]),
            tuple(map(int, data["seeds"])),
            tuple(_difference(row) for row in data["differences"]),
            tuple(map(str, data["warnings"])),
        )
        return found, float(data["warm_up"]), tuple(map(str, data["scenarios"]))
    except (JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError):
        raise NoMaterial(f"{folder}: {COMPARISON} is damaged") from None


def _difference(row: Mapping[str, Any]) -> Difference:
    def number(name: str) -> float:
        value = row[name]
        return nan if value is None else float(value)

    n = int(row["n"])
    detectable = number("detectable")
    gap = Interval(number("difference"), number("difference_low"), number("difference_high"), n)
    ratio = Interval(number("relative"), number("relative_low"), number("relative_high"), n)
    return Difference(
        scenario=str(row["scenario"]),
        key=Key(str(row["metric"]), str(row["statistic"]), str(row["by"]), str(row["label"])),
        baseline=Interval(number("baseline"), nan, nan, n),
        value=Interval(number("value"), nan, nan, n),
        paired=Paired(
            gap, ratio, number("p_value"), detectable, varies=isfinite(detectable) and detectable != 0
        ),
        basis=row["basis"],
        p_adjusted=number("p_adjusted"),
    )
