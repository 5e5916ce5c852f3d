"""What a test can do with a platform: the same in this process and live."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from mockskaha import testing
from mockskaha.errors import SkahaError
from mockskaha.snapshot import SnapshotError
from mockskaha.testing.service import Skaha

pytestmark = pytest.mark.evidence("ours: what a test can do with a platform")
TERMINAL = "images.canfar.net/skaha/terminal:1.1.2"


def test_a_client_sees_what_was_launched_and_others_do_not(driven: Skaha):
    session_id = driven.launch("sleep", "60", name="mine", cores=2, ram=4)
    (session,) = driven.client().get("/session").json()
    assert (session["id"], session["name"], session["status"]) == (session_id, "mine", "Pending")
    assert session["requestedCPUCores"] == "2"
    assert driven.client("bob").get("/session").json() == []
    assert driven.client(None).get("/session").status_code == 401


def test_clients_are_of_either_library_and_either_kind(driven: Skaha):
    driven.launch(user="bob")

    async def asked(library):
        async with driven.async_client("bob", library) as client:
            return [len((await client.get("/session")).json()) for _ in range(2)]

    assert len(driven.client("bob", httpx2, headers={"x-test": "1"}).get("/session").json()) == 1
    assert asyncio.run(asked(httpx2)) == asyncio.run(asked(None)) == [1, 1]
    assert driven.journal[0].header("X-Test") == "1"


def test_it_says_how_to_get_there(driven: Skaha):
    assert driven.url == f"{driven.origin}/skaha/v1"
    assert driven.environment("bob") == {
        "CANFAR_URL": driven.url, "CANFAR_TOKEN": "bob", "SKAHA_URL": driven.url, "SKAHA_TOKEN": "bob",
    }  # fmt: skip
    token = (
        driven.client(None)
        .post(f"{driven.origin}/ac/login", data={"username": "carol", "password": "x"})
        .text
    )
    answer = driven.client(None).get("/session", headers={"Authorization": f"Bearer {token}"})
    assert answer.headers["x-vo-authenticated"] == "carol"


def test_listed_tokens_are_known():
    listed = [{"token": "s3cret", "user": "bob"}, {"token": "0pen", "user": "alice"}]
    with testing.skaha(settings={"auth": {"mode": "strict", "tokens": listed}}) as skaha:
        assert (skaha.token, skaha.token_of("bob")) == ("0pen", "s3cret")
    with testing.skaha(settings={"auth": {"mode": "strict", "tokens": listed[:1]}}) as skaha:
        assert skaha.token == skaha.token_of("bob") == "s3cret"
        assert skaha.client().get("/session").status_code == 200
        with pytest.raises(LookupError, match="no token for carol"):
            skaha.token_of("carol")


@pytest.mark.parametrize("by", [5400, "1h30m", timedelta(hours=1.5)])
def test_time_passes_when_told_and_not_by_itself(driven: Skaha, by):
    assert driven.now == datetime(2026, 1, 1, tzinfo=UTC)
    driven.advance(by)
    assert (driven.elapsed, driven.now) == (5400, datetime(2026, 1, 1, 1, 30, tzinfo=UTC))


@pytest.mark.parametrize("by", ["soon", -1, float("inf"), "-5s", ""])
def test_time_that_cannot_pass_does_not(driven: Skaha, by):
    with pytest.raises(ValueError, match=r"duration|finite"):
        driven.advance(by)
    assert driven.elapsed == 0


def test_a_whole_life_in_one_go(driven: Skaha):
    session_id = driven.launch("sleep", "1h")
    started = driven.until(session_id)
    assert 0 < started < 60
    assert driven.until(session_id, "completed", within="2h") == pytest.approx(3600, abs=60)
    assert driven.until(session_id, "gone", within="2h") == pytest.approx(3600, abs=60)
    steps = [happening.step for happening in driven.timeline(session_id)]
    assert [steps[0], steps[-1]] == ["submitted", "removed"]


def test_what_is_waited_for_in_vain_is_explained(driven: Skaha):
    session_id = driven.launch("sleep", "600")
    with pytest.raises(AssertionError) as raised:
        driven.until(session_id, "Completed", within="1m")
    lines = str(raised.value).splitlines()
    assert lines[0] == f"session {session_id} is Running, not Completed, after 60 s"
    assert lines[1].startswith("  why: Running: It runs on keel-prod-k8s-node-")
    assert lines[-1].endswith(f"ready skaha-headless-alice-{session_id}")
    assert driven.elapsed == 60


def test_what_has_ended_is_not_waited_for(driven: Skaha):
    session_id = driven.launch("false")
    with pytest.raises(AssertionError, match=r"is Failed, not Running, after \d"):
        driven.until(session_id, "Running", within="30d")
    assert driven.elapsed < 60
    with pytest.raises(AssertionError, match=r"is Gone.*\n  why: there never was a session 'nobody'"):
        driven.until("nobody")


def test_a_status_that_there_is_not_is_a_mistake_of_the_test(driven: Skaha):
    with pytest.raises(ValueError, match="no session is ever 'Runing'; known: Pending, Running"):
        driven.until(driven.launch(), "Runing")


def test_time_can_run_and_stand_still_again(driven: Skaha):
    driven.speed(1e6)
    before = driven.elapsed
    while driven.elapsed == before:
        time.sleep(0.001)
    driven.freeze()
    stopped = driven.elapsed
    time.sleep(0.002)
    assert driven.elapsed == stopped > before


def test_naps_of_a_client_are_time(driven: Skaha, monkeypatch: pytest.MonkeyPatch):
    """The loop of any client that polls."""
    client, session_id = driven.client(), driven.launch("sleep", "3h")
    monkeypatch.setattr("time.sleep", driven.advance)
    polls = 0
    while client.get(f"/session/{session_id}").json()["status"] != "Completed":
        time.sleep(600)
        polls += 1
    assert polls == 19


def test_launching_is_refused_as_by_the_service(driven: Skaha):
    with pytest.raises(SkahaError, match="Invalid session type: notepad"):
        driven.launch(type="notepad")
    with pytest.raises(SkahaError, match="name"):
        driven.launch(name="")
    assert len(driven.journal) == 0


def test_launches_obey_their_variables(driven: Skaha):
    session_id = driven.launch(env={"MOCKSKAHA_EXIT": "3", "MOCKSKAHA_RUNTIME": "10s"})
    driven.until(session_id, "Failed")
    assert driven.status(session_id) == "Failed"
    assert driven.why(session_id).startswith("Failed: It failed, Error: ")


def test_a_snapshot_is_all_there_is(driven: Skaha):
    session_id = driven.launch("sleep", "60")
    driven.until(session_id)
    then, listed = driven.elapsed, driven.client().get("/session").json()
    snapshot = driven.snapshot()
    driven.advance("30d")
    driven.launch(name="later")
    driven.restore(snapshot)
    assert (driven.elapsed, driven.client().get("/session").json()) == (then, listed)
    driven.restore(json.loads(snapshot.model_dump_json()))
    assert driven.client().get("/session").json() == listed
    with pytest.raises(SnapshotError):
        driven.restore({"format": "something"})
    assert driven.status(session_id) == "Running"


def test_reset_is_the_beginning(driven: Skaha):
    first = driven.launch()
    driven.client().get("/session")
    driven.advance("1d")
    driven.reset()
    assert (driven.elapsed, len(driven.journal), driven.status(first)) == (0, 0, "Gone")
    assert driven.launch() == first


def test_a_state_can_be_put_in_place(driven: Skaha):
    driven.seed(
        {
            "users": [{"username": "zoe", "uid": 4001}],
            "nodes": [{"name": "tiny", "count": 1, "cores": 2, "ram_gib": 8}],
            "sessions": [
                {"user": "zoe", "name": "viewer", "type": "carta", "age": "3d", "status": "Running",
                 "image": "images.canfar.net/skaha/carta:5.1.0"},
                {"user": "zoe", "name": "job", "image": TERMINAL, "cores": 2, "ram": 8, "count": 2},
            ],
        }
    )  # fmt: skip
    client = driven.client("zoe")
    assert sorted(session["name"] for session in client.get("/session").json()) == [
        "job-1",
        "job-2",
        "viewer",
    ]
    with pytest.raises(testing.BadOptions, match=r"user: unknown key here; did you mean 'sessions\.user'"):
        driven.seed({"user": []})
    assert len(client.get("/session").json()) == 3
    driven.reset()
    assert len(client.get("/session").json()) == 3


def test_nodes_come_and_go(driven: Skaha):
    driven.seed({"nodes": [{"name": "node", "count": 1, "cores": 4, "ram_gib": 16}]})
    session_id = driven.launch("sleep", "1d", cores=4, ram=16)
    driven.until(session_id)
    node = driven.nodes.of(session_id)
    assert node == driven.nodes["node-01"]
    assert (node.cores, node.free_cores, node.sessions, node.is_open) == (4, 0, (session_id,), True)
    waiting = driven.launch("sleep", "1d", cores=4, ram=16)
    driven.advance(60)
    assert "0/1 nodes are available: 1 Insufficient cpu" in driven.why(waiting)
    driven.nodes.add("node-02", cores=4, ram_gib=16)
    driven.until(waiting)
    driven.nodes.fail("node-01")
    driven.until(session_id, "Failed")
    assert driven.why(session_id).startswith("Failed: It failed, NodeLost: ")
    assert [node.is_open for node in driven.nodes] == [False, True]
    driven.nodes.restore("node-01")
    driven.nodes.drain("node-02", evict=True)
    driven.until(waiting, "Failed")
    assert driven.why(waiting).startswith("Failed: It failed, Evicted: ")


@pytest.mark.parametrize(
    ("what", "more", "why"),
    [
        ("evict", {}, "Failed: It failed, Evicted: "),
        ("oom", {}, "Failed: It failed, OOMKilled: "),
        ("exit", {"exit_code": 3}, "Failed: It failed, Error: "),
        ("exit", {"exit_code": 0}, "Completed: Its command ended with exit code 0."),
        ("expire", {}, "Failed: It failed, DeadlineExceeded: "),
        ("node-lost", {}, "Failed: It failed, NodeLost: "),
        ("preempt", {"seconds": "10m"}, "Pending: "),
        ("stall", {}, "Running: "),
    ],
)
def test_things_befall_a_session(driven: Skaha, what, more, why):
    session_id = driven.launch("sleep", "1h")
    driven.until(session_id)
    driven.disturb(session_id, what, **more)
    driven.advance("5m" if what == "preempt" else "2h" if what == "stall" else 5)
    assert driven.why(session_id).startswith(why)
    if what == "preempt":
        assert driven.until(session_id) == pytest.approx(300, abs=5)


def test_what_cannot_befall_a_session_is_told(driven: Skaha):
    session_id = driven.launch()
    with pytest.raises(ValueError, match="there is no 'evicted'; did you mean 'evict'"):
        driven.disturb(session_id, "evicted")
    with pytest.raises(ValueError, match=r"oom: .* is queued, and not running"):
        driven.disturb(session_id, "oom")
    with pytest.raises(LookupError, match="no session abcdefgh"):
        driven.disturb("abcdefgh", "evict")


def test_nodes_that_are_not_so_are_told(driven: Skaha):
    name = "keel-prod-k8s-node-01"
    with pytest.raises(LookupError, match="no node 'keel-prod-k8s-node-001'; there is keel-prod-k8s-node-01"):
        driven.nodes["keel-prod-k8s-node-001"]
    with pytest.raises(ValueError, match="takes sessions already"):
        driven.nodes.restore(name)
    driven.nodes.fail(name)
    with pytest.raises(ValueError, match="has failed already"):
        driven.nodes.fail(name)
    driven.nodes.drain(name)
    with pytest.raises(ValueError, match="is drained already"):
        driven.nodes.drain(name)
    with pytest.raises(ValueError, match="there is a node"):
        driven.nodes.add(name, cores=1, ram_gib=1)
    assert len(driven.nodes) == 43


def test_a_report_has_the_requests_and_what_waits(driven: Skaha):
    driven.client().post("/session", data={"name": "mine", "image": TERMINAL, "env": "API_TOKEN=hush"})
    report = driven.report()
    assert f"200  POST /skaha/v1/session  alice  name=mine image={TERMINAL} env=API_TOKEN=***" in report
    assert "alice  headless mine  Pending: The scheduler has not looked at it yet." in report
    assert "hush" not in report
