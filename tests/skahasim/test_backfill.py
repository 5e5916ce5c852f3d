"""Backfilling by small schedules worked out by hand, and the parts it is made of."""

from math import inf

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skahasim.backfill import discipline, perfect, requested
from skahasim.backfill.availability import Availability, fits, pack
from skahasim.backfill.waiting import Waiting
from skahasim.cluster import Cluster
from skahasim.configuration import QueueSettings
from skahasim.engine import Phase
from skahasim.job import Job, Work
from skahasim.model import Model
from skahasim.policies import FirstComeFirstServed, FirstFit, OpenAdmission, Policies, policies_from
from skahasim.profile import load_profile
from skahasim.resources import Resources
from skahasim.transition import Step


def job(
    number: int, request: Resources, run: float | None, asked: float | None = None, **more: object
) -> Job:
    return Job(
        number,
        f"job-{number}",
        "user",
        "headless",
        request,
        request,
        work=Work(run),
        requested_seconds=asked,
        **more,
    )  # type: ignore[arg-type]


def schedule(
    policy: str,
    jobs: list[tuple[float, int, float, float]],
    nodes: tuple[int, ...] = (10,),
    estimates: str = "requested",
    passes: str = "each-instant",
    ordering: str = "fifo",
    closing: tuple[float, float] | None = None,
) -> list[str]:
    """``jobs`` are (submit, cores, run, requested); who starts when, and where if there are several nodes."""
    settings = QueueSettings.model_validate(
        {
            "ordering": {"policy": ordering},
            "placement": {"policy": "first-fit"},
            "backfill": {"policy": policy, "estimates": estimates, "passes": passes},
        }
    )
    cluster = Cluster("test", [(f"n{index}", Resources.of(cores, 100)) for index, cores in enumerate(nodes)])
    model = Model(cluster, policies_from(settings), load_profile("instant"))
    seen: list[str] = []
    model.listeners.append(
        lambda told: (
            seen.append(f"{told.time:g} {told.job.name}" + (f" {told.reason}" if len(nodes) > 1 else ""))
            if told.step is Step.SCHEDULED
            else None
        )
    )
    for number, (submit, cores, run, asked) in enumerate(jobs):
        model.engine.after(submit, Phase.SUBMIT, model.submit, job(number, Resources.of(cores), run, asked))
    if closing is not None:
        model.engine.after(closing[0], Phase.LIFECYCLE, model.close_node, cluster.nodes[0])
        model.engine.after(closing[1], Phase.LIFECYCLE, model.reopen_node, cluster.nodes[0])
    model.engine.drain()
    return seen


JOBS = [
    (0, 6, 10, 10),
    (1, 6, 10, 10),  # the head: at 10
    (2, 6, 10, 10),  # behind it: at 20
    (3, 4, 20, 20),  # fits beside the head and the one behind
    (4, 2, 5, 5),  # nothing is left until 10
    (4, 4, 3, 4),
]


def test_without_backfilling_the_head_stops_all() -> None:
    assert schedule("none", JOBS) == [
        "0 job-0", "10 job-1", "20 job-2", "20 job-3", "30 job-4", "30 job-5",
    ]  # fmt: skip


def test_easy_protects_the_head_alone() -> None:
    jobs = [(0, 6, 10, 10), (1, 10, 5, 5), (2, 4, 9, 9), (3, 4, 7, 7), (3, 4, 1, 1)]
    # job-2 would run past 10, job-3 ends just then.
    assert schedule("easy", jobs) == ["0 job-0", "3 job-3", "10 job-1", "15 job-2", "15 job-4"]


def test_easy_gives_away_the_extra_processors_for_as_long_as_one_likes() -> None:
    jobs = [(0, 6, 10, 10), (1, 8, 5, 5), (2, 2, 99, 99), (3, 2, 99, 99)]
    assert schedule("easy", jobs) == ["0 job-0", "2 job-2", "10 job-1", "15 job-3"]


def test_shortest_first_takes_the_place_of_an_earlier_candidate() -> None:
    jobs = [(0, 6, 10, 10), (0, 2, 2, 2), (1, 10, 5, 5), (1, 4, 8, 8), (1, 4, 5, 5)]
    assert schedule("easy", jobs) == ["0 job-0", "0 job-1", "2 job-3", "10 job-2", "15 job-4"]
    assert schedule("easy-sjbf", jobs) == ["0 job-0", "0 job-1", "2 job-4", "10 job-2", "15 job-3"]


def test_conservative_protects_everybody() -> None:
    jobs = [(0, 6, 10, 10), (1, 10, 5, 5), (2, 10, 5, 5), (3, 4, 8, 8), (3, 4, 7, 7)]
    # Under EASY the fifth would go at 3 as well; under both it goes, since it ends by 10. The fourth waits for all.
    assert schedule("conservative", jobs) == ["0 job-0", "3 job-4", "10 job-1", "15 job-2", "20 job-3"]
    delayed = [(0, 6, 10, 10), (1, 8, 5, 5), (2, 9, 5, 5), (3, 2, 20, 20)]
    assert schedule("easy", delayed) == ["0 job-0", "3 job-3", "10 job-1", "23 job-2"]
    assert schedule("conservative", delayed) == ["0 job-0", "10 job-1", "15 job-2", "20 job-3"]


def test_what_ends_early_lets_conservative_reservations_move() -> None:
    jobs = [(0, 6, 4, 10), (1, 10, 5, 5), (2, 4, 5, 10), (3, 4, 6, 6)]
    assert schedule("conservative", jobs) == ["0 job-0", "3 job-3", "9 job-1", "14 job-2"]


@pytest.mark.parametrize("passes", ["each-instant", "each-event"])
def test_a_reservation_is_looked_at_in_its_time_though_nothing_else_happens_then(passes: str) -> None:
    # At 10 the first runs on, so it is expected until 20: till then the third may have what the second cannot.
    jobs = [(0, 6, 25, 10), (1, 8, 5, 5), (1, 4, 10, 10)]
    assert schedule("conservative", jobs, passes=passes) == ["0 job-0", "10 job-2", "25 job-1"]


def test_perfect_estimates_know_when_runs_end() -> None:
    jobs = [(0, 6, 10, 10), (1, 10, 5, 5), (2, 4, 8, 99)]
    assert schedule("easy", jobs) == ["0 job-0", "10 job-1", "15 job-2"]
    assert schedule("easy", jobs, estimates="perfect") == ["0 job-0", "2 job-2", "10 job-1"]


def test_processors_of_a_job_that_ends_in_this_instant_can_be_taken_before_its_end_is_handled() -> None:
    jobs = [(0, 10, 5, 5), (5, 10, 1, 1)]
    assert schedule("easy", jobs, passes="each-event") == ["0 job-0", "5 job-1"]
    order: list[str] = []
    policies = Policies(
        FirstComeFirstServed(), OpenAdmission(), FirstFit(), discipline("easy"), passes="each-event"
    )
    model = Model(Cluster("one", [("n", Resources.of(10))]), policies, load_profile("instant"))
    model.listeners.append(
        lambda told: (
            order.append(f"{told.time:g} {told.job.name} {told.step}")
            if told.step in (Step.SCHEDULED, Step.RELEASED)
            else None
        )
    )
    for number in range(2):
        model.engine.after(5.0 * number, Phase.SUBMIT, model.submit, job(number, Resources.of(10), 5.0, 5.0))
    model.engine.drain()
    assert order == ["0 job-0 scheduled", "5 job-1 scheduled", "5 job-0 released", "10 job-1 released"]
    assert model.cluster.allocated == Resources()


@pytest.mark.parametrize("policy", ["easy", "easy-sjbf", "conservative", "none"])
@pytest.mark.parametrize("passes", ["each-instant", "each-event"])
def test_a_job_that_runs_on_past_its_requested_time_keeps_its_processors(policy: str, passes: str) -> None:
    jobs = [(0, 6, 25, 10), (1, 6, 5, 5), (2, 4, 30, 30)]
    waits = schedule(policy, jobs, passes=passes)
    assert waits[0] == "0 job-0"
    assert "25 job-1" in waits


def test_several_nodes_the_promise_is_of_one_of_them() -> None:
    jobs = [
        (0, 4, 10, 10), (0, 4, 20, 20),  # n0 until 10, n1 until 20
        (1, 4, 5, 5),  # promised n0 at 10
        (2, 2, 50, 50),  # would fit nowhere but on n2
        (3, 2, 50, 50),
    ]  # fmt: skip
    assert schedule("easy", jobs, nodes=(4, 4, 2)) == [
        "0 job-0 n0", "0 job-1 n1", "2 job-3 n2", "10 job-2 n0", "15 job-4 n0",
    ]  # fmt: skip


def test_several_nodes_conservative() -> None:
    jobs = [(0, 4, 10, 10), (0, 4, 20, 20), (1, 4, 5, 5), (2, 4, 5, 5), (3, 4, 9, 9)]
    assert schedule("conservative", jobs, nodes=(4, 4)) == [
        "0 job-0 n0", "0 job-1 n1", "10 job-2 n0", "15 job-3 n0", "20 job-4 n0",
    ]  # fmt: skip


@pytest.mark.parametrize("policy", ["none", "easy", "easy-sjbf", "conservative"])
def test_a_job_larger_than_every_node_stops_nobody(policy: str) -> None:
    assert schedule(policy, [(0, 11, 5, 5), (1, 10, 5, 5)]) == ["1 job-1"]


@pytest.mark.parametrize("policy", ["none", "easy", "easy-sjbf", "conservative"])
def test_a_closed_node_is_promised_to_nobody(policy: str) -> None:
    jobs = [(0, 10, 5, 5), (1, 10, 5, 5), (2, 10, 1, 1)]
    assert schedule(policy, jobs, closing=(3.0, 30.0)) == ["0 job-0", "30 job-1", "35 job-2"]


@pytest.mark.parametrize("policy", ["none", "easy", "conservative"])
def test_whose_turn_is_earlier_is_for_the_ordering_to_say(policy: str) -> None:
    jobs = [(0, 10, 10, 10), (1, 10, 10, 10), (2, 8, 10, 10), (3, 1, 10, 10)]
    starts = schedule(policy, jobs, ordering="size-priority")  # the last is small, the others are medium
    if policy == "none":
        assert starts == ["0 job-0", "10 job-3", "20 job-1", "30 job-2"]
    else:
        assert sorted(starts) == ["0 job-0", "10 job-2", "10 job-3", "20 job-1"]


def test_why_a_job_waits() -> None:
    policies = Policies(FirstComeFirstServed(), OpenAdmission(), FirstFit(), discipline("none"))
    model = Model(Cluster("one", [("n", Resources.of(10))]), policies, load_profile("instant"))
    first, large, small = (
        job(0, Resources.of(6), 9.0),
        job(1, Resources.of(6), 9.0),
        job(2, Resources.of(1), 9.0),
    )
    for one in (first, large, small):
        model.submit(one)
        model.advance(0.0)
    assert first.waiting_for == ""
    assert "1 Insufficient cpu" in large.waiting_for
    assert small.waiting_for == "Waiting behind jobs with an earlier turn."


def test_estimates() -> None:
    assert requested(job(0, Resources.of(1), 5.0, 9.0)) == 9.0
    assert requested(job(0, Resources.of(1), 5.0, deadline_seconds=60.0)) == 60.0
    assert requested(job(0, Resources.of(1), 5.0)) == inf
    assert perfect(job(0, Resources.of(1), 5.0, 9.0)) == 5.0
    assert perfect(job(0, Resources.of(1), None, 9.0)) == inf


AMOUNTS = st.builds(Resources, st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))


@given(AMOUNTS, AMOUNTS)
def test_packed_resources_compare_as_resources_do(wanted: Resources, free: Resources) -> None:
    assert fits(pack(wanted), pack(free)) == wanted.fits(free)


@hypothesis.settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(1, 6), AMOUNTS), max_size=8),
    AMOUNTS,
    st.integers(1, 6),
    st.integers(0, 12),
    st.integers(0, 14),
)
def test_availability_finds_the_first_hole(
    taken: list[tuple[int, int, Resources]], wanted: Resources, seconds: int, now: int, until: int
) -> None:
    free = Resources(12, 12, 12)
    plan, moments = Availability(0, pack(free)), [free] * 40
    for start, length, amount in taken:
        if all(amount.fits(moments[moment]) for moment in range(start, start + length)):
            plan.change(start, start + length, -pack(amount))
            for moment in range(start, start + length):
                moments[moment] = moments[moment].minus(amount)
    plan.trim(now)
    holes = [
        moment
        for moment in range(now, until + 1)
        if all(wanted.fits(moments[later]) for later in range(moment, moment + seconds))
    ]
    assert plan.earliest(pack(wanted), seconds, now, until) == (holes[0] if holes else inf)
    assert all(before != after for before, after in zip(plan.free, plan.free[1:], strict=False))


@hypothesis.settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(1, 9)), max_size=400))
def test_waiting_keeps_turns_and_bounds(changes: list[tuple[bool, int, int]]) -> None:
    waiting, naive = Waiting(), []
    one = job(0, Resources(), 1.0)
    for number, (adds, key, size) in enumerate(changes):
        if adds or not naive:
            entry = (key, number, size, float(size), one)
            waiting.add(entry)
            naive.append(entry)
        else:
            waiting.remove(naive.pop(size % len(naive)))
        assert len(waiting) == len(naive)
    assert list(waiting) == sorted(naive)
    for block in waiting.blocks:
        assert block.entries
        assert block.smallest <= min(entry[2] for entry in block.entries)
        assert block.shortest <= min(entry[3] for entry in block.entries)
