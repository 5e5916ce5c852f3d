"""Orderings: the formula of each, what is fair about fair share, and whole schedules under each."""

import os
from math import inf, log

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skahasim.cluster import Cluster
from skahasim.configuration import OrderingSettings, QueueSettings
from skahasim.job import Job, Work
from skahasim.model import Model
from skahasim.policies import ORDERINGS, Ordering, ordering_from, policies_from
from skahasim.policies.ordering.usage import Usage, UsageParameters
from skahasim.profile import Profile, ProfileSettings
from skahasim.resources import Resources
from skahasim.transition import Step

HOUR = 3600.0
LAW = hypothesis.settings(deadline=None, max_examples=3000 if os.environ.get("MOCKSKAHA_DEEP") else 75)
INSTANT = Profile.of("test", ProfileSettings.model_validate({"description": "test"}))


def job(
    number: int = 0, cores: float = 1, ram_gib: float = 1, *, user: str = "a", group: str = "", gpus: int = 0,
    requested: float | None = 3600, priority: int = 0, submitted: float = 0, seconds: float | None = 3600,
) -> Job:  # fmt: skip
    request = Resources.of(cores, ram_gib, gpus)
    return Job(
        number, f"job-{number}", user, "headless", request, request, group=group, work=Work(seconds),
        requested_seconds=requested, priority=priority, submit_time=submitted,
    )  # fmt: skip


def ordering(policy: str, **keys: object) -> Ordering:
    return ordering_from(OrderingSettings.model_validate({"policy": policy, **keys}))


def served(by: Ordering, jobs: list[Job]) -> list[int]:
    return [job.number for job in sorted(jobs, key=lambda job: (by.key(job), job.number))]


MIXED = [
    job(0, 16, 64, requested=7200, priority=1, submitted=0),
    job(1, 1, 1, requested=None, priority=0, submitted=600),
    job(2, 4, 1, requested=600, priority=5, submitted=1200),
    job(3, 2, 2, requested=1800, priority=5, submitted=1800),
]


@pytest.mark.parametrize(
    ("policy", "keys", "order"),
    [
        ("fifo", {}, [0, 1, 2, 3]),
        ("size-priority", {}, [1, 3, 2, 0]),
        ("priority-class", {}, [2, 3, 0, 1]),
        ("sjf", {}, [2, 3, 0, 1]),
        ("sjf", {"by": "area"}, [2, 3, 0, 1]),
        ("ljf", {}, [1, 0, 3, 2]),
        ("ljf", {"by": "area"}, [1, 0, 3, 2]),
        # A class is worth half an hour: job 0, large, counts as submitted at 3600, job 2, medium, at 3000.
        ("aging", {"hours_per_class": 0.5}, [1, 3, 2, 0]),
        ("aging", {"hours_per_class": 0.2}, [1, 0, 3, 2]),
        ("aging", {"base": "priority-class", "hours_per_class": 0.1, "priority_step": 1}, [2, 0, 3, 1]),
        ("weighted-sum", {"factors": {"age": 0, "size": -1}}, [1, 3, 2, 0]),
        ("weighted-sum", {"factors": {"age": 0, "estimate": -1}}, [2, 3, 0, 1]),
        ("weighted-sum", {"factors": {"age": 0, "area": 1}}, [1, 0, 3, 2]),
        ("weighted-sum", {"factors": {"age": 0, "priority": 1}, "highest_priority": 4}, [2, 3, 0, 1]),
    ],
)
def test_who_is_served_first(policy: str, keys: dict[str, object], order: list[int]) -> None:
    by = ordering(policy, **keys)
    assert not by.moves_with_time
    assert served(by, MIXED) == order
    assert [by.rank(job) for job in MIXED] == [by.key(job) for job in MIXED]


def test_age_without_a_cap_is_a_constant_key_of_the_same_order() -> None:
    keys: dict[str, object] = {
        "factors": {"age": 2, "size": -1, "priority": 1},
        "age_hours": 0.5,
        "size_cores": 16,
    }
    capless = ordering("weighted-sum", **keys, age_capped=False)
    capped = ordering("weighted-sum", **keys)
    assert (capless.moves_with_time, capped.moves_with_time) == (False, True)
    assert served(capless, MIXED) == [1, 0, 2, 3]
    capped.advance(1800.0)  # nobody is older than half an hour, so the cap changes nothing
    assert served(capped, MIXED) == [1, 0, 2, 3]
    capped.advance(18_000.0)
    assert served(capped, MIXED) == [1, 3, 2, 0]


def test_requested_time_is_the_deadline_where_none_is_given() -> None:
    limited, endless = job(0, requested=None), job(1, requested=None)
    limited.deadline_seconds = 60.0
    assert [ordering("sjf").key(each) for each in (limited, endless)] == [60.0, inf]
    assert ordering("sjf", by="area").key(job(2, 0, requested=None)) == inf


def test_the_weighted_sum_is_the_sum_of_its_factors() -> None:
    by = ordering(
        "weighted-sum",
        factors={"age": 100, "size": 10, "estimate": -20, "area": 5, "priority": 40, "fair_share": 80},
        age_hours=10, size_cores=64, size_ram_gib=241, estimate_hours=100, highest_priority=1000,
        half_life_hours=None, weights={"b": 3},
    )  # fmt: skip
    assert by.moves_with_time
    mine = job(0, 16, 24.1, user="a", requested=50 * HOUR, priority=500, submitted=HOUR)
    rest = 10 * 0.25 - 20 * 0.5 + 5 * (16 * 50 / (64 * 100)) + 40 * 0.5
    by.advance(6 * HOUR)
    assert by.key(mine) == pytest.approx(-(100 * 0.5 + rest + 80))
    # a used 2 core hours, b 6: U is 1/4, S of weights 1 and 3 is 1/4.
    running = [job(1, 2, user="a"), job(2, 6, user="b")]
    for each in running:
        by.started(each, 6 * HOUR)
    by.advance(7 * HOUR)
    for each in running:
        by.ended(each, 7 * HOUR)
    by.advance(100 * HOUR)
    assert by.key(mine) == pytest.approx(-(100 + rest + 80 * 2**-1))


@LAW
@given(
    st.lists(st.tuples(st.floats(0, 50), st.floats(0, 50), st.integers(1, 64)), max_size=5),
    st.floats(0.1, 100),
)
def test_usage_is_the_integral_of_what_was_held_halved_in_every_half_life(
    runs: list[tuple[float, float, int]], half_life: float
) -> None:
    usage = Usage(UsageParameters(half_life_hours=half_life))
    events = [
        (hour, cores)
        for start, length, cores in runs
        for hour, cores in ((start, cores), (start + length, -cores))
    ]
    for hour, cores in sorted(events):
        usage.change("user a", cores * 1000, hour * HOUR)
    rate = log(2) / half_life
    expected = sum(
        cores * (2 ** (-(100 - start - length) / half_life) - 2 ** (-(100 - start) / half_life)) / rate
        for start, length, cores in runs
    )
    assert usage.at("user a", 100 * HOUR) / HOUR == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_memory_and_gpus_count_as_the_cores_they_are_worth() -> None:
    usage = Usage(UsageParameters(gib_per_core=4, cores_per_gpu=20))
    assert usage.millicores(Resources.of(2, 4)) == 2000
    assert usage.millicores(Resources.of(2, 16)) == 4000
    assert usage.millicores(Resources.of(2, 4, 1)) == 20_000


def test_a_group_answers_for_its_users_and_a_user_for_himself() -> None:
    by_group = Usage(UsageParameters(by="group", weights={"survey": 2}))
    assert by_group.account(job(group="survey")) == by_group.account(job(group="survey", user="b"))
    assert by_group.account(job(user="survey")) != by_group.account(job(group="survey"))
    assert by_group.weight(by_group.account(job(group="survey"))) == 2
    assert Usage(UsageParameters()).account(job(group="survey")) == "user a"


def play(queue: dict[str, object], jobs: list[Job], cores: int, until: float) -> Model:
    model = Model(
        Cluster("test", [("node", Resources.of(cores, 1024))]),
        policies_from(QueueSettings.model_validate(queue)),
        INSTANT,
    )
    for each in sorted(jobs, key=lambda each: each.submit_time):
        model.advance(each.submit_time)
        model.submit(each)
    model.advance(until)
    return model


@pytest.mark.parametrize(("weights", "share"), [({}, 0.5), ({"a": 3}, 0.75)])
def test_with_equal_demands_use_converges_to_the_shares(weights: dict[str, float], share: float) -> None:
    """b comes a day late, when a has used everything; both always have jobs waiting."""
    jobs = [job(n, user="a", seconds=1200) for n in range(3000)]
    jobs += [job(3000 + n, user="b", seconds=1200, submitted=24 * HOUR) for n in range(3000)]
    keys = {"policy": "fair-share", "half_life_hours": 12, "weights": weights}
    play({"ordering": keys}, jobs, 10, 120 * HOUR)
    started = [each.user for each in jobs if each.run_time is not None and each.run_time >= 90 * HOUR]
    assert len(started) == 10 * 3 * 30 + 10
    assert started.count("a") / len(started) == pytest.approx(share, abs=0.02)
    after = [
        each.user for each in jobs if each.run_time is not None and 24 * HOUR < each.run_time < 26 * HOUR
    ]
    assert set(after) == {"b"}  # first who has used nothing


TRAFFIC = [
    job(0, 4, user="a", seconds=100, requested=200),
    job(1, 4, user="a", seconds=50, requested=60, submitted=1),
    job(2, 2, user="a", seconds=10, requested=10, submitted=2),
    job(3, 4, user="b", seconds=30, requested=300, priority=1, submitted=3),
    job(4, 1, user="b", seconds=20, requested=20, submitted=4),
    job(5, 4, user="c", seconds=10, requested=100, priority=2, submitted=200),
]


@pytest.mark.parametrize(
    ("keys", "starts"),
    [
        ({"policy": "fifo"}, "0@0 1@100 2@150 4@150 3@170 5@200"),
        ({"policy": "size-priority"}, "0@0 2@100 4@100 1@120 3@170 5@200"),
        ({"policy": "priority-class"}, "0@0 3@100 1@130 2@180 4@180 5@200"),
        ({"policy": "sjf"}, "0@0 2@100 4@100 1@120 3@170 5@200"),
        ({"policy": "ljf"}, "0@0 3@100 1@130 4@180 2@180 5@200"),
        ({"policy": "fair-share"}, "0@0 3@100 4@130 2@130 1@150 5@200"),
        ({"policy": "aging", "hours_per_class": 1 / 3600}, "0@0 1@100 2@150 4@150 3@170 5@200"),
        (
            {"policy": "weighted-sum", "factors": {"age": 1, "estimate": -900}},
            "0@0 2@100 4@100 1@120 3@170 5@200",
        ),
    ],
    ids=lambda value: value["policy"] if isinstance(value, dict) else "",
)
def test_a_small_schedule_under_each(keys: dict[str, object], starts: str) -> None:
    model = Model(
        Cluster("test", [("node", Resources.of(4, 64))]),
        policies_from(QueueSettings.model_validate({"ordering": keys})),
        INSTANT,
    )
    told: list[str] = []
    model.listeners.append(
        lambda seen: told.append(f"{seen.job.number}@{seen.time:g}") if seen.step is Step.SCHEDULED else None
    )
    for template in TRAFFIC:
        model.advance(template.submit_time)
        model.submit(
            Job(
                template.number, template.name, template.user, "headless", template.request, template.request,
                work=template.work, requested_seconds=template.requested_seconds, priority=template.priority,
            )
        )  # fmt: skip
    model.advance(1000)
    assert " ".join(told) == starts


def test_every_ordering_has_a_schedule_and_a_formula_here() -> None:
    assert set(ORDERINGS) == {
        "aging", "fair-share", "fifo", "ljf", "priority-class", "size-priority", "sjf", "weighted-sum",
    }  # fmt: skip


MOVING = [
    {"policy": "fair-share", "half_life_hours": 1.0},
    {"policy": "fair-share", "half_life_hours": None, "by": "group"},
    {"policy": "weighted-sum", "factors": {"age": 3, "size": 1, "fair_share": 2}, "age_hours": 2.0},
    {"policy": "weighted-sum", "factors": {"age": 3, "estimate": -1, "priority": 1}, "age_hours": 2.0},
]


@LAW
@given(
    st.sampled_from(MOVING),
    st.lists(
        st.tuples(
            st.sampled_from("ab"), st.sampled_from(["", "x"]), st.integers(1, 4), st.integers(0, 3), st.integers(0, 4),
            st.booleans(),
        ),
        min_size=2,
        max_size=12,
    ),
)  # fmt: skip
def test_those_of_one_lane_never_change_their_order(
    keys: dict[str, object], content: list[tuple[str, str, int, int, int, bool]]
) -> None:
    by = ordering_from(OrderingSettings.model_validate(keys))
    hour, waiting = 0.0, []
    for number, (user, group, cores, rank, gap, runs) in enumerate(content):
        hour += gap / 2
        each = job(
            number,
            cores,
            user=user,
            group=group,
            priority=rank,
            requested=cores * HOUR,
            submitted=hour * HOUR,
        )
        by.advance(hour * HOUR)
        if runs:
            by.started(each, hour * HOUR)
        else:
            waiting.append(each)
        for first in waiting:
            for second in waiting:
                if by.lane(first) == by.lane(second) and (by.rank(first), first.number) < (
                    by.rank(second),
                    second.number,
                ):
                    assert (by.key(first), first.number) < (by.key(second), second.number)
