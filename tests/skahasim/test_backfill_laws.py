"""What holds for every backfilled schedule, and that the fast passes decide as naive ones do."""

import os
from collections.abc import Callable, Iterable
from itertools import pairwise
from math import inf
from typing import Any, NamedTuple

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from skahasim.backfill import BackfillQueue, ConservativeQueue, EasyQueue, StrictQueue, perfect, requested
from skahasim.cluster import Cluster
from skahasim.configuration import Passes
from skahasim.engine import Phase
from skahasim.job import Job, State, Work
from skahasim.model import Model
from skahasim.policies import (
    FirstComeFirstServed,
    FirstFit,
    Limits,
    OpenAdmission,
    Ordering,
    Policies,
    SizeClass,
    SizePriority,
    Spread,
)
from skahasim.policies.protocol import Decision
from skahasim.profile import Profile, ProfileSettings
from skahasim.resources import Resources
from skahasim.transition import Step, Transition

LAW = hypothesis.settings(deadline=None, max_examples=2000 if os.environ.get("MOCKSKAHA_DEEP") else 60)


class Fickle(Ordering):
    """Who is first depends on the time of day."""

    moves_with_time = True

    def __init__(self) -> None:
        self._now = 0.0

    def advance(self, now: float) -> None:
        self._now = now

    def key(self, job: Job) -> float:
        return (job.number * 7 + int(self._now)) % 5


class Arrival(NamedTuple):
    gap: int
    cores: int
    ram_gib: int
    gpus: int
    run: int
    margin: int | None
    """Requested time beyond the run's length; ``None``: nothing is known of it."""
    user: str
    doom: str
    """What befalls it when it is two seconds old, besides ending: ``delete``, ``evict`` or nothing."""


class Setting(NamedTuple):
    nodes: list[Resources]
    passes: Passes
    ordering: Callable[[], Ordering] = FirstComeFirstServed
    limits: Limits = Limits()
    first_fit: bool = True
    stop: float = 0.0
    closing: tuple[int, int, int] = (0, 0, 0)
    """A node takes nothing from the second number until the third."""

    def model(self, discipline: Callable[[Cluster, Policies], BackfillQueue]) -> Model:
        policies = Policies(
            self.ordering(),
            OpenAdmission(self.limits),
            FirstFit() if self.first_fit else Spread(),
            discipline,
            self.passes,
        )
        profile = ProfileSettings.model_validate({"description": "test", "stop": self.stop})
        cluster = Cluster("test", [(f"node-{n}", capacity) for n, capacity in enumerate(self.nodes)])
        return Model(cluster, policies, Profile.of("test", profile))


PASSES: st.SearchStrategy[Passes] = st.sampled_from(["each-instant", "each-event"])
NODES = st.lists(
    st.builds(Resources.of, st.integers(1, 6), st.integers(4, 16), st.sampled_from([0, 0, 1])),
    min_size=1,
    max_size=4,
)
PROCESSORS = st.integers(2, 8).map(lambda cores: [Resources.of(cores, 16)])
ORDERINGS: st.SearchStrategy[Any] = st.sampled_from(
    [FirstComeFirstServed, lambda: SizePriority(SizeClass(2, 4), SizeClass(4, 16)), Fickle]
)
LIMITS = st.sampled_from([Limits(), Limits(), Limits(jobs=2), Limits(cores=4.0)])
SETTINGS = st.builds(
    Setting,
    nodes=NODES | PROCESSORS,
    passes=PASSES,
    ordering=ORDERINGS,
    limits=LIMITS,
    first_fit=st.booleans(),
    stop=st.sampled_from([0.0, 0.0, 1.0]),
    closing=st.sampled_from([(0, 0, 0), (0, 0, 0), (0, 2, 5), (1, 1, 9)]),
)


def arrivals(
    *, rigid: bool = False, margins: st.SearchStrategy[int | None], dooms: bool = True
) -> st.SearchStrategy[list[Arrival]]:
    return st.lists(
        st.builds(
            Arrival,
            gap=st.sampled_from([0, 0, 0, 1, 1, 2]),
            cores=st.integers(1, 6),
            ram_gib=st.just(0) if rigid else st.sampled_from([0, 1, 4, 9]),
            gpus=st.just(0) if rigid else st.sampled_from([0, 0, 0, 1]),
            run=st.integers(1, 8),
            margin=margins,
            user=st.sampled_from("ab"),
            doom=st.sampled_from(["", "", "", "", "delete", "evict"]) if dooms else st.just(""),
        ),
        min_size=1,
        max_size=25,
    )


ANY = st.one_of(
    arrivals(margins=st.none() | st.integers(-3, 5)),
    arrivals(rigid=True, margins=st.integers(-3, 5)),
)
KNOWN = st.one_of(
    arrivals(margins=st.integers(0, 5), dooms=False),
    arrivals(rigid=True, margins=st.integers(0, 5), dooms=False),
)
"""Nobody runs longer than requested, and nothing else happens."""
QUEUES: st.SearchStrategy[Any] = st.sampled_from([StrictQueue, EasyQueue, ConservativeQueue])


def run(
    setting: Setting, arriving: list[Arrival], discipline: Any, model: Model | None = None
) -> list[Transition]:
    """Everything that happens, until nothing does."""
    model = model or setting.model(discipline)
    trace: list[Transition] = []
    model.listeners.append(trace.append)
    engine, now = model.engine, 0
    for number, arrival in enumerate(arriving):
        now += arrival.gap
        request = Resources.of(arrival.cores, arrival.ram_gib, arrival.gpus)
        asked = None if arrival.margin is None else float(max(1, arrival.run + arrival.margin))
        job = Job(
            number, f"job-{number}", arrival.user, "headless", request, request,
            work=Work(float(arrival.run)), requested_seconds=asked, restarts_allowed=1,
        )  # fmt: skip
        engine.after(now, Phase.SUBMIT, model.submit, job)
        if arrival.doom == "delete":
            engine.after(now + 2, Phase.LIFECYCLE, model.delete, job)
        elif arrival.doom == "evict":
            engine.after(now + 2, Phase.LIFECYCLE, lambda job: model.evict(job, "evicted"), job)
    which, closes, opens = setting.closing
    if opens:
        node = model.cluster.nodes[which % len(model.cluster.nodes)]
        engine.after(closes, Phase.LIFECYCLE, model.close_node, node)
        engine.after(opens, Phase.LIFECYCLE, model.reopen_node, node)
    engine.drain()
    return trace


def plain(trace: Iterable[Transition]) -> list[tuple[float, str, Step, str]]:
    return [(seen.time, seen.job.name, seen.step, seen.reason) for seen in trace]


class NaiveEasy(EasyQueue):
    """Looks at every waiting job and every node in every pass, and remembers nothing."""

    def serve(self, now: float) -> list[Decision]:
        verdicts: list[Decision] = []
        self._prepare(now)
        self._line_up_all()
        head, left, promised, shadow = None, Resources(), None, inf
        for entry in sorted(self._waiting):
            node = self._placement.choose(entry[4].request, self._nodes)
            if head is None and not self._admission.hold(entry[4]) and node is None:
                head = entry
                break
            if not self._holds(entry, verdicts) and node is not None:
                self._leave(entry)
                self._start(entry, node, now, verdicts)
        if head is not None:
            wanted = head[4].request
            for node in self._nodes:
                for end, *_ in self._ends[node.index]:
                    free = node.free
                    for other, _, _, job in self._ends[node.index]:
                        if other <= end:
                            free = free.plus(job.request)
                    if node.is_open and wanted.fits(free) and end < shadow:
                        shadow, promised, left = end, node, free.minus(wanted)
        order = sorted(self._waiting)
        if self._by_length is not None:
            order.sort(key=lambda entry: (entry[3], entry[0], entry[1]))
        for entry in order:
            request, short = entry[4].request, now + entry[3] <= shadow
            if head is None or entry == head:
                continue
            nodes = [node for node in self._nodes if node is not promised or short or request.fits(left)]
            chosen = self._placement.choose(request, nodes)
            if chosen is not None and not self._holds(entry, verdicts):
                if chosen is promised and not short:
                    left = left.minus(request)
                self._leave(entry)
                self._start(entry, chosen, now, verdicts)
        self._close(verdicts)
        return verdicts


@LAW
@given(SETTINGS, ANY, st.booleans(), st.booleans())
def test_easy_decides_as_a_pass_over_everything_would(
    setting: Setting, arriving: list[Arrival], shortest_first: bool, clairvoyant: bool
) -> None:
    estimate = perfect if clairvoyant else requested
    ours, naive = (
        run(setting, arriving, lambda c, p, kind=kind: kind(c, p, estimate, shortest_first=shortest_first))
        for kind in (EasyQueue, NaiveEasy)
    )
    assert told_apart(ours) == told_apart(naive)


def told_apart(trace: list[Transition]) -> list[tuple[float, str, Step, str]]:
    """Who goes where and when; the order in which those of one instant are told why they wait is left open."""
    return sorted(plain(trace))


class ForgetfulConservative(ConservativeQueue):
    """Looks for an earlier time for everybody, whether anything came back since or not."""

    def _compress(self, now: float, verdicts: list[Decision]) -> None:
        for entry in list(self._waiting):
            slot = self._slots.get(entry[1])
            if slot is not None:
                slot.looked = -1
                self._returned += 1
                self._returned_on = [self._returned] * len(self._nodes)
        super()._compress(now, verdicts)


@LAW
@given(SETTINGS, ANY)
def test_conservative_passes_over_nobody_who_could_move(setting: Setting, arriving: list[Arrival]) -> None:
    assert told_apart(run(setting, arriving, ConservativeQueue)) == told_apart(
        run(setting, arriving, ForgetfulConservative)
    )


@LAW
@given(SETTINGS, ANY, QUEUES)
def test_nothing_is_over_allocated_or_lost(setting: Setting, arriving: list[Arrival], queue: Any) -> None:
    """At no instant does a node give more than it has: a job holds its request from its start until its release,
    the end of that interval excluded. Core-seconds of the jobs are those of the cluster."""
    model = setting.model(queue)
    allocated: list[tuple[float, int]] = []
    model.listeners.append(lambda seen: allocated.append((seen.time, model.cluster.allocated.millicores)))
    trace = run(setting, arriving, queue, model)
    held: dict[str, tuple[float, str, Resources]] = {}
    changes: dict[str, list[tuple[float, int, Resources]]] = {}
    of_jobs = 0.0
    for seen in trace:
        name, request = seen.job.name, seen.job.request
        if seen.step is Step.SCHEDULED:
            held[name] = (seen.time, seen.reason, request)
        elif seen.step is Step.RELEASED:
            began, node, _ = held.pop(name)
            changes.setdefault(node, []).extend([(began, 1, request), (seen.time, 0, request)])
            of_jobs += (seen.time - began) * request.millicores
    assert held == {}
    for node, steps in changes.items():
        free = next(place.capacity for place in model.cluster.nodes if place.name == node)
        for _, taken, request in sorted(steps):
            free = free.minus(request) if taken else free.plus(request)
            assert min(free) >= 0
    of_cluster = sum(
        (after[0] - before[0]) * before[1] for before, after in pairwise(allocated) if after[0] > before[0]
    )
    assert of_jobs == of_cluster
    assert model.cluster.allocated == Resources()
    # Whoever still waits fits on no node, or is held for ever.
    waiting = {seen.job for seen in trace if seen.job.state is State.QUEUED}
    assert len(model.queue) == len(waiting)
    for job in waiting:
        assert (
            not any(job.request.fits(node.capacity) for node in model.cluster.nodes)
            or setting.limits != Limits()
        )


class Watched:
    """Keeps the first promise to each job, and when each started."""

    def __init__(self, queue: Any) -> None:
        self.first: dict[str, float] = {}
        self._queue = queue

    def __call__(self, cluster: Cluster, policies: Policies) -> Any:
        queue, first = self._queue(cluster, policies), self.first
        serve = queue.serve

        def watched(now: float) -> Iterable[Decision]:
            decisions = list(serve(now))
            for entry in queue._entries.values():
                promise = queue.promised(entry[4])
                if promise is not None:
                    first.setdefault(entry[4].name, promise)
            return decisions

        queue.serve = watched
        return queue


@LAW
@given(NODES | PROCESSORS, PASSES, st.booleans(), KNOWN, st.sampled_from([EasyQueue, ConservativeQueue]))
def test_no_first_promise_is_ever_broken(
    nodes: list[Resources], passes: Passes, first_fit: bool, arriving: list[Arrival], queue: Any
) -> None:
    watched = Watched(queue)
    trace = run(Setting(nodes, passes, first_fit=first_fit), arriving, watched)
    started = {seen.job.name: seen.time for seen in trace if seen.step is Step.SCHEDULED}
    for name, promise in watched.first.items():
        if promise < inf:
            assert started[name] <= promise


@LAW
@given(NODES | PROCESSORS, PASSES, KNOWN)
def test_without_backfilling_jobs_start_in_the_order_of_submission(
    nodes: list[Resources], passes: Passes, arriving: list[Arrival]
) -> None:
    trace = run(Setting(nodes, passes), arriving, StrictQueue)
    started = [seen.job.number for seen in trace if seen.step is Step.SCHEDULED]
    assert started == sorted(started)
    fitting = [
        number
        for number, arrival in enumerate(arriving)
        if any(Resources.of(*arrival[1:4]).fits(node) for node in nodes)
    ]
    assert started == fitting


@LAW
@given(
    st.integers(1, 6),
    PASSES,
    st.sampled_from([StrictQueue, EasyQueue]),
    st.booleans(),
    KNOWN,
)
def test_one_more_node_never_lengthens_the_makespan_of_one_core_jobs(
    count: int, passes: Passes, queue: Any, first_fit: bool, arriving: list[Arrival]
) -> None:
    ones = [arrival._replace(cores=1, ram_gib=0, gpus=0) for arrival in arriving]
    ends = []
    for nodes in (count, count + 1):
        setting = Setting([Resources.of(1, 1)] * nodes, passes, first_fit=first_fit)
        ends.append([seen.time for seen in run(setting, ones, queue) if seen.step is Step.FINISHED])
    assert len(ends[0]) == len(ends[1]) == len(ones)
    assert max(ends[1]) <= max(ends[0])
