"""``mockskaha ctl`` against a server that listens."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from mockskaha.cli import app
from mockskaha.config import Settings
from mockskaha.control.guard import Guard
from mockskaha.ctl.faults import WHAT
from mockskaha.faults.disturbance import DISTURBANCES
from mockskaha.host import Host, Server
from tests.mockskaha.control.conftest import IMAGE

pytestmark = pytest.mark.evidence("our own control API")

TOKEN = "s3cret"
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def listening() -> Iterator[Host]:
    """A server on a free port, which wants its token."""
    host = Host(Settings.model_validate({"clock": "manual", "cluster": {"nodes": [
        {"name": "n", "count": 2, "cores": 8, "ram_gib": 32}
    ]}}), "http://127.0.0.1")  # fmt: skip
    config = uvicorn.Config(
        Server(host, Guard("127.0.0.1", SecretStr(TOKEN))),
        port=0,
        log_level="error",
        lifespan="off",
        ws="none",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    host.base_url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield host
    host.closing = server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture
def ctl(listening: Host) -> Run:
    """Runs ``mockskaha ctl`` on a namespace of its own, which begins empty."""
    listening.remove("test")

    def run(*arguments: object, code: int = 0, **environment: str) -> Result:
        given = {
            "MOCKSKAHA_URL": listening.base_url, "MOCKSKAHA_CONTROL_TOKEN": TOKEN, "MOCKSKAHA_NAMESPACE": "test",
        }  # fmt: skip
        result = CliRunner().invoke(app, ["ctl", *map(str, arguments)], env=given | environment)
        assert result.exit_code == code, result.output + repr(result.exception)
        return result

    return run


@pytest.fixture
def launch(listening: Host) -> Callable[..., str]:
    def made(**form: Any) -> str:
        given = {"name": "t", "image": IMAGE, "cmd": "sleep", "args": "60"} | form
        answer = httpx.post(
            f"{listening.base_url}/ns/test/skaha/v1/session",
            data=given,
            headers={"Authorization": "Bearer alice"},
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text
        return answer.text.strip()

    return made


def test_the_clock(ctl: Run) -> None:
    assert "stands still, nothing is due" in ctl("clock").stdout
    assert "2026-01-01T02:00:00.000Z" in ctl("clock", "advance", "2h").stdout
    assert json.loads(ctl("clock", "--json").stdout)["time"] == 7200
    assert "runs 60 times as fast" in ctl("clock", "run", "--speed", "60").stdout
    assert "stands still" in ctl("clock", "freeze").stdout
    assert "is no duration: 'soon'" in ctl("clock", "advance", "soon", code=2).stderr


def test_until_a_session_is_there_or_cannot_be(ctl: Run, launch: Callable[..., str]) -> None:
    found = launch()
    assert f"{found} is Running after 0." in ctl("until", found, "running").stdout
    told = ctl("until", found, "Failed", code=1).stdout
    assert "is Completed, and not Failed, after 60.000 s" in told
    assert "Its command ended with exit code 0." in told
    assert "no session 'nothing'" in ctl("until", "nothing", "Running", code=2).stderr


def test_why_and_timeline(ctl: Run, launch: Callable[..., str]) -> None:
    ids = [launch(cores="8", ram="8") for _ in range(3)]
    ctl("clock", "advance", "10s")
    (waiting,) = json.loads(ctl("sessions", "--status", "Pending", "--json").stdout)["sessions"]
    told = ctl("why", waiting["id"]).stdout
    assert told.startswith("Pending (no-room): No node has room for it.")
    assert "  place: 1 of 1 in the queue" in told
    assert "  nearest: n-01, short of 8 cores" in told
    assert set(ids) > {waiting["id"]}
    assert json.loads(ctl("why", waiting["id"], "--json").stdout)["cause"] == "no-room"
    assert "scheduled" in ctl("timeline", ids[0]).stdout
    assert json.loads(ctl("timeline", ids[0], "--json").stdout)[0]["step"] == "submitted"
    lines = ctl("sessions").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["id", *sorted(ids)]


def test_state_is_seeded_written_and_read_back(ctl: Run, launch: Callable[..., str], tmp_path: Any) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text(f"sessions:\n  - {{user: bob, name: old, image: {IMAGE}, cmd: sleep, args: infinity}}\n")
    assert "test: 1 sessions" in ctl("seed", seed).stdout
    launch()
    kept = tmp_path / "kept.json"
    ctl("snapshot", "--out", kept)
    assert json.loads(ctl("snapshot").stdout) == json.loads(kept.read_text())
    assert "1 sessions, 0 requests" in ctl("reset").stdout
    assert "0 sessions" in ctl("reset", "all").stdout
    assert "2 sessions" in ctl("restore", kept).stdout
    assert "0 sessions" in ctl("reset", "sessions").stdout
    assert "clock: manual" in ctl("settings").stdout
    assert json.loads(ctl("settings", "--json").stdout)["clock"] == "manual"
    seed.write_text("nodes:\n  - {name: n, count: 1, cores: -1, ram_gib: 3}\n")
    assert "line 2: nodes[0].cores: should be greater than 0" in ctl("seed", seed, code=2).stderr
    assert "cannot be read: No such file" in ctl("seed", tmp_path / "none", code=2).stderr
    assert "should be application/json" in ctl("restore", seed, code=2).stderr
    seed.write_text("{}")
    assert "not a snapshot" in ctl("restore", seed, code=2).stderr


def test_requests(ctl: Run, launch: Callable[..., str]) -> None:
    launch(name="one")
    assert "name=one" in ctl("requests").stdout
    assert "1 of 1 requests match; 1 expected" in ctl("requests", "verify", "--times", 1).stdout
    told = ctl("requests", "verify", "--operation", "createSession", "-p", "name=two", code=1).stdout
    assert "parameter name is not two" in told
    assert "NAME=VALUE" in ctl("requests", "verify", "-p", "name", code=2).stderr
    assert "either times" in ctl("requests", "verify", "--times", 1, "--at-most", 2, code=2).stderr
    ctl("requests", "clear")
    assert json.loads(ctl("requests", "--json").stdout)["count"] == 0
    assert "limit" in ctl("requests", "--limit", 0, code=2).stderr


def test_nodes(ctl: Run) -> None:
    assert ctl("nodes").stdout.splitlines()[1].split() == ["n-01", "8/8", "32/32", "0/0", "open", "0"]
    ctl("nodes", "add", "x", "--cores", 4, "--ram", 16)
    assert "unschedulable" in ctl("nodes", "drain", "x", "--evict").stdout
    assert "x is drained already" in ctl("nodes", "drain", "x", code=2).stderr
    assert json.loads(ctl("nodes", "restore", "x", "--json").stdout)["open"] is True
    assert "unreachable" in ctl("nodes", "fail", "x").stdout
    assert "no node 'y'" in ctl("nodes", "fail", "y", code=2).stderr
    assert "has no /_mockskaha/nodes/a/b/fail" in ctl("nodes", "fail", "a/b", code=2).stderr


def test_profile(ctl: Run, tmp_path: Any) -> None:
    assert ctl("profile").stdout.startswith("fast: ")
    assert ctl("profile", "set", "chaos").stdout.startswith("chaos: ")
    mine = tmp_path / "mine.yaml"
    mine.write_text("description: my own\nwork: 5\n")
    assert ctl("profile", "set", mine).stdout.startswith("mine: my own")
    assert json.loads(ctl("profile", "--json").stdout)["profile"]["work"] == {"low": 5.0, "high": 5.0}
    assert "unknown profile 'nope'; known: chaos" in ctl("profile", "set", "nope", code=2).stderr
    mine.write_text("a: [")
    assert "mine.yaml" in ctl("profile", "set", mine, code=2).stderr


def test_namespaces(ctl: Run, listening: Host) -> None:
    listening.remove("side")
    assert "/ns/side/skaha/v1" in ctl("namespaces", "create", "side").stdout
    ctl("clock", "advance", "1h", "--namespace", "side")
    ctl("-n", "side", "clock", "advance", "1h")
    ctl("clock", "-n", "side", "advance", "1h")
    names = {line.split()[0]: line for line in ctl("namespaces").stdout.splitlines()}
    assert " 10800 " in names["side"]
    assert "a namespace 'side' already" in ctl("namespaces", "create", "side", code=2).stderr
    ctl("namespaces", "delete", "side")
    assert "no namespace 'side'" in ctl("namespaces", "delete", "side", code=2).stderr


def test_a_namespace_of_another_version(ctl: Run, listening: Host, tmp_path: Path) -> None:
    for name in ("old", "older", "odd"):
        listening.remove(name)
    assert "/ns/old/skaha/v0" in ctl("namespaces", "create", "old", "--skaha-version", "0.29").stdout
    seed = tmp_path / "seed.yaml"
    seed.write_text(
        "settings: {profile: instant, skaha_version: '1.2'}\nusers: [{username: dora, uid: 20001}]\n"
    )
    ctl("namespaces", "create", "older", "--seed", seed, "--skaha-version", "1.1")
    made = listening.namespace("older").platform.settings
    assert (made.skaha_version, made.profile) == ("1.1", "instant")
    assert "dora" in {user.username for user in made.users}
    ctl("reset", "-n", "older")
    assert listening.namespace("older").platform.era.version == "1.1"
    refused = ctl("namespaces", "create", "odd", "--skaha-version", "1.3", code=2)
    assert "unknown version of Skaha '1.3'; known: 0.29" in refused.stderr
    seed.write_text("[]")
    ctl("namespaces", "create", "odd", "--seed", seed, "--skaha-version", "1.1", code=2)
    assert listening.find("odd") is None


def test_events_and_metrics(ctl: Run, launch: Callable[..., str]) -> None:
    launch()
    ctl("clock", "advance", "10s")
    lines = ctl("events").stdout.splitlines()
    assert [line.split()[2] for line in lines[:2]] == ["submitted", "queued"]
    told = [
        json.loads(line) for line in ctl("events", "--json", "--since", 1, "--limit", 2).stdout.splitlines()
    ]
    assert [item["number"] for item in told] == [2, 3]
    assert "mockskaha_model_time_seconds 10.0" in ctl("metrics").stdout


def test_events_are_followed_until_the_namespace_is_gone(
    ctl: Run, launch: Callable[..., str], listening: Host
) -> None:
    launch()
    ctl("clock", "advance", "10s")

    def remove_once_followed() -> None:
        while not listening.streams:
            time.sleep(0.01)
        listening.remove("test")

    threading.Thread(target=remove_once_followed, daemon=True).start()
    lines = ctl("events", "--follow", "--since", 0, "--json").stdout.splitlines()
    assert [json.loads(line)["number"] for line in lines[:3]] == [1, 2, 3]


def test_who_is_not_let_in_and_who_is_not_there(ctl: Run) -> None:
    assert "wants its token" in ctl("clock", "--token", "wrong", code=4).stderr
    told = ctl("clock", "--url", "http://127.0.0.1:1", code=4).stderr
    assert "is `mockskaha serve` running there?" in told
    assert ctl("clock", "--url", "no url", code=4).stderr
    assert "cannot be the name" in ctl("clock", "-n", "Bad", code=2).stderr
    assert "give a command" in ctl(code=2).stderr


def test_a_server_of_another_kind(ctl: Run, listening: Host) -> None:
    told = ctl("clock", "--url", f"{listening.base_url}/skaha", code=4).stderr
    assert "is it a mockskaha server?" in told


def test_health(listening: Host) -> None:
    def health(url: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["health", "--url", url])
        return result.exit_code, result.output

    assert health(listening.base_url) == (0, "ready\n")
    assert health(f"{listening.base_url}/") == (0, "ready\n")
    assert health("http://127.0.0.1:1")[0] == 1
    assert (
        health("ftp://x")[0]
        == health("nothing")[0]
        == health("http://[")[0]
        == health("http://x:99999")[0]
        == 1
    )
    listening.closing = True
    try:
        assert "answers 503" in health(listening.base_url)[1]
    finally:
        listening.closing = False


def test_the_health_check_loads_nothing_it_does_not_need() -> None:
    import subprocess
    import sys

    code = (
        "import sys; sys.argv = ['mockskaha', 'health', '--url', 'http://127.0.0.1:1']\n"
        "from mockskaha.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: print(end.code)\n"
        "print(*{'httpx', 'fastapi', 'uvicorn', 'yaml', 'simpy', 'skahasim'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n\n"


def test_what_can_befall_a_session_is_told() -> None:
    assert tuple(WHAT.split("|")) == DISTURBANCES


def test_faults_and_disturbances(ctl: Run, launch: Callable[..., str], tmp_path: Any) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text("- {id: mine, status: 418, user: bob}\n- flaky\n")
    assert "mine" in ctl("faults", "add", path).stdout
    told = ctl("faults", "apply", "quota-full", "user=bob", "times=1").stdout
    assert 'operation=["createSession"], user=bob, times=1, error=session-limit' in told
    ctl("faults", "add", "{id: other, delay: 3}")
    for arguments in (("faults",), ("faults", "list")):
        assert [line.split()[0] for line in ctl(*arguments).stdout.splitlines()] == [
            "fault", "mine", "flaky", "quota-full", "other",
        ]  # fmt: skip
    assert len(json.loads(ctl("faults", "list", "--json").stdout)["faults"]) == 4
    assert ctl("faults", "show", "mine").stdout.startswith(
        "id: mine\nuser: bob\nstatus: 418\n# set at 0 s; met 0 calls, struck 0\n# operations: createApp, "
    )
    assert json.loads(ctl("faults", "show", "mine", "--json").stdout)["rule"]["status"] == 418
    assert "there is no fault 'none'" in ctl("faults", "show", "none", code=2).stderr
    assert ctl("faults", "remove", "mine").stdout == "mine is removed\n"
    assert "there is no fault 'mine'" in ctl("faults", "remove", "mine", code=2).stderr
    assert "did you mean 'flaky'?" in ctl("faults", "add", "flakey", code=2).stderr
    assert "did you mean 'flaky'?" in ctl("faults", "apply", "flakey", code=2).stderr
    assert "has no parameter 'sec'" in ctl("faults", "apply", "flaky", "sec=3", code=2).stderr
    assert "'user' should be KEY=VALUE" in ctl("faults", "add", "flaky", "user", code=2).stderr
    assert "KEY=VALUE" in ctl("faults", "apply", "flaky", "preset=oom", code=2).stderr
    assert "faults[0].parameters" in ctl("faults", "apply", "flaky", "parameters=2026-01-01", code=2).stderr
    assert "there is no '[a'" in ctl("faults", "apply", "flaky", "kind=[a", code=2).stderr
    values = ("id=4711", "session=007", "until=2026-01-01T02:00:00Z", "parameters={view: x}", "kind=notebook",
              "nth=[1, 2]")  # fmt: skip
    (made,) = json.loads(ctl("faults", "apply", "flaky", *values, "--json").stdout)["faults"]
    assert {key: made["rule"][key] for key in ("id", "session", "until", "parameters", "kind", "nth")} == {
        "id": "4711", "session": "007", "until": "2026-01-01T02:00:00Z", "parameters": {"view": "x"},
        "kind": ["notebook"], "nth": [1, 2],
    }  # fmt: skip
    assert "goes with a preset" in ctl("faults", "add", path, "user=x", code=2).stderr
    assert "any more" in ctl("faults", "clear").stdout
    assert json.loads(ctl("faults", "--json").stdout) == {"faults": []}
    assert "bad-gateway-after-create" in ctl("faults", "presets").stdout
    assert len(json.loads(ctl("faults", "presets", "--json").stdout)["presets"]) > 20
    found = launch(args="infinity")
    ctl("until", found, "Running")
    assert ctl("disturb", found, "exit", "--exit-code", "3").stdout == f"{found} is Failed (Error)\n"
    assert f"evict: {found} is failed, and not on a node" in ctl("disturb", found, "evict", code=2).stderr
    held = launch(args="infinity", env="MOCKSKAHA_HOLD=forever")
    assert ctl("disturb", held, "stall", "--seconds", "1m").stdout == f"{held} is Pending\n"
    ctl("until", held, "Running", "--within", "2m")
