"""Policies compared on common random numbers: who gains, who loses, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from skahasim.metrics.jobs import TAU
from skahasim.metrics.names import METRICS
from skahasim.metrics.statistics import CONFIDENCE, Interval, paired, student, tight
from skahasim.metrics.summary import WarmUp, plain, warm_up_of
from skahasim.study.conclusion import conclusion, open_questions
from skahasim.study.difference import (
    DIFFERENCE_COLUMNS,
    TOLD,
    Difference,
    adjusted,
    column_of,
    from_batches,
    from_replications,
    keys_of,
)
from skahasim.study.execution import SerialExecutor, run_all
from skahasim.study.observation import Key, Simulate, Task, observe, perform
from skahasim.study.words import sentence

if TYPE_CHECKING:
    import pandas as pd

    from skahasim.scenario import Scenario
    from skahasim.study.run import Run

HEADLINE = Key("wait_time", "mean")
"""What ``precision`` is asked of."""
FEWEST = 5
"""Replications before a sequence may stop."""
MOST = 200


class NotComparable(ValueError):
    """Scenarios, or options, that make no comparison."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several scenarios on the same arrivals; the first is the baseline."""

    names: tuple[str, ...]
    replications: int
    seeds: tuple[int, ...]
    warm_up: float
    """Seconds that were left out at the beginning of every run."""
    intervals: Mapping[str, Mapping[Key, Interval]]
    """By scenario: each number over the replications."""
    differences: tuple[Difference, ...]
    """Of every other scenario to the baseline."""
    warnings: tuple[str, ...]
    runs: tuple[Run, ...] = field(repr=False, default=())
    """The first replication of each scenario, whole, for figures."""

    def difference(self, scenario: str, key: Key) -> Difference:
        """Raises ``KeyError`` for what was not compared."""
        for found in self.differences:
            if found.scenario == scenario and found.key == key:
                return found
        raise KeyError((scenario, key))

    def of(self, scenario: str, by: str, metric: str, statistic: str) -> Iterator[Difference]:
        """The differences of one metric for all classes of one kind."""
        for found in self.differences:
            key = found.key
            if (found.scenario, key.by, key.metric, key.statistic) == (scenario, by, metric, statistic):
                yield found

    def winners_and_losers(self, scenario: str, metric: str = "wait_time") -> list[Difference]:
        """Users by how much they gain from ``scenario``, the largest gain first."""
        users = [d for d in self.of(scenario, "user", metric, "mean") if isfinite(d.paired.difference.mean)]
        return sorted(users, key=lambda found: (found.paired.difference.mean, found.key.label))

    @property
    def verdicts(self) -> tuple[str, ...]:
        """One sentence for each scenario and metric."""
        baseline = self.names[0]
        sentences = []
        for name in self.names[1:]:
            for metric, statistic, classes in TOLD:
                told = [d for by in classes for d in self.of(name, by, metric, statistic) if not d.is_idle]
                if told:
                    sentences.append(sentence(name, baseline, metric, statistic, told))
        return tuple(sentences)

    def tables(self) -> dict[str, pd.DataFrame]:
        """``differences`` (``DIFFERENCE_COLUMNS``) and ``values`` (scenario, key, interval)."""
        import pandas as pd

        values = [
            {"scenario": name, **key._asdict(), "unit": METRICS[key.metric].unit, **interval._asdict()}
            for name, numbers in self.intervals.items()
            for key, interval in numbers.items()
        ]
        rows = [found.row() for found in self.differences]
        return {
            "differences": pd.DataFrame(rows, columns=list(DIFFERENCE_COLUMNS)),
            "values": pd.DataFrame(values),
        }

    def to_dict(self) -> dict[str, Any]:
        """For JSON; what does not exist is ``None``."""
        result: dict[str, Any] = plain(
            {
                "scenarios": self.names,
                "baseline": self.names[0],
                "replications": self.replications,
                "seeds": self.seeds,
                "warm_up": self.warm_up,
                "warnings": self.warnings,
                "answers": {name: conclusion(self, name) for name in self.names[1:]},
                "open": open_questions(self),
                "verdicts": self.verdicts,
                "values": [
                    {"scenario": name, **key._asdict(), **interval._asdict()}
                    for name, numbers in self.intervals.items()
                    for key, interval in numbers.items()
                ],
                "differences": [found.row() for found in self.differences],
            }
        )
        return result


def compare(
    scenarios: Sequence[Scenario],
    *,
    replications: int = 10,
    seed: int = 0,
    executor: Executor | None = None,
    precision: float | None = None,
    most: int = MOST,
    warm_up: WarmUp = "mser5",
    until: float | None = None,
    confidence: float = CONFIDENCE,
    tau: float = TAU,
    starved_after: float = 86_400.0,
    simulate: Simulate | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Simulate every scenario under the same seeds ``seed``, ``seed + 1``... and compare each with the first.

    ``warm_up``: hours to leave out, or ``"mser5"``: the longest that MSER-5 finds in the first replication of any
    scenario; a scenario's own ``horizon.warm_up_hours`` wins over ``"mser5"``. The same is left out of every run.
    ``until`` in hours. ``precision``: go on, at most to ``most`` replications, until the interval of the difference of
    the mean wait is no wider to each side than this share of the baseline's. ``progress(done, total)``.

    Where replications do not vary, because the workload is one fixed trace, one is enough, and differences of means
    are judged by batches of the same jobs. Raises :class:`NotComparable` for fewer than two scenarios, two
    of one name, and ``Unmeasurable`` for a warm-up that leaves nothing.
    """
    from skahasim.study.simulation import simulate as simulate_scenario

    names = _distinct(scenarios)
    if replications < 1:
        raise NotComparable("at least one replication")
    use = simulate or simulate_scenario
    workers = executor or SerialExecutor()
    limit = None if until is None else until * 3600.0

    def tasks(numbers: range, left_out: float, *, whole: bool = False) -> list[Task]:
        return [
            Task(scenario, seed + number, left_out, limit, use, tau, starved_after, whole)
            for number in numbers
            for scenario in scenarios
        ]

    target = replications if precision is None else max(replications, FEWEST)
    count = len(scenarios)
    total = {"done": 0, "of": count * target}

    def performed(wanted: Sequence[Task]) -> list[Run | dict[Key, float]]:
        results: dict[int, Run | dict[Key, float]] = {}

        def keep(index: int, result: Run | dict[Key, float]) -> None:
            results[index] = result
            total["done"] += 1
            if progress is not None:
                progress(total["done"], max(total["of"], total["done"]))

        run_all(workers, perform, wanted, keep)
        return [results[index] for index in range(len(wanted))]

    # The first replication comes back whole: it may say how long the warm-up is, and figures are drawn from it. The
    # second shows whether replications vary. Where the warm-up is known beforehand, they need not wait for each other.
    said = _warm_up_said(scenarios, warm_up)
    wave = tasks(range(1), 0.0, whole=True)
    early = [] if said is None or target == 1 else tasks(range(1, 2), said)
    results = performed([*wave, *early])
    first = [result for result in results[:count] if not isinstance(result, dict)]
    left_out, warnings = _warm_up(first) if said is None else (said, [])
    observed: list[list[dict[Key, float]]] = [
        [observe(run, warm_up=left_out, until=limit, tau=tau, starved_after=starved_after)] for run in first
    ]

    def extend(found: Sequence[Run | dict[Key, float]]) -> None:
        for index, result in enumerate(found):
            if isinstance(result, dict):
                observed[index % count].append(result)

    if target > 1:
        extend(results[count:] if early else performed(tasks(range(1, 2), left_out)))
        fixed = all(_same(numbers[0], numbers[1]) for numbers in observed)
        if fixed:
            warnings.append(
                "replications do not vary: the workload is one fixed trace, and one replication of it is enough"
            )
            observed = [numbers[:1] for numbers in observed]
        else:
            extend(performed(tasks(range(2, target), left_out)))
            while (
                precision is not None
                and len(observed[0]) < most
                and not _tight(observed, precision, confidence)
            ):
                done = len(observed[0])
                more = min(max(2, done // 3), most - done)
                total["of"] = count * (done + more)
                extend(performed(tasks(range(done, done + more), left_out)))
            if precision is not None and not _tight(observed, precision, confidence):
                warnings.append(
                    f"after {most} replications the mean wait is not known to {precision:.3g} of the baseline's"
                )
    done = len(observed[0])
    differences = (
        from_replications(names, observed, confidence)
        if done > 1
        else from_batches(names, observed, first, left_out, limit, tau, confidence)
    )
    warnings += _unfinished(names, observed)
    return Comparison(
        names=names,
        replications=done,
        seeds=tuple(range(seed, seed + done)),
        warm_up=left_out,
        intervals={
            name: {key: student(column_of(numbers, key), confidence) for key in keys_of(numbers)}
            for name, numbers in zip(names, observed, strict=True)
        },
        differences=tuple(adjusted(differences)),
        warnings=tuple(warnings),
        runs=tuple(first),
    )


def _distinct(scenarios: Sequence[Scenario]) -> tuple[str, ...]:
    names = tuple(scenario.name for scenario in scenarios)
    if len(names) < 2:
        raise NotComparable("a comparison takes at least two scenarios")
    if len(set(names)) < len(names):
        raise NotComparable(
            f"two scenarios are called {max(names, key=names.count)!r}; give them different names"
        )
    return names


def _warm_up_said(scenarios: Sequence[Scenario], asked: WarmUp) -> float | None:
    """Seconds, when somebody says how long."""
    if not isinstance(asked, str):
        return float(asked) * 3600.0
    settings = [getattr(getattr(scenario, "settings", None), "horizon", None) for scenario in scenarios]
    said = [h.warm_up_hours for h in settings if h is not None and h.warm_up_hours is not None]
    return max(said) * 3600.0 if said else None


def _warm_up(runs: Sequence[Run]) -> tuple[float, list[str]]:
    """By MSER-5, the longest of all."""
    found = [warm_up_of(run) for run in runs]
    unsettled = [run.name for run, (_, settled) in zip(runs, found, strict=True) if not settled]
    warnings = [
        f"{name}: no end of the warm-up in the first half; the run is short, or the queue only grows"
        for name in unsettled
    ]
    return max(seconds for seconds, _ in found), warnings


def _unfinished(names: Sequence[str], observed: Sequence[Sequence[dict[Key, float]]]) -> list[str]:
    warnings = []
    for name, numbers in zip(names, observed, strict=True):
        waiting = sum(result.get(Key("waiting"), 0.0) for result in numbers)
        share = waiting / max(1.0, sum(result.get(Key("submitted"), 0.0) for result in numbers))
        if share > 0.01:
            warnings.append(
                f"{name}: {share:.1%} of the jobs had not started when the run ended; their waits so far are counted"
            )
    return warnings


def _same(one: dict[Key, float], other: dict[Key, float]) -> bool:
    return one.keys() == other.keys() and all(
        value == other[key] or (value != value and other[key] != other[key]) for key, value in one.items()
    )


def _tight(observed: Sequence[Sequence[dict[Key, float]]], precision: float, confidence: float) -> bool:
    if len(observed[0]) < FEWEST:
        return False
    baseline = [result.get(HEADLINE, nan) for result in observed[0]]
    scale = abs(float(np.nanmean(baseline)))
    for numbers in observed[1:]:
        gap = paired(baseline, [result.get(HEADLINE, nan) for result in numbers], confidence).difference
        if not tight(
            gap._replace(mean=scale, low=scale - gap.half_width, high=scale + gap.half_width), precision
        ):
            return False
    return True
