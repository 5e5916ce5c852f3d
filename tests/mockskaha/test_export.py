"""``mockskaha export-jobs``: a live day as a workload, and the same day again in a study."""

from __future__ import annotations

import csv
import json
import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from mockskaha.cli import app
from skahasim.cli import app as skahasim
from skahasim.scenario import load_scenario
from skahasim.study.events import read_events
from skahasim.study.simulation import simulate
from skahasim.transition import Step, Transition
from skahasim.workload.table import read_table
from tests.mockskaha.conftest import SESSIONS, Skaha

pytestmark = pytest.mark.evidence("ours: the live service and a study run one model")

ROOT = Path(__file__).parents[2]
KUEUE = ROOT / "examples" / "kueue" / "canfar-development.yaml"
CLUSTER = "cluster: {nodes: [{name: n, count: 2, cores: 16, ram_gib: 64}]}\n"
CONFIGS = {
    "canfar": "{}",
    "easy": "{ordering: {policy: fifo}, backfill: {policy: easy}}",
    "kueue": "{kueue: {manifests: [kueue.yaml], sessions: {headless: {priority_class: low},"
    " default: {priority_class: high}}}}",
    "priority": "{ordering: {policy: priority-class}, preemption: {policy: priority}}",
}
MAIN = 2
"""Index of the main container."""
PRIORITIES = "  priority_class: {headless: low, default: high}\n"


def configured(folder: Path, queue: str, profile: str) -> Path:
    (folder / "kueue.yaml").write_bytes(KUEUE.read_bytes())
    path = folder / "config.yaml"
    path.write_text(
        f"clock: manual\nseed: 5\nprofile: {profile}\nqueue: {CONFIGS[queue]}\n{CLUSTER}"
        f"sessions:\n  max_interactive: 50\n{'' if queue == 'kueue' else PRIORITIES}"
        f"server: {{state: state.db}}\n"
    )
    return path


Starts = list[tuple[int, float, str]]
"""Number, time and node of each start of a session's main container, in order."""


def live_a_day(start: Callable[..., Skaha], config: Path) -> Starts:
    """A day with all that can happen to a session."""
    from mockskaha.config import load_settings

    skaha = start(**load_settings(config).model_dump(exclude_defaults=True))
    begun: Starts = []
    nodes: dict[int, str] = {}

    def hear(seen: Transition) -> None:
        number = seen.job.number
        if seen.step is Step.SCHEDULED:
            nodes[number] = seen.reason
        elif seen.step is Step.STARTED and seen.job.run_time == seen.time:
            begun.append((number, seen.time, nodes[number]))

    skaha.platform.model.listeners.append(hear)
    chance = random.Random(3)
    there: list[str] = []
    for count in range(45):
        gap = chance.choice([0.0, 1.5, 20.0, 60.0])
        skaha.advance(gap)
        if gap and there and chance.random() < 0.3:
            skaha.delete(f"{SESSIONS}/{there.pop(chance.randrange(len(there)))}")
        how: dict[str, Any] = {}
        if count % 4 == 0:
            how["type"] = chance.choice(["notebook", "desktop", "carta"])
        elif count % 9 == 1:
            how |= {"cmd": "sh", "args": "-c sleep 30; exit 3"}
        elif count % 9 == 2:
            how |= {"cmd": "no such", "args": "command"}
        elif count % 9 == 3:
            how |= {"cmd": "python", "args": "reduce.py", "env": "MOCKSKAHA_MEMORY=190Gi"}
        else:
            how |= {"cmd": "sleep", "args": str(chance.randint(5, 300))}
        if count % 5:
            how |= {"cores": chance.choice([1, 4, 8, 16]), "ram": chance.choice([4, 16, 32])}
        there.append(skaha.create(**how))
    skaha.post(f"{SESSIONS}/{there[0]}", {"action": "renew"})
    skaha.advance(3600.0)
    skaha.platform.close()
    return begun


def export(folder: Path, *options: str) -> str:
    arguments = ["export-jobs", str(folder / "state.db"), "--config", str(folder / "config.yaml")]
    done = CliRunner().invoke(app, [*arguments, "--out", str(folder / "jobs.csv"), *options])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("profile", ["instant", "fast"])
@pytest.mark.parametrize("queue", CONFIGS)
def test_a_live_day_exported_is_the_same_day_in_a_study(
    start: Callable[..., Skaha], tmp_path: Path, queue: str, profile: str
) -> None:
    live = live_a_day(start, configured(tmp_path, queue, profile))
    told = export(tmp_path, "--scenario", str(tmp_path / "day.yaml"))
    assert told == f"45 jobs written to {tmp_path / 'jobs.csv'}; time 0 is 2026-08-06T22:25:31+00:00\n"

    done = CliRunner().invoke(
        skahasim, ["run", str(tmp_path / "day.yaml"), "--out", str(tmp_path / "out"), "--validate"]
    )
    assert done.exit_code == 0, done.output
    again: Starts = []
    nodes: dict[int, str] = {}
    for event in read_events(tmp_path / "out" / "events.jsonl"):
        if event.event == Step.SCHEDULED:
            nodes[event.job] = event.reason
        elif event.event == Step.STARTED and event.container == MAIN:
            again.append((event.job, event.time, nodes[event.job]))
    assert [found for found in again if found[1] <= live[-1][1]] == live
    with (tmp_path / "out" / "jobs.csv").open() as file:
        states = Counter(row["final_state"] for row in csv.DictReader(file))
    assert sum(states.values()) == 45
    assert set(states) >= {"COMPLETED_SUCCESSFULLY", "COMPLETED_FAILED", "COMPLETED_KILLED"}


def test_what_the_table_tells(start: Callable[..., Skaha], tmp_path: Path) -> None:
    live_a_day(start, configured(tmp_path, "kueue", "fast"))
    export(tmp_path)
    jobs = list(read_table(tmp_path / "jobs.csv"))
    assert {job.priority_class for job in jobs} == {"low", "high"}
    assert {job.queue for job in jobs} == {"skaha-local-queue"}
    assert {job.kind for job in jobs} > {"headless", "notebook"}
    assert {job.exit_code for job in jobs} == {0, 3}
    assert any(job.start_error for job in jobs)
    assert any(job.deleted_after for job in jobs)
    assert all(job.recorded_wait is None or job.recorded_wait >= 0.08 for job in jobs), (
        "the profile's enqueue"
    )
    assert sum((job.recorded_wait or 0) > 60 for job in jobs) > 5
    assert {job.deadline_seconds for job in jobs} >= {1_209_600, 345_600}
    assert all(job.run_seconds is None for job in jobs if job.kind != "headless")
    flexible = [job for job in jobs if not job.is_fixed]
    assert flexible
    assert all(job.limit.cores == 8 for job in flexible if job.kind == "headless")

    refused = CliRunner().invoke(
        app, ["export-jobs", str(tmp_path / "state.db"), "--out", str(tmp_path / "jobs.csv")]
    )
    assert (refused.exit_code, refused.stderr) == (
        2,
        f"error: {tmp_path / 'jobs.csv'} exists; --force overwrites it\n",
    )


def test_an_exported_day_can_be_calibrated_to(start: Callable[..., Skaha], tmp_path: Path) -> None:
    live_a_day(start, configured(tmp_path, "canfar", "instant"))
    export(tmp_path, "--scenario", str(tmp_path / "day.yaml"))
    done = CliRunner().invoke(
        skahasim, ["calibrate", str(tmp_path / "day.yaml"), "--replications", "1", "--jobs", "1", "--json"]
    )
    assert done.exit_code == 0, done.output
    waits = {(row["size_class"], row["waits"]): row for row in json.loads(done.stdout)["waits"]}
    # Nobody was preempted and pods start at once, so the replayed waits of who ran are the observed ones.
    assert waits["all", "observed"]["n"] >= 30
    assert abs(waits["all", "replayed"]["mean_error"]) < 0.05, "who cannot be started has no start"


def test_the_replayed_day_is_the_servers_whatever_its_seed(
    start: Callable[..., Skaha], tmp_path: Path
) -> None:
    """The seed is the state file's, and the scenario has it."""
    live_a_day(start, configured(tmp_path, "canfar", "fast"))
    export(tmp_path, "--scenario", str(tmp_path / "day.yaml"))
    scenario = load_scenario(tmp_path / "day.yaml")
    assert (scenario.settings.seed, scenario.settings.profile) == (5, "fast")
    run = simulate(scenario)
    told = run.jobs[run.jobs["recorded_wait"].notna()]
    assert len(told) >= 30
    # Bound, then started: what lies between is the pod's start, under a second but for the first pull.
    late = (told["first_starting_time"] - told["submission_time"] - told["recorded_wait"]).dropna()
    assert len(late) >= 25
    assert ((late >= 0) & (late < 1.5)).all()


def test_other_settings_than_the_servers_are_warned_of(start: Callable[..., Skaha], tmp_path: Path) -> None:
    live_a_day(start, configured(tmp_path, "easy", "instant"))
    config = tmp_path / "config.yaml"
    same = CliRunner().invoke(
        app,
        [
            "export-jobs",
            str(tmp_path / "state.db"),
            "--config",
            str(config),
            "--out",
            str(tmp_path / "a.csv"),
        ],
    )
    assert (same.exit_code, same.stderr) == (0, "")
    config.write_text(config.read_text().replace("cores: 16", "cores: 32"))
    other = CliRunner().invoke(
        app,
        [
            "export-jobs",
            str(tmp_path / "state.db"),
            "--config",
            str(config),
            "--out",
            str(tmp_path / "b.csv"),
        ],
    )
    assert other.exit_code == 0
    assert other.stderr.startswith(f"warning: {tmp_path / 'state.db'}: its server had another cluster, queue")


def test_what_is_no_state_file_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    other, text, none = tmp_path / "other.db", tmp_path / "text.db", tmp_path / "none.db"
    text.write_text("no database at all, but long enough to be taken for one" * 20)
    sqlite3.connect(other).execute("CREATE TABLE t (x)").connection.close()
    for path, message in (
        (other, "is an SQLite file, but not of mockskaha"),
        (text, "cannot be used as a state file (file is not a database)"),
        (none, "cannot be read: No such file or directory"),
    ):
        done = CliRunner().invoke(app, ["export-jobs", str(path), "--out", str(tmp_path / "jobs.csv")])
        assert (done.exit_code, done.stderr) == (2, f"error: {path}: {message}\n")
    assert {path.name for path in tmp_path.iterdir()} == {"other.db", "text.db"}


def test_the_scenario_is_plain_yaml(start: Callable[..., Skaha], tmp_path: Path) -> None:
    live_a_day(start, configured(tmp_path, "kueue", "instant"))
    export(tmp_path, "--scenario", str(tmp_path / "day.yaml"))
    told = yaml.safe_load((tmp_path / "day.yaml").read_text())
    assert told["workload"] == {"source": "table", "file": "jobs.csv"}
    assert told["queue"]["kueue"]["manifests"] == [str(tmp_path / "kueue.yaml")]
    assert (told["arrivals"], told["time_zone"], str(told["start"])) == (
        "after-events",
        "UTC",
        "2026-08-06 22:25:31",
    )
