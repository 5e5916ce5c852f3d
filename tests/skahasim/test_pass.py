"""The scheduling pass against a scheduler so naive that it cannot be wrong, and the laws of who goes first."""

import os
import random
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skahasim.cluster import Cluster, Node
from skahasim.configuration import QueueSettings
from skahasim.job import Job, State, Work
from skahasim.model import Model
from skahasim.pending import PendingQueue
from skahasim.policies import ORDERINGS, PLACEMENTS, Limits, OpenAdmission, Policies, policies_from
from skahasim.policies.protocol import Verdict
from skahasim.profile import Profile, ProfileSettings
from skahasim.resources import Resources
from skahasim.transition import Step, Transition

LAW = hypothesis.settings(deadline=None, max_examples=3000 if os.environ.get("MOCKSKAHA_DEEP") else 120)


PARAMETERS = {
    "aging": {"hours_per_class": 2 / 3600},
    "fair-share": {"half_life_hours": 5 / 3600, "weights": {"a": 2}},
    "weighted-sum": {
        "factors": {"age": 3, "size": 1, "estimate": -1, "area": 0.5, "priority": 1, "fair_share": 2},
        "age_hours": 4 / 3600, "size_cores": 4, "size_ram_gib": 8, "estimate_hours": 5 / 3600,
        "highest_priority": 2, "half_life_hours": 5 / 3600, "by": "group",
    },
}  # fmt: skip
"""Short times, so that the order of those who wait changes within a few seconds."""


class Arrival(NamedTuple):
    gap: int
    cores: int
    ram_gib: int
    gpus: int
    user: str
    group: str
    seconds: int
    doom: str
    """What befalls the job when it is ``seconds`` old, besides ending: ``delete``, ``evict`` or nothing."""
    priority: int = 0


class Setting(NamedTuple):
    nodes: list[Resources]
    per_user: Limits
    per_group: Limits
    ordering: str
    placement: str
    enqueue: float
    stop: float
    preempts: bool = False

    def model(self) -> Model:
        ordering = {
            "size_classes": {"small": {"cores": 2, "ram_gib": 4}, "large": {"cores": 4, "ram_gib": 16}},
            "policy": self.ordering,
            **PARAMETERS.get(self.ordering, {}),
        }
        policies = replace(
            policies_from(
                QueueSettings.model_validate(
                    {
                        "ordering": ordering,
                        "placement": {"policy": self.placement},
                        "preemption": {"policy": "priority" if self.preempts else "none"},
                    }
                )
            ),
            admission=OpenAdmission(self.per_user, self.per_group),
        )
        profile = ProfileSettings.model_validate(
            {"description": "test", "enqueue": {"low": 0, "high": self.enqueue}, "stop": self.stop}
        )
        cluster = Cluster("test", [(f"node-{n}", capacity) for n, capacity in enumerate(self.nodes)])
        return Model(cluster, policies, Profile.of("test", profile))


NODES = st.lists(
    st.builds(Resources.of, st.integers(1, 6), st.integers(1, 24), st.sampled_from([0, 0, 1])),
    min_size=1,
    max_size=4,
)
LIMITS = st.one_of(
    st.just(Limits()),
    st.builds(
        Limits,
        jobs=st.just(float("inf")) | st.integers(0, 3),
        cores=st.just(float("inf")) | st.integers(1, 8),
        ram_gib=st.just(float("inf")) | st.integers(4, 24),
    ),
)
SETTINGS = st.builds(
    Setting,
    nodes=NODES,
    per_user=LIMITS,
    per_group=LIMITS,
    ordering=st.sampled_from(sorted(ORDERINGS)),
    placement=st.sampled_from(sorted(PLACEMENTS)),
    enqueue=st.sampled_from([0.0, 0.0, 1.5]),
    stop=st.sampled_from([0.0, 2.0]),
)
ARRIVALS = st.lists(
    st.builds(
        Arrival,
        gap=st.sampled_from([0, 0, 0, 1, 2]),
        cores=st.integers(1, 6),
        ram_gib=st.sampled_from([1, 4, 16]),
        gpus=st.sampled_from([0, 0, 0, 1]),
        user=st.sampled_from("ab"),
        group=st.sampled_from(["", "x", "y"]),
        seconds=st.integers(0, 6),
        doom=st.sampled_from(["", "", "", "delete", "evict"]),
        priority=st.integers(0, 2),
    ),
    max_size=30,
)


class NaiveQueue(PendingQueue):
    """Tries every waiting job on every node in every pass."""

    def __init__(self, cluster: Cluster, policies: Policies) -> None:
        super().__init__(cluster, policies)
        self.waiting: dict[int, Job] = {}

    def __len__(self) -> int:
        return len(self.waiting)

    def add(self, job: Job) -> None:
        self.waiting[job.number] = job

    def discard(self, job: Job) -> None:
        self.waiting.pop(job.number, None)

    def serve(self, now: float) -> list[Verdict]:
        self._policies.ordering.advance(now)
        verdicts = []
        for job in sorted(self.waiting.values(), key=lambda job: turn(self._policies, job)):
            hold = self._policies.admission.hold(job)
            node = None if hold else self._policies.placement.choose(job.request, self._cluster.nodes)
            if node is not None:
                self.bind(job, node)
                self.discard(job)
                verdicts.append(Verdict(job, node, "", False))
            elif not job.waiting_for or (job.held and not hold):
                why = hold or self._cluster.explain(job.request)
                verdicts.append(Verdict(job, None, why, bool(hold)))
        return verdicts


def turn(policies: Policies, job: Job) -> tuple[float, int]:
    return policies.ordering.key(job), job.number


def run(
    model: Model, arrivals: list[Arrival], after_each_instant: Callable[[list[Job]], None] = lambda jobs: None
) -> list[Job]:
    """Play ``arrivals`` an instant at a time."""
    jobs: list[Job] = []

    def advance(until: float) -> None:
        while model.engine.next_due <= until:
            model.advance(model.engine.next_due)
            after_each_instant(jobs)
        model.advance(until)

    now, dooms = 0, []
    for number, arrival in enumerate(arrivals):
        now += arrival.gap
        if arrival.doom:
            dooms.append((now + arrival.seconds, number, arrival.doom))
    dooms.sort(reverse=True)

    def meet_dooms(until: float) -> None:
        while dooms and dooms[-1][0] <= until and dooms[-1][1] < len(jobs):
            time, number, doom = dooms.pop()
            advance(time)
            if doom == "delete":
                model.delete(jobs[number])
            else:
                model.evict(jobs[number], "The node was low on resource: memory.")

    now = 0
    for number, arrival in enumerate(arrivals):
        now += arrival.gap
        meet_dooms(now)
        advance(now)
        request = Resources.of(arrival.cores, arrival.ram_gib, arrival.gpus)
        jobs.append(
            Job(
                number, f"job-{number}", arrival.user, "headless", request, request, group=arrival.group,
                work=Work(None if arrival.doom else arrival.seconds), restarts_allowed=1,
                requested_seconds=arrival.seconds + 1, priority=arrival.priority,
            )
        )  # fmt: skip
        model.submit(jobs[-1])
    meet_dooms(10_000)
    advance(10_000)
    return jobs


def admissible(setting: Setting, jobs: list[Job], job: Job) -> bool:
    """Whether the limits let ``job`` go now, counted from nothing but where the jobs are."""
    for limits, mine in (
        (setting.per_user, [other for other in jobs if other.user == job.user]),
        (setting.per_group, [other for other in jobs if other.group == job.group] if job.group else []),
    ):
        if not mine:
            continue
        held = [other.request for other in mine if other.node is not None] + [job.request]
        if (
            len(held) > limits.jobs
            or sum(request.cores for request in held) > limits.cores
            or sum(request.ram_gib for request in held) > limits.ram_gib
            or sum(request.gpus for request in held) > limits.gpus
        ):
            return False
    return True


def schedule(
    setting: Setting, arrivals: list[Arrival], kind: type[PendingQueue]
) -> list[tuple[float, str, Step, str]]:
    """All that happens, except when who is told why he waits: that has a law of its own."""
    model = setting.model()
    model.queue = kind(model.cluster, model.queue._policies)
    trace: list[tuple[float, str, Step, str]] = []

    def hear(seen: Transition) -> None:
        if seen.step not in (Step.HELD, Step.UNSCHEDULABLE):
            trace.append((seen.time, seen.job.name, seen.step, seen.reason))

    model.listeners.append(hear)
    run(model, arrivals)
    return trace


@LAW
@given(SETTINGS, ARRIVALS)
def test_lanes_decide_as_a_scheduler_that_tries_everything(setting: Setting, arrivals: list[Arrival]) -> None:
    assert schedule(setting, arrivals, PendingQueue) == schedule(setting, arrivals, NaiveQueue)


@LAW
@given(SETTINGS, ARRIVALS)
def test_after_every_instant_nothing_that_may_go_and_fits_is_waiting(
    setting: Setting, arrivals: list[Arrival]
) -> None:
    setting = setting._replace(preempts=False)  # room that is kept for a preemptor is not free
    model = setting.model()
    queued: set[Job] = set()

    def hear(seen: Transition) -> None:
        if seen.step is Step.QUEUED:
            queued.add(seen.job)
        elif seen.step in (Step.SCHEDULED, Step.DELETED):
            queued.discard(seen.job)

    def check(jobs: list[Job]) -> None:
        assert len(model.queue) == len(queued)
        for job in queued:
            may_go = admissible(setting, jobs, job)
            assert not (may_go and any(job.request.fits(node.free) for node in model.cluster.nodes))
            assert job.state is State.QUEUED
            assert job.waiting_for
            assert not (job.held and may_go)

    model.listeners.append(hear)
    run(model, arrivals, check)


class WatchedQueue(PendingQueue):
    """Asserts at each binding that nobody with an earlier turn could have had the place."""

    def __init__(self, model: Model, setting: Setting) -> None:
        super().__init__(model.cluster, model.queue._policies)
        self.setting = setting
        self.jobs: set[Job] = set()
        self.waiting: set[Job] = set()

    def add(self, job: Job) -> None:
        self.jobs.add(job)
        self.waiting.add(job)
        super().add(job)

    def discard(self, job: Job) -> None:
        self.waiting.discard(job)
        super().discard(job)

    def bind(self, job: Job, node: Node) -> None:
        mine = turn(self._policies, job)
        for other in self.waiting - {job}:
            if turn(self._policies, other) < mine:
                assert (other.request, other.user, other.group) != (job.request, job.user, job.group)
                if admissible(self.setting, list(self.jobs), other):
                    assert not any(other.request.fits(place.free) for place in self._cluster.nodes)
        super().bind(job, node)


@LAW
@given(SETTINGS, ARRIVALS)
def test_nobody_is_passed_by_a_later_turn_that_takes_a_place_he_could_have(
    setting: Setting, arrivals: list[Arrival]
) -> None:
    model = setting.model()
    model.queue = WatchedQueue(model, setting)
    run(model, arrivals)


@pytest.mark.parametrize("seed", range(40))
def test_lanes_decide_so_through_long_queues(seed: int) -> None:
    chance = random.Random(seed)
    unlimited = chance.random() < 0.3
    setting = Setting(
        [Resources.of(chance.randint(1, 6), 16, chance.randint(0, 1)) for _ in range(4)],
        Limits() if unlimited else Limits(jobs=chance.randint(1, 6), cores=chance.randint(4, 12)),
        Limits() if unlimited else Limits(ram_gib=chance.randint(4, 40)),
        ordering=chance.choice(sorted(ORDERINGS)),
        placement=chance.choice(sorted(PLACEMENTS)),
        enqueue=chance.choice([0.0, 1.5]),
        stop=chance.choice([0.0, 2.0]),
    )
    arrivals = [
        Arrival(
            chance.choice([0, 0, 1, 2]), chance.randint(1, 4), chance.choice([1, 4]), chance.choice([0, 0, 0, 1]),
            chance.choice("ab"), chance.choice(["", "x", "y"]), chance.randint(1, 8),
            chance.choice(["", "", "", "", "delete", "evict"]), chance.randint(0, 2),
        )
        for _ in range(60)
    ]  # fmt: skip
    lanes, naive = (schedule(setting, arrivals, kind) for kind in (PendingQueue, NaiveQueue))
    assert lanes == naive
    assert any(step is Step.SCHEDULED and time > arrivals[0].gap for time, _, step, _ in lanes)


def placed(setting: Setting, arrivals: list[Arrival]) -> list[str]:
    return [
        f"{time:g} {name} {where}"
        for time, name, step, where in schedule(setting, arrivals, PendingQueue)
        if step is Step.SCHEDULED
    ]


def test_nodes_freed_in_one_instant_are_looked_at_in_the_clusters_order() -> None:
    setting = Setting([Resources.of(4, 16)] * 2, Limits(), Limits(), "fifo", "first-fit", 0.0, 0.0)
    arrivals = [
        Arrival(0, 4, 1, 0, "a", "", 1, ""),
        Arrival(0, 4, 1, 0, "a", "", 5, ""),  # on node-1, and its end is known before
        Arrival(1, 4, 1, 0, "a", "", 4, ""),  # the end of this one on node-0, at the same time
        Arrival(0, 4, 1, 0, "a", "", 1, ""),
    ]
    assert placed(setting, arrivals) == [
        "0 job-0 node-0",
        "0 job-1 node-1",
        "1 job-2 node-0",
        "5 job-3 node-0",
    ]


def test_every_node_freed_in_one_instant_is_looked_at() -> None:
    setting = Setting(
        [Resources.of(6, 16), Resources.of(4, 16)], Limits(), Limits(), "fifo", "first-fit", 0.0, 0.0
    )
    arrivals = [
        Arrival(0, 6, 1, 0, "a", "", 2, ""),
        Arrival(0, 4, 1, 0, "a", "", 2, ""),
        Arrival(0, 6, 1, 0, "a", "", 2, ""),
    ]
    assert placed(setting, arrivals) == ["0 job-0 node-0", "0 job-1 node-1", "2 job-2 node-0"]


def test_a_job_let_go_by_a_limit_is_offered_all_nodes_not_only_those_just_freed() -> None:
    setting = Setting(
        [Resources.of(1, 16), Resources.of(2, 16)], Limits(jobs=1), Limits(), "fifo", "first-fit", 0.0, 0.0
    )
    arrivals = [Arrival(0, 1, 1, 0, "a", "", 3, ""), Arrival(0, 2, 1, 0, "a", "", 3, "")]
    assert placed(setting, arrivals) == ["0 job-0 node-0", "3 job-1 node-1"]


def test_small_jobs_go_first_and_what_does_not_fit_stops_nobody() -> None:
    setting = Setting([Resources.of(4, 16)], Limits(), Limits(), "size-priority", "spread", 0.0, 0.0)
    model = setting.model()
    started: list[str] = []
    model.listeners.append(
        lambda seen: started.append(f"{seen.time:g} {seen.job.name}") if seen.step is Step.SCHEDULED else None
    )
    run(
        model,
        [
            Arrival(0, 4, 1, 0, "a", "", 3, ""),  # fills the node until 3
            Arrival(1, 4, 1, 0, "a", "", 3, ""),  # large
            Arrival(0, 5, 1, 0, "a", "", 3, ""),  # never fits
            Arrival(0, 3, 1, 0, "a", "", 3, ""),  # medium
            Arrival(0, 1, 1, 0, "a", "", 3, ""),  # small
            Arrival(0, 1, 1, 0, "a", "", 4, ""),  # small, fits beside the small one only
        ],
    )
    assert started == ["0 job-0", "3 job-4", "3 job-5", "6 job-3", "9 job-1"]
