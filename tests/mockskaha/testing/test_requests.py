"""What was asked for, and assertions on it."""

import pytest

from mockskaha.testing.service import Skaha

pytestmark = pytest.mark.evidence("ours: the journal of requests")
TERMINAL = "images.canfar.net/skaha/terminal:1.1.2"


@pytest.fixture
def asked(skaha: Skaha) -> Skaha:
    """Five requests: two launches of alice's, one of bob's that is refused, a list, and a method that there is not."""
    alice, bob = skaha.client(), skaha.client("bob")
    for name in ("one", "two"):
        alice.post("/session", data={"name": name, "image": TERMINAL, "env": ["A=1", "B=2"]})
        skaha.advance(10)
    bob.post("/session", data={"name": "three"})
    bob.get("/session", params={"view": "all"})
    bob.put("/session")
    return skaha


def test_requests_are_found_by_what_they_were(asked: Skaha):
    journal = asked.journal
    assert [request.operation for request in journal] == [
        "createSession", "createSession", "createSession", "listSessions", "",
    ]  # fmt: skip
    assert [request.number for request in journal.requests(user="bob")] == [3, 4]
    assert [request.number for request in journal.requests("createSession", status=200)] == [1, 2]
    assert [request.number for request in journal.requests(method="get", path="*/session")] == [4]
    assert [request.number for request in journal.requests(parameters={"NAME": "two"})] == [2]
    assert len(journal) == 5


def test_a_request_tells_what_was_sent(asked: Skaha):
    second = asked.journal[1]
    assert (second.method, second.path, second.user, second.status) == (
        "POST",
        "/skaha/v1/session",
        "alice",
        200,
    )
    assert (second.time, second.parameter("Name"), second.parameter("cores")) == (10, "two", None)
    assert second.values("env") == ["A=1", "B=2"]
    assert second.header("Content-Type") == "application/x-www-form-urlencoded"
    assert second.header("authorization") == "***"


def test_calls_are_asserted(asked: Skaha):
    journal = asked.journal
    assert len(journal.assert_called("createSession")) == 3
    (found,) = journal.assert_called("createSession", times=1, user="alice", parameters={"name": "two"})
    assert found.number == 2
    journal.assert_called("deleteSession", times=0)
    journal.clear()
    journal.assert_called(times=0)
    assert str(journal) == "  no requests"


@pytest.mark.parametrize(("times", "expected"), [(None, "at least 1"), (2, "2")])
def test_a_call_that_was_not_made_is_told_with_those_that_were(asked: Skaha, times, expected):
    with pytest.raises(AssertionError) as raised:
        asked.journal.assert_called("createSession", times=times, parameters={"name": "four"})
    text = str(raised.value)
    asks = "operation='createSession', parameters={'name': 'four'}"
    assert text.startswith(f"expected {expected} request(s) with {asks}, found 0, among these:\n")
    assert text.count("\n") == 5


def test_an_operation_that_there_is_not_never_counts_as_not_called(asked: Skaha):
    with pytest.raises(ValueError, match=r"no operation 'createSessions'; did you mean 'createSession'\?"):
        asked.journal.assert_called("createSessions", times=0)


def test_a_long_list_is_told_by_its_end(skaha: Skaha):
    client = skaha.client()
    for _ in range(25):
        client.get("/session")
    lines = str(skaha.journal).splitlines()
    assert (lines[0], len(lines)) == ("  … 5 earlier", 21)
