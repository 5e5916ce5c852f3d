"""A scenario played: rows, integrals, endings; and that equal runs are equal."""

from __future__ import annotations

import math
import os
from typing import Any

import hypothesis
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skahasim.resources import Resources
from skahasim.scenario import Scenario, scenario_of
from skahasim.study.events import Event, event_keeper
from skahasim.study.rows import Row
from skahasim.study.run import JOB_COLUMNS, TIMELINE_COLUMNS, Run
from skahasim.study.simulation import Progress, simulate
from skahasim.study.timeline import MOST_ROWS
from skahasim.study.validation import validate
from skahasim.workload.arrival import Arrival
from skahasim.yamlfile import ConfigurationError

LAW = hypothesis.settings(deadline=None, max_examples=500 if os.environ.get("MOCKSKAHA_DEEP") else 25)


NOTHING = pytest.approx(math.nan, nan_ok=True)


def scenario(cores: int = 4, nodes: int = 1, **sections: Any) -> Scenario:
    cluster = {"nodes": [{"name": "n", "count": nodes, "cores": cores, "ram_gib": 16}]}
    queue = {"ordering": {"policy": "fifo"}, "placement": {"policy": "first-fit"}}
    workload = {"source": "poisson", "jobs": 1}
    return scenario_of({"cluster": cluster, "queue": queue, "workload": workload, **sections})


def arrival(number: int, time: float, cores: float = 4, run: float | None = 10, **more: Any) -> Arrival:
    request = Resources.of(cores, more.pop("ram_gib", 1))
    return Arrival(number, time, request, more.pop("limit", request), run, **more)


def told(run: Run, *columns: str) -> list[tuple[Any, ...]]:
    return list(run.jobs[list(columns)].itertuples(index=False, name=None))


def test_rows_of_a_small_day() -> None:
    run = simulate(
        scenario(),
        arrivals=[
            arrival(0, 0, run=10, user="ann", job_class="survey-night"),
            arrival(1, 0, run=5, requested_seconds=3, kind="notebook"),
            arrival(2, 1, run=7, completes=False),
            arrival(3, 2, run=4, patience_seconds=5),
            arrival(4, 100, run=None, deadline_seconds=20, recorded_wait=3.0),
            arrival(5, 110, run=50),
        ],
    )
    columns = ("final_state", "success", "starting_time", "execution_time", "finish_time", "reason")
    assert told(run, *columns) == [
        ("COMPLETED_SUCCESSFULLY", 1, 0, 10, 10, "Completed"),
        ("COMPLETED_WALLTIME_REACHED", 0, 10, 3, 13, "DeadlineExceeded"),
        ("COMPLETED_FAILED", 0, 13, 7, 20, "Error"),
        ("COMPLETED_KILLED", 0, NOTHING, NOTHING, 7, "GaveUp"),
        ("COMPLETED_KILLED", 0, 100, 20, 120, "DeadlineExceeded"),
        ("COMPLETED_SUCCESSFULLY", 1, 120, 50, 170, "Completed"),
    ]  # fmt: skip
    assert tuple(run.jobs.columns) == JOB_COLUMNS
    first = run.jobs.iloc[0]
    assert (first["profile"], first["user"], first["node"], first["allocated_resources"]) == (
        "survey-night", "ann", "n-01", "0",
    )  # fmt: skip
    assert told(run, "stretch")[1] == (13 / 3,)
    assert run.end_time == 170
    assert run.facts["counts"] == {
        "jobs": 6,
        "dropped": 0,
        "gave_up": 1,
        "by_state": {
            "COMPLETED_FAILED": 1,
            "COMPLETED_KILLED": 2,
            "COMPLETED_SUCCESSFULLY": 2,
            "COMPLETED_WALLTIME_REACHED": 1,
        },
    }
    assert run.integrals["queued_jobs"] == 10 + 12 + 5 + 10
    assert run.integrals["running_jobs"] == 10 + 3 + 7 + 20 + 50
    assert run.integrals["capacity_cores"] == 170 * 4


@pytest.mark.parametrize("order", ["before-events", "after-events"])
def test_a_job_is_deleted_when_its_user_does_whatever_it_does_by_then(order: str) -> None:
    run = simulate(
        scenario(arrivals=order),
        arrivals=[
            arrival(0, 0, run=10, deleted_after=4),  # while it runs
            arrival(1, 0, run=10, deleted_after=14),  # as it ends: it has ended
            arrival(2, 0, run=10, deleted_after=6),  # while it waits
            arrival(3, 0, run=None, deleted_after=30),
            arrival(4, 20, cores=1, run=5, deleted_after=0),  # as it comes
            arrival(5, 29, run=3),
            arrival(6, 500, run=5, deleted_after=100),  # long after its end
        ],
    )
    assert told(run, "final_state", "starting_time", "finish_time", "reason") == [
        ("COMPLETED_KILLED", 0, 4, "Deleted"),
        ("COMPLETED_SUCCESSFULLY", 4, 14, "Completed"),
        ("COMPLETED_KILLED", NOTHING, 6, "Deleted"),
        ("COMPLETED_KILLED", 14, 30, "Deleted"),
        ("COMPLETED_KILLED", NOTHING, 20, "Deleted"),
        ("COMPLETED_SUCCESSFULLY", 30, 33, "Completed"),
        ("COMPLETED_SUCCESSFULLY", 500, 505, "Completed"),
    ]
    assert run.end_time == 505


def test_commands_of_a_live_service_come_after_the_events_of_their_instant() -> None:
    """A deletion makes room in a pass of its own, before who comes in its instant."""
    starts = {}
    for order in ("before-events", "after-events"):
        jobs = [arrival(0, 0, run=50, deleted_after=10), arrival(1, 5, cores=4), arrival(2, 10, cores=1)]
        made = scenario(
            arrivals=order, queue={"ordering": {"policy": "sjf"}, "placement": {"policy": "first-fit"}}
        )
        jobs[2] = jobs[2]._replace(requested_seconds=1.0)
        starts[order] = simulate(made, arrivals=jobs).jobs["starting_time"].tolist()
    assert starts == {"before-events": [0, 11, 10], "after-events": [0, 10, 20]}


def test_schedule_facts_have_batsims_names() -> None:
    run = simulate(scenario(), arrivals=[arrival(0, 0), arrival(1, 0), arrival(2, 5, run=5)])
    facts = run.facts["schedule"]
    assert {name: facts[name] for name in ("makespan", "mean_waiting_time", "max_waiting_time", "max_slowdown")} == {
        "makespan": 25, "mean_waiting_time": 25 / 3, "max_waiting_time": 15, "max_slowdown": 4.0,
    }  # fmt: skip
    assert (facts["nb_jobs"], facts["nb_jobs_success"], facts["success_rate"]) == (3, 3, 1.0)
    assert (facts["time_computing"], facts["time_idle"], facts["nb_computing_machines"]) == (100, 0, 4)


def test_the_timeline_has_equal_intervals_that_add_up() -> None:
    run = simulate(scenario(), arrivals=[arrival(0, 0, run=90), arrival(1, 30, cores=2, run=100)])
    assert tuple(run.timeline.columns) == TIMELINE_COLUMNS
    assert told_timeline(run, "time", "running_jobs", "queued_jobs", "allocated_cores", "queued_cores") == [
        (0, 1, 0.5, 4, 1),
        (60, 1, 0.5, 3, 1),
        (120, 1, 0, 2, 0),
        (180, 1, 0, 2, 0),
    ]


def told_timeline(run: Run, *columns: str) -> list[tuple[float, ...]]:
    return list(run.timeline[list(columns)].itertuples(index=False, name=None))


def test_free_cores_that_nobody_waiting_can_use_are_fragmented() -> None:
    run = simulate(
        scenario(cores=4, nodes=2),
        arrivals=[
            arrival(0, 0, cores=3, run=60),
            arrival(1, 0, cores=3, run=120),
            arrival(2, 0, cores=2, run=60),  # fits on neither: 2 cores lie idle until 60
        ],
    )
    assert told_timeline(run, "time", "fragmented_cores") == [(0, 2), (60, 0)]
    assert run.integrals["fragmented_cores"] == 120


def test_many_intervals_become_fewer_longer_ones() -> None:
    run = simulate(scenario(), arrivals=[arrival(0, 0, run=60.0 * MOST_ROWS * 3.5)])
    assert MOST_ROWS / 2 <= len(run.timeline) <= MOST_ROWS
    assert set(run.timeline["time"].diff().dropna()) == {240.0}
    assert set(run.timeline["allocated_cores"]) == {4.0}


def test_the_horizon_stops_whatever_still_goes_on() -> None:
    arrivals = [arrival(0, 0, run=7200), arrival(1, 10), arrival(2, 5000)]
    stopped = simulate(scenario(horizon={"hours": 1}), arrivals=arrivals)
    assert told(stopped, "final_state") == [("RUNNING",), ("SUBMITTED",)]
    assert stopped.end_time == 3600
    assert stopped.integrals["allocated_cores"] == 4 * 3600
    undrained = simulate(scenario(horizon={"drain": False}), arrivals=arrivals)
    assert (undrained.end_time, len(undrained.jobs)) == (5000, 3)
    assert simulate(scenario(), arrivals=arrivals).end_time == 7220


def test_a_run_ends_although_its_calendar_never_does() -> None:
    nightly = [{"when": {"from": "18:00", "to": "06:00"}, "limits": {"per_user": {"cores": 1}}}]
    held = {"ordering": {"policy": "fifo"}, "admission": {"per_user": {"cores": 1}}}
    run = simulate(scenario(calendar=nightly, queue=held), arrivals=[arrival(0, 0), arrival(1, 5, cores=1)])
    assert told(run, "final_state") == [("SUBMITTED",), ("COMPLETED_SUCCESSFULLY",)]
    assert run.end_time == 15


def test_closed_nodes_have_no_capacity() -> None:
    """A drain from 01:00 to 02:00 on one of two nodes, seen at the minute."""
    calendar = [{"when": {"from": "01:00", "to": "02:00"}, "drain": {"names": ["n-01"], "evict": False}}]
    run = simulate(scenario(nodes=2, calendar=calendar), arrivals=[arrival(0, 0, cores=1, run=3 * 3600)])
    timeline = run.timeline.set_index("time")["capacity_cores"]
    assert (timeline[3540.0], timeline[3600.0], timeline[7140.0], timeline[7200.0]) == (8, 4, 4, 8)


def test_a_job_larger_than_any_node_is_refused_or_left_out() -> None:
    arrivals = [arrival(0, 0), arrival(1, 1, cores=5, name="big one"), arrival(2, 2)]
    with pytest.raises(ConfigurationError) as caught:
        simulate(scenario(nodes=3), arrivals=arrivals)
    assert str(caught.value) == (
        "scenario: workload: job 1 (big one) asks for 5 cores, 1 GiB; the largest node has 4 cores, 16 GiB. "
        "'oversized: drop' leaves such jobs out"
    )
    run = simulate(scenario(nodes=3, oversized="drop"), arrivals=arrivals)
    assert run.jobs["job_id"].tolist() == [0, 2]
    assert (run.facts["counts"]["dropped"], run.facts["schedule"]["nb_jobs_rejected"]) == (1, 1)


def test_arrivals_out_of_order_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="job 1 is submitted at 2 s, before the one above it"):
        simulate(scenario(), arrivals=[arrival(0, 3), arrival(1, 2)])


def test_contention_stretches_runs_and_the_requested_time_still_cuts_them() -> None:
    flexible = {"limit": Resources.of(4, 16), "cores_used": 4.0, "ram_gib": 1}
    shared = scenario(contention={"cpu": "cfs"})
    run = simulate(
        shared,
        arrivals=[
            arrival(0, 0, cores=1, run=100, **flexible),
            arrival(1, 0, cores=1, run=100, requested_seconds=150, **flexible),
        ],
    )
    assert told(run, "final_state", "execution_time") == [
        ("COMPLETED_SUCCESSFULLY", 175.0),  # 150 s at half speed, 25 s alone
        ("COMPLETED_WALLTIME_REACHED", 150.0),
    ]
    assert run.integrals["used_cores"] == 4 * 175
    alone = simulate(shared, arrivals=[arrival(0, 0, run=50, requested_seconds=50)])
    assert told(alone, "final_state") == [("COMPLETED_SUCCESSFULLY",)], "done in time is done"


JOBS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0, 1.0, 7.25, 100.0]),
        st.integers(1, 4),
        st.integers(0, 40),
        st.sampled_from([None, 20, 60]),
        st.sampled_from([None, 15.0]),
        st.sampled_from(["a", "b"]),
    ),
    max_size=40,
)
QUEUES = st.sampled_from(
    [
        {"ordering": {"policy": "fifo"}},
        {"ordering": {"policy": "fifo"}, "backfill": {"policy": "easy"}},
        {"ordering": {"policy": "fifo"}, "backfill": {"policy": "conservative", "passes": "each-event"}},
        {"ordering": {"policy": "sjf"}, "admission": {"per_user": {"cores": 5}}},
        {"ordering": {"policy": "priority-class"}, "preemption": {"policy": "priority"}},
    ]
)


def jobs_of(drawn: list[tuple[Any, ...]]) -> list[Arrival]:
    time, found = 0.0, []
    for number, (gap, cores, run, requested, patience, user) in enumerate(drawn):
        time += gap
        found.append(
            arrival(
                number, time, cores, run, requested_seconds=requested, patience_seconds=patience, user=user,
                priority_class="high" if number % 3 == 0 else "low",
            )
        )  # fmt: skip
    return found


@LAW
@given(JOBS, QUEUES, st.sampled_from(["instant", "fast"]))
def test_every_run_is_possible_obeys_littles_law_and_repeats(
    drawn: list[tuple[Any, ...]], queue: dict[str, Any], profile: str
) -> None:
    made = scenario(nodes=2, queue=queue, profile=profile)
    events: list[Event] = []
    rows: list[Row] = []
    run = simulate(made, arrivals=jobs_of(drawn), observers=[event_keeper(events.append)])
    checked = validate(run, events)
    assert checked.holds, checked.violation
    assert len(run.jobs) == len(drawn)
    # L = lambda W: time in the system, job by job, is the integral of how many there are. Holding a node while it
    # starts or stops is neither queued nor running.
    if profile == "instant":
        turnaround = (run.jobs["finish_time"] - run.jobs["submission_time"]).sum()
        spent = run.integrals["queued_jobs"] + run.integrals["running_jobs"]
        assert spent == pytest.approx(turnaround, rel=1e-9, abs=1e-6)
        held = (run.jobs["execution_time"] * run.jobs["requested_cores"]).sum()
        lost = (run.jobs["lost_seconds"] * run.jobs["requested_cores"]).sum()
        assert run.integrals["allocated_cores"] == pytest.approx(held + lost, rel=1e-9, abs=1e-6)
    again = simulate(made, arrivals=jobs_of(drawn))
    pd.testing.assert_frame_equal(run.jobs, again.jobs)
    pd.testing.assert_frame_equal(run.timeline, again.timeline)
    streamed = simulate(made, arrivals=jobs_of(drawn), sink=rows.append)
    assert streamed.facts == run.facts
    assert not len(streamed.jobs)
    assert sorted(row.number for row in rows) == run.jobs["job_id"].tolist()


def test_progress_is_told_and_seeds_give_other_jobs() -> None:
    seen: list[Progress] = []
    made = scenario_of({"workload": {"source": "poisson", "jobs": 600}, "cluster": {"processors": 64}})
    one = simulate(made, progress=seen.append)
    assert [step.submitted for step in seen] == sorted(step.submitted for step in seen)
    assert seen[-1].ended == 600
    assert one.facts["hash"] == made.identity(0)
    assert not simulate(made, seed=1).jobs["run_seconds"].equals(one.jobs["run_seconds"])
