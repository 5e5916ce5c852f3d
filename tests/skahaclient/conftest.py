"""A service that answers what it is told to, and a clock that stands still until somebody sleeps."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from skahaclient import Session
from skahaclient.clock import Clock

URL = "https://skaha.example/skaha/v1"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
Answering = Callable[[httpx.Request], httpx.Response]


@dataclass
class Watch:
    """Time that passes when somebody sleeps."""

    passed: float = 0.0
    naps: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.passed += seconds

    async def async_sleep(self, seconds: float) -> None:
        self.sleep(seconds)

    @property
    def clock(self) -> Clock:
        return Clock(
            lambda: self.passed,
            self.sleep,
            self.async_sleep,
            lambda: EPOCH + timedelta(seconds=self.passed),
        )


@dataclass
class Wire:
    """What was sent, and what comes back: the next of ``answers``, the last one again and again."""

    answers: list[httpx.Response | Exception | Answering]
    sent: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        answer = self.answers[min(len(self.sent), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return answer(request)

    @property
    def lines(self) -> list[str]:
        """Methods and URLs below the service's."""
        return [f"{request.method} {str(request.url).removeprefix(URL)}" for request in self.sent]


@pytest.fixture
def watch() -> Watch:
    return Watch()


Service = Callable[..., tuple[Session, Wire]]


@pytest.fixture
def service(watch: Watch) -> Iterator[Service]:
    """``service(answer, answer, …, option=…)``: a session there, and the wire to it."""
    made: list[Session] = []

    def service(*answers: Any, **options: Any) -> tuple[Session, Wire]:
        wire = Wire(list(answers))
        options = {"url": URL, "token": "very-secret", **options}
        made.append(Session(**options, transport=httpx.MockTransport(wire), clock=watch.clock))
        return made[-1], wire

    yield service
    for each in made:
        each.close()


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith(("SKAHA_", "CANFAR_", "REPLICA_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
