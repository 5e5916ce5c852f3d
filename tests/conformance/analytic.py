"""Mean waits, wait quantiles and blocking against closed forms of queueing theory.

For each case two things must hold. The real :class:`Model` agrees with a plain recursion (:mod:`.queues`), job for
job, on the same arrivals and service times. And the recursion, on as many further jobs as it takes, has a 99 %
confidence interval that covers the closed form and is narrow. The two together are the estimator *model on its jobs,
plus recursion on many, minus recursion on the model's jobs* (a control variate), whose interval is reported. Seeds are
fixed; of intervals at 99 %, one in a hundred misses.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from skahasim.cluster import Cluster
from skahasim.configuration import QueueSettings
from skahasim.engine import Phase
from skahasim.job import Job, Work
from skahasim.metrics.statistics import Interval, replications_needed, student
from skahasim.model import Model
from skahasim.policies import policies_from
from skahasim.profile import load_profile
from skahasim.randomness import Generator, generator
from skahasim.resources import Resources
from skahasim.transition import Step, Transition
from tests.conformance.queues import (
    Floats,
    Outcome,
    preemptive_resume,
    priority_servers,
    servers,
    single_server,
)
from tests.conformance.report import Report

CONFIDENCE = 0.99
CORE = Resources.of(1, 1)
SAME = 1e-6
"""Two waits are equal up to this, in mean service times: rounding over a long busy period."""


class Sample(NamedTuple):
    """One sample of a workload."""

    arrivals: Floats
    services: Floats
    classes: Any
    """Of each job, 0 the most important."""


@dataclass(frozen=True)
class System:
    """One case: what arrives, and who serves it."""

    name: str
    rates: tuple[float, ...]
    """Of each class, the most important first."""
    services: tuple[Callable[[Generator, int], Floats], ...]
    servers: int
    load: float
    expected: dict[str, float]
    """By name of the estimate."""
    main: tuple[str, ...]
    """Those whose interval must cover and be narrow: mean waits (of each class), and the share turned away."""
    discipline: str = "fifo"
    places: int | None = None
    thresholds: tuple[tuple[str, float], ...] = ()
    """Waits at which the distribution is looked at."""
    heavy: bool = False
    """Long memory: longer replications."""

    def sample(self, random: Generator, n: int) -> Sample:
        arrivals = np.cumsum(random.exponential(1 / sum(self.rates), n))
        if len(self.rates) == 1:
            return Sample(arrivals, self.services[0](random, n), np.zeros(n, dtype=int))
        classes = random.choice(len(self.rates), size=n, p=np.asarray(self.rates) / sum(self.rates))
        services = np.empty(n)
        for rank, draw in enumerate(self.services):
            mine = classes == rank
            services[mine] = draw(random, int(mine.sum()))
        return Sample(arrivals, services, classes)

    def recursion(self, path: Sample) -> Outcome:
        if self.discipline == "preemptive-resume":
            return preemptive_resume(path.arrivals, path.services, path.classes)
        if self.discipline == "priority":
            return priority_servers(path.arrivals, path.services, path.classes, self.servers)
        if self.servers == 1 and self.places is None:
            return single_server(path.arrivals, path.services)
        return servers(path.arrivals, path.services, self.servers, self.places)

    def estimates(self, path: Sample, outcome: Outcome, skip: int) -> dict[str, float]:
        """Everything expected, from the jobs after the first ``skip``."""
        waits, responses = outcome[0][skip:], outcome[1][skip:]
        arrivals, services = path.arrivals[skip:], path.services[skip:]
        span = float(arrivals[-1] - arrivals[0])
        served = np.isfinite(waits)
        accepted = waits[served]
        found = {
            "Wq": float(accepted.mean()),
            "W": float(responses[served].mean()),
            "Lq": float(accepted.sum()) / span,
            "L": float(responses[served].sum()) / span,
            "utilization": float(services[served].sum()) / span / self.servers,
            "P_wait": float((accepted > 0).mean()),
            "P_block": 1 - float(served.mean()),
        }
        for name, threshold in self.thresholds:
            found[name] = float((accepted <= threshold).mean())
        if len(self.rates) > 1:
            classes = path.classes[skip:]
            for rank in range(len(self.rates)):
                mine = classes == rank
                found[f"Wq[{rank}]"] = float(waits[mine].mean())
                found[f"W[{rank}]"] = float(responses[mine].mean())
        return {name: found[name] for name in self.expected}


# -- the model -----------------------------------------------------------------------------------------


def _resumes(transition: Transition) -> None:
    """The study's option: a preempted job has saved its work and later does only what is left."""
    job = transition.job
    if transition.step is Step.PREEMPTED and job.run_time is not None and job.work.seconds is not None:
        left = job.work.seconds - (transition.time - job.run_time)
        job.work = job.work._replace(seconds=max(left, 0.0))


def through_the_model(system: System, path: Sample, *, one_node: bool) -> Outcome:
    """What the model makes of ``path``, on one node of c cores or on c nodes of one."""
    count = system.servers
    nodes = [("all", Resources.of(count, count))] if one_node else [(f"n{i}", CORE) for i in range(count)]
    preempts = system.discipline == "preemptive-resume"
    ordering = "fifo" if system.discipline == "fifo" else "priority-class"
    asked = {
        "ordering": {"policy": ordering},
        "placement": {"policy": "first-fit"},
        "preemption": {"policy": "priority" if preempts else "none"},
    }
    policies = policies_from(QueueSettings.model_validate(asked))
    model = Model(Cluster("analytic", nodes), policies, load_profile("instant"))
    if preempts:
        model.listeners.append(_resumes)
    times, services = path.arrivals.tolist(), path.services.tolist()
    n, jobs, over = len(times), list[Job | None](), 0

    def inside() -> int:
        # Only for systems with few places, so few jobs are looked at.
        nonlocal over
        active = [job for job in jobs[over:] if job is not None and job.state.is_active]
        while over < len(jobs) and ((job := jobs[over]) is None or not job.state.is_active):
            over += 1
        return len(active)

    def release(index: int) -> None:
        if system.places is not None and inside() >= system.places:
            jobs.append(None)
        else:
            rank = int(path.classes[index])
            work = Work(seconds=services[index])
            job = Job(index, "job", "user", "headless", CORE, CORE, work=work, priority=-rank)
            jobs.append(job)
            model.submit(job)
        if index + 1 < n:
            model.engine.after(times[index + 1] - model.now, Phase.SUBMIT, release, index + 1)

    model.engine.after(times[0], Phase.SUBMIT, release, 0)
    model.engine.drain()
    responses = np.full(n, np.nan)
    for index, job in enumerate(jobs):
        if job is not None and job.finish_time is not None:
            responses[index] = job.finish_time - path.arrivals[index]
    return responses - path.services, responses


# -- the cases -----------------------------------------------------------------------------------------

SERVICES: dict[str, Callable[[Generator, int, float], Floats]] = {
    "exp": lambda random, n, mean: random.exponential(mean, n),
    "det": lambda random, n, mean: np.full(n, float(mean)),
    "erlang4": lambda random, n, mean: random.gamma(4.0, mean / 4, n),
    "uniform02": lambda random, n, mean: random.uniform(0.0, 2 * mean, n),
    "h2": lambda random, n, mean: np.where(
        random.random(n) < 0.9, random.exponential(0.5 * mean, n), random.exponential(5.5 * mean, n)
    ),
    "lognorm_s1.5": lambda random, n, mean: mean * random.lognormal(-(1.5**2) / 2, 1.5, n),
}


def _service(name: str, mean: float) -> Callable[[Generator, int], Floats]:
    draw = SERVICES[name]
    return lambda random, n: draw(random, n, mean)


def system_of(case: dict[str, Any]) -> System:
    """A case of the file. Raises ``KeyError`` for what this check does not know."""
    model, given, expect = case["model"], case["params"], case["expect"]
    rates = given["lambda"] if isinstance(given["lambda"], list) else [given["lambda"]]
    if "mu" in given:
        means = [1 / given["mu"]] * len(rates)
        kind = "exp"
    else:
        means = given["mean"] if isinstance(given["mean"], list) else [given["mean"]]
        kind = given["service"]
    count = int(given.get("c", 1))
    expected: dict[str, float] = {}
    thresholds = []
    for name, value in expect.items():
        if name == "wait_quantiles":
            for probability, wait in value.items():
                share = f"P(wait<=q{probability})"
                thresholds.append((share, float(wait)))
                expected[share] = max(float(probability), 1 - expect["P_wait"])
        elif name == "Wq_all":
            expected["Wq"] = value
        elif isinstance(value, list):
            short = "Wq" if name.startswith("Wq") else name
            expected |= {f"{short}[{rank}]": float(part) for rank, part in enumerate(value)}
        else:
            expected[name] = float(value)
    main = tuple(name for name in expected if name.startswith(("Wq", "P_block")) and expected[name] > 0)
    return System(
        name=case["id"],
        rates=tuple(map(float, rates)),
        services=tuple(_service(kind, mean) for mean in means),
        servers=count,
        load=sum(rate * mean for rate, mean in zip(rates, means, strict=True)) / count,
        expected=expected,
        main=main,
        discipline={
            "M/M/c": "fifo",
            "M/M/c/K": "fifo",
            "M/G/1": "fifo",
            "M/G/1 preemptive-resume priority": "preemptive-resume",
            "M/M/c non-preemptive priority": "priority",
        }[model],
        places=given.get("K"),
        thresholds=tuple(thresholds),
        heavy=kind in ("h2", "lognorm_s1.5"),
    )


@dataclass(frozen=True)
class Effort:
    """How much is spent on a case."""

    model_jobs: int = 20_000
    replications: int = 20
    """At least."""
    jobs: int = 100_000
    """Of one replication; for the vectorised recursion of one server ten times as many, forty for a heavy tail."""
    half_width: float | None = 0.018
    """Relative, aimed at for the main estimates; ``None``: as it comes."""
    most_jobs: int = 1_500_000_000

    def length(self, system: System) -> int:
        quick = system.servers == 1 and system.discipline == "fifo" and system.places is None
        return self.jobs * (40 if quick and system.heavy else 10 if quick else 1)


QUICK = Effort(model_jobs=500, replications=10, jobs=10_000, half_width=None)
THOROUGH = Effort()


@dataclass(frozen=True)
class Finding:
    """What came of one case."""

    system: System
    intervals: dict[str, Interval]
    differing: int
    """Jobs on which model and recursion disagree."""
    model_jobs: int
    jobs: int

    @property
    def missed(self) -> list[str]:
        return [n for n, interval in self.intervals.items() if not interval.covers(self.system.expected[n])]

    @property
    def half_width(self) -> float:
        """The widest of the main estimates', relative."""
        widths = [self.intervals[name].half_width / self.system.expected[name] for name in self.system.main]
        return max(widths, default=0.0)

    @property
    def wide(self) -> bool:
        return self.system.load <= 0.9 and self.half_width >= 0.02

    def describe(self) -> str:
        covered = len(self.intervals) - len(self.missed)
        return (
            f"{self.system.name}: model = recursion on {self.model_jobs - self.differing}/{self.model_jobs} jobs; "
            f"99 % intervals cover {covered}/{len(self.intervals)}, half-width {self.half_width:.2%} "
            f"({self.jobs:,} jobs)" + (f", missing {', '.join(self.missed)}" if self.missed else "")
        )


def replications(system: System, seed: int, effort: Effort, which: Iterable[int]) -> list[dict[str, float]]:
    """Estimates of independent replications, each begun empty and without its first tenth."""
    n = effort.length(system)
    found = []
    for number in which:
        path = system.sample(generator(seed, system.name, "replication", number), n)
        found.append(system.estimates(path, system.recursion(path), n // 10))
    return found


def examine(system: System, effort: Effort, seed: int) -> Finding:
    """Run one case."""
    differing = compared = 0
    corrections: list[dict[str, float]] = []
    for one_node in (True, False):
        path = system.sample(generator(seed, system.name, "model", int(one_node)), effort.model_jobs)
        ours, theirs = through_the_model(system, path, one_node=one_node), system.recursion(path)
        same = np.isclose(ours[1], theirs[1], rtol=0, atol=SAME * float(path.services.mean()), equal_nan=True)
        differing += int((~same).sum())
        compared += len(same)
        model = system.estimates(path, (np.where(ours[0] > SAME, ours[0], 0.0), ours[1]), 0)
        recursion = system.estimates(path, (np.where(theirs[0] > SAME, theirs[0], 0.0), theirs[1]), 0)
        corrections.append({name: model[name] - recursion[name] for name in model})

    needed = effort.replications
    if effort.half_width is not None and system.main:
        # A pilot that is thrown away says how many, so that the interval stays honest.
        pilot = replications(system, seed, effort, range(-effort.replications, 0))
        for name in system.main:
            spread = float(np.std([found[name] for found in pilot], ddof=1))
            target = effort.half_width * system.expected[name]
            needed = max(needed, replications_needed(spread, target, CONFIDENCE))
        if system.load > 0.9:
            needed = min(needed, 4 * effort.replications)
        # The spread of a pilot is itself uncertain.
        needed = min(ceil(1.6 * needed), max(effort.replications, effort.most_jobs // effort.length(system)))
    found = replications(system, seed, effort, range(needed))
    intervals = {}
    for name in system.expected:
        interval = student([estimate[name] for estimate in found], CONFIDENCE)
        shift = [correction[name] for correction in corrections]
        if any(abs(part) > SAME for part in shift):  # the control variate has a variance of its own
            own = student(shift, CONFIDENCE)
            half = float(np.hypot(interval.half_width, own.half_width))
            mean = interval.mean + own.mean
            interval = Interval(mean, mean - half, mean + half, interval.n, CONFIDENCE)
        intervals[name] = interval
    return Finding(system, intervals, differing, compared, needed * effort.length(system))


def check(
    path: Path,
    *,
    effort: Effort = THOROUGH,
    cases: Iterable[str] | None = None,
    seed: int = 1,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """Every case of ``path``, or those whose ids are in ``cases``.

    A case is equal when model and recursion agree on every job, the intervals of its main estimates cover, and for a
    load up to 0.9 are narrower than 2 % to each side (unless ``effort`` asks for no width). Of the other intervals
    (about 120 with all cases) one in a hundred misses by right: misses count against their cases only when there are
    more than chance explains at 1 %. All are listed in the notes. ``progress`` hears
    of each; by default standard error does when it is a terminal.
    """
    if progress is None and sys.stderr.isatty():
        progress = lambda line: print(line, file=sys.stderr, flush=True)  # noqa: E731
    known = json.loads(path.read_text("utf-8"))["cases"]
    chosen = [case for case in known if cases is None or case["id"] in set(cases)]
    findings = []
    for number, case in enumerate(chosen, 1):
        finding = examine(system_of(case), effort, seed)
        findings.append(finding)
        if progress is not None:
            progress(f"[{number}/{len(chosen)}] {finding.describe()}")
    intervals = sum(len(finding.intervals) for finding in findings)
    covering = intervals - sum(len(finding.missed) for finding in findings)
    side = intervals - sum(len(finding.system.main) for finding in findings)
    side_missed = sum(len(set(finding.missed) - set(finding.system.main)) for finding in findings)
    excused = side_missed <= stats.binom.ppf(CONFIDENCE, side, 1 - CONFIDENCE)
    first = ""
    equal = 0
    for finding in findings:
        wrong = []
        if finding.differing:
            wrong.append(f"{finding.differing} jobs differ between model and recursion")
        for name in finding.missed:
            if excused and name not in finding.system.main:
                continue
            interval = finding.intervals[name]
            wrong.append(
                f"{name} in [{interval.low:.6g}, {interval.high:.6g}], expected {finding.system.expected[name]:.6g}"
            )
        if effort.half_width is not None and finding.wide:
            wrong.append(f"half-width {finding.half_width:.2%}")
        equal += not wrong
        if wrong and not first:
            first = f"{finding.system.name}: {'; '.join(wrong)}"
    jobs = sum(finding.model_jobs for finding in findings)
    agreeing = jobs - sum(finding.differing for finding in findings)
    notes = [
        f"model and recursion agree on {agreeing:,}/{jobs:,} jobs",
        f"99 % intervals that cover the closed form: {covering}/{intervals} ({covering / max(intervals, 1):.1%})",
        *(finding.describe() for finding in findings),
    ]
    return Report(len(findings), equal, first, notes)
