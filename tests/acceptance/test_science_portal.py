"""What the science portal's server sends, and what it does with the answers."""

from __future__ import annotations

import re
from typing import Any

import pytest

from examples.service import Service

pytestmark = pytest.mark.evidence(
    "skaha-contract §2; the portal's own requests: form bodies, bearer and cookie"
)

SECONDS_OR_NOT = r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z"


@pytest.fixture
def portal(connect: Any, instant: Service) -> Any:
    return connect(instant)


def launch(portal: Any, **fields: object) -> Any:
    return portal.post("session", data={name: str(value) for name, value in fields.items()})


@pytest.mark.evidence("skaha-contract §2.5 (view=interactive), §2.7, §2.3")
def test_the_session_cards(portal: Any) -> None:
    made = launch(
        portal,
        name="Cube",
        image="images.canfar.net/skaha/carta:5.1.0",
        type="carta",
        cores=4,
        ram=16,
        gpus=1,
    )
    assert (made.status_code, made.headers["content-type"]) == (200, "text/plain")
    session_id = made.text.strip()
    launch(portal, name="batch", image="images.canfar.net/skaha/astroml:latest", cmd="sleep", args="600")
    (card,) = portal.get("session", params={"view": "interactive"}).json()
    assert card == portal.get(f"session/{session_id}").json()
    assert (card["id"], card["name"], card["status"]) == (session_id, "cube", "Running")
    assert re.fullmatch(SECONDS_OR_NOT, card["startTime"])
    assert (card["requestedRAM"], card["requestedCPUCores"], card["requestedGPUCores"]) == ("17.18", "4", "1")
    assert portal.delete(f"session/{session_id}").content == b""
    assert portal.get("session", params={"view": "interactive"}).content == b"[]"


@pytest.mark.evidence(
    "skaha-contract §2.7: the portal parses any body of a renewal as JSON, so it must be empty"
)
def test_renewal_answers_nothing_at_all(portal: Any) -> None:
    made = launch(portal, name="n", image="images.canfar.net/skaha/base-notebook:latest", type="notebook")
    answer = portal.post(f"session/{made.text.strip()}", data={"action": "renew"})
    assert (answer.status_code, answer.content, answer.headers.get("content-type")) == (200, b"", None)


@pytest.mark.evidence("skaha-contract §2.8: memory is text that ends in G")
def test_platform_load_splits_memory_at_its_unit(portal: Any) -> None:
    load = portal.get("session", params={"view": "stats"}).json()
    used, available = (float(load["ram"][key].split("G")[0]) for key in ("requestedRAM", "ramAvailable"))
    assert 0 <= used < available
    assert 0 <= load["cores"]["requestedCPUCores"] < load["cores"]["cpuCoresAvailable"]


@pytest.mark.evidence("skaha-contract §2.12, §2.13, §2.14")
def test_the_launch_form(portal: Any) -> None:
    kinds = {kind for image in portal.get("image").json() for kind in image["types"]}
    assert {"notebook", "desktop", "carta", "contributed", "firefly", "headless"} <= kinds
    assert portal.get("repository").json() == ["images.canfar.net"]
    context = portal.get("context").json()
    for resource in ("cores", "memoryGB"):
        assert context[resource]["default"] in context[resource]["options"]
    assert context["gpus"]["options"]


@pytest.mark.evidence("skaha-contract §3.3 step 12: the portal recognises this text")
def test_a_private_image_is_told_by_the_words_of_the_refusal(portal: Any) -> None:
    form = {"name": "p", "image": "images.canfar.net/survey-team/pipeline:1.0", "type": "notebook"}
    refused = portal.post("session", data=form)
    assert refused.status_code == 400
    assert "No authentication provided for unknown or private image" in refused.text
    allowed = portal.post("session", data=form, headers={"x-skaha-registry-auth": "YWxpY2U6czNjcmV0"})
    assert allowed.status_code == 200


@pytest.mark.evidence("skaha-contract §2.9, §2.10: columns are two or more spaces apart")
def test_the_events_and_logs_dialogs(portal: Any) -> None:
    made = launch(portal, name="n", image="images.canfar.net/skaha/base-notebook:latest", type="notebook")
    session_id = made.text.strip()
    header, *rows = portal.get(f"session/{session_id}", params={"view": "events"}).text.splitlines()
    assert re.fullmatch(r"TYPE +REASON +MESSAGE +FIRST-TIME +LAST-TIME", header)
    moment = r"(?:<nil>|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"
    row = re.compile(rf"(Normal|Warning) +(\w+) +(\S.*\S) {{2,}}({moment}) +({moment})")
    assert rows
    assert all(row.fullmatch(line) for line in rows)
    assert "jupyterlab" in portal.get(f"session/{session_id}", params={"view": "logs"}).text


@pytest.mark.evidence("skaha-contract §1.3 (cookie CADC_SSO), §3.2, §8.5, §8.6")
def test_login_whoami_and_the_cookie(connect: Any, instant: Service, user: str) -> None:
    anonymous = connect(instant, headers={}, follow_redirects=True)
    login = anonymous.post(f"{instant.origin}/ac/login", data={"username": user, "password": "anything"})
    token = login.text
    assert (login.status_code, token) == (200, token.strip())
    assert login.headers["x-vo-bearer"] == token
    for credential in (
        {"headers": {"Authorization": f"Bearer {token}"}},
        {"headers": {}, "cookies": {"CADC_SSO": token}},
    ):
        caller = connect(instant, follow_redirects=True, **credential)
        known = caller.get(f"{instant.origin}/ac/whoami", headers={"Accept": "application/json"})
        identities = known.json()["user"]["identities"]["$"]
        assert {"@type": "HTTP", "$": user} in [item["identity"] for item in identities]
        assert caller.get("session").json() == []
    assert anonymous.get("session").status_code == 401


@pytest.mark.evidence("skaha-contract §2.4, §4.2: Running means that the address answers")
def test_a_running_card_opens(portal: Any) -> None:
    made = launch(portal, name="f", image="images.canfar.net/skaha/firefly:2025.2", type="firefly")
    card = portal.get(f"session/{made.text.strip()}").json()
    assert card["status"] == "Running"
    with type(portal)(trust_env=False) as stranger:
        page = stranger.get(card["connectURL"])
    assert page.status_code == 200
    assert "mock" in page.text
