"""The folder of a run: whole or not there, the same twice, and read back as it was."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from skahasim.resources import Resources
from skahasim.scenario import Scenario, scenario_of
from skahasim.study.events import Event, read_events
from skahasim.study.files import NotARun, read, simulate_into, write
from skahasim.study.folder import FolderInUse, appearing
from skahasim.study.run import JOB_COLUMNS, Run
from skahasim.study.validation import Validation, validate
from skahasim.workload.arrival import Arrival
from skahasim.workload.swf import read_log

FILES = ["events.jsonl", "jobs.csv", "run.json", "schedule.json", "timeline.csv", "workload.swf"]


def poisson(**sections: Any) -> Scenario:
    mix = [
        {"name": "small, \"quoted\"", "cores": [1, 4], "run": {"mean": 500}},
        {"name": "session", "cores": 1, "kind": "notebook", "limit_cores": 4, "run": {"low": 10, "high": 900}},
    ]  # fmt: skip
    workload = {"source": "poisson", "jobs": 60, "per_hour": 60, "users": 3, "mix": mix}
    cluster = {"nodes": [{"name": "n", "count": 2, "cores": 8, "ram_gib": 32}]}
    admission = {"per_user": {"cores": 8}}
    return scenario_of(
        {"name": "p", "workload": workload, "cluster": cluster, "queue": {"admission": admission}, **sections}
    )


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_folder_is_read_back_as_the_run_it_was(tmp_path: Path) -> None:
    run = simulate_into(poisson(), tmp_path / "run")
    assert sorted(bytes_of(tmp_path / "run")) == FILES
    again = read(tmp_path / "run")
    pd.testing.assert_frame_equal(again.jobs, run.jobs)
    pd.testing.assert_frame_equal(again.timeline, run.timeline)
    assert replace(again, jobs=run.jobs, timeline=run.timeline) == run
    schedule = json.loads((tmp_path / "run" / "schedule.json").read_text())
    assert schedule["nb_jobs"] == 60
    assert json.loads((tmp_path / "run" / "run.json").read_text())["facts"]["hash"] == poisson().identity(0)


def test_equal_runs_are_equal_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        simulate_into(poisson(), tmp_path / name, seed=7)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")
    simulate_into(poisson(), tmp_path / "two", seed=8)
    assert bytes_of(tmp_path / "one")["jobs.csv"] != bytes_of(tmp_path / "two")["jobs.csv"]


def test_jobs_written_as_they_end_are_the_same_jobs(tmp_path: Path) -> None:
    run = simulate_into(poisson(), tmp_path / "whole")
    streamed = simulate_into(poisson(), tmp_path / "streamed", stream=True)
    assert (len(run.jobs), len(streamed.jobs)) == (60, 0)
    whole, lines = ((tmp_path / name / "jobs.csv").read_text().splitlines() for name in ("whole", "streamed"))
    assert lines != whole
    assert sorted(lines) == sorted(whole)
    pd.testing.assert_frame_equal(read(tmp_path / "streamed").jobs, run.jobs)


def test_a_written_run_has_its_schedule_in_the_log(tmp_path: Path) -> None:
    run = simulate_into(poisson(), tmp_path / "run")
    records = [item for item in read_log(tmp_path / "run" / "workload.swf") if not isinstance(item, str)]
    assert [record.wait_time for record in records] == pytest.approx(run.jobs["waiting_time"].tolist())
    assert [record.run_time for record in records] == pytest.approx(run.jobs["execution_time"].tolist())
    assert {record.status for record in records} == {1}


def test_a_run_from_elsewhere_can_be_written(tmp_path: Path) -> None:
    run = simulate_into(poisson(), tmp_path / "run")
    events = list(read_events(tmp_path / "run" / "events.jsonl"))
    write(read(tmp_path / "run"), tmp_path / "copy", events=events)
    assert bytes_of(tmp_path / "copy") == bytes_of(tmp_path / "run")
    assert run.name == "p"


def test_nothing_is_left_of_a_run_that_failed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    simulate_into(poisson(), out)
    before = bytes_of(out)

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_into(poisson(), out, seed=1, observers=[interrupt])
    assert bytes_of(out) == before
    with pytest.raises(KeyboardInterrupt):
        simulate_into(poisson(), tmp_path / "new", observers=[interrupt])
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_only_an_earlier_run_is_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "precious"
    out.mkdir()
    simulate_into(poisson(), out)
    simulate_into(poisson(), out)
    (out / "run.json").unlink()
    with pytest.raises(FolderInUse, match="is not empty and is no earlier run; --force overwrites it"):
        simulate_into(poisson(), out)
    simulate_into(poisson(), out, force=True)
    assert sorted(bytes_of(out)) == FILES
    with appearing(tmp_path / "deep" / "er") as staged:
        (staged / "file").write_text("x")
    assert bytes_of(tmp_path / "deep" / "er") == {"file": b"x"}


def test_a_folder_without_a_run_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(NotARun, match=r"no run is here: run.json is missing"):
        read(tmp_path)
    simulate_into(poisson(), tmp_path / "run")
    for name, text, told in (
        ("jobs.csv", "a,b\n1,2\n", "jobs.csv has other columns than a run's"),
        ("jobs.csv", ",".join(JOB_COLUMNS) + "\n" + "x," * (len(JOB_COLUMNS) - 1) + "\n", "jobs.csv is damaged"),
        ("timeline.csv", "", "timeline.csv is damaged"),
        ("run.json", "{", "run.json is damaged"),
    ):  # fmt: skip
        simulate_into(poisson(), tmp_path / "run", force=True)
        (tmp_path / "run" / name).write_text(text)
        with pytest.raises(NotARun, match=told):
            read(tmp_path / "run")
    simulate_into(poisson(), tmp_path / "run", force=True)
    (tmp_path / "run" / "timeline.csv").unlink()
    with pytest.raises(NotARun, match=r"timeline.csv cannot be read: No such file"):
        read(tmp_path / "run")


# -- the checker ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[Event]]:
    folder = tmp_path_factory.mktemp("checked") / "run"
    run = simulate_into(poisson(), folder)
    return run, list(read_events(folder / "events.jsonl"))


def doctored(run: Run, job: int, **values: Any) -> Run:
    jobs = run.jobs.copy()
    for name, value in values.items():
        jobs.loc[job, name] = value
    return replace(run, jobs=jobs)


def test_a_schedule_that_is_possible_is_called_so(checked: tuple[Run, list[Event]]) -> None:
    found = validate(*checked)
    assert found == Validation(found.checks, "")
    assert found.checks["runs as long as they should be"] == 60
    assert found.checks["users and groups within limits"] > 100
    assert found.checks["nodes within capacity"] > 60


def test_the_checker_finds_every_doctored_table(checked: tuple[Run, list[Event]]) -> None:
    run, events = checked
    row = run.jobs.iloc[20]
    nodes = run.facts["nodes"]
    smaller = run.facts | {"nodes": {name: [4000, *amount[1:]] for name, amount in nodes.items()}}
    limits = json.loads(json.dumps(run.facts))
    limits["configuration"]["queue"]["admission"]["per_user"]["cores"] = 3
    twice = replace(run, jobs=pd.concat([run.jobs, run.jobs.iloc[[3]]], ignore_index=True))
    cases = {
        "holds 5 cores, 0 GiB, 0 GPUs of 4 cores": replace(run, facts=smaller),
        "cores of 3": replace(run, facts=limits),
        "job 3 is in the table twice": twice,
        "job 20 runs": doctored(run, 20, run_seconds=row["run_seconds"] + 1),
        "job 20: starting_time is": doctored(run, 20, starting_time=row["starting_time"] - 1),
        "job 20: finish_time is": doctored(run, 20, finish_time=row["finish_time"] + 1),
        "job 20: evictions is 1": doctored(run, 20, evictions=1),
        "job 20: preemptions is 1": doctored(run, 20, preemptions=1),
        "job 20: lost_seconds is 5": doctored(run, 20, lost_seconds=5.0),
        "job 20: submission_time is": doctored(run, 20, submission_time=row["submission_time"] + 0.5),
        "which is not in the table": replace(run, jobs=run.jobs.drop(index=20)),
    }
    assert {part: part in validate(made, events).violation for part, made in cases.items()} == dict.fromkeys(
        cases, True
    )


def test_the_checker_finds_every_doctored_event(checked: tuple[Run, list[Event]]) -> None:
    run, events = checked
    of = {event.event: index for index, event in enumerate(events) if event.job == 20}
    last = events[-1].time
    assert events[-1].event == "released"

    def without(step: str) -> list[Event]:
        return [event for index, event in enumerate(events) if index != of[step]]

    def with_another(index: int, **values: Any) -> list[Event]:
        return [*events[: index + 1], events[index]._replace(**values), *events[index + 1 :]]

    cases = {
        "before it is submitted": without("submitted"),
        "starts at": without("scheduled"),
        "has ended and still holds its place": events[:-1],
        "while it is on": with_another(of["scheduled"]),
        "which is no node": [
            event._replace(reason="n-99") if index == of["scheduled"] else event
            for index, event in enumerate(events)
        ],
        "time goes back": [*events, events[0]],
        "after its end": [*events, Event(last, 20, "started", "")],
        "gives back": [*events, Event(last, 20, "released", "")],
    }
    assert {part: part in validate(run, found).violation for part, found in cases.items()} == dict.fromkeys(
        cases, True
    )


def test_the_checker_knows_kueues_quotas(tmp_path: Path) -> None:
    manifest = """
apiVersion: kueue.x-k8s.io/v1beta1
kind: ResourceFlavor
metadata: {name: default}
---
apiVersion: kueue.x-k8s.io/v1beta1
kind: ClusterQueue
metadata: {name: cq}
spec:
  namespaceSelector: {}
  resourceGroups:
  - coveredResources: [cpu, memory]
    flavors:
    - name: default
      resources:
      - {name: cpu, nominalQuota: 6}
      - {name: memory, nominalQuota: 100Gi}
---
apiVersion: kueue.x-k8s.io/v1beta1
kind: LocalQueue
metadata: {name: lq, namespace: default}
spec: {clusterQueue: cq}
"""
    (tmp_path / "kueue.yaml").write_text(manifest)
    made = poisson(queue={"kueue": {"manifests": [str(tmp_path / "kueue.yaml")]}})
    request = Resources.of(2, 1)
    events: list[Event] = []
    from skahasim.study.events import event_keeper
    from skahasim.study.simulation import simulate

    run = simulate(
        made,
        arrivals=[Arrival(number, 0, request, request, 10) for number in range(5)],
        observers=[event_keeper(events.append)],
    )
    assert run.jobs["starting_time"].tolist() == [0, 0, 0, 10, 10]
    found = validate(run, events)
    assert (found.violation, found.checks["quotas within limits"]) == ("", 5)
    facts = json.loads(json.dumps(run.facts))
    facts["quotas"]["limits"]["cq"][0] = 5000
    assert (
        validate(replace(run, facts=facts), events).violation
        == "at 0 s ClusterQueue cq uses 6000 millicores of 5000"
    )
    facts = json.loads(json.dumps(run.facts))
    facts["quotas"]["trees"][0]["limits"][1] = 2048
    assert (
        "the cohort of cq uses 3072 ram_mib of 2048" in validate(replace(run, facts=facts), events).violation
    )
