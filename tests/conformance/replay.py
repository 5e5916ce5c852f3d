"""Rigid jobs with known run times through the model, on one machine of processors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from skahasim.backfill import discipline
from skahasim.cluster import Cluster
from skahasim.configuration import Passes
from skahasim.engine import Phase
from skahasim.job import Job, Work
from skahasim.model import Model
from skahasim.policies import FirstComeFirstServed, FirstFit, OpenAdmission, Policies
from skahasim.profile import load_profile
from skahasim.resources import Resources
from skahasim.transition import Step, Transition


class Policy(NamedTuple):
    """A backfilling discipline, and what it plans with."""

    backfill: str
    perfect: bool = False


class Rigid(NamedTuple):
    """A job of a classic log; seconds."""

    submit: float
    processors: int
    run: float
    requested: float


def model_of(processors: int, policy: Policy, passes: Passes = "each-event") -> Model:
    """One node, first come first served, no delays."""
    policies = Policies(
        FirstComeFirstServed(),
        OpenAdmission(),
        FirstFit(),
        discipline(policy.backfill, "perfect" if policy.perfect else "requested"),
        passes,
    )
    return Model(
        Cluster("machine", [("processors", Resources.of(processors))]), policies, load_profile("instant")
    )


def release(model: Model, jobs: Iterable[Rigid]) -> None:
    """Submit ``jobs``, sorted by time, one by one as their times come."""
    engine, submit, coming = model.engine, model.submit, enumerate(jobs)

    def arrive(numbered: tuple[int, Rigid]) -> None:
        number, (_, processors, run, requested) = numbered
        request = Resources(processors * 1000)
        submit(
            Job(number, str(number), "user", "headless", request, request,
                work=Work(min(run, requested)), requested_seconds=requested)
        )  # fmt: skip
        follow()

    def follow() -> None:
        following = next(coming, None)
        if following is not None:
            engine.after(following[1].submit - engine.now, Phase.SUBMIT, arrive, following)

    follow()


def starts(
    jobs: list[Rigid],
    processors: int,
    policy: Policy,
    passes: Passes = "each-event",
    cpu_time: Callable[[], float] | None = None,
) -> tuple[list[float], float]:
    """When each of ``jobs`` starts, in their order; and the seconds by ``cpu_time`` that took."""
    model = model_of(processors, policy, passes)
    found = [-1.0] * len(jobs)

    def hear(seen: Transition) -> None:
        if seen.step is Step.SCHEDULED:
            found[seen.job.number] = seen.time

    model.listeners.append(hear)
    began = cpu_time() if cpu_time is not None else 0.0
    release(model, jobs)
    model.engine.drain()
    return found, cpu_time() - began if cpu_time is not None else 0.0
