"""The control API of a host in this process. Every answer is held to ``openapi/control.yaml`` before a test sees it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

import pytest

from mockskaha.config import Settings
from mockskaha.contract import ResponseValidator, load_document
from mockskaha.contract.document import CONTROL
from mockskaha.control.app import Control, control_app
from mockskaha.host import Host, Server, route

IMAGE = "images.canfar.net/skaha/terminal:1.1.2"
VALIDATOR = ResponseValidator(load_document(CONTROL))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


def at_once(coroutine: Any) -> None:
    """Run what never waits."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise AssertionError("it waited")


@dataclass
class Client:
    """Asks the control API, and the service beside it."""

    host: Host
    server: Any
    validator: ResponseValidator = VALIDATOR
    seen: set[tuple[str, int]] = field(default_factory=set)
    """Operations with the statuses they have answered with."""

    def send(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        bare, _, query = path.partition("?")
        given = {"host": "127.0.0.1:8080"} | {name.lower(): value for name, value in (headers or {}).items()}
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": unquote(bare), "raw_path": bare.encode(), "query_string": query.encode(), "root_path": "",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8080),
        }  # fmt: skip
        at_once(self.server(scope, receive, send))
        start, *rest = sent
        pairs = tuple((name.decode().lower(), value.decode("latin-1")) for name, value in start["headers"])
        return Answer(start["status"], pairs, b"".join(message.get("body", b"") for message in rest))

    def ask(
        self,
        method: str,
        path: str,
        json_: Any = None,
        *,
        namespace: str = "",
        document: str | bytes | None = None,
        content_type: str | None = None,
        headers: dict[str, str] | None = None,
        checked: bool = True,
    ) -> Answer:
        """``path`` below ``/_mockskaha/``. A body is JSON, unless it is a ``document``."""
        below = f"/ns/{namespace}" if namespace else ""
        given = dict(headers or {})
        body = b""
        if document is not None:
            body = document.encode() if isinstance(document, str) else document
            given["content-type"] = content_type or "application/yaml"
        elif method in ("POST", "PUT"):
            body = b"" if json_ is None else json.dumps(json_).encode()
            given["content-type"] = content_type or "application/json"
        whole = f"{below}/_mockskaha/{path}"
        answer = self.send(method, whole, body, given)
        if checked:
            checked_path = route(whole)[1]
            operation = self.validator.check(method, checked_path, answer.status, answer.headers, answer.body)
            self.seen.add((operation or "", answer.status))
        return answer

    def get(self, path: str, **options: Any) -> Any:
        answer = self.ask("GET", path, **options)
        assert answer.status == 200, answer.body
        return answer.json

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        answer = self.ask("POST", path, body, **options)
        assert answer.status in (200, 201), answer.body
        return answer.json

    def put(self, path: str, body: Any = None, **options: Any) -> Any:
        answer = self.ask("PUT", path, body, **options)
        assert answer.status == 200, answer.body
        return answer.json

    def launch(self, user: str = "alice", *, namespace: str = "", **form: Any) -> str:
        """The id of a new session; a headless ``sleep infinity`` unless told otherwise."""
        given = {"name": "test", "image": IMAGE, "cmd": "sleep", "args": "infinity"} | form
        if given.get("type", "headless") != "headless":
            del given["cmd"], given["args"]
        below = f"/ns/{namespace}" if namespace else ""
        headers = {"authorization": f"Bearer {user}", "content-type": "application/x-www-form-urlencoded"}
        answer = self.send(
            "POST", f"{below}/skaha/v1/session", urlencode(given, doseq=True).encode(), headers
        )
        assert answer.status == 200, answer.body
        return answer.body.decode().strip()


@pytest.fixture(scope="session")
def drive() -> Callable[..., Client]:
    """Makes a host with a manual clock, and a client of its control API; keywords are settings."""

    def made(guard: Any = None, **settings: Any) -> Client:
        host = Host(Settings.model_validate({"clock": "manual"} | settings), "http://127.0.0.1:8080")
        return Client(host, Server(host, guard))

    return made


@pytest.fixture
def client(drive: Callable[..., Client]) -> Client:
    return drive()


@pytest.fixture
def small(drive: Callable[..., Client]) -> Client:
    """Two nodes of 8 cores; nobody may hold more than 12."""
    return drive(
        cluster={"nodes": [{"name": "n", "count": 2, "cores": 8, "ram_gib": 32}]},
        queue={"admission": {"per_user": {"cores": 12}}},
    )


@pytest.fixture
def application(client: Client) -> Control:
    return control_app(client.host)
