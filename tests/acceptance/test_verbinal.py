# ruff: noqa: N815 - the fields are named as the service names them
"""The Verbinal family of clients, which cannot be built here: their requests, and how strictly they decode.

Swift (macOS), C# (Windows), Rust (Ubuntu), Kotlin (Android). Pydantic in strict mode stands in for their decoders.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from examples.service import Service

pytestmark = pytest.mark.evidence("skaha-contract §2.1, §2.13; the decoders of the Verbinal clients")

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NOTEBOOK = "images.canfar.net/skaha/base-notebook:latest"
ASTROML = "images.canfar.net/skaha/astroml:latest"


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)


class SwiftSession(Strict):
    """Every one of these must be there, or the card is dropped."""

    id: str
    image: str
    type: str
    status: str
    name: str
    startTime: Annotated[AwareDatetime, Field(strict=False)]
    expiryTime: Annotated[AwareDatetime, Field(strict=False)]
    connectURL: str


class SwiftOptions(Strict):
    default: int
    options: list[int]


class SwiftGpus(Strict):
    options: list[int]


class SwiftContext(Strict):
    cores: SwiftOptions
    memoryGB: SwiftOptions
    gpus: SwiftGpus


class CSharpSession(Strict):
    """Absent is a default; anything else must have its type, and null has none."""

    id: str
    userid: str = ""
    runAsUID: str = ""
    runAsGID: str = ""
    supplementalGroups: list[int] = []
    appid: str = ""
    image: str = ""
    type: str = ""
    status: str = ""
    name: str = ""
    startTime: str = ""
    expiryTime: str = ""
    connectURL: str = ""
    requestedRAM: str = ""
    requestedCPUCores: str = ""
    requestedGPUCores: str = ""
    ramInUse: str = ""
    cpuCoresInUse: str = ""
    isFixedResources: bool = False


def values(value: object) -> Iterator[object]:
    """Everything in a JSON value."""
    yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from values(part)


@pytest.mark.evidence("skaha-contract §4.3: startTime as soon as the Job is started, so before Running")
def test_swift_decodes_a_session_in_the_moment_it_is_listed(connect: Any, fast: Service) -> None:
    """The headless list fails as a whole when one field of one session is missing."""
    caller = connect(fast)
    form = {
        "name": "pipeline", "image": ASTROML, "cmd": "sleep", "args": "600",
        "resourceType": "flexible", "replicas": "1",
    }  # fmt: skip
    made = {caller.post("session", data=form).text.strip() for _ in range(3)}
    listed = caller.get("session", params={"type": "headless"}).content
    cards = TypeAdapter(list[SwiftSession]).validate_json(listed)
    assert {card.id for card in cards} == made
    assert {card.name for card in cards} == {"pipeline"}
    assert all(card.expiryTime > card.startTime for card in cards)
    (card,) = (card for card in cards if card.id == min(made))
    assert SwiftSession.model_validate_json(caller.get(f"session/{min(made)}").content).id == card.id


def test_swift_decodes_the_launch_form(connect: Any, instant: Service) -> None:
    context = SwiftContext.model_validate_json(connect(instant).get("context").content)
    assert context.cores.default in context.cores.options
    assert 0 not in context.gpus.options


@pytest.mark.evidence("skaha-contract §2.1, §2.7: the id is the body; strings are never null")
def test_csharp_reads_the_id_and_every_field(connect: Any, instant: Service) -> None:
    caller = connect(instant)
    form = {"name": "desk", "image": "images.canfar.net/skaha/desktop:1.2.1", "type": "desktop", "cores": "2"}
    answer = caller.post("session", data=form, timeout=180)
    session_id = answer.text.strip().strip('[]"')
    (session,) = TypeAdapter(list[CSharpSession]).validate_json(caller.get("session").content)
    assert (session.id, session.status, session.appid) == (session_id, "Running", "")
    assert session.connectURL.startswith("http")


@pytest.mark.evidence("skaha-contract §1.2, §2.7, §3.4: without a form's Content-Type no parameter is read")
@pytest.mark.parametrize(
    ("sent", "status", "text"),
    [
        ({"data": {"action": "renew"}}, 200, ""),
        ({"params": {"action": "renew"}, "headers": FORM}, 200, ""),
        ({"params": {"action": "renew"}}, 400, "Cannot modify an existing session\n"),
        (
            {"params": {"action": "renew"}, "headers": {"Content-Type": "application/json"}, "content": "{}"},
            400,
            "Cannot modify an existing session\n",
        ),
    ],
    ids=["form", "query and the header of an empty form", "query alone", "JSON"],
)
def test_the_ways_they_renew(
    connect: Any, instant: Service, sent: dict[str, Any], status: int, text: str
) -> None:
    """Who sends a POST without body or Content-Type is refused, as on the real platform."""
    caller = connect(instant)
    session_id = caller.post(
        "session", data={"name": "n", "image": NOTEBOOK, "type": "notebook"}
    ).text.strip()
    answer = caller.post(f"session/{session_id}", **sent)
    assert (answer.status_code, answer.text) == (status, text)


@pytest.mark.evidence(
    "skaha-contract §2.13: defaults are numbers; Rust expects text there, here as on the platform"
)
def test_rust_meets_numbers_where_it_expects_text(connect: Any, instant: Service) -> None:
    context = connect(instant).get("context").json()
    assert [type(context[part]["defaultRequest"]) for part in ("cores", "memoryGB")] == [int, int]


@pytest.mark.evidence("skaha-contract §2: null fields are left out")
def test_kotlin_never_meets_null(connect: Any, instant: Service, fast: Service) -> None:
    for service in (instant, fast):
        caller = connect(service)
        for kind, image in (("notebook", NOTEBOOK), ("headless", ASTROML), ("headless", ASTROML)):
            caller.post("session", data={"name": "k", "image": image, "type": kind, "env": "A=1"})
        one = caller.get("session").json()[0]["id"]
        for path in (
            "session", "session?view=all", "session?view=stats", "session?view=interactive", f"session/{one}",
            f"session/{one}/app", "image", "context", "repository",
        ):  # fmt: skip
            assert None not in list(values(json.loads(caller.get(path).content))), path
