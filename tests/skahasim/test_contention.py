"""Shared cores through the model: who ends when, against a reference that knows nothing of events."""

from functools import partial
from math import inf

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tests.skahasim.test_golden as golden
from skahasim.cluster import Cluster
from skahasim.contention import ContentionSettings, install
from skahasim.job import Job, State, Work
from skahasim.model import Model
from skahasim.policies import FirstComeFirstServed, FirstFit, OpenAdmission, Policies
from skahasim.profile import Profile, load_profile, profile_names
from skahasim.resources import Resources
from skahasim.transition import Step, Transition
from skahasim.usage import core_share

LAW = hypothesis.settings(deadline=None, max_examples=60)
CFS = ContentionSettings(cpu="cfs")
INSTANT = load_profile("instant")
NODE = Resources.of(16, 1024)


def model(contention: ContentionSettings | None = CFS, nodes: int = 1, profile: Profile = INSTANT) -> Model:
    cluster = Cluster("test", [(f"node-{number}", NODE) for number in range(nodes)])
    return Model(
        cluster, Policies(FirstComeFirstServed(), OpenAdmission(), FirstFit()), profile, 1, contention
    )


def job(
    number: int,
    request: float,
    wants: float,
    seconds: float | None,
    *,
    limit: float | None = None,
    **more: object,
) -> Job:
    """``limit`` 0 is none, left out it is the request."""
    cores = request if limit is None else limit
    return Job(
        number, f"job-{number}", "alice", "headless", Resources.of(request, 1), Resources.of(cores, 1),
        work=Work(seconds, cores=wants), **more,  # type: ignore[arg-type]
    )  # fmt: skip


def ends(world: Model, *arrivals: tuple[float, Job]) -> list[float | None]:
    """When the jobs end, once all of them are submitted."""
    for time, one in arrivals:
        world.advance(time)
        world.submit(one)
    world.advance(1e9)
    return [one.finish_time for _, one in arrivals]


def test_two_share_a_node_and_the_one_that_stays_has_it_alone() -> None:
    first, second = job(0, 1, 16, 100.0, limit=0), job(1, 1, 16, 100.0, limit=0)
    # 50 s alone; then half as fast: the first has 50 s left and needs 100; the second has done 50 by then.
    assert ends(model(), (0, first), (50, second)) == [150.0, 200.0]


def test_shares_go_by_request() -> None:
    small, large = job(0, 1, 16, 100.0, limit=0), job(1, 3, 16, 60.0, limit=0)
    # 4 and 12 cores: a quarter and three quarters of the speed. At 80 the small one has done 20 s.
    assert ends(model(), (0, small), (0, large)) == [160.0, 80.0]


def test_a_limit_below_what_the_work_wants_slows_it_down_even_alone() -> None:
    assert ends(model(), (0, job(0, 1, 8, 100.0, limit=4))) == [200.0]
    assert ends(model(), (0, job(0, 1, 8, 100.0))) == [800.0]


def test_more_than_a_node_has_is_the_whole_node() -> None:
    assert ends(model(), (0, job(0, 1, 32, 100.0, limit=0))) == [200.0]


def test_work_that_needs_no_core_is_never_slow() -> None:
    assert ends(model(), (0, job(0, 16, 16, 100.0)), (0, job(1, 0, 0, 7.0, limit=0))) == [100.0, 7.0]


def test_without_a_request_it_goes_when_the_others_leave_something() -> None:
    whole, beggar = job(0, 16, 16, 100.0), job(1, 0, 8, 50.0, limit=0)
    assert ends(model(), (0, whole), (10, beggar)) == [100.0, 150.0]


def test_another_node_is_another_world() -> None:
    jobs = [job(number, 12, 16, 100.0, limit=0) for number in range(2)]
    assert ends(model(nodes=2), (0, jobs[0]), (0, jobs[1])) == [100.0, 100.0]


def test_who_is_deleted_leaves_its_share() -> None:
    world = model()
    stays, goes = job(0, 1, 16, 100.0, limit=0), job(1, 1, 16, None, limit=0)
    world.submit(stays)
    world.submit(goes)
    world.advance(100)
    assert (stays.state, world.neighbours and world.neighbours.rate(stays)) == (State.RUNNING, 0.5)
    world.delete(goes)
    world.advance(1000)
    assert stays.finish_time == 150.0


def test_what_one_uses_can_be_asked_for() -> None:
    world = model()
    assert world.neighbours is not None
    jobs = [job(0, 1, 16, 100.0, limit=0), job(1, 3, 16, 60.0, limit=0)]
    for one in jobs:
        world.submit(one)
    assert [world.neighbours.cores(one) for one in jobs] == [0.0, 0.0]
    world.advance(40)
    assert [world.neighbours.cores(one) for one in jobs] == [4.0, 12.0]
    assert world.neighbours.core_seconds() == 40 * 16.0
    world.advance(1000)
    assert [world.neighbours.cores(one) for one in jobs] == [0.0, 0.0]
    assert world.neighbours.core_seconds() == 100 * 16.0 + 60 * 16.0


def test_who_listens_hears_of_every_change_of_cores() -> None:
    world = model()
    assert world.neighbours is not None
    heard: list[tuple[float, str, float, float]] = []
    world.neighbours.listeners.append(lambda one, *cores: heard.append((world.now, one.name, *cores)))  # type: ignore[arg-type]
    ends(world, (0, job(0, 1, 16, 100.0, limit=0)), (40, job(1, 3, 16, 60.0, limit=0)))
    assert heard == [
        (0.0, "job-0", 0.0, 16.0),
        (40.0, "job-0", 16.0, 4.0),
        (40.0, "job-1", 0.0, 12.0),
        (120.0, "job-1", 12.0, 0.0),
        (120.0, "job-0", 4.0, 16.0),
        (160.0, "job-0", 16.0, 0.0),
    ]


def test_a_restarted_run_begins_its_work_anew() -> None:
    one = job(0, 1, 16, 100.0, limit=0, restarts_allowed=1)
    other = job(1, 1, 16, None, limit=0)
    world = model()
    for each in (one, other):
        world.submit(each)
    world.advance(100)
    world.evict(one, "make room")
    world.advance(1000)
    assert (one.run_time, one.finish_time) == (100.0, 300.0)


def test_a_slow_start_is_ready_if_its_run_has_not_ended_by_then() -> None:
    """Alone it would have ended after 15 s and never got ready; slowed down it lives to see it."""
    slowed, other = job(0, 1, 16, 15.0, limit=0), job(1, 1, 16, 5.0, limit=0)
    for one in (slowed, other):
        one.work = one.work._replace(ready_seconds=20.0)
    world = model()
    seen: list[tuple[float, str, Step]] = []
    world.listeners.append(
        lambda transition: seen.append((transition.time, transition.job.name, transition.step))
    )
    third = job(2, 1, 16, None, limit=0)
    ends(world, (0, slowed), (1, other), (1, third))
    # 14 s left at 1: a third of the speed until the other has done its 5 s at 16, then half.
    assert [entry for entry in seen if entry[2] in (Step.READY, Step.FINISHED) and entry[1] != "job-2"] == [
        (16.0, "job-1", Step.FINISHED),
        (20.0, "job-0", Step.READY),
        (34.0, "job-0", Step.FINISHED),
    ]


def test_a_run_that_gets_faster_may_end_before_it_is_ready() -> None:
    one, other = job(0, 1, 16, 15.0, limit=0), job(1, 1, 16, None, limit=0)
    one.work = one.work._replace(ready_seconds=20.0)
    world = model()
    for each in (one, other):
        world.submit(each)
    world.advance(2)
    world.delete(other)
    world.advance(100)
    assert (one.ready, one.finish_time, one.state) == (False, 16.0, State.SUCCEEDED)


# -- laws --------------------------------------------------------------------------------------------------


@st.composite
def arrivals(draw: st.DrawFn) -> list[tuple[float, Job]]:
    """Jobs that fit on the node beside each other, so none waits; in the order of their numbers."""
    found: list[tuple[float, Job]] = []
    left, time = 16_000, 0.0
    for number in range(draw(st.integers(1, 7))):
        request = draw(st.integers(0, left)) / 1000
        left -= round(request * 1000)
        limit = draw(st.sampled_from([None, 0.0, 1.0, 4.0]))
        wants = draw(st.sampled_from([0.0, 0.5, 1.0, 3.0, 16.0, 40.0]))
        seconds = draw(st.sampled_from([0.0, 1.0, 7.0, 30.0, 100.0, 333.0]))
        limit = None if limit is None else (limit and limit + request)
        found.append((time, job(number, request, wants, seconds, limit=limit)))
        time += draw(st.sampled_from([0.0, 0.0, 1.0, 10.0, 50.0]))
    return found


def most(one: Job) -> float:
    limit = one.limit.cores or inf
    return min(one.work.cores, limit, NODE.cores)


def level_shares(jobs: list[Job]) -> dict[int, float]:
    """The level of the water by bisection: the highest at which the node is not overfull."""
    low, high = 0.0, 1e9
    for _ in range(200):
        level = (low + high) / 2
        if sum(min(most(one), level * one.request.cores) for one in jobs) <= NODE.cores:
            low = level
        else:
            high = level
    got = {one.number: min(most(one), low * one.request.cores) for one in jobs}
    left = NODE.cores - sum(got.values())
    beggars = [one for one in jobs if not one.request.millicores]
    low, high = 0.0, 1e9
    for _ in range(200):
        level = (low + high) / 2
        low, high = (level, high) if sum(min(most(b), level) for b in beggars) <= left else (low, level)
    return got | {one.number: min(most(one), low) for one in beggars}


def reference(plan: list[tuple[float, Job]]) -> dict[int, float]:
    """End of each job, from one change to the next; no engine, no timers."""
    todo = {one.number: one.work.seconds or 0.0 for _, one in plan}
    done: dict[int, float] = {}
    now = 0.0
    while len(done) < len(plan):
        running = [one for time, one in plan if time <= now and one.number not in done]
        for one in [one for one in running if todo[one.number] <= 1e-9]:
            done[one.number] = now
            running.remove(one)
        got = level_shares(running)
        rates = {one.number: got[one.number] / one.work.cores if one.work.cores else 1.0 for one in running}
        times = [now + todo[number] / rate for number, rate in rates.items() if rate > 1e-12]
        following = min([*times, *(time for time, _ in plan if time > now)], default=inf)
        if following == inf:
            break
        for number, rate in rates.items():
            todo[number] -= rate * (following - now)
        now = following
    return done


@LAW
@given(arrivals())
def test_jobs_end_when_the_reference_says(plan: list[tuple[float, Job]]) -> None:
    expected = reference(plan)
    got = ends(model(), *plan)
    for (_, one), time in zip(plan, got, strict=True):
        assert time == pytest.approx(expected.get(one.number), rel=1e-6, abs=1e-6)


@LAW
@given(arrivals())
def test_all_work_is_done_and_no_more(plan: list[tuple[float, Job]]) -> None:
    world = model()
    got = ends(world, *plan)
    hypothesis.assume(None not in got)
    assert world.neighbours is not None
    asked = sum(one.work.cores * (one.work.seconds or 0.0) for _, one in plan)
    assert world.neighbours.core_seconds() == pytest.approx(asked)
    assert world.cluster.allocated == Resources()


@LAW
@given(arrivals())
def test_fixed_jobs_feel_nobody(plan: list[tuple[float, Job]]) -> None:
    """Not by a nanosecond: request = limit ends as if it were alone."""
    fixed = [(time, one) for time, one in plan if not one.may_burst]
    together = dict(zip((one.number for _, one in plan), ends(model(), *plan), strict=True))
    for time, one in fixed:
        again = Job(one.number, one.name, "alice", "headless", one.request, one.limit, work=one.work)
        assert ends(model(), (time, again)) == [together[one.number]]


@LAW
@given(arrivals(), st.randoms(use_true_random=False))
def test_the_order_inside_an_instant_decides_nothing(plan: list[tuple[float, Job]], chance: object) -> None:
    """The same jobs, those of one instant submitted in another order: the same ends, to the last bit."""
    mixed = [
        (time, Job(one.number, one.name, "alice", "headless", one.request, one.limit, work=one.work))
        for time, one in plan
    ]
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    mixed.sort(key=lambda entry: entry[0])
    first = dict(zip((one.number for _, one in plan), ends(model(), *plan), strict=True))
    second = dict(zip((one.number for _, one in mixed), ends(model(), *mixed), strict=True))
    assert first == second


def test_sums_are_made_in_the_order_of_the_numbers() -> None:
    """These requests give other shares, in the last bit, when they are summed up backwards."""
    runs = [
        [job(n, request, 16, 100.0, limit=0) for n, request in enumerate([1.7, 1.5, 0.2, 0.4])] for _ in "ab"
    ]
    for jobs in runs:
        jobs.append(job(4, 0.3, 0.7, 100.0, limit=0))
    forwards = ends(model(), *((0, one) for one in runs[0]))
    backwards = ends(model(), *((0, one) for one in reversed(runs[1])))
    assert forwards == backwards[::-1]


@LAW
@given(arrivals(), st.floats(0.1, 60))
def test_looking_often_changes_nothing(plan: list[tuple[float, Job]], step: float) -> None:
    again = [
        (time, Job(one.number, one.name, "alice", "headless", one.request, one.limit, work=one.work))
        for time, one in plan
    ]
    world = model()
    for time, one in plan:
        while world.now + step < time:
            world.advance(world.now + step)
        world.advance(time)
        world.submit(one)
    for _ in range(30):
        world.advance(world.now + step)
    world.advance(1e9)
    assert [one.finish_time for _, one in plan] == ends(model(), *again)


@LAW
@given(arrivals())
def test_where_nobody_lacks_anything_nothing_is_different(plan: list[tuple[float, Job]]) -> None:
    """On a node with cores for all and without limits in the way, runs take what they take."""
    traces: list[list[tuple[float, int, Step]]] = []
    for contention in (None, CFS):
        cluster = Cluster("test", [("node", Resources.of(500, 1024))])
        policies = Policies(FirstComeFirstServed(), OpenAdmission(), FirstFit())
        world = Model(cluster, policies, INSTANT, 1, contention)
        seen: list[tuple[float, int, Step]] = []

        def note(transition: Transition, seen: list[tuple[float, int, Step]] = seen) -> None:
            seen.append((transition.time, transition.job.number, transition.step))

        world.listeners.append(note)
        roomy = [
            (time, Job(one.number, one.name, "alice", "headless", one.request, Resources(), work=one.work))
            for time, one in plan
        ]
        ends(world, *roomy)
        traces.append(seen)
    assert traces[0] == traces[1]


@pytest.mark.parametrize("profile", profile_names())
def test_the_golden_scenario_is_the_same_with_contention_nobody_feels(
    profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = golden.trace(profile)
    both = ContentionSettings(cpu="cfs", memory="pressure")
    monkeypatch.setattr(golden, "Model", partial(Model, contention=both))
    assert golden.trace(profile) == plain


def test_switched_off_there_are_no_neighbours() -> None:
    world = model(ContentionSettings())
    assert (world.neighbours, world.lifecycle.contention) == (None, None)
    one = job(0, 1, 16, 100.0, limit=0)
    world.submit(one)
    world.submit(job(1, 1, 16, 100.0, limit=0))
    world.advance(1000)
    assert one.finish_time == 100.0


def test_install_is_the_same_as_asking_the_model_for_it() -> None:
    world = model(None)
    install(world, CFS)
    jobs = [job(0, 1, 16, 100.0, limit=0), job(1, 3, 16, 60.0, limit=0)]
    assert ends(world, (0, jobs[0]), (0, jobs[1])) == [160.0, 80.0]


def test_with_memory_alone_cores_are_what_the_metrics_show() -> None:
    world = model(ContentionSettings(memory="pressure"))
    assert world.neighbours is not None
    one = job(0, 1, 16, None, limit=8)
    world.submit(one)
    world.advance(1)
    assert world.neighbours.cores(one) == core_share(one) == 8.0
