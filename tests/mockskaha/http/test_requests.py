"""The request journal: bounded, and without secrets."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockskaha.http.gateway import Gateway
from mockskaha.http.requests import REDACTED, RequestJournal, Wanted, told

pytestmark = pytest.mark.evidence("our own: the request journal")


@pytest.fixture
def journal(skaha):
    return skaha.app.state.host.root.requests


def test_a_request_is_told_with_what_became_of_it(skaha, journal):
    session_id = skaha.create(name="one", env="A=b")
    (entry,) = journal
    assert told(entry) == {
        "number": 1,
        "time": 0.0,
        "method": "POST",
        "path": "/skaha/v1/session",
        "operation": "createSession",
        "user": "alice",
        "parameters": [
            {"name": "name", "value": "one"},
            {"name": "image", "value": "images.canfar.net/skaha/terminal:1.1.2"},
            {"name": "env", "value": "A=b"},
            {"name": "cmd", "value": "sleep"},
            {"name": "args", "value": "infinity"},
        ],
        "headers": [
            {"name": "host", "value": "testserver"},
            {"name": "authorization", "value": REDACTED},
            {"name": "content-type", "value": "application/x-www-form-urlencoded"},
        ],
        "body": None,
        "status": 200,
        "bytes": len(session_id) + 1,
        "fault": None,
    }


def test_secrets_never_come_out(skaha, journal):
    secret = "sw0rdfish"
    skaha.post(
        "/skaha/v1/session",
        {"name": "n", "image": "x", "env": [f"API_TOKEN={secret}", f"DB_PASSWORD={secret}"]},
        headers={
            "X-Skaha-Registry-Auth": secret,
            "Cookie": f"CADC_SSO={secret}",
            "X-Auth-Token-Skaha": secret,
        },
    )
    skaha.as_user(None).post("/ac/login", {"username": "a", "password": secret})
    skaha.as_user(secret).get("/skaha/v1/image", query={"token": secret})
    body = f'--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n{secret}\r\n--b--'.encode()
    skaha.as_user(None).post("/ac/login", body=body, content_type="multipart/form-data; boundary=b")
    assert len(journal) == 4
    text = json.dumps([told(entry) for entry in journal if entry.username != secret])
    assert secret not in text
    assert f"API_TOKEN={REDACTED}" in text


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Wanted(), 4),
        (Wanted(operation="createSession"), 2),
        (Wanted(operation="createSession", parameters=(("NAME", "one"),)), 1),
        (Wanted(method="get"), 2),
        (Wanted(path="/skaha/v1/session"), 3),
        (Wanted(path="/skaha/*/session/*"), 1),
        (Wanted(user="bob"), 1),
        (Wanted(status=404), 1),
        (Wanted(status=200, user="alice"), 2),
        (Wanted(fault="f1"), 0),
    ],
)
def test_requests_are_found_by_what_they_were(skaha, journal, wanted, count):
    skaha.create(name="one")
    skaha.create(name="two")
    skaha.get("/skaha/v1/session/unknown1")
    skaha.as_user("bob").get()
    assert len(journal.matching(wanted)) == count


@given(st.lists(st.tuples(st.binary(max_size=40_000), st.integers(0, 3)), max_size=60), st.integers(1, 20))
def test_it_is_bounded_in_number_and_in_bytes(requests, most):
    journal = RequestJournal(most=most, most_bytes=50_000)
    for body, users in requests:
        journal.record(0.0, "POST", "/x", b"", [(b"a", b"b")] * users, body, "u", "op", 200, 3, "")
        assert len(journal) <= most
        assert sum(len(entry.body) for entry in journal) <= 50_000
    assert journal.count == len(requests)
    assert journal.answers.total() == len(requests)
    kept = [entry.number for entry in journal]
    assert kept == list(range(journal.count - len(kept) + 1, journal.count + 1))
    journal.clear()
    assert (len(journal), journal.count) == (0, 0)


def test_a_gateway_without_a_journal_answers_all_the_same(skaha):
    gateway = Gateway(skaha.platform)
    scope = {
        "method": "GET", "path": "/skaha/availability", "query_string": b"", "headers": [], "client": ("::1", 1),
    }  # fmt: skip
    assert gateway.respond(scope).status == 200
