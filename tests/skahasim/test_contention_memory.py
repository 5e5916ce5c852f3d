"""Nodes short of memory: when it happens, and who is evicted."""

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skahasim.cluster import Cluster
from skahasim.contention import ContentionSettings
from skahasim.contention.pressure import SLACK_GIB, Growth, passes, rank
from skahasim.job import Container, Job, State, Work
from skahasim.model import Model
from skahasim.policies import FirstComeFirstServed, FirstFit, OpenAdmission, Policies
from skahasim.profile import load_profile
from skahasim.resources import Resources
from skahasim.transition import Step
from skahasim.usage import memory_gib

LAW = hypothesis.settings(deadline=None, max_examples=80)
PRESSURE = ContentionSettings(memory="pressure")
INSTANT = load_profile("instant")
ALONE = 0.02
"""What a container has at its start, in GiB."""


def model(capacity_gib: float = 16, settings: ContentionSettings = PRESSURE) -> Model:
    cluster = Cluster("test", [("node", Resources.of(64, capacity_gib))])
    return Model(cluster, Policies(FirstComeFirstServed(), OpenAdmission(), FirstFit()), INSTANT, 1, settings)


def job(
    number: int,
    request: float,
    uses: float,
    *,
    limit: float = 0.0,
    seconds: float | None = None,
    **more: object,
) -> Job:
    return Job(
        number, f"job-{number}", "alice", "headless", Resources.of(1, request), Resources.of(1, limit),
        containers=(Container("main", "image"),), work=Work(seconds, ram_gib=uses), **more,  # type: ignore[arg-type]
    )  # fmt: skip


def troubles(world: Model, *jobs: Job, until: float = 1e6) -> list[tuple[float, str, Step, str]]:
    seen: list[tuple[float, str, Step, str]] = []
    steps = {Step.EVICTED, Step.OOM_KILLED, Step.FAILED}
    world.listeners.append(
        lambda t: seen.append((t.time, t.job.name, t.step, t.reason)) if t.step in steps else None
    )
    for one in jobs:
        world.submit(one)
    world.advance(until)
    return seen


def test_the_node_evicts_at_the_moment_its_memory_is_used_up() -> None:
    # Each grows from 0.02 to 12 GiB in 60 s: 16 GiB together after 60 x (16 - 0.04)/(24 - 0.04) s.
    due = 60 * (16 - 2 * ALONE) / (24 - 2 * ALONE)
    seen = troubles(model(), job(0, 4, 12), job(1, 6, 12))
    text = (
        "The node was low on resource: memory. Threshold quantity: 0, available: 0. Container main was using "
        "8192Mi, request is 4096Mi, has larger consumption of memory. "
    )
    assert [entry[0] for entry in seen] == pytest.approx([due, due])
    assert [entry[1:] for entry in seen] == [("job-0", Step.EVICTED, text), ("job-0", Step.FAILED, "Evicted")]


def test_an_evicted_job_that_may_starts_again_and_grows_again() -> None:
    stays = job(0, 11.5, 12)
    goes = job(1, 1, 12, restarts_allowed=2)
    seen = troubles(model(), stays, goes)
    assert [(entry[1], entry[2]) for entry in seen] == [
        ("job-1", Step.EVICTED), ("job-1", Step.EVICTED), ("job-1", Step.EVICTED), ("job-1", Step.FAILED),
    ]  # fmt: skip
    second = 60 * (16 - 12 - ALONE) / (12 - ALONE)  # beside 12 GiB that are there already, 4 are left
    assert seen[2][0] - seen[1][0] == pytest.approx(second)
    assert (stays.state, goes.state, goes.reason, goes.evictions) == (
        State.RUNNING,
        State.FAILED,
        "Evicted",
        3,
    )


def test_a_job_over_its_own_limit_is_killed_and_the_node_is_well() -> None:
    seen = troubles(model(), job(0, 1, 12, limit=4), job(1, 1, 12))
    assert [(entry[1], entry[2]) for entry in seen] == [("job-0", Step.OOM_KILLED), ("job-0", Step.FAILED)]


def test_who_ends_in_time_relieves_the_node() -> None:
    short = job(0, 1, 12, seconds=40.0)  # at 20 s it has its 12 GiB, at 40 s none
    late = job(1, 1, 12)
    world = model()
    world.submit(short)
    world.advance(30)
    assert troubles(world, late) == []  # the late one has 2 GiB when the short one ends
    assert (short.state, late.state) == (State.SUCCEEDED, State.RUNNING)


def test_a_threshold_is_kept_free_and_reclaim_takes_more_than_needed() -> None:
    settings = ContentionSettings(memory="pressure", eviction_threshold_gib=2, minimum_reclaim_gib=8)
    jobs = [job(number, 0, 6) for number in range(3)]
    seen = troubles(model(16, settings), *jobs)
    due = 60 * (14 - 3 * ALONE) / (18 - 3 * ALONE)
    # All alike: the youngest goes first; one leaves 9.3 GiB, which is more than 14 - 8.
    assert [(entry[1], entry[2]) for entry in seen] == [
        ("job-2", Step.EVICTED), ("job-2", Step.FAILED), ("job-1", Step.EVICTED), ("job-1", Step.FAILED),
    ]  # fmt: skip
    assert [entry[0] for entry in seen] == pytest.approx([due] * 4)
    assert "Threshold quantity: 2048Mi, available: 2048Mi." in seen[0][3]
    assert jobs[0].state is State.RUNNING


def test_the_order_of_evictions() -> None:
    """Above the request before within it, then priority, then how far above; the youngest among equals."""
    within = job(0, 8, 8, priority=-5)
    important = job(1, 0, 8, priority=10)
    best_effort, burstable = job(2, 0, 8), job(3, 2, 8)
    least = job(4, 6, 8, priority=-1)
    twin = job(5, 2, 8)
    jobs = [within, important, best_effort, burstable, least, twin]
    order = sorted(jobs, key=lambda one: rank(one, 8.0))
    assert [one.number for one in order] == [4, 2, 5, 3, 1, 0]


# -- laws --------------------------------------------------------------------------------------------------

GROWTH = st.builds(
    lambda start, ramp, top: Growth(start, start + ramp, min(0.02, top), top),
    st.integers(-80, 0).map(float),
    st.integers(0, 60).map(float),
    st.integers(0, 200).map(lambda tenths: tenths / 10),
)


@LAW
@given(st.lists(GROWTH, max_size=6), st.integers(0, 800).map(lambda tenths: tenths / 10))
def test_the_limit_is_passed_then_and_not_before(growths: list[Growth], limit: float) -> None:
    def together(time: float) -> float:
        return sum(growth.at(time) for growth in growths)

    due = passes(growths, limit, 0.0)
    if due is None:
        assert together(1e9) <= limit + 2 * SLACK_GIB
        return
    assert due >= 0.0
    assert together(due + 1e-3) > limit
    for part in range(20):
        assert together(due * part / 20) <= limit + 2 * SLACK_GIB or due == 0.0


@st.composite
def memory_jobs(draw: st.DrawFn) -> list[tuple[float, Job]]:
    found: list[tuple[float, Job]] = []
    time = 0.0
    for number in range(draw(st.integers(1, 6))):
        request, uses = draw(st.integers(0, 8)), draw(st.integers(0, 20))
        fixed = draw(st.booleans())
        one = job(
            number,
            request,
            uses,
            limit=request if fixed else 0,
            seconds=draw(st.sampled_from([None, 30.0, 500.0])),
            restarts_allowed=draw(st.integers(0, 2)),
            priority=draw(st.integers(0, 1)),
        )
        found.append((time, one))
        time += draw(st.sampled_from([0.0, 5.0, 20.0, 70.0]))
    return found


@LAW
@given(memory_jobs())
def test_no_node_ever_uses_more_memory_than_it_has_and_within_its_request_nobody_is_evicted(
    plan: list[tuple[float, Job]],
) -> None:
    world = model()
    evicted: list[Job] = []
    jobs = [one for _, one in plan]

    def in_use() -> float:
        running = [one for one in jobs if one.state is State.RUNNING]
        return sum(memory_gib(one.work, world.now - (one.run_time or 0.0)) for one in running)

    def watch(transition: object) -> None:
        if transition.step is Step.EVICTED:  # type: ignore[attr-defined]
            one: Job = transition.job  # type: ignore[attr-defined]
            evicted.append(one)
            assert one.work.ram_gib > one.request.ram_gib

    world.listeners.append(watch)
    arrivals = list(plan)
    while arrivals or world.engine.next_due < 2000:
        if arrivals and arrivals[0][0] <= world.engine.next_due:
            time, one = arrivals.pop(0)
            world.advance(time)
            world.submit(one)
            continue
        world.advance(world.engine.next_due)
        assert in_use() <= 16 + 1e-3
    if sum(max(one.work.ram_gib, one.request.ram_gib) for one in jobs) <= 16:
        assert not evicted
