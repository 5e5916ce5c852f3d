"""Preemption by priority: against a queue so naive that it cannot be wrong, and the laws of who makes whom leave."""

import itertools
import os
from collections.abc import Iterable, Iterator

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skahasim.cluster import Cluster, Node
from skahasim.configuration import QueueSettings
from skahasim.job import Job, State, Work
from skahasim.model import Model
from skahasim.policies import Policies, PriorityPreemption, UnusablePolicy, policies_from
from skahasim.policies.preemption.queue import PreemptingQueue
from skahasim.policies.protocol import Decision, Preempted, Verdict, Wake
from skahasim.profile import Profile, ProfileSettings
from skahasim.resources import Resources
from skahasim.transition import Step, Transition
from tests.skahasim.test_pass import ARRIVALS, SETTINGS, Arrival, Setting, admissible, run

LAW = hypothesis.settings(deadline=None, max_examples=3000 if os.environ.get("MOCKSKAHA_DEEP") else 60)
PREEMPTING = SETTINGS.map(lambda setting: setting._replace(preempts=True))
RUNNING = (State.STARTING, State.RUNNING)


class NaivePreemptingQueue:
    """In every pass, each waiting job in its turn: a place on any node, or victims on any node. When something
    comes free meanwhile, the next pass begins with the first in turn."""

    def __init__(self, cluster: Cluster, policies: Policies) -> None:
        self.cluster, self.policies = cluster, policies
        self.waiting: dict[int, Job] = {}
        self.nominated: dict[int, Node] = {}
        self.suspends = False
        self.changed = self.freed = False

    def __len__(self) -> int:
        return len(self.waiting)

    def add(self, job: Job) -> None:
        self.waiting[job.number] = job

    def discard(self, job: Job) -> None:
        self.waiting.pop(job.number, None)
        self.nominated.pop(job.number, None)

    def unbind(self, job: Job) -> None:
        self.cluster.unbind(job)
        self.policies.admission.release(job)
        self.freed = True

    def usable(self, job: Job, node: Node) -> Resources:
        free = node.free
        for number, where in self.nominated.items():
            if where is node and number != job.number and self.waiting[number].priority >= job.priority:
                free = free.minus(self.waiting[number].request)
        return free

    def place(self, job: Job, nodes: Iterable[Node]) -> Node | None:
        open_to_it = [node for node in nodes if job.request.fits(self.usable(job, node))]
        return self.policies.placement.choose(job.request, open_to_it)

    def bind(self, job: Job, node: Node) -> Verdict:
        self.changed = True
        self.discard(job)
        self.cluster.bind(job, node)
        self.policies.admission.acquire(job)
        return Verdict(job, node, "", False)

    def serve(self, now: float) -> Iterator[Decision]:
        policies, nodes = self.policies, self.cluster.nodes
        policies.ordering.advance(now)
        self.changed = self.freed = False
        turns = sorted((policies.ordering.key(job), number) for number, job in self.waiting.items())
        for _, number in turns:
            job = self.waiting[number]
            hold = policies.admission.hold(job)
            kept = self.nominated.get(number)
            node = None if hold else (self.place(job, [kept]) if kept else None) or self.place(job, nodes)
            if node is not None:
                yield self.bind(job, node)
            elif kept is not None:
                if all(other.state in RUNNING for other in kept.jobs):
                    del self.nominated[number]
                    self.changed = True
            elif not hold:
                choice = policies.preemption.victims(
                    job,
                    [(n, self.usable(job, n), [o for o in n.jobs if o.state in RUNNING]) for n in nodes],
                )
                if choice is not None:
                    node, victims = choice
                    self.nominated[number] = node
                    for victim in victims:
                        yield Preempted(victim, f"Preempted by {job.name} on node {node.name}")
                    if not policies.admission.hold(job) and self.place(job, [node]) is node:
                        yield self.bind(job, node)
            if self.freed:
                break
        if self.changed:
            yield Wake(now)


def schedule(setting: Setting, arrivals: list[Arrival], kind: type) -> list[tuple[float, str, Step, str]]:
    model = setting.model()
    model.queue = kind(model.cluster, model.policies)
    trace: list[tuple[float, str, Step, str]] = []

    def hear(seen: Transition) -> None:
        if seen.step not in (Step.HELD, Step.UNSCHEDULABLE):
            trace.append((seen.time, seen.job.name, seen.step, seen.reason))

    model.listeners.append(hear)
    run(model, arrivals)
    return trace


@LAW
@given(PREEMPTING, ARRIVALS)
def test_lanes_preempt_as_a_queue_that_tries_everything(setting: Setting, arrivals: list[Arrival]) -> None:
    assert schedule(setting, arrivals, PreemptingQueue) == schedule(setting, arrivals, NaivePreemptingQueue)


@LAW
@given(PREEMPTING, ARRIVALS)
def test_nobody_waits_while_less_important_jobs_hold_what_he_needs(
    setting: Setting, arrivals: list[Arrival]
) -> None:
    model = setting.model()
    queued: set[Job] = set()

    def hear(seen: Transition) -> None:
        if seen.step is Step.QUEUED:
            queued.add(seen.job)
        elif seen.step in (Step.SCHEDULED, Step.DELETED):
            queued.discard(seen.job)

    def check(jobs: list[Job]) -> None:
        queue = model.queue
        assert isinstance(queue, PreemptingQueue)
        assert len(queue) == len(queued)
        for job in queued:
            nominated = job.number in queue._nominations
            if nominated:  # and then somebody is leaving
                assert any(other.state not in RUNNING for other in queue._nominations[job.number].node.jobs)
            elif admissible(setting, jobs, job):
                for node in model.cluster.nodes:
                    usable = queue._usable(job, node)
                    assert not job.request.fits(usable)
                    for other in node.jobs:
                        if other.state in RUNNING and other.priority < job.priority:
                            usable = usable.plus(other.request)
                    assert not job.request.fits(usable)

    model.listeners.append(hear)
    run(model, arrivals, check)
    assert all(job.node is None for job in queued)


@LAW
@given(PREEMPTING, ARRIVALS)
def test_only_the_less_important_leave_and_none_in_vain(setting: Setting, arrivals: list[Arrival]) -> None:
    model = setting.model()
    jobs: dict[str, Job] = {}
    last: list[Transition] = []

    def hear(seen: Transition) -> None:
        jobs[seen.job.name] = seen.job
        if seen.step is Step.PREEMPTED:
            preemptor = jobs[seen.reason.split()[2]]
            assert preemptor.priority > seen.job.priority
            last.append(seen)

    model.listeners.append(hear)
    run(model, arrivals)
    for seen in last:
        assert seen.job.evictions > 0


REQUESTS = st.builds(Resources.of, st.integers(1, 4), st.integers(1, 8), st.integers(0, 1))
TAKEN = st.lists(st.tuples(REQUESTS, st.integers(0, 3), st.integers(0, 3)), max_size=5)


def job(number: int, request: Resources, priority: int, started: float = 0.0) -> Job:
    made = Job(number, f"job-{number}", "a", "headless", request, request, priority=priority)
    made.schedule_time = started
    return made


@LAW
@given(REQUESTS, st.integers(1, 3), st.lists(st.tuples(REQUESTS, TAKEN), min_size=1, max_size=3))
def test_victims_are_fewest_of_the_least_important(
    request: Resources, priority: int, content: list[tuple[Resources, list[tuple[Resources, int, int]]]]
) -> None:
    nodes = Cluster("test", [(f"node-{n}", Resources.of(64, 64, 8)) for n in range(len(content))]).nodes
    numbers = itertools.count()
    offered = [
        (node, free, [job(next(numbers), wanted, rank, started) for wanted, rank, started in taken])
        for node, (free, taken) in zip(nodes, content, strict=True)
        if not request.fits(free)
    ]

    def fits(free: Resources, victims: Iterable[Job]) -> bool:
        for victim in victims:
            free = free.plus(victim.request)
        return request.fits(free)

    preemptor = job(next(numbers), request, priority)
    possible = [
        subset
        for _, free, running in offered
        for size in range(1, len(running) + 1)
        for subset in itertools.combinations([o for o in running if o.priority < priority], size)
        if fits(free, subset)
    ]
    choice = PriorityPreemption().victims(preemptor, offered)
    if choice is None:
        assert not possible
        return
    node, victims = choice
    free = next(free for other, free, _ in offered if other is node)
    assert all(victim.priority < priority for victim in victims)
    assert fits(free, victims)
    assert not any(fits(free, set(victims) - {victim}) for victim in victims)
    least = min(max(other.priority for other in subset) for subset in possible)
    assert max(victim.priority for victim in victims) == least


def model(stop: float, policy: str = "fifo", nodes: int = 2) -> tuple[Model, list[str]]:
    settings = QueueSettings.model_validate(
        {
            "ordering": {"policy": policy},
            "placement": {"policy": "first-fit"},
            "preemption": {"policy": "priority"},
        }
    )
    profile = ProfileSettings.model_validate({"description": "test", "stop": stop})
    cluster = Cluster("test", [(f"node-{n}", Resources.of(4, 16)) for n in range(nodes)])
    made = Model(cluster, policies_from(settings), Profile.of("test", profile))
    told: list[str] = []
    steps = (Step.SCHEDULED, Step.PREEMPTED, Step.RELEASED)
    made.listeners.append(
        lambda seen: (
            told.append(f"{seen.time:g} {seen.job.name} {seen.step} {seen.reason}".rstrip())
            if seen.step in steps
            else None
        )
    )
    return made, told


def submit(model: Model, number: int, cores: int, priority: int, seconds: float = 10.0) -> Job:
    request = Resources.of(cores, 1)
    made = Job(
        number, f"job-{number}", "a", "headless", request, request, priority=priority, work=Work(seconds)
    )
    model.submit(made)
    return made


def test_the_last_started_of_the_least_important_leaves_and_begins_again() -> None:
    world, told = model(stop=0.0, nodes=1)
    submit(world, 0, 2, priority=0)
    world.advance(1)
    submit(world, 1, 2, priority=0)
    world.advance(2)
    submit(world, 2, 2, priority=1)
    world.advance(100)
    assert told == [
        "0 job-0 scheduled node-0",
        "1 job-1 scheduled node-0",
        "2 job-1 preempted Preempted by job-2 on node node-0",
        "2 job-1 released",
        "2 job-2 scheduled node-0",
        "10 job-0 released",
        "10 job-1 scheduled node-0",
        "12 job-2 released",
        "20 job-1 released",
    ]


def test_a_place_is_kept_for_the_preemptor_until_its_victim_is_gone() -> None:
    world, told = model(stop=5.0, nodes=1)
    submit(world, 0, 4, priority=0)
    world.advance(1)
    submit(world, 1, 3, priority=2)
    submit(world, 2, 1, priority=1)  # one core is left beside job-1
    submit(world, 3, 4, priority=1)
    world.advance(100)
    assert told == [
        "0 job-0 scheduled node-0",
        "1 job-0 preempted Preempted by job-1 on node node-0",
        "6 job-0 released",
        "6 job-1 scheduled node-0",
        "6 job-2 scheduled node-0",
        "16 job-1 released",
        "16 job-2 released",
        "16 job-0 scheduled node-0",
        "16 job-0 preempted Preempted by job-3 on node node-0",
        "21 job-0 released",
        "21 job-3 scheduled node-0",
        "31 job-3 released",
        "31 job-0 scheduled node-0",
        "41 job-0 released",
    ]


def test_with_its_order_by_priority_nobody_starts_who_must_leave_at_once() -> None:
    world, told = model(stop=5.0, policy="priority-class", nodes=1)
    submit(world, 0, 4, priority=0)
    submit(world, 1, 4, priority=1)
    world.advance(100)
    assert told == [
        "0 job-1 scheduled node-0",
        "10 job-1 released",
        "10 job-0 scheduled node-0",
        "20 job-0 released",
    ]


def test_a_preemptor_that_is_deleted_leaves_the_place_to_others() -> None:
    world, told = model(stop=5.0, policy="priority-class", nodes=1)
    submit(world, 0, 4, priority=0, seconds=50)
    world.advance(1)
    preemptor = submit(world, 1, 4, priority=2)
    world.advance(2)
    submit(world, 2, 2, priority=1)
    world.delete(preemptor)
    world.advance(7)
    assert told[1:] == [
        "1 job-0 preempted Preempted by job-1 on node node-0",
        "6 job-0 released",
        "6 job-2 scheduled node-0",
    ]


def test_a_preemptor_takes_another_place_that_comes_free_before() -> None:
    world, told = model(stop=5.0)
    submit(world, 0, 4, priority=0, seconds=50)
    submit(world, 1, 4, priority=1, seconds=3)
    world.advance(1)
    submit(world, 2, 4, priority=2)
    submit(world, 3, 2, priority=0)
    world.advance(8)
    assert told[2:] == [
        "1 job-0 preempted Preempted by job-2 on node node-0",
        "3 job-1 released",
        "3 job-2 scheduled node-1",
        "6 job-0 released",
        "6 job-0 scheduled node-0",
    ]


def test_who_is_leaving_or_ending_is_asked_no_second_time() -> None:
    world, told = model(stop=5.0, nodes=1)
    victim = submit(world, 0, 4, priority=0, seconds=50)
    world.advance(1)
    world.delete(victim)
    submit(world, 1, 4, priority=2)
    world.advance(2)
    submit(world, 2, 4, priority=3)
    world.advance(7)
    assert told[1:] == [
        "6 job-0 released",
        "6 job-1 scheduled node-0",
        "6 job-1 preempted Preempted by job-2 on node node-0",
    ]


def test_preemption_goes_with_any_fit_alone() -> None:
    settings = QueueSettings.model_validate(
        {"preemption": {"policy": "priority"}, "backfill": {"policy": "easy"}}
    )
    with pytest.raises(
        UnusablePolicy, match=r"queue\.preemption\.policy: 'priority' works with .* 'any-fit' only"
    ):
        policies_from(settings)


def test_a_policy_that_would_go_on_for_ever_is_stopped() -> None:
    class Rude:
        def victims(
            self, job: Job, nodes: Iterable[tuple[Node, Resources, Iterable[Job]]]
        ) -> tuple[Node, list[Job]] | None:
            return next(((node, list(running)) for node, _, running in nodes), None)

    world, _ = model(stop=0.0, nodes=2)
    queue = world.queue
    assert isinstance(queue, PreemptingQueue)
    queue._preemption = Rude()
    submit(world, 0, 4, priority=1)
    submit(world, 1, 4, priority=0)
    submit(world, 2, 4, priority=1)
    with pytest.raises(ValueError, match="Rude made a job leave for one of no higher priority"):
        world.advance(20)
