"""What goes wrong, set and taken back by a test: the same in this process and live."""

import httpx
import pytest

from mockskaha import testing
from mockskaha.testing.service import Skaha

pytestmark = pytest.mark.evidence("ours: faults as tests set them")
TERMINAL = "images.canfar.net/skaha/terminal:1.1.2"


def test_a_preset_strikes_whom_it_is_for_and_as_often_as_said(driven: Skaha):
    fault = driven.faults.add("bad-gateway-after-create", user="bob", times=1)
    form = {"name": "test", "image": TERMINAL}
    statuses = [
        driven.client(user).post("/session", data=form).status_code for user in ("alice", "bob", "bob")
    ]
    assert statuses == [200, 502, 200]
    assert len(driven.client("bob").get("/session").json()) == 2, (
        "the lost answer was to a session that is there"
    )
    found = driven.faults[fault]
    assert (found.id, found.met, found.struck) == ("bad-gateway-after-create", 2, 1)
    assert [request.status for request in driven.journal.requests(fault=fault)] == [502]


def test_one_of_ones_own(driven: Skaha):
    fault = driven.faults.add(operation="listSessions", status=418, body="teapot", nth=2)
    client = driven.client()
    assert [client.get("/session").status_code for _ in range(3)] == [200, 418, 200]
    driven.faults.remove(fault)
    with pytest.raises(LookupError, match=f"there is no fault '{fault}'; there is none"):
        driven.faults.remove(fault)


def test_connections_break_as_they_do(driven: Skaha):
    driven.faults.add("reset")
    with pytest.raises(httpx.TransportError):
        driven.client().get("/session")
    driven.faults.clear()
    assert driven.client().get("/session").status_code == 200
    driven.faults.add(operation="listSessions", delay="2m")
    with pytest.raises(httpx.ReadTimeout):
        driven.client(timeout=0.05).get("/session")


def test_sessions_meet_a_fate(driven: Skaha):
    driven.faults.add("oom", seconds=30)
    client = driven.client()
    session_id = client.post(
        "/session", data={"name": "test", "image": TERMINAL, "cmd": "sleep", "args": "1h"}
    ).text.strip()
    driven.until(session_id, "Failed")
    assert "OOMKilled" in driven.why(session_id)


def test_reset_takes_them_back_and_those_from_the_start_stay():
    with testing.skaha(faults=["images-empty", {"operation": "getContext", "status": 500}]) as skaha:
        client = skaha.client()
        assert (client.get("/image").json(), client.get("/context").status_code) == ([], 500)
        skaha.faults.add("metrics-down")
        assert len(skaha.faults) == 3
        skaha.reset()
        assert [fault.id for fault in skaha.faults] == ["images-empty", "fault-1"]
    with testing.skaha(faults="images-empty") as skaha:
        assert skaha.client().get("/image").json() == []


def test_all_presets_are_told_and_can_be_set(driven: Skaha):
    assert len(driven.faults.presets) >= 25
    for name, description in driven.faults.presets.items():
        assert description == driven.faults[driven.faults.add(name)].description


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (("bad-gatway",), "there is no preset 'bad-gatway'; did you mean 'bad-gateway-at-first'"),
        (("oom", {"second": 3}), "preset 'oom' has no parameter 'second'; did you mean 'seconds'"),
        (
            ({"operation": "listSession", "status": 500},),
            "there is no 'listSession'; did you mean 'listSessions'",
        ),
        (({"operation": "listSessions"},), "it does nothing"),
        (({},), "it does nothing"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(driven: Skaha, given, problem):
    *names, keywords = given if isinstance(given[-1], dict) else (*given, {})
    with pytest.raises(testing.BadOptions) as raised:
        driven.faults.add(*names, **keywords)
    assert problem in str(raised.value)
    assert len(driven.faults) == 0
