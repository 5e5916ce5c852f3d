"""Forecasts against futures that can be worked out by hand, and against the model's own law."""

import json
from math import inf
from pathlib import Path

import pytest
from typer.testing import CliRunner

from skahasim.cli import app
from skahasim.resources import Resources
from skahasim.scenario import scenario_of
from skahasim.study.execution import open_executor
from skahasim.study.forecast import Forecast, forecast
from skahasim.study.snapshot import UnusableState, read_state
from skahasim.study.state import Known, QueueState
from skahasim.study.wanted import BadJob, WantedJob
from skahasim.workload.arrival import Arrival

NOW = 1_767_686_400.0


def nobody_else(tmp_path: Path, **settings):
    """A cluster of four cores, and a workload without jobs to come."""
    log = tmp_path / "none.csv"
    log.write_text("submit_time,run_seconds,cores\n")
    return scenario_of(
        {
            "cluster": {"processors": 4},
            "workload": {"source": "table", "file": str(log)},
            "queue": {"ordering": {"policy": "fifo"}, "backfill": {"policy": "none"}},
            **settings,
        }
    )


def job(number: int, cores: int, run: float | None, age: float | None) -> Known:
    size = Resources.of(cores, 1)
    return Known(Arrival(number, 0.0, size, size, run, name=f"j{number}"), age)


def wait(scenario, jobs: tuple[Known, ...], wanted: str, **options) -> Forecast:
    with open_executor("serial") as executor:
        return forecast(
            scenario, QueueState(NOW, jobs), WantedJob.parse(wanted).arrival(), replications=4, executor=executor,
            **options,
        )  # fmt: skip


def test_what_the_state_tells_is_taken_as_it_is(tmp_path: Path) -> None:
    running, waiting = job(0, 3, 1000, 400), job(1, 4, 500, None)
    found = wait(nobody_else(tmp_path), (running, waiting), "cores=2,ram=1")
    # 600 s are left of the first, then the second runs its 500 s, and strict order lets nobody pass.
    assert found.waits == (1098.0,) * 4
    assert (found.running, found.waiting, found.starts_at_once, found.unstarted) == (1, 1, 0.0, 0)
    assert wait(nobody_else(tmp_path), (running,), "cores=1,ram=1").starts_at_once == 1.0


def test_a_job_that_never_starts_is_told_as_that(tmp_path: Path) -> None:
    found = wait(nobody_else(tmp_path), (job(0, 4, None, 60.0),), "cores=1,ram=1", horizon_hours=2)
    assert found.waits == (inf,) * 4
    assert found.unstarted == 4
    assert found.to_dict()["wait_seconds"]["p50"] is None


def test_unknown_run_times_are_those_of_the_workload_given_the_age() -> None:
    scenario = scenario_of(
        {
            "cluster": {"processors": 1},
            "queue": {"backfill": {"policy": "none"}, "ordering": {"policy": "fifo"}},
            # Everybody comes after the wanted job, and runs one or three hours: who ran for two runs one more.
            "workload": {
                "source": "poisson",
                "per_hour": 1,
                "mix": [{"run": 3600, "share": 1}, {"run": 10800, "share": 1}],
            },
        }
    )
    found = wait(scenario, (job(0, 1, None, 7200.0),), "cores=1,ram=1", horizon_hours=8)
    assert found.waits == (3598.0,) * 4
    fresh = wait(scenario, (job(0, 1, None, 0.0),), "cores=1,ram=1", horizon_hours=8)
    assert set(fresh.waits) <= {3598.0, 10798.0}


def test_quantiles_and_their_intervals_are_order_statistics() -> None:
    found = Forecast(tuple(float(n) for n in range(1, 101)), 1e6, 0, 0)
    assert [found.quantile(share) for share in (0.1, 0.5, 0.95)] == [10.0, 50.0, 95.0]
    low, high = found.interval(0.5)
    assert (low, high) == (40.0, 61.0)


def test_the_executor_does_not_matter(tmp_path: Path) -> None:
    scenario = scenario_of({"cluster": {"processors": 64}, "workload": {"source": "canfar", "load": 1.2}})
    jobs = tuple(job(number, 1, None, 10.0 * number) for number in range(60))
    answers = []
    for kind in ("serial", "thread"):
        with open_executor(kind, workers=2) as executor:
            wanted = WantedJob.parse("cores=8,ram=32").arrival()
            answers.append(
                forecast(
                    scenario,
                    QueueState(NOW, jobs),
                    wanted,
                    replications=6,
                    executor=executor,
                    horizon_hours=24,
                )
            )
    assert answers[0] == answers[1]
    assert len(set(answers[0].waits)) > 1


def sessions(tmp_path: Path) -> Path:
    path = tmp_path / "sessions.json"
    common = {"userid": "alice", "requestedGPUCores": "0", "isFixedResources": True}
    path.write_text(
        json.dumps(
            [
                {"id": "a", "type": "headless", "status": "Running", "name": "a", "startTime": "2026-01-06T07:00:00Z",
                 "expiryTime": "2026-01-20T07:00:00Z", "requestedRAM": "17.18", "requestedCPUCores": "4", **common},
                {"id": "b", "type": "notebook", "status": "Pending", "name": "b", **common},
                {"id": "c", "type": "headless", "status": "Completed", "name": "c",
                 "startTime": "2026-01-06T06:00:00Z", **common},
            ]
        )
    )  # fmt: skip
    return path


def test_the_sessions_a_service_lists_are_a_state(tmp_path: Path) -> None:
    state = read_state(sessions(tmp_path), nobody_else(tmp_path), "2026-01-06T08:00")
    assert state.now == NOW
    assert [(known.arrival.name, known.age) for known in state.jobs] == [("a", 3600.0), ("b", None)]
    assert state.running[0].arrival.request == Resources.of(4, 16)


def test_from_the_command_line(tmp_path: Path) -> None:
    options = ["--at", "2026-01-06T08:00", "--replications", "10", "--horizon", "24", "--jobs", "1"]
    arguments = ["forecast", "--state", str(sessions(tmp_path)), "--job", "cores=2,ram=8", *options]
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert (told["running"], told["waiting"], told["wait_seconds"]["p50"]) == (1, 1, 0.0)
    shown = CliRunner().invoke(app, arguments)
    assert "a fixed headless job of 2 cores, 8 GiB, behind 1 running and 1 waiting jobs" in shown.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cores=8", "a fixed job has cores and ram"),
        ("cores=8,ram=4,colour=red", "colour: unknown key; known: cores, ram"),
        ("cores", "should be key=value"),
        ("cores=many,ram=4", "cores: "),
    ],
)
def test_a_job_that_cannot_be_understood(text: str, message: str) -> None:
    with pytest.raises(BadJob, match=message):
        WantedJob.parse(text)


def test_a_state_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UnusableState, match="cannot be read: No such file"):
        read_state(tmp_path / "none.json", nobody_else(tmp_path))
    with pytest.raises(UnusableState, match="should be now, or a time such as"):
        read_state(sessions(tmp_path), nobody_else(tmp_path), "yesterday")
