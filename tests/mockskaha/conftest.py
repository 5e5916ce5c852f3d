"""A service of one's own in this process: ``start(profile="instant", …)`` answers a small client for it.

Every answer is held to ``openapi/skaha.yaml`` before a test sees it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from mockskaha.commands import Command
from mockskaha.config import Settings
from mockskaha.contract import ResponseValidator
from mockskaha.era import DEFAULT
from mockskaha.http.app import create_app
from mockskaha.platform import Platform
from skahasim.clock import ManualClock

SESSIONS = "/skaha/v1/session"
EPOCH = 1_786_055_131
"""2026-08-06T22:25:31Z."""
IMAGE = "images.canfar.net/skaha/terminal:1.1.2"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. Header names are lower-case; ``headers`` has them in order, repeated ones too."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def content_type(self) -> str | None:
        return self.header("content-type")

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    @property
    def told(self) -> tuple[int, str | None, str]:
        """Status, media type and body: what tables of answers compare."""
        return self.status, self.content_type, self.text


class Recorder:
    """A journal in memory: every command with its time."""

    def __init__(self) -> None:
        self.commands: list[tuple[float, Command]] = []

    def append(self, time: float, command: Command) -> None:
        self.commands.append((time, command))

    def close(self) -> None:
        """There is nothing to close."""


@dataclass(frozen=True)
class Skaha:
    """A client of one platform; ``user`` is who calls, nobody when ``None``.

    The application is driven by hand: a request never waits for anything, which is asserted by the way.
    """

    platform: Platform
    app: Any
    validator: ResponseValidator
    journal: Recorder
    user: str | None = "alice"

    def as_user(self, user: str | None) -> Skaha:
        return replace(self, user=user)

    def request(
        self,
        method: str,
        path: str,
        *,
        form: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        body: bytes = b"",
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        checked: bool = True,
        moved: bool = True,
    ) -> Reply:
        """Answer to ``method path``, which is below v0 where its era has the API there, if ``moved``.

        ``checked=False`` does not hold it to the contract.
        """
        if moved:
            path = path.replace("/skaha/v1/", f"/skaha/{self.platform.era.base_path}/", 1)
        if query:
            path = f"{path}?{urlencode(query, doseq=True)}"
        if form is not None:
            body, content_type = urlencode(form, doseq=True).encode(), FORM
        sent = {} if self.user is None else {"authorization": f"Bearer {self.user}"}
        if content_type is not None:
            sent["content-type"] = content_type
        sent |= {name.lower(): value for name, value in (headers or {}).items()}
        reply = self._exchange(method, path, sent, body)
        if checked:
            self.validator.check(method, path, reply.status, reply.headers, reply.body)
        return reply

    def _exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        from urllib.parse import unquote

        parts = urlsplit(f"//host{path}")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(parts.path),
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "headers": [(b"host", b"testserver")]
            + [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
            "client": ("192.0.2.7", 40000),
            "server": ("testserver", 80),
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        _at_once(self.app(scope, receive, send))
        start, *rest = sent
        return Reply(
            start["status"],
            tuple(
                (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in start["headers"]
            ),
            b"".join(message.get("body", b"") for message in rest),
        )

    def get(self, path: str = SESSIONS, **options: Any) -> Reply:
        return self.request("GET", path, **options)

    def post(self, path: str = SESSIONS, form: Mapping[str, Any] | None = None, **options: Any) -> Reply:
        """A form: ``post(path, {"action": "renew"})``."""
        if form is None and "content_type" not in options:
            form = {}
        return self.request("POST", path, form=form, **options)

    def delete(self, path: str, **options: Any) -> Reply:
        return self.request("DELETE", path, **options)

    # -- sessions ----------------------------------------------------------------------------------------

    def create(self, *, registry_auth: str | None = None, checked: bool = True, **params: Any) -> str:
        """The id of a new session; a headless ``sleep infinity`` unless told otherwise."""
        form = {"name": "test", "image": IMAGE} | params
        if form.get("type", "headless") == "headless" and "cmd" not in form:
            form |= {"cmd": "sleep", "args": "infinity"}
        headers = {} if registry_auth is None else {"x-skaha-registry-auth": registry_auth}
        reply = self.post(SESSIONS, form, headers=headers, checked=checked)
        assert reply.status == 200, reply.text
        return reply.text.strip()

    def create_app(self, desktop: str, **params: Any) -> str:
        reply = self.post(f"{SESSIONS}/{desktop}/app", {"image": IMAGE} | params)
        assert reply.status == 200, reply.text
        return reply.text.strip()

    def session(self, session_id: str) -> dict[str, Any]:
        reply = self.get(f"{SESSIONS}/{session_id}")
        assert reply.status == 200, reply.text
        return dict(reply.json)

    def sessions(self, **query: Any) -> list[dict[str, Any]]:
        reply = self.get(SESSIONS, query=query)
        assert reply.status == 200, reply.text
        return list(reply.json)

    def status(self, session_id: str) -> str:
        return str(self.session(session_id)["status"])

    def logs(self, session_id: str) -> str:
        reply = self.get(f"{SESSIONS}/{session_id}?view=logs")
        assert reply.told[:2] == (200, "text/plain")
        return reply.text

    def events(self, session_id: str) -> Reply:
        return self.get(f"{SESSIONS}/{session_id}?view=events")

    # -- time --------------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        self.platform.advance(seconds)

    def until(self, session_id: str, status: str, *, within: float = 3600.0, step: float = 0.25) -> float:
        """Let time pass until the session has this status; returns how long that took."""
        passed = 0.0
        while (found := self.status(session_id)) != status:
            assert passed < within, f"{session_id} is still {found} after {passed} s, not {status}"
            self.advance(step)
            passed += step
        return passed


def _at_once(coroutine: Coroutine[Any, Any, None]) -> None:
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise AssertionError("the application waited for something, so requests could interleave")


@cache
def validator_of(version: str) -> ResponseValidator:
    return ResponseValidator(version=version)


@pytest.fixture(scope="session")
def validator() -> ResponseValidator:
    return validator_of(DEFAULT)


@pytest.fixture(scope="session")
def start() -> Callable[..., Skaha]:
    """Starts a service with a manual clock at 2026-08-06T22:25:31Z; keywords are settings (dicts for sections).

    With ``server={"state": path}`` its commands go to that file, and else to ``journal.commands``.
    """

    def started(*, epoch: int = EPOCH, base_url: str = "http://testserver", **settings: Any) -> Skaha:
        journal = Recorder()
        made = Settings.model_validate({"clock": "manual", "epoch": epoch} | settings)
        if made.server.state is None:
            platform = Platform(made, ManualClock(), epoch, journal)
        else:
            platform = Platform.from_settings(made)
        platform.base_url = base_url
        return Skaha(platform, create_app(platform), validator_of(made.skaha_version), journal)

    return started


@pytest.fixture
def skaha(start: Callable[..., Skaha]) -> Skaha:
    """A service as it comes: profile ``fast``."""
    return start()


@pytest.fixture
def instant(start: Callable[..., Skaha]) -> Skaha:
    """A service where every step happens at the moment it becomes possible."""
    return start(profile="instant")


@pytest.fixture
def platform(skaha: Skaha) -> Platform:
    return skaha.platform
