"""What the integration tests of the real service assert, over HTTP: skaha-contract §9, items 1 to 14."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from examples.service import Service, running

pytestmark = [
    pytest.mark.evidence("skaha-contract §9: assertions of the real service's integration tests"),
    pytest.mark.parametrize("connect", ["httpx"], indirect=True),
]

IMAGES = {
    "notebook": "images.canfar.net/skaha/astroml:latest",
    "carta": "images.canfar.net/skaha/carta:5.1.0",
    "desktop": "images.canfar.net/skaha/desktop:1.2.1",
    "headless": "images.canfar.net/skaha/astroml:latest",
}
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
NOT_TEXT = ("supplementalGroups", "isFixedResources")
QUANTITY = r"^[0-9]+(\.[0-9]+)?(Ei|Pi|Ti|Gi|Mi|Ki|E|P|T|G|M|K)?$"


def _closed(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


_RAM = {"type": "string", "pattern": QUANTITY}
_NUMBER = {"type": "number"}
_COUNT = {"type": "integer"}
STATISTICS = _closed(
    instances=_closed(session=_COUNT, desktopApp=_COUNT, headless=_COUNT, total=_COUNT),
    cores=_closed(
        requestedCPUCores=_NUMBER,
        cpuCoresAvailable=_NUMBER,
        maxCPUCores=_closed(cpuCores=_NUMBER, withRam=_RAM),
    ),
    ram=_closed(requestedRAM=_RAM, ramAvailable=_RAM, maxRAM=_closed(ram=_RAM, withCPUCores=_NUMBER)),
)


class Platform:
    """What those tests do over and over."""

    def __init__(self, caller: Any, until: Callable[..., Any]) -> None:
        self.caller, self.until = caller, until

    def create(self, kind: str, **more: object) -> str:
        form = {"name": f"inttest{kind}", "image": IMAGES[kind], "cores": 1, "ram": 1}
        form |= {"cmd": "sleep", "args": "160"} if kind == "headless" else {"type": kind}
        answer = self.caller.post("session", data=form | more)
        assert answer.status_code == 200, answer.text
        return str(answer.text.strip())

    def sessions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.caller.get("session").json()
        return found

    def running(self, session_id: str) -> dict[str, Any]:
        """Poll the list until the session is Running, then its address until that answers."""

        def ask() -> dict[str, Any] | None:
            for item in self.sessions():
                if item["id"] == session_id and item["status"] == "Running":
                    return item if item["type"] != "desktop-app" else None
            return None

        found: dict[str, Any] = self.until(ask)
        if found["type"] != "headless":
            with type(self.caller)(trust_env=False) as browser:
                self.until(lambda: browser.get(found["connectURL"]).status_code == 200)
        return found

    def expiry(self, session_id: str) -> datetime:
        (found,) = (item for item in self.sessions() if item["id"] == session_id)
        assert INSTANT.fullmatch(found["expiryTime"])
        return datetime.fromisoformat(found["expiryTime"])

    def renew(self, session_id: str) -> None:
        answer = self.caller.post(f"session/{session_id}", data={"action": "renew"})
        assert answer.status_code == 200


@pytest.fixture
def platform(connect: Any, fast: Service, until: Callable[..., Any]) -> Platform:
    return Platform(connect(fast), until)


@pytest.mark.evidence("skaha-contract §9, item 1")
def test_01_images(platform: Platform) -> None:
    answer = platform.caller.get("image")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    images = {image["id"]: image["types"] for image in answer.json()}
    assert set(IMAGES.values()) <= set(images)
    assert any("/skaha/terminal" in image and "desktop-app" in kinds for image, kinds in images.items())
    assert any("carta" in kinds for kinds in images.values())


@pytest.mark.evidence("skaha-contract §9, item 2")
def test_02_repository_hosts(platform: Platform) -> None:
    answer = platform.caller.get("repository")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert len(answer.json()) > 0


@pytest.fixture
def the_services_fixture(tmp_path: Path) -> Iterator[Service]:
    """A cluster of 64 cores and 512 GiB, as the metrics of the real tests report it."""
    settings = tmp_path / "cluster.yaml"
    node = {"name": "node", "count": 1, "cores": 64, "ram_gib": 512, "gpus": 0}
    settings.write_text(yaml.safe_dump({"cluster": {"nodes": [node]}}))
    with running("--profile", "instant", "--config", str(settings)) as service:
        yield service


@pytest.mark.evidence(
    "skaha-contract §9, item 3; §2.8: the values of the fixture, and maxima of the default limits"
)
def test_03_statistics(
    connect: Any, the_services_fixture: Service, platform: Platform, until: Callable[..., Any]
) -> None:
    loaded = Platform(connect(the_services_fixture), until)
    for _ in range(5):  # 0.1 cores and 4 GiB each
        loaded.create("carta", type="firefly", image="images.canfar.net/skaha/firefly:2025.2")
    loaded.create("headless", cores=6, ram=92)
    loaded.create("headless", cores=6, ram=16)
    for caller in (platform.caller, loaded.caller):
        answer = caller.get("session", params={"view": "stats"})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        jsonschema_rs.validate(STATISTICS, answer.json())
    cores, ram = answer.json()["cores"], answer.json()["ram"]
    assert cores["cpuCoresAvailable"] == 64.0
    assert cores["requestedCPUCores"] == 12.5
    assert ram["ramAvailable"] == "549.756G"
    assert ram["requestedRAM"] == "137.439G"
    assert cores["maxCPUCores"] == {"cpuCores": 8.0, "withRam": "32Gi"}
    assert ram["maxRAM"] == {"ram": "32Gi", "withCPUCores": 8.0}


@pytest.mark.evidence("skaha-contract §9, item 4")
def test_04_the_list_of_sessions(platform: Platform) -> None:
    platform.create("headless")
    answer = platform.caller.get("session")
    assert answer.headers["content-type"] == "application/json"
    (found,) = answer.json()
    assert {type(value) for name, value in found.items() if name not in NOT_TEXT} == {str}


@pytest.mark.evidence("skaha-contract §9, item 5; §4.5: a deleted session leaves the list at once")
def test_05_cleaning_up(platform: Platform) -> None:
    for kind in ("headless", "notebook", "carta"):
        platform.create(kind)
    for item in platform.sessions():
        if item["status"] != "Terminating":
            assert platform.caller.delete(f"session/{item['id']}").status_code == 200
    assert [item for item in platform.sessions() if item["type"] != "desktop-app"] == []


@pytest.mark.evidence("skaha-contract §9, item 6")
def test_06_creation_answers_the_id(platform: Platform) -> None:
    for kind in ("notebook", "carta", "desktop", "headless"):
        session_id = platform.create(kind)
        assert re.fullmatch(r"[a-z][a-z0-9]{7}", session_id)
        (found,) = (item for item in platform.sessions() if item["id"] == session_id)
        assert found["type"] == kind


@pytest.mark.evidence("skaha-contract §9, item 7; §4.2")
def test_07_sessions_reach_running_and_answer(platform: Platform) -> None:
    made = {kind: platform.create(kind) for kind in ("notebook", "carta", "desktop", "headless")}
    for kind, session_id in made.items():
        assert platform.running(session_id)["type"] == kind


@pytest.mark.evidence("skaha-contract §9, item 8; §2.4")
def test_08_a_session_is_what_was_asked_for(platform: Platform) -> None:
    session_id = platform.create("notebook")
    found = platform.running(session_id)
    assert (found["id"], found["name"]) == (session_id, "inttestnotebook")
    assert found["connectURL"]
    assert found["startTime"]


@pytest.mark.evidence("skaha-contract §9, item 9")
def test_09_deleting_one_leaves_the_other(platform: Platform) -> None:
    notebook, carta = platform.create("notebook"), platform.create("carta")
    platform.caller.delete(f"session/{notebook}")

    def terminating() -> bool:
        return any(item["id"] == notebook and item["status"] == "Terminating" for item in platform.sessions())

    platform.until(lambda: not terminating())
    assert platform.running(carta)["id"] == carta
    assert [item["id"] for item in platform.sessions()] == [carta]


@pytest.mark.evidence("skaha-contract §9, item 10; §4.4")
def test_10_renewal_of_an_interactive_session_moves_its_end(platform: Platform) -> None:
    carta = platform.create("carta")
    platform.running(carta)
    before = platform.expiry(carta)

    def later() -> bool:
        platform.renew(carta)
        return platform.expiry(carta) > before

    platform.until(later)


@pytest.mark.evidence("skaha-contract §9, item 11; §4.4")
def test_11_renewal_of_a_batch_job_changes_nothing(platform: Platform) -> None:
    job = platform.create("headless")
    started = datetime.fromisoformat(platform.running(job)["startTime"])
    before = platform.expiry(job)
    platform.until(lambda: (datetime.now(UTC) - started).total_seconds() > 2.2)
    platform.renew(job)
    assert platform.expiry(job) == before


@pytest.mark.evidence("skaha-contract §9, item 12; §4.3: startTime has no seconds when they are zero")
def test_12_a_desktop_has_a_lifetime_before_and_after_renewal(platform: Platform) -> None:
    desktop = platform.create("desktop")
    started = platform.running(desktop)["startTime"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z", started)
    assert platform.expiry(desktop) > datetime.fromisoformat(started)
    platform.renew(desktop)
    assert platform.expiry(desktop) > datetime.fromisoformat(started)


@pytest.mark.evidence("skaha-contract §9, item 13; §2.11")
def test_13_the_life_of_a_desktop_app(platform: Platform) -> None:
    desktop = platform.create("desktop")
    platform.running(desktop)
    form = {
        "name": "inttest", "image": "images.canfar.net/skaha/terminal:1.1.2", "cores": 1, "ram": 4,
        "type": "desktop-app", "cmd": "sleep", "args": "260",
    }  # fmt: skip
    app = platform.caller.post(f"session/{desktop}/app", data=form).text.strip()
    assert re.fullmatch(r"[a-z][a-z0-9]{2}", app)

    def ready() -> Any:
        (found,) = platform.caller.get(f"session/{desktop}/app").json()
        return found if found["status"] == "Running" else None

    found = platform.until(ready)
    assert found["appid"] == app
    assert int(found["requestedCPUCores"]) == 1
    assert int(float(found["requestedRAM"])) == 4
    assert platform.caller.delete(f"session/{desktop}/app/{app}").status_code == 200
    assert platform.caller.get(f"session/{desktop}/app").json() == []


@pytest.mark.evidence("skaha-contract §9, item 14; §2.13: text in the file mode, a number with a limit range")
def test_14_the_most_interactive_sessions(connect: Any, platform: Platform, tmp_path: Path) -> None:
    assert platform.caller.get("context").json()["maxInteractiveSessions"] == "5"
    settings = tmp_path / "limits.yaml"
    settings.write_text(yaml.safe_dump({"resources": {"limit_range": {}}}))
    with running("--config", str(settings)) as service:
        most = connect(service).get("context").json()["maxInteractiveSessions"]
    assert (type(most), most) == (int, 5)
