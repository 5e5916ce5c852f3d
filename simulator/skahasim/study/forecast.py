"""How long a job would wait if it were submitted now: the rest of the day, simulated many times over.

Each replication starts from the same state: what runs goes on, what waits waits in its order, the job comes
last. What is not known is drawn anew each time: how long each running and waiting job still takes, and who comes
after.

- A run time that the state tells is taken as it is. Any other is that of a job of the same kind in the scenario's
  workload, given that it has run so long already.
- Arrivals after now are those of the scenario's workload, if it is a generator, from this hour and weekday on.

Quantiles of the wait, not a point: with a handful of long jobs in the way the mean says little.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import ceil, floor, inf, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from skahasim.randomness import Generator, generator
from skahasim.study.execution import run_all
from skahasim.study.simulation import simulate
from skahasim.study.state import Known, QueueState
from skahasim.transition import Step, Transition
from skahasim.workload.arrival import Arrival
from skahasim.workload.source import is_generated

if TYPE_CHECKING:
    from skahasim.scenario import Scenario

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
AT_ONCE_SECONDS = 60.0
HORIZON_HOURS = 14 * 24.0
POOL = 4000
"""Jobs of the workload that unknown run times are drawn from."""
SETTLE = (1.0, 2.0)
"""When the waiting jobs, and then the wanted one, come: those that run have started at 0."""


class _Started(Exception):
    """The wanted job has its node: nothing after that matters."""

    def __init__(self, time: float) -> None:
        super().__init__(time)
        self.time = time


@dataclass(frozen=True, slots=True)
class Forecast:
    """The waits of one hypothetical job over all replications, sorted, in seconds; infinite for those in which it
    had not started at the horizon."""

    waits: tuple[float, ...]
    horizon_seconds: float
    running: int
    waiting: int
    """Jobs in the state it began from."""

    def quantile(self, share: float) -> float:
        """The smallest wait that at least ``share`` of the replications do not exceed."""
        return self.waits[max(0, ceil(share * len(self.waits)) - 1)]

    def interval(self, share: float, confidence: float = 0.95) -> tuple[float, float]:
        """A confidence interval of that quantile from order statistics: what more replications would narrow."""
        count = len(self.waits)
        spread = NormalDist().inv_cdf(0.5 + confidence / 2) * sqrt(count * share * (1 - share))
        low, high = floor(count * share - spread) - 1, ceil(count * share + spread)
        return self.waits[max(0, low)], self.waits[min(count - 1, high)]

    @property
    def starts_at_once(self) -> float:
        """Share of the replications in which it starts within a minute."""
        return bisect_right(self.waits, AT_ONCE_SECONDS) / len(self.waits)

    @property
    def unstarted(self) -> int:
        """Replications in which it had not started at the horizon."""
        return sum(wait == inf for wait in self.waits)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: waits in seconds, ``null`` beyond the horizon."""
        return {
            "replications": len(self.waits),
            "running": self.running,
            "waiting": self.waiting,
            "starts_at_once": self.starts_at_once,
            "unstarted": self.unstarted,
            "horizon_seconds": self.horizon_seconds,
            "wait_seconds": {f"p{share * 100:g}": finite(self.quantile(share)) for share in QUANTILES},
            "interval_95": {
                f"p{share * 100:g}": [finite(bound) for bound in self.interval(share)] for share in QUANTILES
            },
        }


def finite(seconds: float) -> float | None:
    return None if seconds == inf else seconds


class _Pool:
    """Run times of the workload's jobs by kind, to draw from."""

    def __init__(self, runs: Mapping[str, tuple[float, ...]]) -> None:
        self._runs = {kind: np.sort(np.asarray(values)) for kind, values in runs.items()}

    def remaining(self, known: Known, chance: Generator) -> float | None:
        """Seconds that the job still runs; ``None``: until its deadline."""
        arrival, age = known.arrival, known.age or 0.0
        if arrival.run_seconds is not None:
            return max(1.0, arrival.run_seconds - age)
        runs = self._runs.get(arrival.kind)
        uniform = chance.random()
        if runs is None:
            return None
        first = int(np.searchsorted(runs, age, side="right"))
        if first == len(runs):
            return None
        return float(runs[first + int(uniform * (len(runs) - first))] - age)


@dataclass(frozen=True, slots=True)
class _Task:
    scenario: Scenario
    state: QueueState
    wanted: Arrival
    seed: int
    pool: Mapping[str, tuple[float, ...]] = field(repr=False)


def forecast(
    scenario: Scenario,
    state: QueueState,
    wanted: Arrival,
    *,
    replications: int,
    executor: Executor,
    seed: int = 0,
    horizon_hours: float = HORIZON_HOURS,
    done: Callable[[int], None] | None = None,
) -> Forecast:
    """The wait of ``wanted``, submitted in ``state`` under the scenario's cluster and queue, ``replications`` times.

    The same arguments give the same forecast, whatever the executor. ``done`` hears how many replications there
    are so far. Raises ``ConfigurationError`` when a job is larger than any node.
    """
    local = datetime.fromtimestamp(state.now, ZoneInfo(scenario.settings.time_zone)).replace(tzinfo=None)
    horizon = scenario.settings.horizon.model_copy(update={"hours": horizon_hours, "drain": True})
    settings = scenario.settings.model_copy(update={"start": local, "horizon": horizon})
    scenario = replace(scenario, settings=settings)
    pool = _pool(scenario, seed)
    tasks = [_Task(scenario, state, wanted, seed + index, pool) for index in range(replications)]
    waits: list[float] = []

    def take(_: int, wait: float) -> None:
        waits.append(wait)
        if done is not None:
            done(len(waits))

    run_all(executor, _wait, tasks, take)
    return Forecast(tuple(sorted(waits)), horizon_hours * 3600.0, len(state.running), len(state.waiting))


def _pool(scenario: Scenario, seed: int) -> dict[str, tuple[float, ...]]:
    if not is_generated(scenario.settings.workload):
        return {}
    runs: dict[str, list[float]] = {}
    for _, arrival in zip(range(POOL), scenario.arrivals(seed), strict=False):
        if arrival.run_seconds is not None:
            runs.setdefault(arrival.kind, []).append(arrival.run_seconds)
    return {kind: tuple(values) for kind, values in runs.items()}


def _wait(task: _Task) -> float:
    """The wait of one replication, infinite when the job has not started at the horizon."""
    arrivals, number = _arrivals(task)

    def hear(seen: Transition) -> None:
        if seen.step is Step.SCHEDULED and seen.job.number == number:
            raise _Started(seen.time)

    try:
        simulate(task.scenario, seed=task.seed, arrivals=arrivals, observers=(hear,))
    except _Started as started:
        return started.time - SETTLE[1]
    return inf


class _Planned(NamedTuple):
    arrival: Arrival
    at: float


def _arrivals(task: _Task) -> tuple[Iterator[Arrival], int]:
    """All arrivals of a replication, and the number of the wanted one."""
    chance = generator(task.seed, "forecast")
    pool = _Pool(task.pool)
    planned = [
        _Planned(_going_on(known, pool.remaining(known, chance)), 0.0 if known.age is not None else SETTLE[0])
        for known in (*task.state.running, *task.state.waiting)
    ]
    planned.append(_Planned(task.wanted, SETTLE[1]))

    def stream() -> Iterator[Arrival]:
        number = 0
        for arrival, at in planned:
            yield arrival._replace(number=number, submit_time=at, patience_seconds=None, deleted_after=None)
            number += 1
        if is_generated(task.scenario.settings.workload):
            for arrival in task.scenario.arrivals(task.seed):
                yield arrival._replace(number=number, submit_time=SETTLE[1] + arrival.submit_time)
                number += 1

    return stream(), len(planned) - 1


def _going_on(known: Known, remaining: float | None) -> Arrival:
    """``known`` as if it were submitted now."""
    arrival, age = known
    if age is None:
        return arrival._replace(run_seconds=remaining)
    requested, deadline = arrival.requested_seconds, arrival.deadline_seconds
    return arrival._replace(
        run_seconds=remaining,
        requested_seconds=None if requested is None else max(1.0, requested - age),
        deadline_seconds=None if deadline is None else max(1.0, deadline - age),
    )
