"""Worlds for faults: a host in this process with a manual clock, and clients of it that wait for nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from mockskaha.config import Settings
from mockskaha.faults.presets import faults_of
from mockskaha.host import Host
from mockskaha.inprocess import transport
from mockskaha.namespace import Namespace

IMAGE = "images.canfar.net/skaha/terminal:1.1.2"


@dataclass
class World:
    """One platform, and whoever calls it."""

    host: Host
    name: str = ""

    @property
    def namespace(self) -> Namespace:
        return self.host.namespace(self.name)

    @property
    def platform(self) -> Any:
        return self.namespace.platform

    def client(self, user: str | None = "alice", library: Any = httpx, **options: Any) -> Any:
        headers = {} if user is None else {"authorization": f"Bearer {user}"}
        return library.Client(
            base_url=self.host.url_of(self.name),
            transport=transport(self.host, library),
            headers=headers,
            **options,
        )

    def set(self, *given: Any) -> list[Any]:
        """Set faults, as they are written."""
        return self.namespace.faults.add(faults_of(list(given)), self.platform.time)

    def get(
        self, path: str = "/skaha/v1/session", user: str | None = "alice", **options: Any
    ) -> httpx.Response:
        with self.client(user) as client:
            return client.get(path, **options)

    def launch(self, user: str = "alice", **form: Any) -> httpx.Response:
        given = {"name": "test", "image": IMAGE, "cmd": "sleep", "args": "infinity"} | form
        with self.client(user) as client:
            return client.post("/skaha/v1/session", data=given)

    def create(self, user: str = "alice", **form: Any) -> str:
        answer = self.launch(user, **form)
        assert answer.status_code == 200, answer.text
        return answer.text.strip()

    def session(self, found: str, user: str = "alice") -> dict[str, Any]:
        answer = self.get(f"/skaha/v1/session/{found}", user)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def status(self, found: str, user: str = "alice") -> str:
        return str(self.session(found, user)["status"])

    def events(self, found: str, user: str = "alice") -> httpx.Response:
        return self.get(f"/skaha/v1/session/{found}?view=events", user)

    def advance(self, seconds: float) -> None:
        self.platform.advance(seconds)


@pytest.fixture
def begin() -> Callable[..., World]:
    """Starts a world; keywords are settings."""

    def begun(**settings: Any) -> World:
        made = Settings.model_validate({"clock": "manual", "profile": "instant"} | settings)
        return World(Host(made, "http://mockskaha"))

    return begun


@pytest.fixture
def world(begin: Callable[..., World]) -> World:
    return begin()
