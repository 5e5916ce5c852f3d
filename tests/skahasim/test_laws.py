"""What holds for every run: nothing is over-allocated or lost, equal runs are equal, looking changes nothing."""

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skahasim.cluster import Cluster
from skahasim.job import Container, Job, PullOutcome, Work
from skahasim.model import Model
from skahasim.policies import FirstFit, Limits, OpenAdmission, Policies, SizePriority, Spread
from skahasim.profile import load_profile, profile_names
from skahasim.resources import NOTHING, Resources
from skahasim.transition import Step, Transition

LAW = hypothesis.settings(deadline=None, max_examples=1000 if os.environ.get("MOCKSKAHA_DEEP") else 40)
IMAGES = ("images.canfar.net/skaha/terminal:1", "images.canfar.net/skaha/astroml:2")


class Submit(NamedTuple):
    gap: float
    request: Resources
    user: str
    seconds: float | None
    exit_code: int
    ram_gib: float
    restarts: int
    deadline: float | None
    ttl: float | None
    pull: PullOutcome
    image: str

    def apply(self, model: Model, jobs: list[Job]) -> None:
        containers = (
            Container("init", "redis", 2**25, always_pull=False),
            Container("main", self.image, 2**30, pull=self.pull),
        )
        jobs.append(
            Job(
                len(jobs), f"job-{len(jobs)}", self.user, "notebook" if self.restarts else "headless",
                self.request, self.request._replace(ram_mib=8192), group=f"group-{self.user}",
                containers=containers, work=Work(self.seconds, self.exit_code, 1.0, self.ram_gib),
                restarts_allowed=self.restarts, deadline_seconds=self.deadline, ttl_seconds=self.ttl,
            )
        )  # fmt: skip
        model.submit(jobs[-1])


class Change(NamedTuple):
    gap: float
    what: str
    which: int
    seconds: float

    def apply(self, model: Model, jobs: list[Job]) -> None:
        if not jobs:
            return
        job = jobs[self.which % len(jobs)]
        if self.what == "delete":
            model.delete(job)
        elif self.what == "evict":
            model.evict(job, "The node was low on resource: memory.")
        else:
            model.set_deadline(job, self.seconds)


GAPS = st.sampled_from([0.0, 0.0, 0.25, 1.0, 7.0, 40.0])
SUBMITS = st.builds(
    Submit,
    gap=GAPS,
    request=st.builds(
        Resources.of,
        cores=st.sampled_from([0.5, 1.0, 4.0, 8.0, 20.0]),
        ram_gib=st.sampled_from([1.0, 4.0]),
        gpus=st.sampled_from([0, 0, 0, 1]),
    ),
    user=st.sampled_from(["alice", "bob"]),
    seconds=st.none() | st.sampled_from([0.0, 1.0, 30.0]),
    exit_code=st.sampled_from([0, 0, 1]),
    ram_gib=st.sampled_from([0.5, 10.0]),
    restarts=st.sampled_from([0, 2]),
    deadline=st.none() | st.sampled_from([5.0, 60.0]),
    ttl=st.none() | st.sampled_from([0.0, 20.0]),
    pull=st.sampled_from([PullOutcome.OK, PullOutcome.OK, PullOutcome.OK, PullOutcome.NOT_FOUND]),
    image=st.sampled_from(IMAGES),
)
CHANGES = st.builds(
    Change,
    gap=GAPS,
    what=st.sampled_from(["delete", "evict", "deadline"]),
    which=st.integers(0, 20),
    seconds=st.sampled_from([-1.0, 3.0, 100.0]),
)
SCRIPTS = st.lists(st.one_of(SUBMITS, SUBMITS, CHANGES), max_size=15)
PROFILES = st.sampled_from(profile_names())
LIMITS = st.sampled_from([Limits(), Limits(jobs=2), Limits(cores=6.0), Limits(ram_gib=9.0, gpus=1)])
SEEDS = st.integers(0, 1000)


def make(profile: str, limits: Limits, seed: int) -> Model:
    nodes = (("plain", Resources.of(8, 32)), ("gpu", Resources.of(4, 16, 2)))
    placement = Spread() if seed % 2 else FirstFit()
    policies = Policies(SizePriority(), OpenAdmission(limits, Limits(jobs=4)), placement)
    return Model(Cluster("test", nodes), policies, load_profile(profile), seed)


def play(
    model: Model,
    script: Sequence[Submit | Change],
    advance: Callable[[float], None],
    jobs: list[Job] | None = None,
) -> list[Job]:
    """A command is applied after all that is due at its time, as the live service does it."""
    jobs = [] if jobs is None else jobs
    now = 0.0
    for command in script:
        now += command.gap
        advance(now)
        command.apply(model, jobs)
    advance(now + 500.0)
    return jobs


def plain(transition: Transition) -> tuple[float, str, Step, int, str]:
    return (transition.time, transition.job.name, *transition[2:])


@LAW
@given(PROFILES, LIMITS, SEEDS, SCRIPTS)
def test_no_node_is_ever_over_allocated_and_nothing_is_lost(
    profile: str, limits: Limits, seed: int, script: list[Submit | Change]
) -> None:
    model = make(profile, limits, seed)
    jobs: list[Job] = []

    def check(_: Transition) -> None:
        total = NOTHING
        for node in model.cluster.nodes:
            held = NOTHING
            for job in jobs:
                if job.node is node:
                    held = held.plus(job.request)
            assert node.free == node.capacity.minus(held)
            assert min(node.free) >= 0
            total = total.plus(held)
        assert model.cluster.allocated == total
        for user in ("alice", "bob"):
            mine = [job.request for job in jobs if job.node is not None and job.user == user]
            assert len(mine) <= min(limits.jobs, 4)
            assert sum(request.cores for request in mine) <= limits.cores
            assert sum(request.ram_gib for request in mine) <= limits.ram_gib
            assert sum(request.gpus for request in mine) <= limits.gpus

    model.listeners.append(check)
    play(model, script, model.advance, jobs)
    for job in jobs:
        model.delete(job)
    model.engine.drain()
    assert model.cluster.allocated == NOTHING
    assert len(model.queue) == 0
    assert model.queue._lanes == {}
    assert model.lifecycle._endings == {}
    assert all(job.timer is job.deadline_timer is job.node is None for job in jobs)
    assert not any(
        ledger._held
        for ledger in (model.queue._policies.admission._users, model.queue._policies.admission._groups)  # type: ignore[attr-defined]
    )


@LAW
@given(PROFILES, LIMITS, SEEDS, SCRIPTS, st.lists(st.floats(0, 600), max_size=30))
def test_looking_changes_nothing_and_equal_runs_are_equal(
    profile: str, limits: Limits, seed: int, script: list[Submit | Change], looks: list[float]
) -> None:
    traces = []
    for polled in (False, False, True):
        model = make(profile, limits, seed)
        trace: list[Transition] = []
        model.listeners.append(trace.append)
        pending = sorted(looks, reverse=True) if polled else []

        def advance(until: float, model: Model = model, pending: list[float] = pending) -> None:
            while pending and pending[-1] <= until:
                model.advance(pending.pop())
            model.advance(until)

        play(model, script, advance)
        traces.append([plain(transition) for transition in trace])
    assert traces[0] == traces[1]
    assert traces[0] == traces[2]


def test_another_seed_is_another_run() -> None:
    traces = []
    script = [
        Submit(0.0, Resources.of(1, 1), "alice", 30.0, 0, 0.5, 0, None, None, PullOutcome.OK, IMAGES[0])
        for _ in range(3)
    ]
    for seed in (2, 4):
        model = make("realistic", Limits(), seed)
        trace: list[Transition] = []
        model.listeners.append(trace.append)
        play(model, script, model.advance)
        traces.append([plain(transition) for transition in trace])
    assert traces[0] != traces[1]
    assert [line[1:] for line in sorted(traces[0], key=lambda x: x[1])] == [
        line[1:] for line in sorted(traces[1], key=lambda x: x[1])
    ]


@LAW
@given(PROFILES, SEEDS, SCRIPTS)
def test_every_life_is_told_in_order(profile: str, seed: int, script: list[Submit | Change]) -> None:
    model = make(profile, Limits(jobs=3), seed)
    trace: list[Transition] = []
    model.listeners.append(trace.append)
    jobs = play(model, script, model.advance)
    assert [line.time for line in trace] == sorted(line.time for line in trace)
    for job in jobs:
        steps = [line.step for line in trace if line.job is job]
        assert steps[0] is Step.SUBMITTED
        assert steps.count(Step.SUBMITTED) == 1
        bound = [step for step in steps if step in (Step.SCHEDULED, Step.RELEASED)]
        assert bound == [Step.SCHEDULED, Step.RELEASED] * (len(bound) // 2) + [Step.SCHEDULED] * (
            len(bound) % 2
        )
        assert (job.node is not None) == bool(len(bound) % 2)
        ends = [step for step in steps if step in (Step.FINISHED, Step.FAILED, Step.EXPIRED)]
        assert len(ends) <= 1
        gone = [step for step in steps if step in (Step.DELETED, Step.REMOVED)]
        assert len(gone) <= 1
        assert steps.count(Step.KILLING) <= 1
        after = steps[steps.index((ends or gone)[0]) + 1 :] if ends or gone else []
        assert set(after) <= {Step.RELEASED, Step.KILLING, *gone}
        assert job.state.is_active == (not ends and not gone)


@pytest.mark.parametrize("moment", [0.0, 0.5])
def test_what_is_deleted_leaves_no_timers_behind(moment: float) -> None:
    model = make("fast", Limits(), 0)
    longest = 0
    for number in range(100_000 if moment == 0.0 else 5_000):
        job = Job(
            number, "job", "alice", "notebook", Resources.of(0.001, 0.001), Resources.of(1, 1),
            containers=(Container("main", IMAGES[0]),), deadline_seconds=345_600.0, ttl_seconds=86_400.0,
        )  # fmt: skip
        model.submit(job)
        model.advance(model.now + moment)
        model.delete(job)
        longest = max(longest, len(model.engine._queue))
    assert longest < 10_000
    model.engine.drain()
    assert model.now < 5_000
    assert model.cluster.allocated == NOTHING
