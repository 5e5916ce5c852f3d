from math import isclose

import hypothesis
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from skahasim.cluster import Cluster
from skahasim.draws import Draws
from skahasim.job import Job, State, Work
from skahasim.resources import Resources
from skahasim.usage import core_share, exceeds_after, memory_gib, ramp_seconds, sample

LAW = hypothesis.settings(deadline=None)
GIB = st.floats(0, 64)
WORK = st.builds(Work, seconds=st.none() | st.floats(0, 1e5), ram_gib=GIB)


def running(
    number: int, cores: float, request: float, limit: float, ram_gib: tuple[float, float] = (4, 8)
) -> Job:
    job = Job(
        number, f"job-{number}", "alice", "notebook", Resources.of(request, ram_gib[0]),
        Resources.of(limit, ram_gib[1]), work=Work(cores=cores, ram_gib=2.0),
    )  # fmt: skip
    job.state, job.run_time = State.RUNNING, 0.0
    return job


def shares(capacity: float, *jobs: Job) -> list[float]:
    cluster = Cluster("test", [("node", Resources.of(capacity, 1000))])
    for job in jobs:
        cluster.bind(job, cluster.nodes[0])
    return [core_share(job) for job in jobs]


@pytest.mark.parametrize(("seconds", "ramp"), [(None, 60.0), (1000.0, 60.0), (100.0, 50.0), (0.0, 0.0)])
def test_memory_grows_for_half_the_run_but_at_most_a_minute(seconds: float | None, ramp: float) -> None:
    assert ramp_seconds(Work(seconds)) == ramp


def test_memory_grows_linearly_and_stays() -> None:
    work = Work(100.0, ram_gib=4.02)
    assert [memory_gib(work, age) for age in (0, 12.5, 25, 50, 99)] == pytest.approx(
        [0.02, 1.02, 2.02, 4.02, 4.02]
    )


@LAW
@given(WORK, st.floats(0, 1e5), st.floats(0, 1e5))
def test_memory_never_shrinks_and_ends_at_what_the_work_needs(work: Work, age: float, more: float) -> None:
    assert 0 <= memory_gib(work, age) <= memory_gib(work, age + more) + 1e-9
    assert isclose(memory_gib(work, 60.0), work.ram_gib)


@LAW
@given(WORK, GIB)
def test_a_limit_is_passed_just_after_the_age_said(work: Work, limit: float) -> None:
    age = exceeds_after(work, limit)
    if age is None:
        assert memory_gib(work, 1e9) <= limit
    elif age > 0:
        assert memory_gib(work, age) == pytest.approx(limit, abs=1e-9)
        assert age <= ramp_seconds(work)
    else:
        assume(ramp_seconds(work) > 0)
        assert memory_gib(work, 0.0) >= limit


def test_a_limit_below_what_every_container_needs_is_passed_at_once() -> None:
    assert exceeds_after(Work(ram_gib=0.015), 0.01) == 0.0
    assert exceeds_after(Work(ram_gib=0.015), 0.015) is None


def test_a_job_alone_gets_what_it_wants_up_to_its_limit() -> None:
    assert shares(64, running(0, 6.0, 1, 8)) == [6.0]
    assert shares(64, running(0, 60.0, 1, 8)) == [8.0]
    assert shares(64, running(0, 0.5, 1, 8)) == [0.5]


def test_a_job_without_a_limit_is_bounded_by_its_node() -> None:
    assert shares(64, running(0, 60.0, 1, 0)) == [60.0]
    assert shares(16, running(0, 60.0, 1, 0)) == [16.0]


def test_free_cores_are_shared_by_request_among_those_that_may_burst() -> None:
    small, large, whole = running(0, 60, 1, 60), running(1, 60, 3, 60), running(2, 60, 4, 4)
    assert shares(16, small, large, whole) == [1 + 8 / 4, 3 + 3 * 8 / 4, 4.0]


def test_memory_alone_does_not_decide_who_may_burst() -> None:
    """``ram`` given, ``cores`` not: fixed, yet its limit is above its request (skaha-contract §2.3)."""
    fixed = running(0, 60, 1, 8, ram_gib=(4, 4))
    flexible = running(1, 60, 4, 4, ram_gib=(4, 32))
    assert (fixed.is_fixed, flexible.is_fixed) == (True, False)
    assert shares(16, fixed, flexible) == [8.0, 4.0]


@LAW
@given(
    st.lists(
        st.tuples(st.floats(0, 20), st.integers(0, 8), st.integers(0, 20)).filter(
            lambda x: x[2] == 0 or x[2] >= x[1]
        ),
        min_size=1,
        max_size=8,
    )
)
def test_a_node_never_gives_more_cores_than_it_has(wishes: list[tuple[float, int, int]]) -> None:
    jobs = [running(n, *wish) for n, wish in enumerate(wishes)]
    got = shares(64, *jobs)
    assert sum(got) <= 64 + 1e-9
    for job, cores in zip(jobs, got, strict=True):
        limit = job.limit.cores or float("inf")
        assert min(job.work.cores, job.request.cores) <= cores + 1e-9
        assert cores <= min(job.work.cores, limit) + 1e-9


def test_the_metrics_server_looks_every_period_from_the_start() -> None:
    job, draws = running(0, 1.0, 2, 4), Draws(1)
    job.run_time = 100.0
    seen = [sample(job, now, 15.0, draws) for now in (100.0, 114.9, 115.0, 129.9, 130.0)]
    assert seen[:2] == [None, None]
    assert seen[2] == seen[3] != seen[4]
    assert seen[2] is not None
    assert seen[2][1] == pytest.approx(memory_gib(job.work, 15.0))


def test_without_a_period_it_looks_all_the_time() -> None:
    job, draws = running(0, 1.0, 2, 4), Draws(1)
    used = sample(job, 30.0, 0.0, draws)
    assert used is not None
    assert used[1] == pytest.approx(memory_gib(job.work, 30.0))


def test_a_job_that_does_not_run_uses_nothing_one_can_see() -> None:
    job, draws = running(0, 1.0, 2, 4), Draws(1)
    assert core_share(job) == 0.0
    for state in set(State) - {State.RUNNING}:
        job.state = state
        assert sample(job, 100.0, 1.0, draws) is None


@LAW
@given(st.floats(0, 100), st.floats(0, 64), st.floats(0, 1e4))
def test_what_is_seen_is_near_the_truth_and_within_the_limits(
    cores: float, ram_gib: float, now: float
) -> None:
    job = running(0, cores, 1, 8)
    job.work = Work(cores=cores, ram_gib=ram_gib)
    cluster = Cluster("test", [("node", Resources.of(64, 64))])
    cluster.bind(job, cluster.nodes[0])
    used = sample(job, now, 0.0, Draws(3))
    assert used is not None
    assert core_share(job) * 0.96 - 1e-9 <= used[0] <= min(core_share(job) * 1.04 + 1e-9, 8.0)
    assert 0.0 <= used[1] <= 8.0
