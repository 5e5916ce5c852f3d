"""Shell scripts, load tests and snippets of users: requests as they are sent, and what their authors rely on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from examples.service import Service
from mockskaha.config import Settings
from mockskaha.platform import Platform

pytestmark = pytest.mark.evidence("skaha-contract §1.2, §2, §4.2")

ASTROML = "images.canfar.net/skaha/astroml:latest"
TERMINAL = "images.canfar.net/skaha/terminal:1.1.2"


def app_token(session_id: str) -> str:
    """The token in a desktop session's environment: a function of the seed, and both have the default one."""
    return Platform.from_settings(Settings(clock="manual")).app_token(session_id)


@pytest.mark.evidence("skaha-contract §1.3 (x-auth-token-skaha), §2.11, §4.6 (DESKTOP_SESSION_APP_TOKEN)")
def test_a_desktop_starts_an_app_with_the_token_it_was_given(
    connect: Any, fast: Service, user: str, until: Callable[..., Any]
) -> None:
    person = connect(fast)
    form = {"name": "desk", "image": "images.canfar.net/skaha/desktop:1.2.1", "type": "desktop"}
    desktop = person.post("session", data=form).text.strip()
    until(lambda: person.get(f"session/{desktop}").json()["status"] == "Running")

    script = connect(fast, headers={"x-auth-token-skaha": app_token(desktop)})
    context = script.get("context").json()
    assert context["cores"]["default"] in context["cores"]["options"]
    form = {"image": TERMINAL, "param": "x", "cores": "2", "ram": "8"}
    app = script.post(f"session/{desktop}/app", data=form).text.strip()
    about = until(
        lambda: (
            found
            if (found := script.get(f"session/{desktop}/app/{app}").json())["status"] != "Pending"
            else None
        )
    )
    assert (about["status"], about["type"], about["appid"]) == ("Running", "desktop-app", app)
    assert (about["id"], about["userid"], about["name"]) == (desktop, user, "terminal-1-1-2")
    assert (about["requestedCPUCores"], about["requestedRAM"]) == ("2", "8.59")
    refused = connect(fast, headers={"x-auth-token-skaha": app_token("azzzzzzz")})
    answer = refused.post(f"session/{desktop}/app", data=form)
    assert (answer.status_code, answer.text) == (403, "Invalid auth token\n")


@pytest.mark.evidence("skaha-contract §2.7: a load test takes any 2xx")
def test_a_load_test_of_create_poll_delete(connect: Any, instant: Service) -> None:
    caller = connect(instant)
    for number in range(5):
        form = {"name": f"perf-{number}", "image": ASTROML, "type": "headless", "cmd": "sleep", "args": "1"}
        made = caller.post("session", data=form)
        answers = [made, *(caller.get(path) for path in ("session", f"session/{made.text.strip()}", "image"))]
        answers.append(caller.delete(f"session/{made.text.strip()}"))
        assert {answer.status_code for answer in answers} == {200}


@pytest.mark.evidence("skaha-contract §1.2: query and body of a form both count")
def test_resources_in_the_query_and_the_rest_in_the_body(connect: Any, instant: Service) -> None:
    caller = connect(instant)
    form = {"name": "shapes", "image": ASTROML, "cmd": "sleep", "args": "600", "env": ["A=1", "B=2"]}
    session_id = caller.post("session", params={"ram": 8, "cores": 2}, data=form).text.strip()
    about = caller.get(f"session/{session_id}").json()
    assert (about["requestedCPUCores"], about["requestedRAM"]) == ("2", "8.59")


@pytest.mark.evidence("skaha-contract §4.2, §10: a job that is done is Completed; Succeeded is of the past")
def test_a_script_that_waits_for_succeeded_polls_for_ever(connect: Any, instant: Service) -> None:
    caller = connect(instant)
    made = caller.post("session", data={"name": "sofia", "image": ASTROML, "cmd": "true"}).text.strip()
    assert caller.get(f"session/{made}").json()["status"] == "Completed"
    assert caller.get("session", params={"status": "Succeeded"}).json() == []
    assert len(caller.get("session", params={"status": "completed"}).json()) == 1


@pytest.mark.evidence("skaha-contract §4.3: startTime is there once the Job is started")
def test_a_flow_that_takes_a_missing_start_for_pending(connect: Any, fast: Service) -> None:
    caller = connect(fast)
    caller.post("session", data={"name": "prefect", "image": ASTROML, "cmd": "env"})
    (state,) = (item.get("startTime", "Pending") for item in caller.get("session").json())
    assert state != "Pending"


@pytest.mark.evidence("skaha-contract §1: the liveness probe follows /skaha to its page")
def test_probes_for_life(connect: Any, instant: Service) -> None:
    caller = connect(instant, headers={}, follow_redirects=True)
    assert caller.head(f"{instant.origin}/skaha").status_code == 200
    availability = caller.get(f"{instant.origin}/skaha/availability")
    assert "<vosi:available>true</vosi:available>" in availability.text
    assert "<capability" in caller.get(f"{instant.origin}/skaha/capabilities").text
