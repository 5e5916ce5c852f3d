"""What each operation of the control API does."""

import json

import pytest

from mockskaha.commands import SetProfile

pytestmark = pytest.mark.evidence("our own control API")

MANY = {"nodes": [{"name": "n", "count": 2, "cores": 8, "ram_gib": 32}]}


# -- the server and its namespaces -------------------------------------------------------------------------


def test_health_and_readiness(client):
    assert client.get("health")["status"] == "ok"
    assert client.get("readiness")["status"] == "ready"
    client.host.closing = True
    answer = client.ask("GET", "readiness")
    assert (answer.status, answer.json["status"]) == (503, "stopping")


def test_namespaces_are_made_told_and_removed(client):
    made = client.ask("POST", "namespaces", {"name": "a", "seed": {"settings": {"seed": 7}}})
    assert made.status == 201
    assert made.json["service"] == "http://127.0.0.1:8080/ns/a/skaha/v1"
    client.post("clock/advance", {"by": 60}, namespace="b")
    told = {item["name"]: item["time"] for item in client.get("namespaces")["namespaces"]}
    assert told == {"": 0.0, "a": 0.0, "b": 60.0}
    assert client.get("settings", namespace="a")["seed"] == 7
    assert client.get("namespaces/b")["time"] == 60.0
    assert client.ask("DELETE", "namespaces/b").status == 204
    assert client.ask("GET", "namespaces/b").status == 404
    assert client.ask("DELETE", "namespaces/b").status == 404
    assert client.ask("POST", "namespaces", {"name": "a"}).status == 409


def test_what_belongs_to_the_server_is_not_below_a_namespace(client):
    answer = client.ask("GET", "namespaces", namespace="a", checked=False)
    assert (answer.status, "ask for it at the root" in answer.error["message"]) == (404, True)
    assert client.host.find("a") is None


def test_too_many_namespaces_are_a_conflict(client, monkeypatch):
    monkeypatch.setattr("mockskaha.host.MOST_NAMESPACES", 1)
    client.get("clock", namespace="a")
    assert client.ask("GET", "clock", namespace="b").status == 409
    assert client.ask("POST", "namespaces", {"name": "b"}).status == 409


# -- the clock ---------------------------------------------------------------------------------------------


def test_the_clock_stands_still_and_is_moved(client):
    assert client.get("clock") == {
        "mode": "manual", "speed": None, "time": 0.0, "now": "2026-01-01T00:00:00.000Z",
        "epoch": "2026-01-01T00:00:00.000Z", "next_due": None,
    }  # fmt: skip
    for by, seconds in ((90, 90.0), ("1h30m", 5400.0), ("4d", 345_600.0), (0.25, 0.25)):
        answer = client.post("clock/advance", {"by": by})
        assert (answer["advanced"], answer["reached"]) == (seconds, None)
    assert client.get("clock")["now"] == "2026-01-05T01:31:30.250Z"
    client.launch()
    assert client.get("clock")["next_due"] > client.get("clock")["time"]


def test_the_clock_follows_wall_time_and_freezes(client):
    assert client.put("clock", {"mode": "wall", "speed": 1e6})["speed"] == 1e6
    assert client.get("clock")["time"] < client.get("clock")["time"]
    before = client.put("clock", {"mode": "manual"})["time"]
    assert client.get("clock")["time"] == before


def test_it_moves_on_until_a_session_has_a_status(client):
    found = client.launch(args="60")
    answer = client.post("clock/advance", {"until": {"session": found, "status": "Running"}})
    assert (answer["reached"], answer["status"], answer["why"]) == (True, "Running", None)
    assert 0 < answer["advanced"] < 3
    answer = client.post("clock/advance", {"until": {"session": found, "status": "Succeeded"}})
    assert (answer["reached"], answer["advanced"]) == (True, 60.0)
    answer = client.post("clock/advance", {"until": {"session": found, "status": "Gone"}, "within": "2h"})
    assert (answer["reached"], answer["status"]) == (True, "Gone")


def test_it_does_not_move_on_for_nothing(client):
    found = client.launch(args="5")
    answer = client.post("clock/advance", {"until": {"session": found, "status": "Failed"}, "within": "4d"})
    assert answer["reached"] is False
    assert answer["status"] == "Completed"
    assert answer["advanced"] < 10
    assert answer["why"] == "Its command ended with exit code 0."
    assert client.ask("POST", "clock/advance", {"until": {"session": "x", "status": "Gone"}}).status == 404


def test_no_clock_goes_beyond_2199(client):
    client.host.root.platform.advance(173.5 * 365.25 * 86400)
    answer = client.ask("POST", "clock/advance", {"by": "999d"})
    assert (answer.status, answer.error["message"]) == (409, "a clock does not go beyond the year 2199")


# -- state -------------------------------------------------------------------------------------------------


def test_a_state_is_seeded_and_gone_back_to(client):
    seed = (
        "sessions:\n  - {user: bob, name: old, image: skaha/terminal:1.1.2, cmd: sleep, args: 10d, age: 2h}\n"
    )
    seed = seed.replace("image: skaha", "image: images.canfar.net/skaha").replace("10d", "infinity")
    assert client.put("state", document=seed)["sessions"] == 1
    (session,) = client.get("sessions")["sessions"]
    assert (session["user"], session["status"]) == ("bob", "Running")
    client.launch()
    client.post("clock/advance", {"by": 60})
    assert client.post("reset") == client.post("reset", {"what": "seed"})
    assert [item["user"] for item in client.get("sessions")["sessions"]] == ["bob"]
    assert client.post("reset", {"what": "all"})["sessions"] == 0
    assert client.post("reset")["sessions"] == 0


def test_a_state_may_be_json(client):
    assert client.put(
        "state", document=json.dumps({"settings": {"seed": 4}}), content_type="application/json"
    )
    assert client.get("settings")["seed"] == 4


def test_sessions_and_journal_are_reset_alone(client):
    client.launch(type="desktop")
    client.post("clock/advance", {"by": 60})
    assert client.post("reset", {"what": "sessions"}) | {"requests": 0, "time": 0} == client.get(
        "namespaces"
    )["namespaces"][0] | {"requests": 0, "time": 0}
    assert client.get("sessions")["sessions"] == []
    assert client.get("clock")["time"] == 60
    assert client.get("requests")["count"] == 1
    assert client.post("reset", {"what": "journal"})["requests"] == 0
    assert client.get("requests")["count"] == 0


@pytest.mark.parametrize(
    ("seed", "line", "key"),
    [
        ("sessions:\n  - {user: a, name: b, image: c}\n", 2, "sessions[0]"),
        ("users: []\nnodes:\n  - {name: n, count: 1, cores: -1, ram_gib: 1}\n", 3, "nodes[0].cores"),
        ("settings:\n  queue:\n    ordering:\n      policy: nope\n", 4, "queue.ordering.policy"),
        ("settings:\n  speed: -1\n", 2, "speed"),
        ("settings:\n\n  profile: nope\n", 3, "profile"),
        ("seesions: []\n", 1, "seesions"),
        ("a: 1\nb: ]\n", 2, ""),
    ],
)
def test_what_is_wrong_with_a_seed_is_told_with_line_and_key(client, seed, line, key):
    client.launch()
    answer = client.ask("PUT", "state", document=seed)
    assert answer.status == 400
    (problem, *_) = answer.error["problems"]
    assert (problem["line"], problem["key"]) == (line, key)
    assert client.get("sessions")["count"] == 1


def test_settings_are_told_without_secrets(drive):
    auth = {"mode": "strict", "tokens": [{"token": "t0p-s3cret", "user": "alice"}]}
    client = drive(auth=auth, server={"control_token": "s3cret-too"})
    answer = client.ask("GET", "settings")
    assert b"s3cret" not in answer.body
    assert answer.json["auth"]["mode"] == "strict"


def test_a_snapshot_is_taken_and_restored(client):
    found = client.launch()
    client.post("clock/advance", {"by": 30})
    document = client.get("snapshot")
    before = (client.get("sessions"), client.get("events"), client.get("clock"))
    client.ask("POST", "reset", {"what": "all"})
    assert client.put("snapshot", document)["sessions"] == 1
    assert (client.get("sessions"), client.get("events"), client.get("clock")) == before
    assert client.put("snapshot", document, namespace="other")["sessions"] == 1
    assert client.get(f"sessions/{found}", namespace="other") == client.get(f"sessions/{found}")


def test_a_snapshot_that_cannot_be_taken_is_a_conflict(client):
    from mockskaha.journal import MemoryJournal

    client.host.root.platform.journal = MemoryJournal(most=0)
    client.launch()
    answer = client.ask("GET", "snapshot")
    assert (answer.status, "--state keeps them all" in answer.error["message"]) == (409, True)


# -- profiles ----------------------------------------------------------------------------------------------


def test_the_profile_is_changed_while_it_runs(client):
    assert client.get("profile")["name"] == "fast"
    slow = client.put("profile", {"name": "realistic"})
    assert (slow["name"], "instant" in slow["packaged"]) == ("realistic", True)
    found = client.launch(type="notebook")
    goal = {"until": {"session": found, "status": "Running"}}
    assert client.post("clock/advance", goal)["advanced"] > 10
    assert client.put("profile", {"name": "instant"})["name"] == "instant"
    found = client.launch(type="notebook")
    assert client.post("clock/advance", {"until": {"session": found, "status": "Running"}})["advanced"] == 0


def test_a_profile_of_ones_own_is_in_the_commands_whole(client):
    client.put("profile", document="profile:\n  description: mine\n  work: {low: 5, high: 5}\n")
    assert client.get("profile") | {"packaged": []} == {
        "name": "custom", "description": "mine", "packaged": [],
        "profile": {"description": "mine", "work": {"low": 5.0, "high": 5.0}},
    }  # fmt: skip
    (command,) = [
        item for _, item in client.host.root.platform.journal.replay() if isinstance(item, SetProfile)
    ]
    assert json.loads(command.content)["work"]["low"] == 5
    found = client.launch(cmd="python")
    document = client.get("snapshot")
    client.ask("PUT", "snapshot", document, namespace="twin")
    for namespace in ("", "twin"):
        goal = {"until": {"session": found, "status": "Completed"}}
        assert client.post("clock/advance", goal, namespace=namespace)["advanced"] == 5
    assert client.get("profile", namespace="twin")["description"] == "mine"


# -- sessions, nodes, events -------------------------------------------------------------------------------


def test_everybodys_sessions_are_listed_and_filtered(client):
    ids = {user: client.launch(user) for user in ("alice", "bob")}
    desktop = client.launch("bob", type="desktop")
    client.post("clock/advance", {"by": 30})
    app = {"authorization": "Bearer bob", "content-type": "application/x-www-form-urlencoded"}
    client.send(
        "POST", f"/skaha/v1/session/{desktop}/app", b"image=images.canfar.net/skaha/terminal:1.1.2", app
    )
    assert client.get("sessions")["count"] == 4
    assert [item["id"] for item in client.get("sessions?user=alice")["sessions"]] == [ids["alice"]]
    assert client.get("sessions?kind=desktop-app")["count"] == 1
    assert client.get("sessions?status=running&user=bob")["count"] == 2
    assert len(client.get("sessions?limit=1")["sessions"]) == 1
    told = client.get(f"sessions/{desktop}")
    assert [item["app"] for item in told["apps"]] == [told["timeline"][-1]["app"]] != [""]


def test_a_session_is_told_with_how_it_came_there_even_when_it_is_gone(client):
    found = client.launch(args="5")
    client.post("clock/advance", {"by": 30})
    told = client.get(f"sessions/{found}")
    steps = [item["step"] for item in told["timeline"]]
    assert steps[:3] == ["submitted", "queued", "admitted"]
    assert steps[-3:] == ["exited", "finished", "released"]
    assert told["session"]["status"] == told["why"]["status"] == "Completed"
    client.post("clock/advance", {"by": "2h"})
    gone = client.get(f"sessions/{found}")
    assert gone["session"] is None
    assert (gone["why"]["status"], gone["why"]["cause"]) == ("Gone", "forgotten")
    assert client.get(f"sessions/{found}/why") == gone["why"]
    assert client.ask("GET", "sessions/unknown1").status == 404
    assert client.ask("GET", "sessions/unknown1/why").status == 404


def test_nodes_are_drained_fail_and_come_back(small):
    found = small.launch(cores="4", ram="4")
    small.post("clock/advance", {"by": 30})
    node = small.get(f"sessions/{found}")["session"]["node"]
    told = {item["name"]: item for item in small.get("nodes")["nodes"]}
    assert told[node]["sessions"] == [found]
    assert told[node]["free_cores"] == 4
    drained = small.post(f"nodes/{node}/drain")
    assert (drained["open"], drained["sessions"]) == (False, [found])
    assert small.ask("POST", f"nodes/{node}/drain").status == 409
    assert small.post(f"nodes/{node}/drain", {"evict": True})["sessions"] == []
    assert small.get(f"sessions/{found}")["session"]["status"] == "Failed"
    assert small.post(f"nodes/{node}/restore")["open"] is True
    assert small.ask("POST", f"nodes/{node}/restore").status == 409
    assert small.post(f"nodes/{node}/fail")["closed_because"] == [
        "node(s) had untolerated taint {node.kubernetes.io/unreachable: }"
    ]
    assert small.ask("POST", f"nodes/{node}/fail").status == 409
    assert small.ask("POST", "nodes/nowhere/fail").status == 404


def test_a_node_is_added_and_takes_who_waits(small):
    ids = [small.launch(user, cores="8", ram="8") for user in ("alice", "bob", "carol")]
    small.post("clock/advance", {"by": 30})
    waiting = [item for item in ids if small.get(f"sessions/{item}")["session"]["status"] == "Pending"]
    made = small.post("nodes", {"name": "more", "cores": 8, "ram_gib": 32})
    assert made["sessions"] == waiting
    assert small.ask("POST", "nodes", {"name": "more", "cores": 8, "ram_gib": 32}).status == 409


def test_a_queue_that_plans_takes_no_further_node(drive):
    client = drive(cluster=MANY, queue={"backfill": {"policy": "easy"}})
    answer = client.ask("POST", "nodes", {"name": "more", "cores": 8, "ram_gib": 32})
    assert (answer.status, "plans with the nodes it began with" in answer.error["message"]) == (409, True)
    assert client.get("snapshot")["commands"] == []


def test_events_are_paged(client):
    client.launch()
    client.post("clock/advance", {"by": 30})
    whole = client.get("events")
    assert [item["number"] for item in whole["events"]] == list(range(1, whole["last"] + 1))
    assert whole["lost"] == 0
    assert client.get("events?since=3&limit=2")["events"] == whole["events"][3:5]
    assert client.get(f"events?since={whole['last']}")["events"] == []
    assert client.get("events?since=9007199254740992")["events"] == []


def test_events_that_are_forgotten_are_counted(client):
    from mockskaha.stream import Stream

    platform = client.host.root.platform
    platform.stream = Stream(most=5)
    client.launch()
    client.post("clock/advance", {"by": 30})
    told = client.get("events?since=2")
    assert len(told["events"]) == 5
    assert told["lost"] == told["last"] - 5 - 2


def test_metrics_are_in_the_format_of_prometheus(small):
    from prometheus_client.parser import text_string_to_metric_families

    small.launch(cores="4", ram="4")
    small.post("clock/advance", {"by": 30})
    for _ in range(2):  # nothing is counted twice
        text = small.ask("GET", "metrics").body.decode()
        samples = {
            (sample.name, *sorted(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
    assert samples["mockskaha_model_time_seconds",] == 30
    assert samples["mockskaha_requests_total", "200", "createSession"] == 1
    assert samples["mockskaha_sessions", "Running", "headless"] == 1
    assert samples["mockskaha_queue_length",] == 0
    assert samples["mockskaha_happenings_total", "submitted"] == 1
    assert samples["mockskaha_node_capacity", "cores", "n-01"] == 8
    assert samples["mockskaha_node_allocated", "cores", "n-01"] == 4
    assert samples["mockskaha_node_open", "n-02"] == 1


# -- requests ----------------------------------------------------------------------------------------------


def test_requests_are_listed_filtered_and_cleared(client):
    client.launch()
    client.launch("bob")
    client.send("GET", "/skaha/v1/session/nothing1", headers={"authorization": "Bearer bob"})
    assert client.get("requests")["count"] == 3
    for query, count in (
        ("operation=createSession", 2), ("user=bob", 2), ("status=404", 1), ("method=get", 1),
        ("path=/skaha/*/session/*", 1), ("fault=x", 0), ("user=bob&status=200", 1),
    ):  # fmt: skip
        assert client.get(f"requests?{query}")["count"] == count, query
    (last,) = client.get("requests?limit=1")["requests"]
    assert last["number"] == 3
    assert {"name": "authorization", "value": "***"} in last["headers"]
    assert client.ask("DELETE", "requests").status == 204
    assert client.get("requests") == {"requests": [], "count": 0, "forgotten": 0}


@pytest.mark.parametrize(
    ("wanted", "ok", "count"),
    [
        ({}, True, 3),
        ({"times": 3}, True, 3),
        ({"times": 2}, False, 3),
        ({"operation": "createSession", "times": 2}, True, 2),
        ({"operation": "createSession", "parameters": {"NAME": "one"}}, True, 1),
        ({"operation": "createSession", "parameters": {"name": "three"}}, False, 0),
        ({"at_most": 2}, False, 3),
        ({"at_least": 2, "at_most": 3}, True, 3),
        ({"operation": "deleteSession", "times": 0}, True, 0),
        ({"operation": "deleteSession"}, False, 0),
    ],
)
def test_requests_are_verified(client, wanted, ok, count):
    client.launch(name="one")
    client.launch(name="two")
    client.send("GET", "/skaha/v1/session", headers={"authorization": "Bearer alice"})
    verdict = client.post("requests/verify", wanted)
    assert (verdict["ok"], verdict["count"]) == (ok, count)
    assert f"{count} of 3 requests match" in verdict["text"]


def test_who_comes_near_is_told_with_what_differs(client):
    client.launch(name="one")
    client.launch("bob", name="two")
    wanted = {
        "operation": "createSession",
        "user": "bob",
        "status": 200,
        "parameters": {"name": "one", "x": "y"},
    }
    near = client.post("requests/verify", wanted)["nearest"]
    assert [item["differs"] for item in near] == [
        ["parameter name is not one", "parameter x is missing"],
        ["user is alice, not bob", "parameter x is missing"],
    ]


def test_what_is_forgotten_makes_no_upper_bound_good(client):
    from mockskaha.http.requests import RequestJournal

    client.host.root.requests = client.host.root.gateway.requests = RequestJournal(most=2)
    for _ in range(3):
        client.launch()
    verdict = client.post("requests/verify", {"operation": "deleteSession", "times": 0})
    assert (verdict["ok"], verdict["forgotten"]) == (False, 1)
    assert "clear the journal at the start of a test" in verdict["text"]
    assert client.post("requests/verify", {"at_least": 2})["ok"]


def test_looking_changes_nothing(small):
    for user in ("alice", "bob", "carol"):
        small.launch(user, cores="8", ram="8")
    small.post("clock/advance", {"by": 30})
    before = small.get("snapshot")
    for path in ("sessions", "nodes", "events", "requests", "profile", "clock", "settings"):
        small.get(path)
    small.ask("GET", "metrics")
    for item in small.get("sessions")["sessions"]:
        small.get(f"sessions/{item['id']}")
    assert small.get("snapshot") == before
