"""Jobs a second through the model under CANFAR's production queue, against a bare SimPy loop in the same run.

``python -m benchmarks.kueue`` prints the rows; ``--quick`` takes fewer jobs. CPU time of one process.
"""

from __future__ import annotations

import gc
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.row import Row
from benchmarks.simulator import bare_simpy
from skahasim.cluster import Cluster
from skahasim.configuration import QueueSettings
from skahasim.engine import Phase
from skahasim.job import Job, Work
from skahasim.model import Model
from skahasim.policies import policies_from
from skahasim.profile import load_profile
from skahasim.resources import Resources
from skahasim.transition import Step, Transition

MANIFEST = Path(__file__).parents[1] / "examples" / "kueue" / "canfar-production.yaml"
BAR = 10_000 / 700_000
"""Jobs for each event of the bare loop: 10,000 a second where the loop does 0.7 million."""
SHAPES = (
    (30, Resources.of(1, 4), 1800.0, "headless", "low"),
    (20, Resources.of(2, 16), 3600.0, "headless", "low"),
    (12, Resources.of(4, 16), 7200.0, "headless", "low"),
    (8, Resources.of(8, 32), 7200.0, "headless", "medium"),
    (4, Resources.of(16, 64), 10800.0, "headless", "medium"),
    (2, Resources.of(16, 96), 14400.0, "headless", "medium"),
    (14, Resources.of(2, 8), 5400.0, "notebook", "high"),
    (6, Resources.of(1, 8), 5400.0, "desktop", "high"),
    (3, Resources.of(4, 32), 5400.0, "carta", "high"),
    (1, Resources.of(8, 64), 7200.0, "notebook", "high"),
)
"""Weight, request, mean run time in seconds, kind of session, priority class."""
QUOTA = Resources.of(2189, 9063)


DEEP = 3.0
"""How much more an admission may cost with 10,000 jobs waiting than where jobs flow: a pass that looked at all that
wait would cost a hundred times as much."""


@dataclass
class Sample:
    jobs: int
    seconds: float
    """CPU time from the first arrival to the last end."""
    most_waiting: int
    preempted: int

    @property
    def each_admission(self) -> float:
        """Seconds for each admission, with all before and after it; who was preempted is admitted again."""
        return self.seconds / (self.jobs + self.preempted)


def rate(load: float) -> float:
    """Arrivals a second that ask for ``load`` times the quota of the resource that is short."""
    total = sum(shape[0] for shape in SHAPES)
    cores = sum(weight * request.cores * seconds for weight, request, seconds, *_ in SHAPES) / total
    ram = sum(weight * request.ram_gib * seconds for weight, request, seconds, *_ in SHAPES) / total
    return load / max(cores / QUOTA.cores, ram / QUOTA.ram_gib)


def arrivals(count: int, load: float, at_once: int = 0, seed: int = 1) -> list[tuple[float, int, float]]:
    """When each of ``count`` jobs arrives, its shape and its run time; the first ``at_once`` come at time 0."""
    chance = random.Random(seed)
    weights = [shape[0] for shape in SHAPES]
    each_second = rate(load)
    now = 0.0
    found = []
    for number, shape in enumerate(chance.choices(range(len(SHAPES)), weights, k=count)):
        if number >= at_once:
            now += chance.expovariate(each_second)
        found.append((now, shape, chance.expovariate(1 / SHAPES[shape][2])))
    return found


def job_of(number: int, shape: int, seconds: float) -> Job:
    _, request, _, kind, priority = SHAPES[shape]
    return Job(
        number, f"j{number}", f"u{number % 50}", kind, request, request,
        work=Work(seconds=seconds), priority_class=priority,
    )  # fmt: skip


def measure(count: int, load: float, at_once: int = 0) -> Sample:
    """``count`` jobs from arrival to end on 40 nodes of 64 cores and 241 GiB."""
    cluster = Cluster("keel", [(f"node-{index:02d}", Resources.of(64, 241)) for index in range(40)])
    queue = QueueSettings.model_validate({"kueue": {"manifests": [MANIFEST]}})
    model = Model(cluster, policies_from(queue), load_profile("instant"))
    coming = arrivals(count, load, at_once)
    seen = {Step.FINISHED: 0, Step.PREEMPTED: 0}
    most = 0

    def hear(transition: Transition) -> None:
        if transition.step in seen:
            seen[transition.step] += 1

    def release(number: int) -> None:
        nonlocal most
        _, shape, run = coming[number]
        model.submit(job_of(number, shape, run))
        most = max(most, len(model.queue))
        if number + 1 < count:
            model.engine.after(coming[number + 1][0] - model.now, Phase.SUBMIT, release, number + 1)

    model.listeners.append(hear)
    began = time.process_time()
    model.engine.after(coming[0][0], Phase.SUBMIT, release, 0)
    model.engine.drain()
    seconds = time.process_time() - began
    if seen[Step.FINISHED] != count:
        raise RuntimeError(f"{seen[Step.FINISHED]} of {count} jobs ended")
    return Sample(count, seconds, most, seen[Step.PREEMPTED])


def rows(quick: bool = False, tick: Callable[[], None] = lambda: None) -> list[Row]:
    """Admission by Kueue and placement on 40 nodes: the speed at 90 % load, and what 10,000 waiting jobs cost.

    What was imported is kept out of the garbage collector's sight, for our loop and the bare one alike.
    """
    count, rounds = (10_000, 1) if quick else (40_000, 3)
    gc.collect()
    gc.freeze()
    flowing: list[Sample] = []
    deep: list[Sample] = []
    loops: list[float] = []
    ratios: list[float] = []
    for _ in range(rounds):
        before = bare_simpy()
        flowing.append(measure(count, 0.9))
        loops.append((before + bare_simpy()) / 2)
        ratios.append(flowing[-1].jobs / flowing[-1].seconds / loops[-1])
        tick()
        deep.append(measure(count + 10_000, 1.0, at_once=10_000))
        tick()
    gc.unfreeze()
    ratio = statistics.median(ratios)
    more = statistics.median(
        full.each_admission / free.each_admission for full, free in zip(deep, flowing, strict=True)
    )
    speed = statistics.median(sample.jobs / sample.seconds for sample in flowing)
    loop = statistics.median(loops)
    each, base = (
        statistics.median(sample.each_admission for sample in samples) for samples in (deep, flowing)
    )
    return [
        Row(
            f"Kueue on 40 nodes, 90 % load ({flowing[-1].most_waiting:,} waited at most, "
            f"{flowing[-1].preempted:,} preempted)",
            f"{speed:,.0f} jobs/s",
            f"SimPy {loop:,.0f} events/s",
            f"{ratio:.4f}",
            f"≥ {BAR:.4f}",
            ratio >= BAR,
        ),
        Row(
            f"Kueue on 40 nodes, 10,000 jobs at once ({deep[-1].most_waiting:,} waited at most, "
            f"{deep[-1].preempted:,} preempted)",
            f"{each * 1e6:.0f} µs an admission",
            f"90 % load {base * 1e6:.0f} µs",
            f"{more:.2f}",
            f"≤ {DEEP:.1f}",
            more <= DEEP,
        ),
    ]


def ticks(quick: bool = False) -> int:
    """How often :func:`rows` calls ``tick``."""
    return 2 if quick else 6


if __name__ == "__main__":
    for row in rows(quick="--quick" in sys.argv):
        print(f"{row.what}: {row.ours}, yardstick {row.yardstick}, ratio {row.ratio} ({row.bar}) ", end="")
        print("passed" if row.passed else "MISSED")
