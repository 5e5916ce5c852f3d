"""A calendar on a real Kueue queue, and on queues that plan ahead."""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from skahasim.calendar import CalendarEntry, install, prepare
from skahasim.cluster import Cluster
from skahasim.configuration import QueueSettings
from skahasim.failures import FailuresSettings
from skahasim.failures import install as install_failures
from skahasim.job import Job, State, Work
from skahasim.model import Model
from skahasim.policies import policies_from
from skahasim.profile import load_profile
from skahasim.resources import NOTHING, Resources
from skahasim.transition import Step, Transition

MONDAY = datetime(2026, 1, 5, tzinfo=ZoneInfo("America/Vancouver")).timestamp()
INSTANT = load_profile("instant")
H = 3600.0
MANIFESTS = """\
apiVersion: kueue.x-k8s.io/v1beta1
kind: ResourceFlavor
metadata: {name: default}
---
apiVersion: kueue.x-k8s.io/v1beta1
kind: ClusterQueue
metadata: {name: skaha}
spec:
  namespaceSelector: {}
  resourceGroups:
  - coveredResources: [cpu, memory]
    flavors:
    - name: default
      resources: [{name: cpu, nominalQuota: 4}, {name: memory, nominalQuota: 1000Gi}]
---
apiVersion: kueue.x-k8s.io/v1beta1
kind: LocalQueue
metadata: {name: local, namespace: default}
spec: {clusterQueue: skaha}
"""
CPU = {"cluster_queue": "skaha", "flavor": "default", "resource": "cpu"}


def model(queue: dict[str, Any], *entries: dict[str, Any], nodes: int = 4) -> Model:
    settings = QueueSettings.model_validate(queue)
    calendar = tuple(CalendarEntry.model_validate(entry) for entry in entries)
    cluster = Cluster("test", [(f"node-{number:02d}", Resources.of(4, 64)) for number in range(1, nodes + 1)])
    world = Model(cluster, prepare(policies_from(settings), settings, calendar), INSTANT)
    install(world, calendar, start=MONDAY, time_zone="America/Vancouver")
    return world


@pytest.fixture
def kueue(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "kueue.yaml").write_text(MANIFESTS, "utf-8")
    return {"kueue": {"manifests": [tmp_path / "kueue.yaml"]}, "placement": {"policy": "first-fit"}}


def job(number: int, cores: float = 2, seconds: float | None = 20 * H, **more: Any) -> Job:
    request = Resources.of(cores, 1)
    return Job(
        number, f"job-{number}", "alice", "headless", request, request, work=Work(seconds),
        requested_seconds=seconds, **more,
    )  # fmt: skip


def starts(world: Model, *jobs: Job, until: float) -> list[float | None]:
    for one in jobs:
        world.submit(one)
    world.advance(until)
    return [one.run_time for one in jobs]


def test_a_night_quota_lets_more_in_and_takes_nothing_back(kueue: dict[str, Any]) -> None:
    world = model(kueue, {"when": {"from": "18:00", "to": "08:00"}, "quota": [{**CPU, "nominal": 8}]})
    world.advance(9 * H)
    jobs = [job(number) for number in range(6)]
    # Two by day; from 18:00 four; the last two when the first two end at 29 h, which is 5:00.
    assert starts(world, *jobs, until=40 * H) == [9 * H] * 2 + [18 * H] * 2 + [29 * H] * 2


def test_a_stopped_cluster_queue_holds_and_then_goes_on(kueue: dict[str, Any]) -> None:
    world = model(kueue, {"when": {"from": "06:00", "to": "09:00"}, "stop": {"queue": "skaha"}})
    early = job(0)
    starts(world, early, until=7 * H)
    assert starts(world, job(1), until=30 * H) == [9 * H]
    assert (early.run_time, early.evictions) == (0.0, 0)


def test_a_drained_cluster_queue_evicts_even_when_nobody_waits(kueue: dict[str, Any]) -> None:
    world = model(
        kueue,
        {"when": {"from": "06:00", "to": "09:00"}, "stop": {"queue": "skaha", "policy": "HoldAndDrain"}},
    )
    one = job(0)
    starts(world, one, until=7 * H)
    assert (one.state, one.evictions) == (State.QUEUED, 1)
    world.advance(30 * H)
    assert (one.run_time, one.finish_time) == (9 * H, 29 * H)


def test_a_drain_under_kueue_is_fragmentation_and_not_a_lack_of_quota(kueue: dict[str, Any]) -> None:
    world = model(kueue, {"when": {"from": "06:00", "to": "09:00"}, "drain": {"count": 3, "requeue": True}})
    jobs = [job(0, 4)]
    assert starts(world, *jobs, until=5 * H) == [0.0]
    world.advance(7 * H)
    assert (jobs[0].run_time, jobs[0].node) == (6 * H, world.cluster.nodes[3])
    everything = model(kueue, {"when": {"from": "06:00", "to": "09:00"}, "drain": {}})
    everything.advance(7 * H)
    late = job(1)
    starts(everything, late, until=8 * H)
    assert (late.held, late.state) == (False, State.QUEUED)
    assert late.waiting_for.startswith("0/4 nodes are available: 4 node(s) were unschedulable. ")
    everything.advance(20 * H)
    assert late.run_time == 9 * H


@pytest.mark.parametrize("backfill", ["any-fit", "none", "easy", "easy-sjbf", "conservative"])
@pytest.mark.parametrize("nodes", [1, 3])
def test_no_queue_uses_a_closed_node_or_forgets_a_job(backfill: str, nodes: int) -> None:
    """Drains and failures under load: all work is done, on open nodes, and nobody waits while he fits."""
    world = model(
        {
            "ordering": {"policy": "fifo"},
            "backfill": {"policy": backfill},
            "placement": {"policy": "first-fit"},
            "admission": {"per_user": {"cores": 11}},
        },
        {
            "when": {"days": ["mon", "wed"], "from": "06:00", "to": "18:00"},
            "drain": {"count": 1, "requeue": True},
        },
        {"when": {"from": "20:00", "to": "02:00"}, "limits": {"per_user": {"cores": 5}}},
        nodes=nodes,
    )
    failures = {"random": [{"up": {"mean_hours": 30}, "down": {"mean_hours": 3}}], "requeue": True}
    install_failures(
        world, FailuresSettings.model_validate(failures), start=MONDAY, time_zone="America/Vancouver", seed=5
    )

    def note(transition: Transition) -> None:
        if transition.step is Step.SCHEDULED:
            assert transition.job.node is not None
            assert transition.job.node.is_open

    world.listeners.append(note)
    jobs = [job(number, 1 + number * 7 % 4, H * (0.5 + number * 5 % 6)) for number in range(60)]
    for number, one in enumerate(jobs):
        world.advance(number * H)
        world.submit(one)
    world.advance(3000 * H)
    assert [one.number for one in jobs if one.state is not State.SUCCEEDED] == []
    assert world.cluster.allocated == NOTHING
    assert len(world.queue) == 0


@pytest.mark.parametrize("backfill", ["any-fit", "none", "easy", "easy-sjbf", "conservative"])
def test_who_waits_for_a_node_goes_when_it_opens(backfill: str) -> None:
    world = model(
        {
            "ordering": {"policy": "fifo"},
            "backfill": {"policy": backfill},
            "placement": {"policy": "first-fit"},
        },
        {"when": {"from": "06:00", "to": "09:00"}, "drain": {}},
        nodes=2,
    )
    world.advance(7 * H)
    assert starts(world, job(0, 4), job(1, 4), job(2, 1), until=10 * H) == [9 * H, 9 * H, None]


@pytest.mark.parametrize("backfill", ["any-fit", "none", "easy", "easy-sjbf", "conservative"])
def test_the_order_changes_for_those_who_wait_whatever_the_discipline(backfill: str) -> None:
    world = model(
        {"ordering": {"policy": "fifo"}, "backfill": {"policy": backfill}, "placement": {"policy": "first-fit"}},
        {"when": {"from": "02:00", "to": "12:00"}, "ordering": {"policy": "size-priority", "size_classes": {
            "small": {"cores": 4, "ram_gib": 9}, "large": {"cores": 4, "ram_gib": 9}}}},
        nodes=1,
    )  # fmt: skip
    first, large, small = job(0, 4, 3 * H), job(1, 4, 5 * H), job(2, 3, 5 * H)
    assert starts(world, first, large, small, until=20 * H) == [0.0, 8 * H, 3 * H]
