"""Kueue under the model: quota first, a node then; preemption, eviction and deletion give back what was held."""

import json
import os
import statistics
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockskaha.config.loading import load_settings
from skahasim.cluster import Cluster
from skahasim.configuration import QueueSettings
from skahasim.engine import Phase
from skahasim.job import Job, State, Work
from skahasim.kueue import objects as kueue
from skahasim.kueue.discipline import KueueQueue
from skahasim.kueue.installation import Installation
from skahasim.kueue.manifests import Configuration, parse_manifests
from skahasim.kueue.objects import StopPolicy
from skahasim.kueue.settings import KueueSettings
from skahasim.model import Model
from skahasim.policies import (
    FirstComeFirstServed,
    FirstFit,
    Limits,
    OpenAdmission,
    Policies,
    Spread,
    policies_from,
)
from skahasim.profile import Profile, ProfileSettings, load_profile
from skahasim.resources import Resources
from skahasim.transition import Step, Transition
from skahasim.yamlfile import ConfigurationError
from tests.conformance import kueue_through_model

ROOT = Path(__file__).parents[2]
SIM_DATA = ROOT.parent / "shared" / "sim-data"
DEEP = bool(os.environ.get("MOCKSKAHA_DEEP"))
LAW = hypothesis.settings(deadline=None, max_examples=1500 if DEEP else 100)

MANIFEST = """\
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: default}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: cq}
spec:
  queueingStrategy: STRATEGY
  preemption: {withinClusterQueue: LowerPriority}
  resourceGroups:
  - coveredResources: [cpu, memory]
    flavors:
    - name: default
      resources: [{name: cpu, nominalQuota: 8}, {name: memory, nominalQuota: 80Gi}]
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: science, namespace: one}
spec: {clusterQueue: cq}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: closed, namespace: one}
spec: {clusterQueue: cq, stopPolicy: Hold}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: WorkloadPriorityClass
metadata: {name: low}
value: 10
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: WorkloadPriorityClass
metadata: {name: high}
value: 100
"""
TOLD = {
    Step.QUEUED, Step.HELD, Step.UNSCHEDULABLE, Step.ADMITTED, Step.SCHEDULED, Step.PREEMPTED, Step.EVICTED,
    Step.RELEASED, Step.FINISHED, Step.DELETED, Step.EXPIRED, Step.FAILED,
}  # fmt: skip


UNLIMITED = Limits()


class World:
    """A small cluster under Kueue, by default one queue of 8 cores and 80 GiB on two nodes of 4 cores and 40 GiB."""

    def __init__(
        self,
        nodes: tuple[Resources, ...] = (Resources.of(4, 40), Resources.of(4, 40)),
        *,
        strategy: str = "BestEffortFIFO",
        stop: float = 0.0,
        enqueue: float = 0.0,
        spread: bool = False,
        limits: Limits = UNLIMITED,
        **settings: Any,
    ) -> None:
        objects = parse_manifests(MANIFEST.replace("STRATEGY", strategy))
        chosen = KueueSettings.model_validate({"manifests": ["unread.yaml"], **settings})
        policies = Policies(
            FirstComeFirstServed(),
            OpenAdmission(limits),
            Spread() if spread else FirstFit(),
            discipline=lambda cluster, policies: KueueQueue(cluster, policies, Installation(objects, chosen)),
        )
        profile = ProfileSettings.model_validate({"description": "test", "stop": stop, "enqueue": enqueue})
        self.cluster = Cluster("test", [(f"n{index}", capacity) for index, capacity in enumerate(nodes)])
        self.model = Model(self.cluster, policies, Profile.of("test", profile))
        assert isinstance(self.model.queue, KueueQueue)
        self.queue = self.model.queue
        self.log: list[tuple[float, str, str]] = []
        self.reasons: list[str] = []
        self.jobs: list[Job] = []
        self.model.listeners.append(self._hear)

    def _hear(self, transition: Transition) -> None:
        if transition.step in TOLD:
            self.log.append((transition.time, transition.job.name, str(transition.step)))
            self.reasons.append(transition.reason)

    def submit(
        self,
        name: str,
        at: float,
        cores: float,
        seconds: float | None,
        priority_class: str = "low",
        ram_gib: float = 1.0,
        queue: str = "",
        kind: str = "headless",
        **more: Any,
    ) -> Job:
        request = Resources.of(cores, ram_gib)
        job = Job(
            len(self.jobs), name, "alice", kind, request, request,
            work=Work(seconds=seconds), priority_class=priority_class, queue=queue, **more,
        )  # fmt: skip
        self.jobs.append(job)
        self.at(at, lambda: self.model.submit(job), Phase.SUBMIT)
        return job

    def at(self, time: float, do: Callable[[], object], phase: Phase = Phase.LIFECYCLE) -> None:
        self.model.engine.after(time - self.model.now, phase, lambda _: do(), None)

    def told(self, until: float = 10_000.0) -> list[tuple[float, str, str]]:
        self.model.advance(until)
        return self.log

    def reason(self, name: str, step: str) -> list[str]:
        return [
            why
            for (_, who, what), why in zip(self.log, self.reasons, strict=True)
            if (who, what) == (name, step)
        ]


def test_quota_first_and_a_node_then() -> None:
    world = World()
    world.submit("a", 0, 4, 100)
    world.submit("b", 1, 4, 100)
    c = world.submit("c", 2, 1, 10)
    assert world.told(50) == [
        (0, "a", "queued"), (0, "a", "admitted"), (0, "a", "scheduled"),
        (1, "b", "queued"), (1, "b", "admitted"), (1, "b", "scheduled"),
        (2, "c", "queued"), (2, "c", "held"),
    ]  # fmt: skip
    assert (c.held, c.start_time, c.state) == (True, None, State.QUEUED)
    assert c.waiting_for == (
        "couldn't assign flavors to pod set main: insufficient unused quota for cpu in flavor default, 1 more needed"
    )
    assert world.told()[8:] == [
        (100, "a", "finished"), (100, "a", "released"), (100, "c", "admitted"), (100, "c", "scheduled"),
        (101, "b", "finished"), (101, "b", "released"), (110, "c", "finished"), (110, "c", "released"),
    ]  # fmt: skip
    assert (c.start_time, c.admit_time, c.schedule_time) == (100, 100, 100)


def test_what_has_quota_and_no_node_waits_with_its_quota() -> None:
    """Fragmentation: 3 + 3 cores are taken on nodes of 4; of the quota 2 are left, of each node 1."""
    world = World()
    world.submit("a", 0, 3, 100)
    world.submit("b", 1, 3, 50)
    c = world.submit("c", 2, 2, 10)
    assert world.told(40)[6:] == [(2, "c", "queued"), (2, "c", "admitted"), (2, "c", "unschedulable")]
    assert c.waiting_for.startswith("0/2 nodes are available: 2 Insufficient cpu.")
    assert (c.held, c.start_time, len(world.queue)) == (False, 2, 1)
    assert world.told(60)[9:] == [(51, "b", "finished"), (51, "b", "released"), (51, "c", "scheduled")]
    assert (c.admit_time, c.schedule_time, len(world.queue)) == (2, 51, 0)


def test_nodes_go_in_the_order_of_admission_and_any_that_fits_goes() -> None:
    world = World()
    world.submit("a", 0, 3, 30)
    world.submit("b", 0, 3, 60)
    world.submit("c", 1, 1.5, 10)
    world.submit("d", 2, 0.4, 10)
    world.submit("e", 3, 2, 10, ram_gib=41)
    assert [entry for entry in world.told() if entry[2] in ("scheduled", "unschedulable", "held")] == [
        (0, "a", "scheduled"), (0, "b", "scheduled"), (1, "c", "unschedulable"), (2, "d", "scheduled"),
        (3, "e", "held"), (30, "c", "scheduled"), (30, "e", "unschedulable"),
    ]  # fmt: skip


@pytest.mark.parametrize("spread", [False, True])
def test_a_more_important_job_makes_the_latest_admitted_give_way(spread: bool) -> None:
    world = World(spread=spread)
    world.submit("a", 0, 4, 100)
    b = world.submit("b", 1, 4, 100, deadline_seconds=150.0)
    world.submit("c", 20, 2, 50, "high")
    assert world.told(60)[6:] == [
        (20, "c", "queued"),
        (20, "b", "preempted"), (20, "b", "released"), (20, "b", "queued"),
        (20, "c", "admitted"), (20, "c", "scheduled"), (20, "b", "held"),
    ]  # fmt: skip
    assert world.reason("b", "preempted") == ["InClusterQueue"]
    # Suspended: neither start nor deadline. It lost what it had done.
    assert (b.start_time, b.admit_time, b.node, b.evictions, b.lost_seconds) == (None, None, None, 1, 19)
    assert world.told()[13:] == [
        (70, "c", "finished"), (70, "c", "released"), (70, "b", "admitted"), (70, "b", "scheduled"),
        (100, "a", "finished"), (100, "a", "released"), (170, "b", "finished"), (170, "b", "released"),
    ]  # fmt: skip
    assert b.start_time == 70


def test_a_victim_holds_its_quota_and_its_node_until_it_has_stopped() -> None:
    world = World(stop=5.0, enqueue=1.0)
    world.submit("a", 0, 4, 100)
    b = world.submit("b", 1, 4, 100)
    c = world.submit("c", 20, 2, 50, "high")
    d = world.submit("d", 22, 2, 50, "low")
    world.told(24)
    assert (b.state, b.held, b.start_time) == (State.QUEUED, True, None)
    assert (c.held, d.held, str(b.node and b.node.name)) == (True, True, "n1")
    assert world.log[6:] == [
        (21, "c", "queued"), (21, "b", "preempted"), (21, "c", "held"), (23, "d", "queued"), (23, "d", "held"),
    ]  # fmt: skip
    # Of the 4 cores c takes 2 and d, though it came later, 2 before b is back in the queue.
    assert world.told(30)[11:] == [
        (26, "b", "released"), (26, "c", "admitted"), (26, "d", "admitted"), (26, "c", "scheduled"),
        (26, "d", "scheduled"), (27, "b", "queued"), (27, "b", "held"),
    ]  # fmt: skip
    assert world.told(85)[18:] == [
        (76, "c", "finished"), (76, "c", "released"), (76, "d", "finished"), (76, "d", "released"),
        (76, "b", "admitted"), (76, "b", "scheduled"),
    ]  # fmt: skip


def test_who_has_quota_and_no_node_can_be_preempted() -> None:
    world = World(enqueue=1.0)
    world.submit("a", 0, 3, 100)
    world.submit("b", 0, 3, 50)
    c = world.submit("c", 2, 2, 10)
    world.submit("d", 10, 1, 10, "high")
    assert world.told(15)[8:] == [
        (3, "c", "unschedulable"),
        (11, "d", "queued"), (11, "c", "preempted"), (11, "d", "admitted"), (11, "d", "scheduled"),
        (12, "c", "queued"), (12, "c", "held"),
    ]  # fmt: skip
    assert (c.held, c.evictions, c.lost_seconds) == (True, 0, 0)
    assert world.told(60)[15:] == [
        (21, "d", "finished"), (21, "d", "released"), (21, "c", "admitted"), (21, "c", "unschedulable"),
        (51, "b", "finished"), (51, "b", "released"), (51, "c", "scheduled"),
    ]  # fmt: skip


def test_a_pod_put_off_its_node_comes_again_and_its_quota_stays() -> None:
    world = World(enqueue=1.0)
    a = world.submit("a", 0, 4, 100, restarts_allowed=1)
    world.submit("b", 1, 4, 100)
    world.submit("c", 2, 4, 10)
    world.at(10, lambda: world.model.evict(a, "The node was low on resource: memory."))
    assert world.told(20)[6:] == [
        (3, "c", "queued"), (3, "c", "held"),
        (10, "a", "evicted"), (10, "a", "released"), (11, "a", "queued"), (11, "a", "admitted"),
        (11, "a", "scheduled"),
    ]  # fmt: skip


def test_a_pod_on_its_way_back_can_lose_its_quota() -> None:
    world = World(enqueue=5.0)
    a = world.submit("a", 0, 8, 100, restarts_allowed=1)
    world.cluster.nodes[0].capacity = world.cluster.nodes[0].free = Resources.of(8, 40)
    world.submit("b", 7, 8, 10, "high")
    world.at(10, lambda: world.model.evict(a, "The node was low on resource: memory."))
    assert world.told(100)[3:] == [
        (10, "a", "evicted"), (10, "a", "released"),
        (12, "b", "queued"), (12, "a", "preempted"), (12, "b", "admitted"), (12, "b", "scheduled"),
        (17, "a", "queued"), (17, "a", "held"),
        (22, "b", "finished"), (22, "b", "released"), (22, "a", "admitted"), (22, "a", "scheduled"),
    ]  # fmt: skip


def test_deleting_gives_back_what_was_held() -> None:
    world = World(stop=5.0)
    a = world.submit("a", 0, 4, None)
    b = world.submit("b", 0, 3, None)
    c = world.submit("c", 0, 1, None, ram_gib=41)  # fits on no node, has quota
    d = world.submit("d", 0, 1, None)
    e = world.submit("e", 0, 1, None)
    f = world.submit("f", 0, 1, None)
    world.told(1)
    assert [job.held for job in world.jobs] == [False, False, False, True, True, True]
    world.at(10, lambda: world.model.delete(d))  # waits for quota: nothing to give back
    world.at(20, lambda: world.model.delete(c))  # waits for a node: its quota goes on at once
    world.at(30, lambda: world.model.delete(b))  # runs: once its pod has stopped
    assert [entry for entry in world.told(100) if entry[0] > 0] == [
        (10, "d", "deleted"), (20, "c", "deleted"), (20, "e", "admitted"), (20, "e", "scheduled"),
        (30, "b", "deleted"), (35, "b", "released"), (35, "f", "admitted"), (35, "f", "scheduled"),
    ]  # fmt: skip
    world.at(110, lambda: world.submit("g", 110, 8, 10, "high"))
    assert [entry for entry in world.told(112) if entry[0] > 100 and entry[2] == "preempted"] == [
        (110, "f", "preempted"), (110, "e", "preempted"), (110, "a", "preempted"),
    ]  # fmt: skip
    for job in (a, e, f):  # they are stopping: what they hold stays theirs until they have
        world.model.delete(job)
    g = world.jobs[-1]
    assert world.told(114.9)[-1] == (112, "f", "deleted")
    assert (g.held, len(world.queue)) == (True, 1)
    assert world.told(130)[-4:] == [
        (117, "e", "released"), (117, "f", "released"), (117, "g", "admitted"), (117, "g", "unschedulable"),
    ]  # fmt: skip


def test_what_can_never_go_is_held_and_says_why() -> None:
    world = World()
    world.submit("a", 0, 1, 10, queue="elsewhere")
    world.submit("b", 0, 1, 10, queue="closed")
    world.submit("c", 0, 1, 10, "urgent")
    world.submit("d", 0, 9, 10)
    world.submit("e", 0, 1, 10, queue="one/science")
    gpu = world.submit("f", 0, 1, 10)
    gpu.request = gpu.limit = Resources.of(1, 1, 1)
    world.told()
    assert [(name, world.reason(name, "held")) for name in "abcdf"] == [
        ("a", ["LocalQueue elsewhere doesn't exist"]),
        ("b", ["LocalQueue closed is inactive"]),
        ("c", ["WorkloadPriorityClass urgent doesn't exist"]),
        ("d", [
            "couldn't assign flavors to pod set main: insufficient quota for cpu in flavor default, previously "
            "considered podsets requests (0) + current podset request (9) > maximum capacity (8)"
        ]),
        ("f", ["couldn't assign flavors to pod set main: resource nvidia.com/gpu unavailable in ClusterQueue"]),
    ]  # fmt: skip
    assert [job.state for job in world.jobs] == [*[State.QUEUED] * 4, State.SUCCEEDED, State.QUEUED]
    for job in world.jobs:
        world.model.delete(job)
    assert len(world.queue) == 0


def test_a_strict_queue_waits_behind_its_head() -> None:
    world = World((Resources.of(8, 80),), strategy="StrictFIFO")
    world.submit("a", 0, 6, 100)
    world.submit("b", 1, 4, 10)
    world.submit("c", 2, 1, 10)
    assert [entry for entry in world.told() if entry[2] in ("held", "admitted")] == [
        (0, "a", "admitted"), (1, "b", "held"), (2, "c", "held"), (100, "b", "admitted"), (100, "c", "admitted"),
    ]  # fmt: skip
    assert world.reason("c", "held") == ["waiting in ClusterQueue cq"]


def test_limits_below_kueue_keep_pods_away_and_suspend_nobody() -> None:
    world = World(limits=Limits(jobs=1))
    world.submit("a", 0, 1, 10)
    b = world.submit("b", 1, 1, 10)
    assert world.told(5)[3:] == [(1, "b", "queued"), (1, "b", "admitted"), (1, "b", "unschedulable")]
    assert (b.waiting_for, b.held, b.start_time) == ("the limit of user alice on jobs (2 > 1)", False, 1)
    assert world.told()[6:8] == [(10, "a", "finished"), (10, "a", "released")]
    assert b.schedule_time == 10


def test_kinds_of_sessions_have_queues_and_classes() -> None:
    sessions = {
        "default": {"queue": "science", "priority_class": "high"},
        "headless": {"priority_class": "low"},
    }
    world = World(sessions=sessions)
    world.submit("batch", 0, 8, 100, "")
    world.submit("own", 1, 8, 100, "", priority=50)
    world.submit("notebook", 2, 1, 10, "", kind="notebook")
    world.submit("said", 2, 1, 10, "low", kind="notebook")
    world.told(3)
    assert [(job.queue, job.priority_class, job.priority) for job in world.jobs] == [
        ("science", "low", 10), ("science", "low", 10), ("science", "high", 100), ("science", "low", 10),
    ]  # fmt: skip


def test_quotas_and_stops_change_while_it_runs() -> None:
    world = World(nodes=(Resources.of(64, 640),))
    world.submit("a", 0, 8, 100)
    world.submit("b", 1, 8, 100)
    c = world.submit("c", 2, 1, 10)

    def change(do: Callable[[], object]) -> Callable[[], object]:
        return lambda: (do(), world.model.reconsider())

    world.at(10, change(lambda: world.queue.set_quota("cq", "default", "cpu", 16_000)))
    world.at(20, change(lambda: world.queue.set_quota("cq", "default", "cpu", 4_000)))
    world.at(105, change(lambda: world.queue.set_stop_policy("cq", StopPolicy.HOLD)))
    world.at(200, change(lambda: world.queue.set_stop_policy("cq", StopPolicy.NONE)))
    assert [entry for entry in world.told() if entry[2] in ("held", "admitted", "finished")] == [
        (0, "a", "admitted"), (1, "b", "held"), (2, "c", "held"), (10, "b", "admitted"),
        (100, "a", "finished"), (110, "b", "finished"), (200, "c", "admitted"), (210, "c", "finished"),
    ]  # fmt: skip
    assert c.admit_time == 200
    with pytest.raises(KeyError):
        world.queue.set_quota("cq", "default", "gpus", 1)
    with pytest.raises(KeyError):
        world.queue.set_stop_policy("other", StopPolicy.HOLD)


def test_the_control_plane_admits_no_faster_than_its_rate() -> None:
    world = World(admission_rate=0.5)
    for name in "abc":
        world.submit(name, 0, 1, 1)
    world.submit("d", 2.5, 1, 1, "high")
    assert [entry for entry in world.told() if entry[2] == "admitted"] == [
        (0, "a", "admitted"), (2, "b", "admitted"), (4, "d", "admitted"), (6, "c", "admitted"),
    ]  # fmt: skip
    assert world.reason("b", "held") == ["waiting in ClusterQueue cq"]


def test_so_many_cycles_in_an_instant_and_no_more() -> None:
    world = World(cycles_per_instant=2)
    for name in "abc":
        world.submit(name, 0, 1, 10)
    assert [entry for entry in world.told() if entry[2] in ("admitted", "held")] == [
        (0, "a", "admitted"), (0, "b", "admitted"), (0, "c", "held"), (10, "c", "admitted"),
    ]  # fmt: skip


# -- laws ------------------------------------------------------------------------------------------------


JOBS = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 1, 3]),
        st.sampled_from([1, 2, 3, 4]),
        st.sampled_from([1, 10, 39]),
        st.sampled_from([1, 4, 20]),
        st.sampled_from(["low", "low", "high", ""]),
        st.sampled_from(["", "", "", "delete", "evict"]),
        st.integers(0, 6),
    ),
    max_size=25,
)


STRATEGIES = st.sampled_from(["StrictFIFO", "BestEffortFIFO"])


@LAW
@given(JOBS, st.sampled_from([0.0, 2.0]), st.sampled_from([0.0, 1.0]), STRATEGIES)
def test_nothing_is_held_twice_or_for_ever(
    script: list[tuple[int, int, int, int, str, str, int]], stop: float, enqueue: float, strategy: str
) -> None:
    """At every instant quota and nodes hold what they can; at the end everybody has run and nothing is held; and once
    more is the same."""

    def play() -> World:
        world = World(strategy=strategy, stop=stop, enqueue=enqueue)
        now = 0
        for index, (gap, cores, ram_gib, seconds, priority, doom, later) in enumerate(script):
            now += gap
            job = world.submit(f"j{index}", now, cores, seconds, priority, ram_gib, restarts_allowed=9)
            if doom == "delete":
                world.at(now + later, partial(world.model.delete, job))
            elif doom == "evict":
                world.at(now + later, partial(world.model.evict, job, "low on memory"))
        while world.model.engine.next_due < 1e9:
            world.model.advance(world.model.engine.next_due)
            for node in world.cluster.nodes:
                assert min(node.free) >= 0
            holders = [job for job in world.jobs if job.number in world.queue._admitted]
            assert sum(job.request.millicores for job in holders) <= 8000
            assert sum(job.request.ram_mib for job in holders) <= 80 * 1024
            assert all(job.number in world.queue._admitted for job in world.jobs if job.node is not None)
            waiting = [job for job in world.jobs if job.state is State.QUEUED and job.node is None]
            assert len(world.queue) <= len(waiting)
        return world

    world = play()
    assert {job.state for job in world.jobs} <= {State.SUCCEEDED, State.GONE}
    assert world.cluster.allocated == Resources()
    queue = world.queue
    assert (len(queue), queue._admitted, queue._workloads, queue._stopping) == (0, set(), {}, set())
    assert not any(queue.scheduler.usage("cq").values())
    assert play().log == world.log


# -- the real Kueue ----------------------------------------------------------------------------------------


def scenarios() -> Iterator[dict[str, Any]]:
    path = SIM_DATA / "kueue-des" / "scenarios.jsonl"
    if path.is_file():
        for line in path.read_text().splitlines()[1:]:
            yield json.loads(line)


def by_instant(events: list[list[Any]]) -> list[tuple[int, str]]:
    """Events of one instant have no order among themselves."""
    return sorted((event[0], json.dumps(event, sort_keys=True)) for event in events)


@pytest.mark.skipif(not SIM_DATA.is_dir(), reason="needs the sim-data folder beside the repository")
@pytest.mark.parametrize("family", list("ABCDEFGH"))
def test_the_model_does_what_the_real_scheduler_did(family: str) -> None:
    chosen = [scenario for scenario in scenarios() if scenario["family"] == family]
    assert chosen
    for scenario in chosen:
        assert by_instant(kueue_through_model.play(scenario)) == by_instant(scenario["events"]), scenario[
            "id"
        ]


def time_to_admission(case: dict[str, Any], rate: float, latency: float) -> dict[str, float]:
    """Kueue's own performance test under a control plane that admits ``rate`` workloads a second and keeps each
    ``latency`` seconds longer than it runs: mean seconds from creation to admission, by class."""
    queues, flavor = [], "default"
    for cohort in range(case["cohorts"]):
        for number in range(case["queues_per_cohort"]):
            quota = kueue.Quota(case["nominal_quota_cpu"] * 1000, case["borrowing_limit_cpu"] * 1000)
            group = kueue.ResourceGroup(("cpu",), (kueue.FlavorQuotas(flavor, {"cpu": quota}),))
            preemption = kueue.Preemption(
                kueue.PreemptionPolicy(case.get("withinClusterQueue", "LowerPriority")),
                kueue.PreemptionPolicy(case.get("reclaimWithinCohort", "Any")),
            )
            queues.append(
                kueue.ClusterQueue(f"q{cohort}-{number}", (group,), f"cohort-{cohort}", preemption=preemption)
            )
    objects = Configuration(
        tuple(queues),
        flavors=(kueue.ResourceFlavor(flavor),),
        local_queues=tuple(kueue.LocalQueue(queue.name, queue.name) for queue in queues),
    )
    settings = KueueSettings.model_validate({"manifests": ["unread.yaml"], "admission_rate": rate})
    policies = Policies(
        FirstComeFirstServed(),
        OpenAdmission(),
        FirstFit(),
        discipline=lambda cluster, policies: KueueQueue(cluster, policies, Installation(objects, settings)),
    )
    model = Model(Cluster("roomy", [("node", Resources(10**9))]), policies, load_profile("instant"))
    coming = [
        (index * one["creation_interval_ms"] / 1000, queue.name, one)
        for index in range(max(one["per_queue"] for one in case["classes"]))
        for queue in queues
        for one in case["classes"]
        if index < one["per_queue"]
    ]
    waits: dict[str, list[float]] = {one["name"]: [] for one in case["classes"]}
    seen: set[int] = set()

    def hear(transition: Transition) -> None:
        job = transition.job
        if transition.step is Step.ADMITTED and job.number not in seen:
            seen.add(job.number)
            waits[job.kind].append(transition.time - job.submit_time)

    model.listeners.append(hear)
    for number, (time, queue, one) in enumerate(coming):
        request = Resources.of(one["cpu"])
        job = Job(
            number, f"{queue}-{number}", "user", one["name"], request, request, queue=queue,
            priority=one["priority"], work=Work(seconds=one["runtime_ms"] / 1000 + latency),
        )  # fmt: skip
        model.engine.after(time, Phase.SUBMIT, model.submit, job)
    model.engine.drain()
    assert [len(waits[one["name"]]) for one in case["classes"]] == [
        one["per_queue"] * len(queues) for one in case["classes"]
    ]
    return {name: statistics.fmean(found) for name, found in waits.items()}


@pytest.mark.skipif(not SIM_DATA.is_dir(), reason="needs the sim-data folder beside the repository")
def test_kueues_own_performance_test_comes_out_in_order() -> None:
    case = json.loads((SIM_DATA / "kueue-perf" / "baseline.json").read_text())["baseline"]
    found = time_to_admission(case, rate=43, latency=0.7)
    published = {name: ms / 1000 for name, ms in case["published_mean"]["time_to_admission_ms"].items()}
    assert found["large"] < found["medium"] < found["small"]
    assert {name: found[name] / published[name] for name in found} == {
        name: pytest.approx(1, abs=0.3) for name in found
    }


# -- settings ----------------------------------------------------------------------------------------------

SECTION = """\
queue:
  kueue:
    manifests: [kueue/canfar.yaml]
    sessions:
      default: {queue: skaha-local-queue, priority_class: high}
      headless: {queue: skaha-workload/skaha-local-queue, priority_class: low}
    nominal_quotas: {skaha-cluster-queue: {default: {cpu: 2627, memory: 9Ti}}}
"""


def production(tmp_path: Path) -> None:
    folder = tmp_path / "kueue"
    folder.mkdir()
    (folder / "canfar.yaml").write_text((ROOT / "examples" / "kueue" / "canfar-production.yaml").read_text())


def test_the_service_reads_manifests_beside_its_configuration(tmp_path: Path) -> None:
    production(tmp_path)
    (tmp_path / "serve.yaml").write_text(SECTION)
    policies = policies_from(load_settings(tmp_path / "serve.yaml").queue)
    assert policies.discipline is not None
    queue = policies.discipline(Cluster("test", [("node", Resources.of(64, 241))]), policies)
    assert isinstance(queue, KueueQueue)
    (cluster_queue,) = queue.installation.configuration.cluster_queues
    assert cluster_queue.resource_groups[0].flavors[0].quotas["cpu"] == kueue.Quota(
        2_627_000, 420_000, 420_000
    )
    job = Job(0, "a", "alice", "headless", Resources.of(1, 1), Resources.of(1, 1))
    queue.add(job)
    assert (job.queue, job.priority_class, job.priority) == (
        "skaha-workload/skaha-local-queue",
        "low",
        10_000,
    )
    assert [type(decision).__name__ for decision in queue.serve(0.0)] == ["Admitted", "Verdict"]
    usage = queue.scheduler.usage("skaha-cluster-queue")
    assert {resource: units for (_, resource), units in usage.items()} == {
        "cpu": 1000, "memory": 2**30, "ephemeral-storage": 20 * 2**30,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("kueue/canfar.yaml", "kueue/a.yaml, kueue/b.yaml", [
            "{}/serve.yaml:3: queue.kueue.manifests[0]: no such file: {}/kueue/a.yaml",
            "{}/serve.yaml:3: queue.kueue.manifests[1]: no such file: {}/kueue/b.yaml",
        ]),
        ("[kueue/canfar.yaml]", "[]", [
            "{}/serve.yaml:3: queue.kueue.manifests: should have at least 1 item after validation, not 0",
        ]),
        ("priority_class: low", "priority_class: lowest", [
            "{}/serve.yaml:6: queue.kueue.sessions.headless.priority_class: there is no WorkloadPriorityClass "
            "'lowest'; known: high, low, medium",
        ]),
        ("queue: skaha-local-queue", "queue: science", [
            "{}/serve.yaml:5: queue.kueue.sessions.default.queue: there is no LocalQueue 'science'; known: "
            "canfar-b-local-queue, skaha-local-queue",
        ]),
        ("cpu: 2627", "gpu: 1", [
            "{}/serve.yaml:7: queue.kueue.nominal_quotas.skaha-cluster-queue.default.gpu: has no quota in the "
            "manifests",
        ]),
        ("cpu: 2627", "cpu: some", [
            "{}/serve.yaml:7: queue.kueue.nominal_quotas.skaha-cluster-queue.default.cpu: 'some' is not a Kubernetes "
            "quantity, such as 2, 28800m or 241Gi",
        ]),
        ("skaha-cluster-queue:", "other:", [
            "{}/serve.yaml:7: queue.kueue.nominal_quotas.other: neither a ClusterQueue nor a Cohort; known: "
            "skaha-cluster-queue",
        ]),
        ("nominal_quotas", "nominal_quota", [
            "{}/serve.yaml:7: queue.kueue.nominal_quota: unknown key; did you mean 'nominal_quotas'?",
        ]),
    ],
)  # fmt: skip
def test_a_mistake_in_the_section_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, expected: list[str]
) -> None:
    production(tmp_path)
    (tmp_path / "serve.yaml").write_text(SECTION.replace(old, new))
    with pytest.raises(ConfigurationError) as caught:
        load_settings(tmp_path / "serve.yaml")
    assert str(caught.value).splitlines() == [line.replace("{}", str(tmp_path)) for line in expected]


def test_a_mistake_in_a_manifest_is_told_where_it_is(tmp_path: Path) -> None:
    production(tmp_path)
    manifest = tmp_path / "kueue" / "canfar.yaml"
    manifest.write_text(
        manifest.read_text().replace("queueingStrategy: BestEffortFIFO", "queueingStrategy: best")
    )
    with pytest.raises(ConfigurationError) as caught:
        policies_from(QueueSettings.model_validate({"kueue": {"manifests": [manifest]}}))
    assert str(caught.value) == (
        f"{manifest}:16: spec.queueingStrategy: should be 'StrictFIFO' or 'BestEffortFIFO', not 'best'"
    )
