"""Every metric by hand on a few jobs, and laws on many."""

from math import isnan, nan
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skahasim.metrics import Summary, check_littles_law, jain, measures, summarise
from skahasim.metrics.fairness import unfair_starts
from skahasim.metrics.names import METRICS
from skahasim.metrics.summary import NothingLeft
from skahasim.resources import Resources
from skahasim.study.run import JOB_COLUMNS, TIMELINE_COLUMNS, Run

MONDAY = 1_767_571_200.0 + 8 * 3600
"""2026-01-05T00:00 in Vancouver."""
DEFAULTS: dict[str, Any] = {
    "workload_name": "w", "profile": "headless", "requested_time": -1.0, "allocated_resources": "0",
    "consumed_energy": -1.0, "metadata": "", "user": "ann", "group": "", "kind": "headless", "job_class": "",
    "priority_class": "", "queue": "", "flexible": False, "requested_ram_gib": 1.0, "requested_gpus": 0,
    "node": "n", "evictions": 0, "preemptions": 0, "lost_seconds": 0.0, "reason": "Completed",
    "recorded_wait": nan,
}  # fmt: skip


def a_job(
    number: int, submit: float, start: float, finish: float, cores: float = 1.0, **more: Any
) -> dict[str, Any]:
    ended, begun = not isnan(finish), not isnan(start)
    row = DEFAULTS | {
        "job_id": number, "submission_time": submit, "requested_number_of_resources": int(np.ceil(cores)),
        "success": int(ended and begun), "starting_time": start, "execution_time": finish - start,
        "final_state": "COMPLETED_SUCCESSFULLY" if ended and begun else "COMPLETED_KILLED" if ended
        else "RUNNING" if begun else "SUBMITTED",
        "finish_time": finish, "waiting_time": start - submit, "turnaround_time": finish - submit,
        "stretch": 1.0, "name": f"job-{number}", "size_class": "small" if cores < 4 else "large",
        "requested_cores": cores, "run_seconds": finish - start, "admission_time": start,
        "first_starting_time": start, "ready_time": start,
    }  # fmt: skip
    return row | more


def a_run(jobs: list[dict[str, Any]], cores: float = 4.0, end: float = 100.0, **facts: Any) -> Run:
    """Integrals and timeline (each 10 s) from the jobs, by brute force over quarter seconds."""
    table = pd.DataFrame(jobs, columns=list(JOB_COLUMNS))
    step = 0.25
    moments = np.arange(0, end, step) + step / 2
    series = {name: np.zeros(len(moments)) for name in TIMELINE_COLUMNS[1:]}
    for job in jobs:
        start, finish, submit = job["starting_time"], job["finish_time"], job["submission_time"]
        over = end if isnan(finish) else finish
        begun = over if isnan(start) else start
        waits, runs = (moments > submit) & (moments < begun), (moments > begun) & (moments < over)
        series["queued_jobs"] += waits
        series["queued_cores"] += waits * job["requested_cores"]
        series["running_jobs"] += runs
        series["allocated_cores"] += runs * job["requested_cores"]
        series["used_cores"] += runs * job["requested_cores"]
    series["capacity_cores"] += cores
    rows = int(10 / step)
    timeline = pd.DataFrame({name: values.reshape(-1, rows).mean(axis=1) for name, values in series.items()})
    timeline.insert(0, "time", np.arange(len(timeline)) * 10.0)
    integrals = {name: float(values.sum() * step) for name, values in series.items()}
    return Run(
        name="hand", seed=7, jobs=table, timeline=timeline[list(TIMELINE_COLUMNS)], capacity=Resources.of(cores, 10),
        start_time=MONDAY, time_zone="America/Vancouver", end_time=end, integrals=integrals, facts=facts,
    )  # fmt: skip


def three_jobs() -> Run:
    return a_run(
        [
            a_job(0, 0, 0, 40, cores=4, user="ann"),
            a_job(1, 10, 40, 45, cores=2, user="bob"),
            a_job(2, 10, 40, 80, cores=2, user="bob", evictions=1, preemptions=1, lost_seconds=0.0),
        ]
    )


def test_every_metric_by_hand() -> None:
    found = summarise(three_jobs())
    table = measures(three_jobs())
    assert table["wait_time"].tolist() == [0, 30, 30]
    assert table["run_time"].tolist() == [40, 5, 40]
    assert table["turnaround_time"].tolist() == [40, 35, 70]
    assert table["slowdown"].tolist() == [1, 7, 1.75]
    assert table["bounded_slowdown"].tolist() == [1, 3.5, 1.75]
    assert table["per_processor_slowdown"].tolist() == [1, 1.75, 1]
    assert table["kueue_quota_reserved_wait_time_seconds"].tolist() == [0, 30, 30]
    assert table["time_to_ready"].tolist() == [0, 30, 30]
    assert table["startup_latency"].tolist() == [0, 0, 0]

    busy = 4 * 40 + 2 * 5 + 2 * 40
    assert found.system["utilization"] == pytest.approx(busy / 400)
    assert found.system["effective_utilization"] == pytest.approx(busy / 400)
    assert found.system["goodput"] == busy
    assert found.system["badput"] == 0
    assert found.system["offered_load"] == pytest.approx(busy / 400)
    assert found.system["makespan"] == 80
    assert found.system["queue_length"] == pytest.approx(60 / 100)
    assert found.system["queued_cores"] == pytest.approx(120 / 100)
    assert found.system["queued_work"] == pytest.approx((10 * 30 + 80 * 30) / 100)
    assert found.system["loss_of_capacity"] == 0
    assert found.counts == {
        "submitted": 3, "started": 3, "finished": 3, "succeeded": 3, "failed": 0, "gave_up": 0, "waiting": 0,
        "running": 0, "evicted": 1, "preempted": 1, "requeues": 1,
    }  # fmt: skip
    assert found.kueuer["throughput"] == 3 / 80
    assert found.kueuer["completion_ratio"] == 1
    assert found.kueuer["tail_job_turnaround_s"] == 70
    assert found.kueuer["turnaround_overhead_s"] == pytest.approx(20)
    assert found.fairness["jain_index"] == pytest.approx(jain([1.0, 2.625]))
    assert found.fairness["largest_dominant_share"] == pytest.approx(160 / 400)
    users = found.users.set_index("user")
    assert users.loc["bob", "dominant_share"] == pytest.approx(90 / 400)
    assert users.loc["ann", "dominant_resource"] == "cores"
    assert found.value("wait_time", "max", "size_class", "small") == 30
    assert found.value("wait_time", "mean", "user", "ann") == 0
    with pytest.raises(KeyError):
        found.value("wait_time", "mean", "user", "eve")


def test_idle_cores_beside_a_queue_are_lost_capacity() -> None:
    run = a_run([a_job(0, 0, 0, 50, cores=1), a_job(1, 0, 50, 100, cores=2)])
    # For 50 s three cores are free and two are wanted.
    assert summarise(run).system["loss_of_capacity"] == pytest.approx(2 * 50 / 400)


def test_work_lost_to_evictions_is_badput() -> None:
    run = a_run([a_job(0, 0, 60, 100, cores=2, evictions=1, lost_seconds=20.0)])
    found = summarise(run)
    assert found.system["goodput"] == 80
    assert found.system["badput"] == 40


def test_a_session_ended_by_its_user_loses_nothing_and_a_killed_batch_job_all() -> None:
    killed = {"success": 0, "final_state": "COMPLETED_WALLTIME_REACHED"}
    session = a_run([a_job(0, 0, 0, 50, kind="notebook", **killed)])
    batch = a_run([a_job(0, 0, 0, 50, **killed)])
    assert (summarise(session).system["goodput"], summarise(session).system["badput"]) == (50, 0)
    assert (summarise(batch).system["goodput"], summarise(batch).system["badput"]) == (0, 50)


def test_jobs_that_never_started_count_with_their_wait_so_far() -> None:
    run = a_run([a_job(0, 0, 0, nan), a_job(1, 20, nan, nan), a_job(2, 20, nan, 50)])
    found = summarise(run, starved_after=60)
    assert measures(run)["wait_time"].tolist() == [0, 80, 30]
    assert (found.counts["waiting"], found.counts["gave_up"], found.counts["running"]) == (1, 1, 1)
    assert found.fairness["starved"] == 1
    row = found.classes[(found.classes["metric"] == "wait_time") & (found.classes["by"] == "all")].iloc[0]
    assert (row["n"], row["not_started"]) == (3, 2)
    assert "bounded_slowdown" not in set(found.classes["metric"])


def test_hours_are_those_of_the_runs_time_zone() -> None:
    hour = 3600.0
    times = [0.0, 9 * hour, 20 * hour, 5 * 24 * hour + 9 * hour]
    run = a_run([a_job(i, t, t, t + 1) for i, t in enumerate(times)], end=100.0)
    table = measures(run)
    assert table["hour"].tolist() == ["00", "09", "20", "09"]
    assert table["working_hours"].tolist() == ["off-peak", "working hours", "off-peak", "off-peak"]


def test_a_warm_up_leaves_out_jobs_and_time() -> None:
    run = a_run([a_job(0, 0, 0, 50, cores=4), a_job(1, 60, 60, 80, cores=4)])
    found = summarise(run, warm_up=50.0)
    assert found.counts["submitted"] == 1
    assert found.system["utilization"] == pytest.approx(80 / 200)
    assert summarise(run, until=50).counts["submitted"] == 1
    with pytest.raises(NothingLeft):
        summarise(run, warm_up=100.0)


def test_an_overtaken_job_started_unfairly_unless_the_other_was_smaller() -> None:
    def shares(*jobs: dict[str, Any]) -> list[bool]:
        return [bool(value) for value in unfair_starts(measures(a_run(list(jobs))))]

    assert shares(a_job(0, 0, 50, 60, cores=2), a_job(1, 5, 10, 20, cores=2)) == [True, False]
    assert shares(a_job(0, 0, 50, 60, cores=2), a_job(1, 5, 10, 20, cores=1)) == [False, False]
    assert shares(a_job(0, 0, 50, 60, cores=2), a_job(1, 5, 10, 20, cores=3)) == [True, False]
    smaller_in_ram = a_job(1, 5, 10, 20, cores=3, requested_ram_gib=0.5)
    assert shares(a_job(0, 0, 50, 60, cores=2), smaller_in_ram) == [False, False]
    assert shares(a_job(0, 0, nan, nan), a_job(1, 5, 10, 20)) == [False, False]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(0, 9)), min_size=1, max_size=25))
def test_unfair_starts_are_those_a_plain_search_finds(shapes: list[tuple[int, int, int]]) -> None:
    jobs = [
        a_job(i, float(i), float(i + wait), 90.0, cores=cores, requested_ram_gib=float(ram))
        for i, (cores, ram, wait) in enumerate(shapes)
    ]
    expected = [
        any(
            shapes[j][0] >= cores and shapes[j][1] >= ram and j + shapes[j][2] < i + wait
            for j in range(i + 1, len(shapes))
        )
        for i, (cores, ram, wait) in enumerate(shapes)
    ]
    table = pd.DataFrame(jobs).assign(started=True)
    assert unfair_starts(table).tolist() == expected


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=50), st.floats(0.1, 100))
def test_jains_index_is_bounded_and_knows_no_unit(values: list[float], scale: float) -> None:
    index = jain(values)
    assert 1 / len(values) - 1e-9 <= index <= 1 + 1e-9
    assert jain([value * scale for value in values]) == pytest.approx(index)


def test_jains_index_of_equals_is_one() -> None:
    assert jain([3, 3, 3]) == 1
    assert jain([1, 0, 0, 0]) == 0.25
    assert isnan(jain([]))


quarters = st.integers(0, 100).map(lambda n: n / 4)


@settings(max_examples=40)
@given(st.lists(st.tuples(quarters, quarters, quarters, st.booleans()), min_size=1, max_size=20))
def test_littles_law_is_an_identity(lives: list[tuple[float, float, float, bool]]) -> None:
    jobs = [
        a_job(i, submit, submit + wait, submit + wait + run if ends else nan)
        for i, (submit, wait, run, ends) in enumerate(lives)
    ]
    laws = check_littles_law(a_run(jobs))
    assert [law.name for law in laws] == ["running", "waiting", "in system"]
    assert all(law.holds() for law in laws), laws


def test_littles_law_notices_books_that_do_not_add_up() -> None:
    run = three_jobs()
    run.integrals["queued_jobs"] *= 1 + 1e-6
    failed = [law.name for law in check_littles_law(run) if not law.holds()]
    assert failed == ["waiting", "in system"]


def test_a_summary_is_plain_json_and_every_name_has_a_unit() -> None:
    import json

    found: Summary = summarise(three_jobs(), warm_up="mser5")
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert json.loads(text)["counts"]["submitted"] == 3
    system = found.tables()["system"]
    assert set(system["metric"]) <= set(METRICS)
    assert set(found.classes["metric"]) <= set(METRICS)
    assert len(system) == len(set(system["metric"]))


def test_an_empty_run_has_a_summary() -> None:
    found = summarise(a_run([]))
    assert found.counts["submitted"] == 0
    assert found.system["utilization"] == 0
    assert found.fairness["starved"] == 0
