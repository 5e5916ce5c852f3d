"""Nodes that fail: when, what becomes of their jobs, and what else depends on it."""

from itertools import islice, pairwise
from typing import Any

import pydantic
import pytest

from skahasim.cluster import Cluster
from skahasim.configuration import QueueSettings
from skahasim.draws import Draws
from skahasim.failures import FailuresSettings, RandomFailures, TimeSettings, UnknownNode, failures, install
from skahasim.job import Job, State, Work
from skahasim.model import Model
from skahasim.policies import policies_from
from skahasim.profile import load_profile
from skahasim.resources import Resources
from skahasim.transition import Step, Transition

H = 3600.0
MONDAY = 1767600000.0  # 2026-01-05T00:00-08:00
INSTANT = load_profile("instant")
OUTAGE = {"node": "node-01", "down": "2026-01-05T02:00", "up": "2026-01-05T05:00"}


def world(settings: dict[str, Any], *, seed: int = 1, nodes: int = 2, queue: str = "fifo") -> Model:
    cluster = Cluster("test", [(f"node-{n:02d}", Resources.of(4, 64)) for n in range(1, nodes + 1)])
    ordering = {"ordering": {"policy": queue}, "placement": {"policy": "first-fit"}}
    model = Model(cluster, policies_from(QueueSettings.model_validate(ordering)), INSTANT, seed)
    install(
        model,
        FailuresSettings.model_validate(settings),
        start=MONDAY,
        time_zone="America/Vancouver",
        seed=seed,
    )
    return model


def job(number: int, cores: float = 4, seconds: float | None = 10 * H, **more: Any) -> Job:
    request = Resources.of(cores, 1)
    return Job(number, f"job-{number}", "alice", "headless", request, request, work=Work(seconds), **more)


def test_a_lost_pod_uses_a_restart_and_without_one_the_job_fails() -> None:
    model = world({"outages": [OUTAGE]})
    seen: list[tuple[float, str, Step, str]] = []

    def note(transition: Transition) -> None:
        if transition.step in (Step.SCHEDULED, Step.EVICTED, Step.FAILED, Step.RELEASED):
            seen.append((transition.time / H, transition.job.name, transition.step, transition.reason))

    model.listeners.append(note)
    lost, again = job(0, 2), job(1, 2, restarts_allowed=1)
    model.submit(lost)
    model.submit(again)
    model.advance(30 * H)
    assert seen == [
        (0.0, "job-0", Step.SCHEDULED, "node-01"),
        (0.0, "job-1", Step.SCHEDULED, "node-01"),
        (2.0, "job-0", Step.EVICTED, "Node is not ready"),
        (2.0, "job-0", Step.FAILED, "NodeLost"),
        (2.0, "job-0", Step.RELEASED, ""),
        (2.0, "job-1", Step.EVICTED, "Node is not ready"),
        (2.0, "job-1", Step.RELEASED, ""),
        (2.0, "job-1", Step.SCHEDULED, "node-02"),
        (12.0, "job-1", Step.RELEASED, ""),
    ]
    assert (again.restarts, again.lost_seconds, again.state) == (1, 2 * H, State.SUCCEEDED)


def test_with_requeue_no_restart_is_counted() -> None:
    model = world({"outages": [OUTAGE], "requeue": True}, nodes=1)
    one = job(0)
    model.submit(one)
    model.advance(4 * H)
    assert (one.state, one.waiting_for) == (
        State.QUEUED,
        "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }. preemption: 0/1 "
        "nodes are available: 1 Preemption is not helpful for scheduling.",
    )
    model.advance(30 * H)
    assert (one.run_time, one.restarts, one.evictions, one.state) == (5 * H, 0, 1, State.SUCCEEDED)


def test_what_ends_in_the_instant_of_the_failure_has_ended() -> None:
    model = world({"outages": [OUTAGE]})
    one = job(0, seconds=2 * H)
    model.submit(one)
    model.advance(3 * H)
    assert one.state is State.SUCCEEDED


def test_an_outage_may_be_under_way_at_the_start_or_over() -> None:
    early = {**OUTAGE, "down": "2026-01-04T20:00"}
    over = {"node": "node-01", "down": "2026-01-01", "up": "2026-01-02"}
    utc = {"node": "node-02", "down": "2026-01-05T08:00Z", "up": "2026-01-05T09:00Z"}
    model = world({"outages": [early, over, utc]})
    model.advance(0.0)
    assert [node.is_open for node in model.cluster.nodes] == [False, False]
    model.advance(H)
    assert [node.is_open for node in model.cluster.nodes] == [False, True]
    model.advance(5 * H)
    assert model.cluster.open_capacity == model.cluster.capacity


@pytest.mark.parametrize(
    ("settings", "spread"),
    [
        ({"distribution": "exponential", "mean_hours": 100}, 1.0),
        ({"distribution": "weibull", "mean_hours": 100, "shape": 0.7}, 1.4624),
        ({"distribution": "weibull", "mean_hours": 100, "shape": 2}, 0.5227),
        ({"distribution": "lognormal", "mean_hours": 100, "sigma": 0.5}, 0.5329),
        ({"distribution": "constant", "mean_hours": 100}, 0.0),
    ],
)
def test_times_have_the_mean_that_is_given_and_the_spread_of_their_law(
    settings: dict[str, Any], spread: float
) -> None:
    """Coefficients of variation: sqrt(G(1 + 2/k)/G(1 + 1/k)^2 - 1), sqrt(exp(s^2) - 1)."""
    law = TimeSettings.model_validate(settings)
    values = [law.seconds((k + 0.5) / 50_000) / H for k in range(50_000)]
    mean = sum(values) / len(values)
    assert mean == pytest.approx(100, rel=2e-3)
    assert (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5 / mean == pytest.approx(
        spread, abs=0.01
    )


def test_no_time_is_so_short_that_none_passes() -> None:
    law = TimeSettings(distribution="weibull", mean_hours=1e-6, shape=0.1)
    assert law.seconds(0.0) == 1.0


def test_a_node_fails_again_and_again_in_order() -> None:
    settings = RandomFailures(up=TimeSettings(mean_hours=200), down=TimeSettings(mean_hours=4))
    found = list(islice(failures(settings, "node-01", Draws(3)), 2000))
    assert all(one.begin < one.end < two.begin for one, two in pairwise(found))
    down = sum(window.end - window.begin for window in found)
    assert found[-1].end / 2000 / H == pytest.approx(204, rel=0.06)
    assert down / 2000 / H == pytest.approx(4, rel=0.06)


RANDOM = {"up": {"mean_hours": 50}, "down": {"mean_hours": 5, "distribution": "lognormal"}}


def outages(model: Model, jobs: int, until: float = 1000 * H) -> list[tuple[str, float, bool]]:
    """Every change of every node, with some load on them."""
    seen: list[tuple[str, float, bool]] = []
    state = dict.fromkeys(model.cluster.nodes, True)
    for number in range(jobs):
        model.submit(job(number, 1 + number % 3, H * (1 + number % 7), restarts_allowed=5))
    while model.engine.next_due <= until:
        model.advance(model.engine.next_due)
        for node in model.cluster.nodes:
            if node.is_open != state[node]:
                state[node] = node.is_open
                seen.append((node.name, model.now, node.is_open))
    return seen


def test_failures_are_the_same_whatever_else_happens() -> None:
    """Common random numbers: neither the load nor the policy moves them; another seed does, another node too."""
    empty = outages(world({"random": [RANDOM]}), 0)
    assert len(empty) > 40
    assert outages(world({"random": [RANDOM]}, queue="size-priority"), 60) == empty
    assert outages(world({"random": [RANDOM]}, seed=2), 0) != empty
    more = outages(world({"random": [RANDOM]}, nodes=3), 0)
    assert [change for change in more if change[0] != "node-03"] == empty
    first, second = ([time for name, time, _ in empty if name == node] for node in ("node-01", "node-02"))
    assert not set(first) & set(second)


def test_a_group_or_a_node_may_fail_alone() -> None:
    for group, expected in (
        ("node-02", {"node-02"}),
        ("node", {"node-01", "node-02"}),
        ("", {"node-01", "node-02"}),
    ):
        assert {
            name for name, _, _ in outages(world({"random": [{**RANDOM, "group": group}]}), 0)
        } == expected


def test_nothing_is_lost_or_done_twice_under_failures() -> None:
    model = world({"random": [RANDOM], "requeue": True}, nodes=3)
    jobs = [job(number, 1 + number % 4, H * (1 + number % 9)) for number in range(80)]
    released: dict[int, int] = {}
    bound: dict[int, int] = {}

    def note(transition: Transition) -> None:
        if transition.step is Step.RELEASED:
            released[transition.job.number] = released.get(transition.job.number, 0) + 1
        elif transition.step is Step.SCHEDULED:
            bound[transition.job.number] = bound.get(transition.job.number, 0) + 1
            assert transition.job.node is not None
            assert transition.job.node.is_open

    model.listeners.append(note)
    for one in jobs:
        model.submit(one)
    model.advance(5000 * H)
    assert {one.state for one in jobs} == {State.SUCCEEDED}
    assert released == bound == {one.number: one.evictions + 1 for one in jobs}
    assert sum(one.evictions for one in jobs) > 3
    for one in jobs:
        assert one.finish_time is not None
        assert one.schedule_time is not None
        assert one.finish_time - one.schedule_time == pytest.approx(one.work.seconds)
    assert model.cluster.allocated == Resources()
    assert not any(node.jobs for node in model.cluster.nodes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"outages": [{**OUTAGE, "node": "no"}]},
            r"failures.outages\[0\].node: there is no node or group of nodes 'no'",
        ),
        (
            {"random": [{**RANDOM, "group": "no"}]},
            r"failures.random\[0\].group: there is no node or group of nodes 'no'",
        ),
    ],
)
def test_what_the_cluster_does_not_have(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownNode, match=message):
        world(settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"outages": [{**OUTAGE, "up": "2026-01-05T01:00"}]}, "up must be after down"),
        ({"outages": [{**OUTAGE, "up": "2026-01-06T01:00Z"}]}, "must both have an offset, or none"),
        ({"random": [{**RANDOM, "up": {"mean_hours": 0}}]}, "greater than 0"),
        (
            {"random": [{**RANDOM, "up": {"mean_hours": 1, "distribution": "normal"}}]},
            "'exponential', 'weibull'",
        ),
    ],
)
def test_what_is_no_failure(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=message):
        FailuresSettings.model_validate(settings)
