"""Faults over the control API."""

import pytest

from mockskaha.faults.presets import presets

pytestmark = pytest.mark.evidence("our own control API")
SESSIONS = "/skaha/v1/session"
ALICE = {"authorization": "Bearer alice"}


@pytest.fixture
def instant(drive):
    return drive(profile="instant")


def problems(answer):
    return (
        answer.status,
        answer.error["code"],
        [(item["key"], item["line"]) for item in answer.error["problems"]],
    )


def statuses(client, count, below=""):
    return [client.send("GET", f"{below}{SESSIONS}", headers=ALICE).status for _ in range(count)]


def test_faults_are_set_told_and_removed(client):
    made = client.ask("POST", "faults", {"id": "mine", "status": 418, "nth": 1, "user": "alice"})
    (told,) = made.json["faults"]
    assert "listSessions" in told.pop("operations")
    assert (made.status, told) == (201, {
        "id": "mine", "rule": {"id": "mine", "user": "alice", "nth": [1], "status": 418}, "set_at": 0.0, "met": 0,
        "struck": 0, "spent": False,
    })  # fmt: skip
    assert statuses(client, 2) == [418, 200]
    told = client.get("faults/mine")
    assert (told["met"], told["struck"], told["spent"]) == (2, 1, True)
    assert client.get("requests?fault=mine")["count"] == 1
    client.post("clock/advance", {"by": 5})
    made = client.post("faults", ["flaky", {"preset": "quota-full", "user": "bob"}])
    assert [fault["set_at"] for fault in made["faults"]] == [5.0, 5.0]
    assert [fault["id"] for fault in client.get("faults")["faults"]] == ["mine", "flaky", "quota-full"]
    assert client.ask("DELETE", "faults/flaky").status == 204
    for method in ("DELETE", "GET"):
        answer = client.ask(method, "faults/flaky")
        assert (answer.status, answer.error["message"]) == (404, "there is no fault 'flaky'")
    assert client.ask("DELETE", "faults").status == 204
    assert client.get("faults") == {"faults": []}


def test_yaml_is_taken_and_what_is_wrong_has_its_line(client):
    assert client.ask("POST", "faults", document="- flaky\n- {status: 500}\n").status == 201
    wrong = client.ask("POST", "faults", document="- {status: 500}\n- status: 5\n  statuss: 5\n")
    assert problems(wrong) == (400, "bad-input", [("faults[1].status", 2), ("faults[1].statuss", 3)])
    unknown = client.ask("POST", "faults", {"preset": "flakey"})
    assert problems(unknown)[:2] == (400, "bad-input")
    assert "there is no preset 'flakey'; did you mean 'flaky'?" in unknown.error["message"]
    unknown = client.ask(
        "POST", "faults", document="faults:\n- flaky\n- {preset: flaky,\n   sec: 3}\n- nope\n"
    )
    assert problems(unknown) == (400, "bad-input", [("faults[1]", 3), ("faults[2]", 5)])
    for given, key in (("seconds: -1", "delay"), ("probability: 7", "probability")):
        wrong = client.ask("POST", "faults", document=f"- {{preset: slow-create, {given}}}")
        assert problems(wrong) == (400, "bad-input", [(f"faults[0].{key}", 1)])
    assert problems(client.ask("POST", "faults", ["flaky"]))[:2] == (409, "conflict")
    for nothing in ("", "[]", "{}", "null", "faults:"):
        assert client.ask("POST", "faults", document=nothing).status == 400
    assert client.ask("POST", "faults", document="[", content_type="application/json").status == 400
    assert client.ask("POST", "faults", {"delay": 1e-5, "id": "tiny"}).status == 201
    assert len(client.get("faults")["faults"]) == 3


def test_faults_belong_to_their_namespace(client):
    client.post("faults", {"status": 418}, namespace="a")
    assert [statuses(client, 1, below) for below in ("/ns/a", "/ns/b", "")] == [[418], [200], [200]]
    client.post("reset", namespace="a")
    assert statuses(client, 1, "/ns/a") == [200]


def test_presets_are_told_as_they_can_be_set(client):
    told = client.get("fault-presets")["presets"]
    assert [item["name"] for item in told] == list(presets())
    for item in told:
        client.post("faults", {"preset": item["name"], **item["parameters"]})


def test_a_session_is_disturbed(instant):
    found = instant.launch()
    path = f"sessions/{found}/disturb"
    told = instant.post(path, {"what": "exit", "exit_code": 3})
    assert (told["id"], told["status"], told["reason"]) == (found, "Failed", "Error")
    again = instant.ask("POST", path, {"what": "evict"})
    assert (again.status, again.error["message"]) == (409, f"evict: {found} is failed, and not on a node")
    for body in ({}, {"what": "evit"}, {"what": "oom", "seconds": 3}, {"what": "exit", "exit_code": 256}):
        assert problems(instant.ask("POST", path, body))[:2] == (400, "bad-input")
    for session, app in (("none", ""), (found, "x1y")):
        answer = instant.ask("POST", f"sessions/{session}/disturb", {"what": "oom", "app": app})
        assert problems(answer)[:2] == (404, "not-found")


def test_an_app_is_disturbed(instant):
    desktop = instant.launch(type="desktop")
    form = {"content-type": "application/x-www-form-urlencoded"}
    app = (
        instant.send("POST", f"{SESSIONS}/{desktop}/app", b"image=x/y:1", ALICE | form).body.decode().strip()
    )
    told = instant.post(f"sessions/{desktop}/disturb", {"what": "expire", "app": app})
    assert (told["id"], told["app"], told["status"], told["reason"]) == (
        desktop,
        app,
        "Failed",
        "DeadlineExceeded",
    )
    assert instant.get(f"sessions/{desktop}")["session"]["status"] == "Running"


def test_a_session_that_is_held_says_by_what(instant):
    instant.post("faults", {"preset": "suspended-no-start", "seconds": 60})
    found = instant.launch()
    why = instant.get(f"sessions/{found}/why")
    assert (why["cause"], why["overrides"], why["until"]) == ("fault", {"SUSPEND": "60s"}, 60.0)
    instant.post("clock/advance", {"by": 60})
    assert instant.get(f"sessions/{found}/why")["cause"] == "running"
