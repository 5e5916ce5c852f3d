"""Which calls a fault meets, which of them it strikes, and what is said of one that makes no sense."""

import json
import os
from operator import itemgetter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockskaha.config import Settings, load_settings
from mockskaha.faults.presets import faults_of, read_faults
from mockskaha.faults.rule import FaultRule
from mockskaha.host import Host
from skahasim.yamlfile import ConfigurationError

from .conftest import IMAGE, World

pytestmark = pytest.mark.evidence("our own: faults")
SESSIONS = "/skaha/v1/session"
DEEP = bool(os.environ.get("MOCKSKAHA_DEEP"))


def struck(world, count, path=SESSIONS, user="alice", fault=418):
    """Numbers of the calls that were struck, from 1."""
    return [number for number in range(1, count + 1) if world.get(path, user).status_code == fault]


# Which of the calls


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({}, list(range(1, 13))),
        ({"nth": 3}, [3]),
        ({"nth": [2, 5]}, [2, 5]),
        ({"first": 4}, [1, 2, 3, 4]),
        ({"every": 4}, [4, 8, 12]),
        ({"skip": 9}, [10, 11, 12]),
        ({"skip": 3, "every": 4}, [7, 11]),
        ({"skip": 3, "nth": 2}, [5]),
        ({"skip": 3, "first": 2}, [4, 5]),
        ({"times": 2}, [1, 2]),
        ({"every": 3, "times": 2}, [3, 6]),
        ({"probability": 0}, []),
        ({"probability": 1, "times": 1}, [1]),
    ],
)
def test_which_calls_are_struck(world, selection, expected):
    world.set({"status": 418} | selection)
    assert struck(world, 12) == expected


@settings(max_examples=200 if DEEP else 30, deadline=None)
@given(seed=st.integers(0, 2**31), share=st.floats(0, 1), label=st.sampled_from(["a", "b"]))
def test_chance_is_by_the_seed_and_the_id_and_never_by_other_calls(seed, share, label):
    def run(others):
        world = World(Host(Settings(clock="manual", profile="instant", seed=seed), "http://mockskaha"))
        world.set({"status": 418, "probability": share, "user": "alice", "id": label})
        found = []
        for _ in range(12):
            if others:
                assert world.get(user="bob").status_code == 200
            found.append(world.get().status_code)
        return found

    assert run(others=False) == run(others=True)


def test_different_seeds_differ_and_the_share_is_kept(begin):
    def run(seed):
        world = begin(seed=seed)
        world.set({"status": 418, "probability": 0.3})
        return struck(world, 300)

    assert run(1) != run(2)
    assert 60 <= len(run(1)) <= 120


CALLS = ["list", "create", "get", "delete", "images"]
names = st.from_regex(r"[a-zA-Z][a-zA-Z0-9-]{0,8}[a-z0-9]", fullmatch=True)


@settings(max_examples=200 if DEEP else 30, deadline=None)
@given(
    rule=st.fixed_dictionaries(
        {"user": st.sampled_from(["alice", "al*", "?lice", "[a-c]lice"])},
        optional={
            "name": st.sampled_from(["*", "a*", "?"]), "kind": st.sampled_from(["headless", "notebook"]),
            "method": st.sampled_from(["GET", "POST", "DELETE"]), "path": st.just("/skaha/*"),
            "probability": st.floats(0, 1), "every": st.integers(1, 3), "after": st.just(True),
        },
    ),
    calls=st.lists(
        st.tuples(st.sampled_from(["alice", "bob"]), st.sampled_from(CALLS), names),
        max_size=12,
    ),
)  # fmt: skip
def test_a_fault_for_one_user_never_touches_another(rule, calls):
    def run(*faults):
        world = World(Host(Settings(clock="manual", profile="instant"), "http://mockskaha"))
        if faults:
            world.set(*faults)
        made = {"alice": "none", "bob": "none"}
        answers, ids = [], []
        for user, what, name in calls:
            with world.client(user) as client:
                if what == "create":
                    answer = client.post(SESSIONS, data={"name": name, "image": IMAGE})
                    if answer.status_code == 200:
                        made[user] = answer.text.strip()
                elif what == "delete":
                    answer = client.delete(f"{SESSIONS}/{made[user]}")
                else:
                    path = {"list": SESSIONS, "get": f"{SESSIONS}/{made[user]}", "images": "/skaha/v1/image"}[
                        what
                    ]
                    answer = client.get(path)
            text = answer.text
            if user == "bob":  # ids count all launches, those of others too
                if what == "create":
                    ids.append(text.strip())
                for number, found in enumerate(ids):
                    text = text.replace(found, f"id-{number:05}")
                if what == "list" and answer.status_code == 200:  # in the order of the ids
                    text = sorted(json.loads(text), key=itemgetter("id"))
            answers.append((user, answer.status_code, dict(answer.headers), text))
        return [answer for answer in answers if answer[0] == "bob"]

    assert run({"status": 503} | rule) == run()


# Which calls it is for


def test_what_a_fault_is_for(world):
    notebook, batch = world.create(type="notebook", name="Big-One"), world.create(name="small")
    other = world.create("bob", name="big-one")

    def statuses(**rule):
        world.namespace.faults.begin(0, faults_of([{"status": 418} | rule]))
        asked = [
            ("alice", f"{SESSIONS}/{notebook}"), ("alice", f"{SESSIONS}/{batch}"), ("bob", f"{SESSIONS}/{other}"),
            ("bob", f"{SESSIONS}/{notebook}"), ("alice", SESSIONS), ("alice", f"{SESSIONS}?view=stats"),
            (None, "/healthz"),
        ]  # fmt: skip
        return "".join("x" if world.get(path, user).status_code == 418 else "." for user, path in asked)

    assert statuses() == "xxxxxxx"
    assert statuses(name="BIG-*") == "x.x...."
    assert statuses(session=notebook) == "x..x..."  # by the id alone, whoever has it
    assert statuses(kind="headless") == ".xx...."
    assert statuses(kind=["headless", "notebook"]) == "xxx...."
    assert statuses(user="bob") == "..xx..."
    assert statuses(user="B*") == "......."
    assert statuses(operation="listSessions") == "....xx."
    assert statuses(operation=["listSessions", "getMetricsHealth"]) == "....xxx"
    assert statuses(parameters={"VIEW": "st*"}) == ".....x."
    assert statuses(path="/skaha/v1/session/*") == "xxxx..."
    assert statuses(method="POST") == "......."


def test_a_launch_has_the_name_and_type_it_asks_for(world):
    world.set({"status": 418, "operation": "createSession", "name": "big-*", "kind": "headless"})
    assert world.launch(name="BIG-1").status_code == 418
    assert world.launch(name="big-1", type="Headless ").status_code == 418
    assert world.launch(name="big-1", type="notebook").status_code == 200
    assert world.launch(name="small").status_code == 200


def test_a_window_of_model_time(world):
    world.advance(100)
    world.set({"status": 418, "begin": 10, "until": "20s"})
    assert world.get().status_code == 200
    world.advance(10)
    assert world.get().status_code == 418
    world.advance(10)
    assert world.get().status_code == 200


def test_a_window_by_the_calendar(world):
    world.set({"status": 418, "begin": "2026-01-01T01:00:00Z", "until": "2026-01-01T02:30:00+01:00"})
    world.advance(3599)
    assert world.get().status_code == 200
    world.advance(1)
    assert world.get().status_code == 418
    world.advance(1800)
    assert world.get().status_code == 200


def test_calls_outside_the_window_do_not_count(world):
    (fault,) = world.set({"status": 418, "nth": 2, "begin": 10})
    struck(world, 5)
    world.advance(10)
    assert struck(world, 3) == [2]
    assert (fault.met, fault.struck) == (3, 1)


# Several at once


def test_each_part_of_a_call_is_for_the_first_fault_that_strikes_it(world):
    first, second, third, fourth = world.set(
        {"id": "one", "status": 418, "every": 2}, {"id": "two", "status": 503},
        {"id": "three", "delay": 5}, {"id": "four", "status": 500, "delay": 1},
    )  # fmt: skip
    assert [world.get(timeout=6).status_code for _ in range(4)] == [503, 418, 503, 418]
    assert [(fault.met, fault.struck) for fault in (first, second, third)] == [(4, 2), (2, 2), (4, 4)]
    entries = list(world.namespace.requests)
    assert [entry.fault for entry in entries] == ["two,three", "one,three"] * 2
    assert (fourth.met, fourth.struck) == (0, 0)


def test_the_order_is_that_in_which_they_are_set(world):
    world.set({"id": "b", "status": 418})
    world.set({"id": "a", "status": 419})
    assert world.get().status_code == 418
    world.namespace.faults.remove("b")
    assert world.get().status_code == 419
    assert world.namespace.faults.remove("a")
    assert not world.namespace.faults.remove("a")
    assert world.namespace.gateway.faults is None


# Answers


def test_an_answer_is_told_to_the_byte(world):
    world.set({"status": 429, "body": "slow down, ä\n", "headers": {"Retry-After": "3", "X-A": "é"}})
    answer = world.launch()
    assert (answer.status_code, answer.content) == (429, "slow down, ä\n".encode())
    assert answer.headers["content-type"] == "text/plain"
    assert (answer.headers["retry-after"], answer.headers["x-a"]) == ("3", "é")
    assert answer.headers["x-vo-authenticated"] == "alice"
    assert answer.headers["content-length"] == "14"
    world.namespace.faults.clear()
    assert world.get().json() == []


@pytest.mark.parametrize(
    ("written", "body", "content_type"),
    [
        ({"body": {"a": [1, None]}}, b'{"a":[1,null]}', "application/json"),
        ({"body": []}, b"[]", "application/json"),
        ({"body": "<x/>", "content_type": "text/xml"}, b"<x/>", "text/xml"),
        ({"body": ""}, b"", "text/plain"),
        ({}, b"", None),
    ],
)
def test_bodies(world, written, body, content_type):
    world.set({"status": 200} | written)
    answer = world.get()
    assert (answer.content, answer.headers.get("content-type")) == (body, content_type)


def test_after_carries_out_what_is_then_not_told(world):
    world.set({"operation": "createSession", "status": 500, "after": True})
    world.set({"operation": "deleteSession", "error": "gateway-timeout", "after": True})
    assert world.launch().status_code == 500
    assert world.launch(image="docker.io/x").status_code == 500  # refused, and that is not told either
    (session,) = world.get().json()
    with world.client() as client:
        assert client.delete(f"{SESSIONS}/{session['id']}").status_code == 504
    assert world.get().json() == []


def test_the_caller_is_let_in_before_a_fault_is_met(world):
    (fault,) = world.set({"status": 418})
    assert world.get(user=None).status_code == 401
    assert world.get("/nowhere").status_code == 404
    assert fault.met == 0


# Rules that make no sense


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ({}, "it does nothing: give status, error, delay, reset, truncate, drip or fate"),
        ({"operation": "createSesion", "status": 500}, "there is no 'createSesion'; did you mean 'createSession'?"),
        ({"operation": "listsessions", "status": 500}, "there is no 'listsessions'; did you mean 'listSessions'?"),
        ({"operation": "listImages", "name": "a*", "status": 500}, "name: listImages is not about one session"),
        ({"kind": "laptop", "status": 500}, "kind: there is no 'laptop'; known: carta, contributed, desktop"),
        ({"error": "token-expird"}, "error: there is no 'token-expird'; did you mean 'token-expired'?"),
        ({"error": "session-limit", "operation": "getSession"}, "getSession is never refused with 'session-limit'"),
        ({"error": "unavailable", "status": 503}, "give status or error"),
        ({"body": "x", "reset": True}, "body goes with status"),
        ({"status": 99}, "status: should be greater than or equal to 200, not 99"),
        ({"status": "500"}, "status: should be a valid integer, not '500'"),
        ({"status": True}, "status: should be a valid integer"),
        ({"status": 204, "body": "x"}, "an answer with status 204 has no body"),
        ({"status": 500, "headers": {"a": "b\r\nX: c"}}, "the value of a has a character that no header may have"),
        ({"status": 500, "headers": {"a b": "c"}}, "headers: 'a b' cannot be set"),
        ({"status": 500, "headers": {"Content-Length": "3"}}, "headers: 'Content-Length' cannot be set"),
        ({"status": 500, "headers": {"Content-type": "a/b"}}, "headers: content_type says that"),
        ({"status": 500, "content_type": "a\nb"}, "the value of content-type has a character"),
        ({"reset": True, "drip": 3}, "give one of reset, truncate and drip"),
        ({"status": 500, "reset": True}, "reset: nothing is told then; give no status or error"),
        ({"delay": 1, "after": True}, "after goes with status, error or reset"),
        ({"status": 500, "nth": 1, "every": 2}, "give one of nth, first and every"),
        ({"status": 500, "begin": "1h", "until": "1h"}, "begin must come before until"),
        ({"status": 500, "begin": "soon"}, "begin: should be seconds after the fault is set"),
        ({"status": 500, "probability": 1.1}, "probability: should be less than or equal to 1, not 1.1"),
        ({"delay": -1}, "delay: should be seconds, a duration such as 90s, or a distribution"),
        ({"delay": "forever"}, "delay: should be seconds"),
        ({"delay": {"low": 2}}, "delay: a distribution has low and high, or mean, or median and sigma"),
        ({"delay": {"low": 2, "high": 1}}, "delay: low must not exceed high"),
        ({"delay": {"median": 2, "sigma": "x"}}, "delay: sigma should be a number from 0 to 10"),
        ({"fate": {}}, "fate: give at least one of: hold, suspend, pull"),
        ({"fate": {"oom": "forever"}}, "fate.oom: should be seconds"),
        ({"fate": {"hold": 1, "suspend": 1}}, "fate: give hold or suspend"),
        ({"fate": {"pull_for": 1}}, "fate: pull_for goes with pull"),
        ({"fate": {"pull": "maybe"}}, "fate.pull: should be 'ok', 'fail', 'not-found' or 'unauthorized', not 'maybe'"),
        ({"fate": {"oom": 1}, "operation": "getSession"}, "fate: getSession launches nothing; createApp and"),
        ({"fate": {"oom": 1}, "status": 500}, "fate: nothing is launched, unless the answer is lost `after` it"),
        ({"fate": {"om": 1}}, "fate.om: unknown key; did you mean 'oom'?"),
        ({"stats": 500}, "stats: unknown key; did you mean 'status'?"),
        ({"preset": "flakey"}, "there is no preset 'flakey'; did you mean 'flaky'?"),
        ({"preset": "flaky", "probabilty": 1}, "no parameter 'probabilty'; did you mean 'probability'?"),
        ({"preset": 3}, "preset: should be a name"),
        ({"id": "a b", "status": 500}, "id: String should match pattern"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(written, text):
    with pytest.raises(ConfigurationError) as refused:
        faults_of([written])
    assert text in str(refused.value)
    assert len(refused.value.problems) == 1


def test_two_faults_of_one_id(world):
    with pytest.raises(ConfigurationError, match="two faults have the id 'flaky'"):
        faults_of(["flaky", {"preset": "flaky", "user": "bob"}])
    world.set("flaky")
    from mockskaha.faults.book import BadFault

    with pytest.raises(BadFault, match="there is a fault 'flaky' already"):
        world.set({"id": "other", "status": 500}, "flaky")
    assert [fault.id for fault in world.namespace.faults] == ["flaky"]  # none of them
    assert [fault.id for fault in world.set({"preset": "flaky", "id": "again"}, {"reset": True})] == [
        "again",
        "fault-1",
    ]


def test_there_is_an_end_of_faults(world):
    from mockskaha.faults.book import BadFault

    many = tuple(FaultRule(status=500) for _ in range(1000))
    world.namespace.faults.add(many, 0.0)
    with pytest.raises(BadFault, match="1000 faults at most"):
        world.set({"status": 500})
    with pytest.raises(ConfigurationError, match="at most 1000"):
        faults_of([{"status": 500}] * 1001)


rules = st.fixed_dictionaries(
    {},
    optional={
        "operation": st.just("createSession"), "user": st.text(min_size=1, max_size=5), "every": st.integers(1, 9),
        "probability": st.floats(0, 1), "begin": st.one_of(st.floats(0, 9), st.just("2026-01-01T00:00:00+02:00")),
        "times": st.integers(1, 9), "delay": st.one_of(
            st.floats(0, 1e6), st.just("2m"), st.just({"mean": 3}), st.just({"median": 2, "sigma": 0.5})
        ),
        "status": st.integers(200, 599).filter(lambda status: status not in (204, 304)),
        "body": st.none() | st.integers(-9, 9) | st.text(max_size=5) | st.lists(st.integers(), max_size=2),
        "parameters": st.dictionaries(st.text(min_size=1, max_size=3), st.text(min_size=1, max_size=3), max_size=2),
        "fate": st.fixed_dictionaries({}, optional={
            "hold": st.one_of(st.just("forever"), st.floats(0, 99), st.just({"low": 1, "high": 2})),
            "oom": st.integers(0, 99), "exit": st.integers(0, 255), "pull": st.sampled_from(["ok", "not-found"]),
        }),
        "after": st.booleans(),
    },
)  # fmt: skip


@given(rules)
def test_a_rule_is_refused_or_is_what_is_written_of_it(written):
    try:
        (rule,) = faults_of([written])
    except ConfigurationError:
        return
    assert faults_of(json.loads(json.dumps([rule.plain()]))) == (rule,)
    assert FaultRule.model_validate_json(rule.model_dump_json()) == rule


# Where they come from


@pytest.mark.parametrize("text", [
    "- flaky\n- {id: mine, status: 500}\n", "faults:\n- flaky\n- {id: mine, status: 500}\n",
    '[{"preset": "flaky"}, {"id": "mine", "status": 500}]',
])  # fmt: skip
def test_a_file_of_faults(tmp_path, text):
    path = tmp_path / "faults.yaml"
    path.write_text(text)
    assert [fault.id for fault in read_faults(str(path))] == ["flaky", "mine"]
    path.write_text("id: one\nstatus: 500\n")
    assert [fault.id for fault in read_faults(str(path))] == ["one"]


def test_what_is_wrong_in_a_file_is_said_with_its_line(tmp_path):
    path = tmp_path / "faults.yaml"
    path.write_text("- flaky\n- status: 5000\n")
    with pytest.raises(ConfigurationError) as refused:
        read_faults(str(path))
    assert "status: should be less than or equal to 599, not 5000" in str(refused.value)
    with pytest.raises(ConfigurationError, match="neither a file nor a preset; did you mean 'flaky'"):
        read_faults("flakey")
    with pytest.raises(ConfigurationError, match=r"no such file: flaky\.yaml"):
        read_faults("flaky.yaml")


def test_a_configuration_has_faults(tmp_path, begin):
    path = tmp_path / "settings.yaml"
    path.write_text("faults:\n- {preset: quota-full, user: bob}\n- {status: 418, user: carol}\n")
    loaded = load_settings(path)
    world = begin(faults=[rule.plain() for rule in loaded.faults])
    assert world.launch("bob").status_code == 400
    assert world.get(user="carol").status_code == 418
    assert world.launch().status_code == 200
    path.write_text("faults:\n- {preset: quota-fool}\n")
    with pytest.raises(
        ConfigurationError, match="there is no preset 'quota-fool'; did you mean 'quota-full'"
    ):
        load_settings(path)
