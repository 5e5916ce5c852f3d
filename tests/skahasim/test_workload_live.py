"""Sessions of a live service, and a server's state file, as workloads."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from mockskaha.commands import CreateSession, DeleteApp, DeleteSession, RenewSession
from mockskaha.config import Settings
from mockskaha.platform import Platform
from skahasim.resources import Resources
from skahasim.workload import Arrival, arrivals, open_workload, workload_settings
from skahasim.yamlfile import ConfigurationError

FLEXIBLE = Resources.of(1, 4), Resources.of(8, 32)
DAY = 86400.0


def session(**fields: Any) -> dict[str, Any]:
    return {
        "id": "kx3w9q2d", "userid": "alice", "runAsGID": "10001", "type": "notebook", "status": "Running",
        "name": "my-notebook", "startTime": "2026-08-06T22:25:31Z", "expiryTime": "2026-08-10T22:25:31Z",
        "requestedGPUCores": "0", "isFixedResources": False,
    } | fields  # fmt: skip


def exported(folder: Path, sessions: Any) -> Path:
    path = folder / "sessions.json"
    path.write_text(json.dumps(sessions, indent=2))
    return path


def test_an_export_becomes_arrivals(tmp_path: Path) -> None:
    path = exported(
        tmp_path,
        [
            session(status="Pending", startTime=None, expiryTime=None, name="late"),
            session(
                isFixedResources=True, requestedRAM="17.18", requestedCPUCores="2", requestedGPUCores="1"
            ),
            session(
                type="headless",
                startTime="2026-08-06T22:25Z",
                expiryTime="2026-08-20T22:25Z",
                status="Failed",
            ),
            session(type="desktop", userid="bob", startTime="2026-08-06T22:26:31Z"),
        ],
    )
    workload = open_workload(workload_settings("sessions", file=path, run=60))
    fixed = Resources.of(2, 16, 1)
    desktop = Resources.of(0.25, 1), Resources.of(1, 4)
    group = "10001"
    assert list(workload.arrivals) == [
        Arrival(
            0, 0.0, *FLEXIBLE, 60.0, name="my-notebook", user="alice", group=group, completes=False,
            deadline_seconds=14 * DAY,
        ),
        Arrival(
            1, 31.0, fixed, fixed, None, None, "my-notebook", "alice", group, "notebook", "notebook",
            deadline_seconds=4 * DAY,
        ),
        Arrival(
            2, 91.0, *FLEXIBLE, None, None, "late", "alice", group, "notebook", "notebook", deadline_seconds=4 * DAY
        ),
        Arrival(
            3, 91.0, *desktop, None, None, "my-notebook", "bob", group, "desktop", "desktop",
            deadline_seconds=4 * DAY - 60,
        ),
    ]  # fmt: skip
    assert workload.epoch.unix == 1_786_055_100


@pytest.mark.parametrize(
    ("told", "gib"),
    [
        ("0.54", 0.5),
        ("1.07", 1.0),
        ("4.29", 4.0),
        ("17.18", 16.0),
        ("206.16", 192.0),
        ("16G", 16.0),
        ("2.50", 2.328125),
    ],
)
def test_memory_is_what_was_asked_for(tmp_path: Path, told: str, gib: float) -> None:
    path = exported(tmp_path, session(isFixedResources=True, requestedRAM=told, requestedCPUCores="1.500"))
    (arrival,) = arrivals(workload_settings("sessions", file=path))
    assert (arrival.request.cores, arrival.request.ram_gib) == (1.5, pytest.approx(gib, abs=1 / 1024))


def test_what_old_services_say_is_missing_is_missing(tmp_path: Path) -> None:
    path = exported(
        tmp_path, [session(expiryTime="<none>", requestedRAM="<none>", requestedCPUCores="<none>")]
    )
    (arrival,) = arrivals(workload_settings("sessions", file=path))
    assert (arrival.request, arrival.limit, arrival.deadline_seconds) == (*FLEXIBLE, 4 * DAY)


def test_everything_wrong_in_an_export_is_told_with_its_line(tmp_path: Path) -> None:
    path = exported(tmp_path, [session(startTime="today"), 7, session(requestedGPUCores="-1")])
    with pytest.raises(ConfigurationError) as caught:
        list(arrivals(workload_settings("sessions", file=path)))
    assert str(caught.value).splitlines() == [
        f"{path}:9: [0].startTime: should be an ISO 8601 timestamp, not 'today'",
        f"{path}:14: [1]: should be a session: an object with id, type, userid, …",
        f"{path}:24: [2].requestedGPUCores: should be a number from 0, not '-1'",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[{]", ":1: not JSON"),
        ("3", ": should be a list of sessions"),
        ('[{"type": "carta"}]', "has a startTime"),
    ],
)
def test_an_unusable_export_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "sessions.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=message):
        list(arrivals(workload_settings("sessions", file=path)))


class Server:
    """A platform that keeps a state file."""

    def __init__(self, path: Path) -> None:
        self.platform = Platform.from_settings(
            Settings.model_validate(
                {"clock": "manual", "seed": 7, "profile": "instant", "server": {"state": str(path)}}
            )
        )

    def create(self, kind: str = "headless", cmd: str = "sleep", args: str = "100", **fields: Any) -> str:
        command: dict[str, Any] = {
            "username": "alice", "uid": 1, "gid": 1, "groups": (5,), "name": "x", "kind": kind,
            "image": "images.canfar.net/skaha/terminal:1.1.2",
        }  # fmt: skip
        if kind == "headless":
            command |= {"cmd": cmd, "args": tuple(args.split())}
        return self.platform.execute(CreateSession(**command | fields))


def test_a_state_file_is_what_its_server_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    server = Server(path)
    server.create()
    doomed = server.create(cores=2.0, ram_gib=8.0)
    notebook = server.create("notebook")
    server.platform.advance(60)
    server.platform.execute(DeleteSession(doomed))
    desktop = server.create("desktop")
    server.platform.advance(3600)
    app = server.create("desktop-app", parent=desktop)
    server.platform.execute(RenewSession(notebook))
    server.platform.advance(10)
    server.platform.execute(DeleteApp(desktop, app))
    server.create(cmd="python", env=(("MOCKSKAHA_RUNTIME", "1h30m"), ("MOCKSKAHA_EXIT", "3")))
    jobs = [item.job for item in server.platform.inventory]
    server.platform.close()

    workload = open_workload(workload_settings("journal", file=path))
    found = list(workload.arrivals)
    assert [
        (job.number, job.submit_time, job.kind, job.run_seconds, job.deadline_seconds, job.deleted_after)
        for job in found
    ] == [
        (0, 0.0, "headless", 100.0, 14 * DAY, None),
        (1, 0.0, "headless", 100.0, 14 * DAY, 60.0),
        (2, 0.0, "notebook", None, 3660 + 4 * DAY, None),
        (3, 60.0, "desktop", None, 4 * DAY, None),
        (4, 3660.0, "desktop-app", None, 4 * DAY, 10.0),
        (5, 3670.0, "headless", 5400.0, 14 * DAY, None),
    ]  # fmt: skip
    assert workload.epoch.unix == server.platform.epoch
    assert len(jobs) == 4
    for job in jobs:
        arrival = found[job.number]
        assert (job.submit_time, job.request, job.limit, job.user, job.group, job.kind, job.deadline_seconds) == (
            arrival.submit_time, arrival.request, arrival.limit, arrival.user, arrival.group, arrival.kind,
            arrival.deadline_seconds,
        )  # fmt: skip
        assert (job.work.seconds, job.work.exit_code) == (arrival.run_seconds, arrival.exit_code)


def test_a_command_that_tells_nothing_needs_a_run_time(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    server = Server(path)
    server.create(cmd="python", args="reduce.py")
    server.platform.close()
    with pytest.raises(
        ConfigurationError, match=r"'x' runs 'python', and nothing says how long; give workload\.run"
    ):
        list(arrivals(workload_settings("journal", file=path)))
    drawn = list(arrivals(workload_settings("journal", file=path, run={"low": "1h", "high": "2h"}), seed=3))
    assert 3600 <= (drawn[0].run_seconds or 0) <= 7200
    assert drawn == list(
        arrivals(workload_settings("journal", file=path, run={"low": "1h", "high": "2h"}), seed=3)
    )


def test_what_is_no_state_file_is_refused(tmp_path: Path) -> None:
    other, text, newer = tmp_path / "other.db", tmp_path / "text.db", tmp_path / "newer.db"
    text.write_text("no database at all, but long enough to be taken for one" * 20)
    for path, statements in (
        (other, ["CREATE TABLE t (x)"]),
        (
            newer,
            [
                "CREATE TABLE meta (key, value)",
                "CREATE TABLE commands (x)",
                "INSERT INTO meta VALUES ('format', '9')",
            ],
        ),
    ):
        connection = sqlite3.connect(path, isolation_level=None)
        for statement in statements:
            connection.execute(statement)
        connection.close()
    for path, message in (
        (other, "not a state file of mockskaha"),
        (text, "file is not a database"),
        (newer, "has format 9; this version reads 1"),
        (tmp_path / "none.db", "no such file"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            list(arrivals(workload_settings("journal", file=path)))
