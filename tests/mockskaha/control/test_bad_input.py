"""Whatever is sent: a refusal that says why, of the one shape, and nothing has changed."""

import json

import pytest

pytestmark = pytest.mark.evidence("our own control API")

DEEP = "[" * 5_000 + "]" * 5_000


@pytest.mark.parametrize(
    ("method", "path", "body", "key", "says"),
    [
        ("POST", "clock/advance", {"by": -1}, "by", "greater than or equal to 0"),
        ("POST", "clock/advance", {"by": 1e300}, "by", "less than or equal to"),
        ("POST", "clock/advance", {"by": True}, "by", "valid number"),
        ("POST", "clock/advance", {"by": None}, "by", "valid number"),
        ("POST", "clock/advance", {"by": ""}, "by", "is no duration"),
        ("POST", "clock/advance", {"by": "1 fortnight"}, "by", "is no duration"),
        ("POST", "clock/advance", {"by": "NaN"}, "by", "is no duration"),
        ("POST", "clock/advance", {"by": 1, "until": {}}, "until.session", "is missing"),
        ("POST", "clock/advance", {"by": 1, "within": 2}, "within", "unknown key"),
        (
            "POST",
            "clock/advance",
            {"until": {"session": "x", "status": "Happy"}},
            "until.status",
            "should be 'Pending'",
        ),
        ("POST", "clock/advance", {}, "by", "is missing"),
        ("POST", "clock/advance", [], "", "valid dictionary"),
        ("POST", "clock/advance", None, "", "is missing"),
        ("PUT", "clock", {"mode": "sundial"}, "mode", "should be 'wall' or 'manual'"),
        ("PUT", "clock", {"mode": "wall", "speed": 0}, "speed", "greater than 0"),
        ("PUT", "clock", {"mode": "wall", "speed": "2"}, "speed", "valid number"),
        ("PUT", "clock", {"mode": "manual", "speed": 2}, "", "has no speed"),
        ("POST", "reset", {"what": "everything"}, "what", "should be 'seed'"),
        ("POST", "reset", {"wat": "all"}, "wat", "unknown key"),
        ("POST", "namespaces", {"name": "Bad"}, "", "cannot be the name"),
        ("POST", "namespaces", {"name": "vera"}, "", "must not begin with v"),
        ("POST", "namespaces", {"name": 5}, "name", "valid string"),
        ("POST", "namespaces", {"name": "a", "seed": {"nodez": 1}}, "nodez", "did you mean 'nodes'"),
        ("POST", "nodes", {"name": "Bad Name", "cores": 1, "ram_gib": 1}, "name", "pattern"),
        ("POST", "nodes", {"name": "a", "cores": 0, "ram_gib": 1}, "cores", "greater than 0"),
        ("POST", "nodes", {"name": "a", "cores": 1, "ram_gib": 1, "gpus": 1.5}, "gpus", "valid integer"),
        ("POST", "nodes/x/drain", {"evict": "yes"}, "evict", "valid boolean"),
        ("POST", "requests/verify", {"times": 1, "at_most": 2}, "", "either times"),
        ("POST", "requests/verify", {"at_least": 3, "at_most": 2}, "", "more than at_most"),
        ("POST", "requests/verify", {"parameters": {"a": 1}}, "parameters.a", "valid string"),
        ("POST", "requests/verify", {"status": 99}, "status", "greater than or equal to 100"),
        ("PUT", "profile", {"name": "nope"}, "name", "unknown profile 'nope'"),
        ("PUT", "profile", {}, "", "give name, or profile"),
        (
            "PUT",
            "profile",
            {"profile": {"description": "x", "work": {"low": -1}}},
            "profile.work.low",
            "greater",
        ),
        ("PUT", "profile", {"profile": {"description": "x", "work": 1e12}}, "profile.work.low", "less"),
        (
            "PUT",
            "profile",
            {"profile": {"description": "x", "backoff": {"initial": 0}}},
            "profile.backoff.initial",
            "0.001",
        ),
        ("PUT", "snapshot", {}, "", "not a snapshot"),
        ("PUT", "snapshot", {"format": "mockskaha-snapshot", "version": 2}, "", "version 2"),
        (
            "PUT",
            "state",
            {"sessions": [{"user": "a", "name": "b", "image": "c", "count": 99_999}]},
            "sessions[0].count",
            "10000",
        ),
    ],
)
def test_values_that_mean_nothing(client, method, path, body, key, says):
    before = client.get("snapshot")
    answer = client.ask(method, path, body)
    assert answer.status == 400, answer.body
    told = answer.error["problems"] or [{"key": "", "message": answer.error["message"]}]
    assert any(problem["key"] == key and says in problem["message"] for problem in told), answer.body
    assert answer.error["code"] == "bad-input"
    assert client.get("snapshot") == before


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[NaN]",
        b'{"by": Infinity}',
        b"\xff\xfe",
        b'{"by": "\\ud800"}',
        b"{'by': 1}",
        b"\x00",
        b"1" * 5_000,
        DEEP.encode(),
        b'{"by": 1e999}',
        b'{"by": ' + b"9" * 4_400 + b"}",
        b"{} {}",
    ],
    ids=range(12),
)
@pytest.mark.parametrize("path", ["clock/advance", "snapshot", "state", "profile"])
def test_bodies_that_are_not_json(client, path, body):
    method = "POST" if path == "clock/advance" else "PUT"
    answer = client.ask(method, path, document=body, content_type="application/json")
    assert answer.status == 400, answer.body
    assert answer.error["message"]


@pytest.mark.parametrize(
    "text",
    [
        "a: [1, 2",
        "a: b: c",
        "- 1",
        "just words",
        "\t\ta",
        "a: &x [*x]",
        "!!python/object:os.system {}",
        "a: 1\na: 2",
        "sessions: 5",
        "x: " + DEEP,
        "settings: {server: {host: 0.0.0.0}}",
        "\x00",
        "&a [*a]",
        "users: [{username: ''}]",
    ],
    ids=range(14),
)
@pytest.mark.parametrize("path", ["state", "profile"])
def test_documents_that_are_no_yaml_or_say_something_wrong(client, path, text):
    answer = client.ask("PUT", path, document=text)
    assert answer.status == 400, answer.body
    assert answer.error["problems"]


@pytest.mark.parametrize(
    "path",
    [
        "clock?x=1",
        "requests?limit=0",
        "requests?limit=2001",
        "requests?status=x",
        "requests?status=99",
        "events?since=-1",
        "events?since=1.5",
        "events?since=1&since=2",
        "requests?" + "&".join(f"a{n}=1" for n in range(200)),
        "sessions?limit=",
        "sessions?kind=a&kynd=b",
        "events?limit=99999",
    ],
)
def test_queries_that_mean_nothing(client, path):
    answer = client.ask("GET", path, checked=False)
    assert answer.status == 400, answer.body
    assert answer.error["code"] == "bad-input"


@pytest.mark.parametrize(
    ("method", "path", "given"),
    [
        ("POST", "reset", ""),
        ("POST", "reset", "application/x-www-form-urlencoded"),
        ("POST", "reset", "multipart/form-data; boundary=x"),
        ("POST", "reset", "text/plain"),
        ("POST", "reset", "text/plain; application/json"),
        ("POST", "clock/advance", "application/yaml"),
        ("PUT", "clock", "text/json"),
        ("POST", "nodes/x/fail", "text/plain"),
        ("PUT", "state", "text/plain"),
        ("PUT", "snapshot", "application/yaml"),
    ],
)
def test_what_a_web_form_can_send_is_not_taken(client, method, path, given):
    client.launch()
    headers = {"content-type": given} if given else {}
    answer = client.send(method, f"/_mockskaha/{path}", b"{}", headers)
    assert (answer.status, answer.error["code"]) == (415, "media-type")
    assert "Content-Type should be application/json" in answer.error["message"]
    assert client.get("sessions")["count"] == 1


@pytest.mark.parametrize("given", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_may_be_said_in_any_way(client, given):
    assert client.send("POST", "/_mockskaha/reset", b"", {"content-type": given}).status == 200


def test_a_body_may_only_be_so_large(client):
    large = json.dumps({"by": " " * (1 << 20)}).encode()
    answer = client.ask("POST", "clock/advance", document=large, content_type="application/json")
    assert (answer.status, answer.error["message"]) == (413, "the body may have 1048576 bytes")
    headers = {"content-type": "application/json", "content-length": str(1 << 40)}
    answer = client.send("POST", "/_mockskaha/clock/advance", b"{}", headers)
    assert answer.status == 413
    assert client.ask("PUT", "state", document=b"#" * (8 << 20) + b"\n").status == 413


@pytest.mark.parametrize(
    "path", ["nowhere", "clock/", "clock/advance/x", "sessions//why", "nodes/a/b/drain", "../x"]
)
def test_there_is_no_such_path(client, path):
    answer = client.ask("GET", path, checked=False)
    assert (answer.status, answer.error["code"]) == (404, "not-found")


def test_other_methods_are_refused_with_those_there_are(client):
    for method in ("PATCH", "HEAD", "OPTIONS", "TRACE", "DELETE", "X" * 500):
        answer = client.ask(method, "clock", checked=False)
        assert (answer.status, answer.header("allow")) == (405, "GET, PUT")
    assert client.ask("PUT", "requests/verify").header("allow") == "POST"


@pytest.mark.parametrize("name", ["Bad", "vera", "-a", "a_b", "a" * 64, "%2e%2e", "%00"])
def test_names_that_no_namespace_can_have(client, name):
    answer = client.send("GET", f"/ns/{name}/_mockskaha/clock")
    assert answer.status == 404
    assert [item.name for item in client.host] == [""]
    assert client.send("GET", "/ns//_mockskaha/clock").status == 404


def test_what_cannot_be_read_makes_no_namespace(client):
    client.ask("GET", "clock?x=1", namespace="a", checked=False)
    client.ask("POST", "reset", namespace="a", document="x", content_type="text/plain")
    client.ask("GET", "nowhere", namespace="a", checked=False)
    assert client.host.find("a") is None
