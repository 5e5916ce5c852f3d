"""Kueue's admission, object by object: who is admitted, who must go, and what is said to those who wait."""

import pytest

from skahasim.kueue.affinity import Requirement, Taint, Toleration
from skahasim.kueue.objects import (
    BorrowWithinCohort,
    ClusterQueue,
    Cohort,
    EvictionReason,
    FairSharing,
    FlavorQuotas,
    PodSet,
    PodSetAssignment,
    Preemption,
    PreemptionPolicy,
    QueueingStrategy,
    Quota,
    ResourceFlavor,
    ResourceGroup,
    StopPolicy,
    Workload,
)
from skahasim.kueue.quota import CohortCycle
from skahasim.kueue.scheduler import Livelock, Scheduler, UnknownQueue

DEFAULT = ResourceFlavor("default")
LOWER = Preemption(within_cluster_queue=PreemptionPolicy.LOWER_PRIORITY)


def groups(**flavors: Quota) -> tuple[ResourceGroup, ...]:
    quotas = tuple(FlavorQuotas(name, {"cpu": quota}) for name, quota in flavors.items())
    return (ResourceGroup(("cpu",), quotas),)


def queue(name: str = "q", nominal: int = 10, cohort: str = "", **more: object) -> ClusterQueue:
    limits = Quota(nominal, *more.pop("limits", ()))  # type: ignore[call-overload]
    return ClusterQueue(name, groups(default=limits), cohort, **more)  # type: ignore[arg-type]


def work(name: str, cpu: int, created: float = 0.0, priority: int = 0, to: str = "q") -> Workload:
    return Workload(name, to, (PodSet(requests={"cpu": cpu}),), priority, created)


class World:
    """A scheduler whose victims stop at once."""

    def __init__(self, *queues: ClusterQueue, **more: object) -> None:
        flavors = more.pop("flavors", [DEFAULT])
        cohorts = more.pop("cohorts", ())
        self.scheduler = Scheduler(queues, cohorts, flavors, **more)  # type: ignore[arg-type]
        self.log: list[tuple[str, ...]] = []
        self.reasons: dict[str, str] = {}

    def settle(self, now: float, *workloads: Workload) -> list[tuple[str, ...]]:
        for workload in workloads:
            self.scheduler.submit(workload)
        log: list[tuple[str, ...]] = []
        for cycle in self.scheduler.settle(now):
            log += [("admit", one.workload.name) for one in cycle.admitted]
            log += [("evict", one.workload.name, str(one.reason)) for one in cycle.preempted]
            self.reasons |= {one.workload.name: one.reason for one in cycle.pending}
            for eviction in cycle.preempted:
                self.scheduler.evicted(eviction.workload)
        return log


def test_priority_then_age_then_uid() -> None:
    world = World(queue(nominal=4))
    waiting = [work("late", 1, 2), work("b", 1, 1), work("a", 1, 1), work("first", 1, 9, priority=1)]
    assert world.settle(9, *waiting) == [("admit", name) for name in ("first", "a", "b", "late")]


@pytest.mark.parametrize("alone", [True, False])
def test_a_strict_queue_waits_for_its_head_and_the_other_does_not(alone: bool) -> None:
    others = () if alone else (queue("other"),)
    for strategy, log in (
        (QueueingStrategy.STRICT_FIFO, [("admit", "a")]),
        (QueueingStrategy.BEST_EFFORT_FIFO, [("admit", "a"), ("admit", "small")]),
    ):
        world = World(queue(queueing_strategy=strategy), *others)
        assert world.settle(0, work("a", 6), work("big", 6, 1), work("small", 2, 2)) == log
        assert world.reasons["big"] == (
            "couldn't assign flavors to pod set main: "
            "insufficient unused quota for cpu in flavor default, 2m more needed"
        )


def test_who_waits_is_told_once_and_again_after_an_eviction() -> None:
    world = World(queue(nominal=4, preemption=LOWER))
    low = work("low", 4)
    assert world.settle(0, low) == [("admit", "low")]
    assert world.settle(1, work("high", 4, 1, 5)) == [
        ("evict", "low", "InClusterQueue"),
        ("admit", "high"),
    ]
    assert "1 workload(s)" in world.reasons.pop("high")
    assert "4m more needed" in world.reasons.pop("low")
    assert world.settle(2, work("equal", 4, 2)) == []
    assert list(world.reasons) == ["equal"]


def test_borrowing_and_lending_have_limits() -> None:
    world = World(queue("q", 4, "all", limits=(2,)), queue("rich", 10, "all", limits=(None, 5)))
    assert world.settle(0, work("a", 4), work("b", 2), work("c", 1)) == [("admit", "a"), ("admit", "b")]
    assert world.settle(1, work("d", 9, to="rich")) == []
    assert world.settle(2, work("e", 8, to="rich")) == [("admit", "e")]
    too_much = world.settle(3, work("f", 7, 3))
    assert too_much == []
    assert world.reasons["f"] == (
        "couldn't assign flavors to pod set main: insufficient quota for cpu in flavor default, previously "
        "considered podsets requests (0) + current podset request (7m) > maximum capacity (6m)"
    )


def test_a_queue_takes_back_what_it_lent() -> None:
    reclaim = Preemption(reclaim_within_cohort=PreemptionPolicy.ANY)
    world = World(queue("q", 5, "all", preemption=reclaim), queue("other", 5, "all"))
    assert world.settle(0, work("a", 5, 0, 9, "other")) == [("admit", "a")]
    assert world.settle(1, work("b", 5, 1, 9, "other")) == [("admit", "b")]
    assert world.settle(2, work("c", 5, 2)) == [("evict", "b", "InCohortReclamation"), ("admit", "c")]


def test_reclaiming_while_borrowing_has_a_threshold() -> None:
    preemption = Preemption(
        reclaim_within_cohort=PreemptionPolicy.LOWER_PRIORITY,
        borrow_within_cohort=BorrowWithinCohort(PreemptionPolicy.LOWER_PRIORITY, 1),
    )
    world = World(queue("q", 2, "all", preemption=preemption), queue("other", 2, "all"))
    assert world.settle(0, work("low", 4, to="other", priority=1)) == [("admit", "low")]
    assert world.settle(1, work("high", 3, 1, 5)) == [
        ("evict", "low", "InCohortReclaimWhileBorrowing"),
        ("admit", "high"),
    ]
    world = World(queue("q", 2, "all", preemption=preemption), queue("other", 2, "all"))
    assert world.settle(0, work("low", 4, to="other", priority=2)) == [("admit", "low")]
    assert world.settle(1, work("high", 3, 1, 5)) == []


def test_fair_sharing_splits_what_nobody_owns_by_weight() -> None:
    reclaim = Preemption(reclaim_within_cohort=PreemptionPolicy.ANY)
    queues = [
        queue("q", 0, "all", preemption=reclaim, fair_weight=2.0),
        queue("other", 0, "all", preemption=reclaim),
        queue("bank", 9, "all"),
    ]
    world = World(*queues, fair_sharing=FairSharing())
    assert len(world.settle(0, *(work(f"o{i}", 1, i, to="other") for i in range(9)))) == 9
    log = world.settle(9, *(work(f"q{i}", 1, 10 + i) for i in range(9)))
    assert {line[2] for line in log if line[0] == "evict"} == {"InCohortFairSharing"}
    assert {name: sum(world.scheduler.usage(name).values()) for name in ("q", "other")} == {
        "q": 6,
        "other": 3,
    }
    assert world.scheduler.share("q").rounded == world.scheduler.share("other").rounded == 334


def test_victims_that_take_their_time_keep_their_quota_and_the_preemptor_its_place() -> None:
    scheduler = Scheduler([queue(nominal=4, preemption=LOWER)], flavors=[DEFAULT])
    low, high, small = work("low", 4), work("high", 4, 1, 5), work("small", 1, 2, 7)
    scheduler.submit(low)
    list(scheduler.settle(0))
    scheduler.submit(high)
    (eviction,) = [one for cycle in scheduler.settle(1) for one in cycle.preempted]
    assert eviction == (low, EvictionReason.IN_CLUSTER_QUEUE, high)
    scheduler.submit(small)  # of higher priority, but the preemptor stays first until its victim is gone
    assert [one for cycle in scheduler.settle(2) for one in (*cycle.admitted, *cycle.preempted)] == []
    assert scheduler.usage("q") == {("default", "cpu"): 4}
    scheduler.evicted(low)
    assert [one.workload for cycle in scheduler.settle(3) for one in cycle.admitted] == [high]
    scheduler.withdraw(high)
    assert [one.workload for cycle in scheduler.settle(4) for one in cycle.admitted] == [small]


def test_flavors_are_tried_in_order_and_must_match() -> None:
    spot = ResourceFlavor("spot", {"type": "spot"}, taints=(Taint("spot", "true"),))
    owned = ResourceFlavor("owned", {"type": "owned"})
    both = ClusterQueue("q", groups(spot=Quota(4), owned=Quota(4)))
    world = World(both, flavors=[spot, owned])
    tolerant = PodSet(requests={"cpu": 4}, tolerations=(Toleration("spot", "Exists"),))
    picky = PodSet(requests={"cpu": 1}, node_selector={"type": "spot", "unknown": "x"})
    either = PodSet(requests={"cpu": 4}, required_affinity=((Requirement("type", "In", ("spot", "owned")),),))
    for name, podset in (("tolerant", tolerant), ("picky", picky), ("either", either)):
        world.scheduler.submit(Workload(name, "q", (podset,)))
    admitted = {
        one.workload.name: one.podsets[0].flavors
        for cycle in world.scheduler.settle(0)
        for one in cycle.admitted
    }
    assert admitted == {"tolerant": {"cpu": "spot"}, "either": {"cpu": "owned"}}


def test_what_a_queue_does_not_have_nobody_gets() -> None:
    for groupless in (ClusterQueue("q"), queue()):
        world = World(groupless)
        world.scheduler.submit(Workload("w", "q", (PodSet(requests={"gpu": 1}),)))
        assert world.settle(0) == []
        assert world.reasons["w"] == (
            "couldn't assign flavors to pod set main: resource gpu unavailable in ClusterQueue"
        )


def test_fewer_pods_will_do_where_a_workload_says_so() -> None:
    world = World(queue(nominal=10))
    world.scheduler.submit(Workload("w", "q", (PodSet("p", 8, {"cpu": 2}, min_count=3),)))
    (admission,) = [one for cycle in world.scheduler.settle(0) for one in cycle.admitted]
    assert admission.podsets == (PodSetAssignment("p", 5, {"cpu": "default"}, {"cpu": 10}),)


def test_quotas_change_while_it_runs() -> None:
    world = World(queue(nominal=4))
    running = work("a", 4)
    assert world.settle(0, running, work("b", 4, 1)) == [("admit", "a")]
    world.scheduler.set_quota("q", groups(default=Quota(8)))
    assert world.settle(1) == [("admit", "b")]
    world.scheduler.set_quota("q", groups(default=Quota(6)))
    assert world.settle(2, work("c", 1, 2)) == []
    world.scheduler.withdraw(running)
    assert world.settle(3) == [("admit", "c")]
    with pytest.raises(UnknownQueue, match="elsewhere"):
        world.scheduler.set_quota("elsewhere", ())


def test_a_cohort_has_quota_of_its_own() -> None:
    pool = Cohort("pool", resource_groups=groups(default=Quota(3)))
    world = World(queue("q", 1, "pool"), cohorts=[pool])
    assert world.settle(0, work("a", 4)) == [("admit", "a")]
    assert world.settle(1, work("b", 2, 1)) == []
    world.scheduler.set_quota("pool", groups(default=Quota(5)), cohort=True)
    assert world.settle(2) == [("admit", "b")]


def test_stopped_queues_admit_nobody_and_may_drain() -> None:
    world = World(queue(nominal=4))
    running = work("a", 2)
    assert world.settle(0, running) == [("admit", "a")]
    assert world.scheduler.set_stop_policy("q", StopPolicy.HOLD) == ()
    assert world.settle(1, work("b", 1, 1)) == []
    (leaving,) = world.scheduler.set_stop_policy("q", StopPolicy.HOLD_AND_DRAIN)
    assert leaving == (running, EvictionReason.CLUSTER_QUEUE_STOPPED, None)
    world.scheduler.evicted(running)
    assert world.settle(2) == []
    world.scheduler.set_stop_policy("q", StopPolicy.NONE)
    assert world.settle(3) == [("admit", "a"), ("admit", "b")]


def test_a_state_can_be_taken_over() -> None:
    world = World(queue(nominal=4, preemption=LOWER))
    for name, reserved in (("new", 9.0), ("old", 1.0)):
        assignment = PodSetAssignment("main", 1, {"cpu": "default"}, {"cpu": 2})
        world.scheduler.restore(work(name, 2), [assignment], reserved)
    assert world.settle(10, work("high", 2, 10, 1))[0] == ("evict", "new", "InClusterQueue")


def test_namespaces_a_queue_does_not_select_stay_out() -> None:
    selector = {"matchExpressions": [{"key": "team", "operator": "In", "values": ["eng"]}]}
    world = World(queue(namespace_selector=selector))
    inside, outside = work("in", 1), work("out", 1)
    inside.namespace_labels, outside.namespace_labels = {"team": "eng"}, {"team": "sales"}
    assert world.settle(0, inside, outside) == [("admit", "in")]
    assert world.reasons == {"out": "Workload namespace doesn't match ClusterQueue selector"}
    world.scheduler.withdraw(outside)
    assert world.scheduler.usage("q") == {("default", "cpu"): 1}


def test_mistakes_are_told() -> None:
    scheduler = Scheduler([queue()], flavors=[DEFAULT])
    with pytest.raises(UnknownQueue, match="elsewhere"):
        scheduler.submit(work("a", 1, to="elsewhere"))
    once = work("a", 1)
    scheduler.submit(once)
    with pytest.raises(ValueError, match="submitted before"):
        scheduler.submit(once)
    with pytest.raises(CohortCycle, match=r"b -> a -> b|a -> b -> a"):
        Scheduler([], [Cohort("a", "b"), Cohort("b", "a")])
    with pytest.raises(Livelock, match="after 1 cycles"):
        list(scheduler.settle(0, most=1))
