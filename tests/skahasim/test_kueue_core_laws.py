"""What holds for Kueue's core whatever is submitted, finished, evicted and reconfigured."""

import os
from collections import defaultdict
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from skahasim.kueue.objects import (
    BorrowWithinCohort,
    ClusterQueue,
    Cohort,
    FairSharing,
    FlavorQuotas,
    FlavorResource,
    PodSet,
    Preemption,
    PreemptionPolicy,
    QueueingStrategy,
    Quota,
    ResourceFlavor,
    ResourceGroup,
    Workload,
)
from skahasim.kueue.quota import Node
from skahasim.kueue.scheduler import Livelock, Scheduler

LAW = hypothesis.settings(deadline=None, max_examples=1000 if os.environ.get("MOCKSKAHA_DEEP") else 50)
RESOURCES = ("cpu", "memory")
LIMITS = st.none() | st.integers(0, 6)
WITHIN = st.sampled_from(
    [PreemptionPolicy.NEVER, PreemptionPolicy.LOWER_PRIORITY, PreemptionPolicy.LOWER_OR_NEWER_EQUAL_PRIORITY]
)
RECLAIM = st.sampled_from([PreemptionPolicy.NEVER, PreemptionPolicy.LOWER_PRIORITY, PreemptionPolicy.ANY])


@st.composite
def resource_groups(draw: st.DrawFn, flavors: int = 2, limits: bool = True) -> tuple[ResourceGroup, ...]:
    names = ["one", "two"][: draw(st.integers(1, flavors))]
    quota = (
        st.builds(Quota, st.integers(0, 10), LIMITS, LIMITS)
        if limits
        else st.builds(Quota, st.integers(0, 6))
    )
    return (
        ResourceGroup(
            RESOURCES,
            tuple(FlavorQuotas(name, {each: draw(quota) for each in RESOURCES}) for name in names),
        ),
    )


@st.composite
def queues(draw: st.DrawFn, name: str, cohorts: tuple[str, ...], flavors: int = 2) -> ClusterQueue:
    borrow = st.builds(BorrowWithinCohort, st.just(PreemptionPolicy.LOWER_PRIORITY), LIMITS)
    return ClusterQueue(
        name,
        draw(resource_groups(flavors)),
        draw(st.sampled_from(cohorts)),
        draw(st.sampled_from(QueueingStrategy)),
        Preemption(draw(WITHIN), draw(RECLAIM), draw(st.none() | borrow)),
        fair_weight=draw(st.sampled_from([0.0, 0.5, 1.0, 2.0])),
    )


class Ask(NamedTuple):
    gap: int
    queue: int
    cpu: int
    memory: int
    priority: int
    run: int


ASKS = st.lists(
    st.builds(
        Ask,
        st.integers(0, 3),
        st.integers(0, 3),
        st.integers(0, 8),
        st.integers(0, 8),
        st.integers(0, 2),
        st.integers(1, 9),
    ),
    max_size=30,
)


@st.composite
def installations(draw: st.DrawFn) -> tuple[list[ClusterQueue], list[Cohort]]:
    names = ("root", "left", "right")
    cohorts = [
        Cohort(name, "" if name == "root" else "root", draw(st.just(()) | resource_groups(limits=False)))
        for name in names
    ]
    number = draw(st.integers(1, 4))
    return [draw(queues(f"q{index}", ("", *names))) for index in range(number)], cohorts


class Played:
    """A scheduler fed with what is asked for; victims stop ``grace`` after they are told."""

    def __init__(self, scheduler: Scheduler, asks: list[Ask], names: list[str], grace: int = 1) -> None:
        self.scheduler = scheduler
        self.log: list[tuple[int, str, str]] = []
        self.admitted: dict[Workload, int] = {}
        self._stops: dict[int, list[Workload]] = defaultdict(list)
        self._asks = asks
        self._names = names
        self._grace = grace

    def __iter__(self) -> Iterator[int]:
        """Play; an item is an instant that is over."""
        due: dict[int, list[Workload]] = defaultdict(list)
        run: dict[Workload, int] = {}
        at = 0
        for number, ask in enumerate(self._asks):
            at += ask.gap
            podset = PodSet(requests={"cpu": ask.cpu, "memory": ask.memory})
            workload = Workload(
                f"w{number:03}", self._names[ask.queue % len(self._names)], (podset,), ask.priority, float(at)
            )
            run[workload] = ask.run
            due[at].append(workload)
        for now in range(at + 60):
            for workload, end in list(self.admitted.items()):
                if end <= now:
                    del self.admitted[workload]
                    self.scheduler.withdraw(workload)
                    self.log.append((now, "finish", workload.name))
            for workload in self._stops.pop(now, ()):
                self.scheduler.evicted(workload)
            for workload in due.pop(now, ()):
                self.scheduler.submit(workload)
            for cycle in self.scheduler.settle(float(now)):
                for admission in cycle.admitted:
                    self.admitted[admission.workload] = now + run[admission.workload]
                    self.log.append((now, "admit", admission.workload.name))
                for eviction in cycle.preempted:
                    del self.admitted[eviction.workload]
                    self.log.append((now, "evict", eviction.workload.name))
                    self._stops[now + self._grace].append(eviction.workload)
            yield now

    def play(self) -> list[tuple[int, str, str]]:
        for _ in self:
            pass
        return self.log


def scheduler_of(cluster_queues: list[ClusterQueue], cohorts: list[Cohort], fair: bool) -> Scheduler:
    flavors = [ResourceFlavor("one"), ResourceFlavor("two")]
    return Scheduler(cluster_queues, cohorts, flavors, fair_sharing=FairSharing() if fair else None)


def within_limits(node: Node, key: FlavorResource) -> bool:
    quota = node.quotas.get(key)
    if node.parent is None or (quota is not None and quota.borrowing_limit is not None):
        limit = quota.borrowing_limit or 0 if quota is not None and node.parent is not None else 0
        return node.usage.get(key, 0) <= node.capacity.get(key, 0) + limit
    return True


@LAW
@given(installations(), ASKS, st.booleans())
def test_nothing_is_admitted_beyond_limits_and_nothing_is_lost(
    installation: tuple[list[ClusterQueue], list[Cohort]], asks: list[Ask], fair: bool
) -> None:
    scheduler = scheduler_of(*installation, fair)
    tree = scheduler.tree
    played = Played(scheduler, asks, [queue.name for queue in installation[0]])
    try:
        for _ in played:
            for node in (*tree.queues.values(), *tree.cohorts.values()):
                assert all(within_limits(node, key) for key in node.usage)
            for name, queue in scheduler.queues.items():
                held: dict[FlavorResource, int] = defaultdict(int)
                for claim in queue.admitted():
                    assert claim.usage is not None
                    for key, amount in claim.usage.items():
                        held[key] += amount
                used = {key: amount for key, amount in tree.queues[name].usage.items() if amount}
                assert used == {key: amount for key, amount in held.items() if amount}
            for cohort in tree.cohorts.values():
                for key in {key for child in (*cohort.cohorts, *cohort.queues) for key in child.usage}:
                    assert cohort.usage.get(key, 0) == sum(
                        max(0, child.usage.get(key, 0) - child.kept.get(key, 0))
                        for child in (*cohort.cohorts, *cohort.queues)
                    )
    except Livelock:
        hypothesis.assume(False)
    for workload in list(scheduler._claims):
        scheduler.withdraw(workload)
    assert scheduler.waiting() == 0
    assert not any(amount for node in tree.queues.values() for amount in node.usage.values())
    assert not any(amount for node in tree.cohorts.values() for amount in node.usage.values())


@LAW
@given(installations(), ASKS, st.booleans())
def test_equal_input_gives_equal_output(
    installation: tuple[list[ClusterQueue], list[Cohort]], asks: list[Ask], fair: bool
) -> None:
    names = [queue.name for queue in installation[0]]
    try:
        one, other = (Played(scheduler_of(*installation, fair), asks, names).play() for _ in range(2))
    except Livelock:
        hypothesis.assume(False)
    assert one == other


@LAW
@given(installations(), ASKS, st.booleans(), st.integers(0, 9))
def test_the_order_of_submission_within_an_instant_does_not_matter(
    installation: tuple[list[ClusterQueue], list[Cohort]], asks: list[Ask], fair: bool, seed: int
) -> None:
    logs = []
    for shuffled in (False, True):
        scheduler = scheduler_of(*installation, fair)
        workloads = [
            Workload(
                f"w{number:03}",
                installation[0][ask.queue % len(installation[0])].name,
                (PodSet(requests={"cpu": ask.cpu, "memory": ask.memory}),),
                ask.priority,
                float(number),
            )
            for number, ask in enumerate(asks)
        ]
        if shuffled:
            Random(seed).shuffle(workloads)
        for workload in workloads:
            scheduler.submit(workload)
        log = []
        try:
            for cycle in scheduler.settle(100.0):
                log += [("admit", one.workload.name) for one in cycle.admitted]
                log += [("evict", one.workload.name) for one in cycle.preempted]
        except Livelock:
            hypothesis.assume(False)
        logs.append(log)
    assert logs[0] == logs[1]


@LAW
@given(queues("q0", ("", "left"), flavors=1), ASKS, st.sampled_from([0, 1, 3]))
def test_passing_over_those_who_cannot_go_changes_nothing(
    queue: ClusterQueue, asks: list[Ask], grace: int
) -> None:
    """Beside an idle queue the line is served head by head; alone, those who cannot go are passed over. With nobody
    else in its tree, sums say what the tree would."""
    logs = []
    for specs in (
        [queue],
        [queue, ClusterQueue("idle")],
        [queue, ClusterQueue("idle", cohort=queue.cohort)],
    ):
        played = Played(scheduler_of(specs, [], fair=False), asks, ["q0"], max(grace, 1))
        logs.append(played.play())
    assert logs[0] == logs[1] == logs[2]
