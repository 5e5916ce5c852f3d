"""One long conversation with the service, every answer of it held to the contract; and proof that this bites."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from starlette.testclient import TestClient

from mockskaha.config import Settings
from mockskaha.contract import ContractViolation, ResponseValidator, load_document, operations
from mockskaha.contract.document import Document, definitions
from mockskaha.http.app import create_app
from mockskaha.platform import Platform

pytestmark = pytest.mark.evidence("skaha-contract §1 to §8")

SESSIONS = "/skaha/v1/session"
ASTROML = "images.canfar.net/skaha/astroml:latest"


class Exchange(NamedTuple):
    method: str
    path: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Talk:
    """Somebody who talks to a service, and what was said."""

    def __init__(self, settings: Settings) -> None:
        self.platform = Platform.from_settings(settings)
        self.client = TestClient(create_app(self.platform), follow_redirects=False)
        self.exchanges: list[Exchange] = []

    def say(self, method: str, path: str, *, as_user: str | None = "alice", **request: Any) -> str:
        headers = {"Authorization": f"Bearer {as_user}"} if as_user else {}
        answer = self.client.request(method, path, headers=headers | request.pop("headers", {}), **request)
        self.exchanges.append(
            Exchange(method, path, answer.status_code, answer.headers.multi_items(), answer.content)
        )
        return answer.text.strip()

    def launch(self, **form: str) -> str:
        return self.say("POST", SESSIONS, data={"name": "talk", "image": ASTROML, **form})


def talk_of_a_day() -> Iterator[Exchange]:
    talk = Talk(Settings(clock="manual"))
    for method, path in (
        ("GET", "/skaha"), ("HEAD", "/skaha"), ("GET", "/skaha/"), ("HEAD", "/skaha/"),
        ("GET", "/skaha/index.html"), ("GET", "/skaha/openapi.yaml"), ("GET", "/skaha/service.yaml"),
        ("GET", "/skaha/swagger-ui/skaha.js"), ("GET", "/skaha/swagger-ui/nothing.js"),
        ("GET", "/skaha/capabilities"), ("HEAD", "/skaha/capabilities"), ("GET", "/arc/capabilities"),
        ("GET", "/skaha/availability"), ("GET", "/skaha/availability?detail=min"),
        ("GET", "/reg/resource-caps"), ("GET", "/healthz"), ("GET", "/api/v1/metrics/platform"),
        ("GET", "/skaha/v0/session"), ("PUT", SESSIONS), ("OPTIONS", SESSIONS), ("HEAD", SESSIONS),
        ("GET", "/skaha/logControl"), ("GET", "/ac/whoami"), ("GET", "/ac/users/alice"),
        ("POST", "/skaha/availability"), ("POST", "/skaha/logControl"),
    ):  # fmt: skip
        talk.say(method, path, as_user=None)
        talk.say(method, path)
    talk.say("POST", "/ac/login", as_user=None, data={"username": "alice", "password": "secret"})
    talk.say("POST", "/ac/login", as_user=None, data={"username": "alice"})
    talk.say("POST", "/ac/login", as_user=None, data={"username": "not a name", "password": "secret"})
    talk.say("GET", "/ac/users/alice", headers={"Accept": "application/json"})
    talk.say("GET", "/ac/users/bob")
    talk.say("GET", "/ac/users/nobody-of-that-name")
    for path in ("image", "image?type=carta", "image?type=foo", "context", "repository", "session"):
        talk.say("GET", f"/skaha/v1/{path}")
        talk.say("GET", f"/skaha/v1/{path}", as_user=None)

    notebook = talk.launch(type="notebook", cores="2", ram="16")
    desktop = talk.launch(type="desktop", name="desk")
    batch = talk.launch(name="batch", cmd="echo", args="hello", env="A=b")
    talk.say("POST", f"{SESSIONS}/{desktop}/app", data={"image": ASTROML})
    talk.say("GET", f"/session/notebook/{notebook}/lab/tree/x", as_user=None)
    talk.say("GET", f"{SESSIONS}/{notebook}")
    talk.platform.advance(600.0)
    app = talk.say("POST", f"{SESSIONS}/{desktop}/app", data={"image": ASTROML, "cores": "1", "ram": "4"})
    talk.platform.advance(600.0)
    for view in ("", "?view=logs", "?view=events", "?VIEW=logs"):
        for session in (notebook, desktop, batch, "a1b2c3d4", "a_", "x" * 64):
            talk.say("GET", f"{SESSIONS}/{session}{view}")
    for query in (
        "",
        "?view=all",
        "?view=stats",
        "?view=interactive",
        "?type=desktop-app",
        "?status=running",
    ):
        talk.say("GET", f"{SESSIONS}{query}")
    talk.say("GET", f"{SESSIONS}/")
    talk.say("GET", f"/session/notebook/{notebook}/lab/tree/x", as_user=None)
    talk.say("GET", "/session/notebook/a1b2c3d4/", as_user=None)
    for path in (
        f"{desktop}/app",
        f"{desktop}/app?view=all",
        f"{desktop}/app/{app}",
        f"{desktop}/app/zzz",
        "a/b/c/d",
    ):
        talk.say("GET", f"{SESSIONS}/{path}")
    talk.say("POST", f"{SESSIONS}/{desktop}/app/{app}", data={"image": ASTROML})
    talk.say("POST", f"{SESSIONS}/{desktop}/app")
    talk.say("POST", f"{SESSIONS}/a1b2c3d4/app", data={"image": ASTROML})
    talk.say("DELETE", f"{SESSIONS}/{desktop}/app")
    talk.say("DELETE", f"{SESSIONS}/{desktop}/app/{app}")
    talk.say("DELETE", f"{SESSIONS}/a_/app/{app}")
    for action in ({"action": "renew"}, {"action": "stop"}, {}):
        talk.say("POST", f"{SESSIONS}/{notebook}", data=action)
    talk.say("POST", f"{SESSIONS}/a1b2c3d4?action=renew", data={})
    for wrong in (
        {"image": ""}, {"image": "docker.io/x"}, {"type": "jupyter"}, {"cores": "17"}, {"ram": "3"}, {"name": ""},
        {"name": "a_b"}, {"gpus": "0"}, {"image": f"{ASTROML}-private"}, {"name": "-a"}, {"name": "a-"},
        {"type": "desktop-app"}, {"Name": "again"}, {"args": "x" * (1 << 20)},
    ):  # fmt: skip
        talk.launch(**wrong)
    talk.say("POST", SESSIONS, json={"name": "talk", "image": ASTROML})
    for _ in range(5):
        talk.launch(type="carta", name="many")
    talk.say("DELETE", f"{SESSIONS}/{batch}")
    talk.say("DELETE", f"{SESSIONS}/a%20b")
    talk.say("DELETE", SESSIONS)

    strict = Settings.model_validate(
        {"clock": "manual", "auth": {"mode": "strict"}, "metrics": {"enabled": False}}
    )
    stranger = Talk(strict)
    stranger.say("GET", SESSIONS, as_user="no-such-token")
    stranger.say("GET", "/ac/whoami", as_user="no-such-token")
    stranger.say("GET", "/skaha/availability", as_user="no-such-token")
    stranger.say("GET", "/api/v1/metrics/platform", as_user=None)
    stranger.say("GET", SESSIONS, as_user=None, headers={"x-auth-token-skaha": "x.y"})
    closed = Talk(
        Settings.model_validate({"metrics": {"enabled": False}, "unknown_users": {"memberships": []}})
    )
    closed.say("GET", f"{SESSIONS}?view=stats")
    closed.say("GET", SESSIONS, as_user="somebody-else")
    refusing = Talk(Settings.model_validate({"auth": {"anonymous_status": 400}}))
    for path in (
        "session",
        "session/x",
        "session/x/app",
        "session/x/app/y",
        "image",
        "context",
        "repository",
    ):
        for method in ("GET", "POST", "DELETE"):
            refusing.say(method, f"/skaha/v1/{path}", as_user=None)
    for spoken in (talk, stranger, closed, refusing):
        yield from spoken.exchanges


@pytest.fixture(scope="module")
def exchanges() -> list[Exchange]:
    return list(talk_of_a_day())


def check_conversation(document: Document, exchanges: list[Exchange]) -> set[tuple[str, int]]:
    """Gate: every answer is one the contract knows. Returns the operations and statuses that were seen."""
    validator = ResponseValidator(document)
    seen = {(validator.check(*exchange), exchange.status) for exchange in exchanges}
    return {(operation_id, status) for operation_id, status in seen if operation_id}


def test_every_answer_is_one_the_contract_knows(exchanges: list[Exchange]) -> None:
    validator = ResponseValidator()
    wrong = []
    for exchange in exchanges:
        try:
            validator.check(*exchange)
        except ContractViolation as violation:
            wrong.append(str(violation))
    assert not wrong, "\n".join(wrong)


def test_every_operation_was_heard(exchanges: list[Exchange]) -> None:
    heard = {operation_id for operation_id, _ in check_conversation(load_document(), exchanges)}
    assert {operation.operation_id for operation in operations()} == heard


def test_the_gate_notices_every_status_that_is_removed(exchanges: list[Exchange]) -> None:
    original = load_document()
    seen = check_conversation(original, exchanges)
    tried = 0
    for path, method, operation in definitions(original):
        for status in operation["responses"]:
            if (operation["operationId"], int(status)) in seen:
                tried += 1
                document = copy.deepcopy(original)
                del document["paths"][path][method]["responses"][status]
                with pytest.raises(ContractViolation, match="status is not documented"):
                    check_conversation(document, exchanges)
    assert tried > 65
