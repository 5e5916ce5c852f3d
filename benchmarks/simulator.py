"""The simulator against bare event loops: ``python -m benchmarks.simulator [--quick]``.

CPU time of one process. Each figure of ours stands beside loops measured right before and after it, because only
ratios carry over to another machine: a bare heapq loop, and a bare SimPy loop of 1,000 processes with 1,000 timeouts
each.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from heapq import heapify, heapreplace
from itertools import islice
from pathlib import Path

import simpy

from benchmarks.row import Row
from tests.conformance.replay import Policy, Rigid, model_of, release

ROOT = Path(__file__).parents[1]
KTH = ROOT.parent / "shared" / "sim-data" / "easy-sc15" / "kth-sp2.csv.gz"
KTH_JOBS, KTH_PROCESSORS, KTH_LOAD = 28_481, 100, 0.686
BAR = 20_000 / 700_000
"""Jobs a second for each event a second of the SimPy loop: 20,000 where that does 0.7 M."""
PROCESSES = 1_000


def bare_heapq(events: int = 200_000) -> float:
    """Events a second of a heapq loop that does nothing else."""
    queue = [(float(number), number) for number in range(PROCESSES)]
    heapify(queue)
    began = time.process_time()
    for number in range(PROCESSES, PROCESSES + events):
        due, _ = queue[0]
        heapreplace(queue, (due + PROCESSES, number))
    return events / (time.process_time() - began)


def bare_simpy(events: int = 200_000) -> float:
    """Events a second of SimPy with 1,000 processes that only wait."""
    environment = simpy.Environment()

    def wait(first: int) -> Iterator[simpy.Event]:
        yield environment.timeout(first)
        for _ in range(events // PROCESSES):
            yield environment.timeout(PROCESSES)

    for first in range(PROCESSES):
        environment.process(wait(first))
    began = time.process_time()
    environment.run()
    return events / (time.process_time() - began)


def stream(processors: int, load: float, seed: int = 1) -> Iterator[Rigid]:
    """Endless Poisson arrivals at ``load``: mostly powers of two of processors, log-normal runs, requested times up to
    five times too long."""
    chance = random.Random(seed)
    sizes = [
        size
        for power in range(20)
        for size in [1 << power] * 3 + [(3 << power) // 2 or 1]
        if size <= processors // 2
    ]
    spread, median = 1.8, 600.0
    mean_run = sum(min(chance.lognormvariate(6.397, spread), 64_800.0) for _ in range(20_000)) / 20_000
    gap = mean_run * statistics.mean(sizes) / (load * processors)
    now = 0.0
    while True:
        now += chance.expovariate(1.0 / gap)
        run = float(max(1, round(min(chance.lognormvariate(6.397, spread), 64_800.0))))
        requested = float(round(run * (1.0 + 4.0 * chance.random()) / median + 1) * median)
        yield Rigid(float(round(now)), chance.choice(sizes), run, max(run, requested))


def seconds(jobs: Iterable[Rigid], processors: int, policy: Policy) -> float:
    """CPU seconds of a simulation, from arrivals to the last end."""
    model = model_of(processors, policy)
    heard = 0

    def hear(_: object) -> None:
        nonlocal heard
        heard += 1

    model.listeners.append(hear)
    began = time.process_time()
    release(model, jobs)
    model.engine.drain()
    return time.process_time() - began


def kth() -> list[Rigid]:
    """The log, or where it is not at hand as many generated jobs."""
    if not KTH.is_file():
        return list(islice(stream(KTH_PROCESSORS, KTH_LOAD), KTH_JOBS))
    from tests.conformance.easy import read

    return read(KTH).jobs


def logs(rounds: int, tick: Callable[[], None]) -> list[Row]:
    """KTH-SP2 under each discipline, in jobs for each event of the bare loops."""
    jobs = kth()
    which = "KTH-SP2" if KTH.is_file() else "KTH-SP2 (generated)"
    rows = []
    for name, policy, bar in (
        ("EASY", Policy("easy"), BAR),
        ("FCFS", Policy("none"), BAR),
        ("conservative", Policy("conservative"), BAR / 4),
    ):
        rates, simpys, heaps = [], [], []
        for _ in range(rounds if name == "EASY" else max(1, rounds // 2)):
            before = bare_simpy()
            rates.append(len(jobs) / seconds(jobs, KTH_PROCESSORS, policy))
            simpys.append(2 / (1 / before + 1 / bare_simpy()))
            heaps.append(bare_heapq())
            tick()
        ratio = statistics.median(rate / loop for rate, loop in zip(rates, simpys, strict=True))
        rows.append(
            Row(
                f"{which}, {name}: jobs/s; SimPy loop (heapq loop {statistics.median(heaps):,.0f}/s)",
                f"{statistics.median(rates):,.0f}/s", f"{statistics.median(simpys):,.0f}/s",
                f"{ratio:.4f}", f"≥ {bar:.4f}", ratio >= bar,
            )
        )  # fmt: skip
    return rows


class Paced:
    """Arrivals with a loop of SimPy after each so many: the yardstick is taken all through the run, and what slows the
    machine meanwhile slows both."""

    def __init__(self, jobs: Iterable[Rigid], every: int) -> None:
        self._jobs, self._every = jobs, every
        self.events = 0
        self.spent = 0.0
        """CPU seconds of all that is not the simulation."""
        self._looped = 0.0

    def __iter__(self) -> Iterator[Rigid]:
        for number, job in enumerate(self._jobs):
            if number % self._every == 0:
                began = time.process_time()
                self._looped += PACE_EVENTS / bare_simpy(PACE_EVENTS)
                self.events += PACE_EVENTS
                self.spent += time.process_time() - began
            yield job

    @property
    def rate(self) -> float:
        """Events a second of the loops."""
        return self.events / self._looped


PACE_EVENTS = 20_000
"""Of one loop; some 40 ms."""


def growth(counts: tuple[int, ...], tick: Callable[[], None]) -> list[Row]:
    """EASY at a load of 0.8 on 128 processors: the cost of a job grows no faster than the log of their number."""
    from math import log

    costs, rows = [], []
    for count in counts:
        samples = []
        for seed in range(max(1, 50_000 // count)):
            paced = Paced(islice(stream(128, 0.8, seed + 1), count), max(200, count // 200))
            cost = (seconds(paced, 128, Policy("easy")) - paced.spent) / count
            samples.append((cost, paced.rate))
        cost = statistics.median(cost for cost, _ in samples)
        costs.append(statistics.median(cost * rate for cost, rate in samples))
        ratio, bar = costs[-1] / costs[0], log(count) / log(counts[0])
        rows.append(
            Row(
                f"EASY, {count:,} jobs at a load of 0.8: µs for a job; SimPy events meanwhile",
                f"{cost * 1e6:.1f} µs", f"{costs[-1]:.1f}", f"{ratio:.2f}", f"≤ {bar:.2f}", ratio <= bar,
            )
        )  # fmt: skip
        tick()
    return rows


def overload(pending: int, tick: Callable[[], None]) -> list[Row]:
    """``pending`` jobs that all come at once, against as many that come as they can be served: what a pass over a
    long queue costs."""
    jobs = list(islice(stream(128, 0.8, seed=2), pending))
    at_once = [job._replace(submit=0.0) for job in jobs]
    rows = []
    for name, policy, bar in (
        ("FCFS", Policy("none"), 2.0),
        ("EASY", Policy("easy"), 5.0),
        ("EASY-SJBF", Policy("easy-sjbf"), 5.0),
    ):
        flowing = seconds(jobs, 128, policy) / pending
        backlog = seconds(at_once, 128, policy) / pending
        ratio = backlog / flowing
        rows.append(
            Row(
                f"{name}, {pending:,} jobs wait at once: µs for a job; the same at a load of 0.8",
                f"{backlog * 1e6:.1f} µs", f"{flowing * 1e6:.1f} µs", f"{ratio:.2f}", f"≤ {bar:.1f}", ratio <= bar,
            )
        )  # fmt: skip
        tick()
    return rows


def rows(quick: bool = False, tick: Callable[[], None] = lambda: None) -> list[Row]:
    """Everything; ``tick`` is called :func:`ticks` times."""
    rounds = 2 if quick else 5
    counts = (10_000, 100_000) if quick else (10_000, 100_000, 1_000_000)
    return [*logs(rounds, tick), *growth(counts, tick), *overload(10_000, tick)]


def ticks(quick: bool = False) -> int:
    rounds = 2 if quick else 5
    return rounds + 2 * max(1, rounds // 2) + (2 if quick else 3) + 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulator", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer samples, no million jobs")
    found = rows(parser.parse_args().quick)
    for row in found:
        print(
            f"{row.what}\n    {row.ours} | {row.yardstick} | {row.ratio} | {row.bar} | "
            f"{'ok' if row.passed else 'MISSED'}"
        )
    return 0 if all(row.passed for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
