"""Live servers, the real clients in their own environments, and a home and a user for each test."""

from __future__ import annotations

import hashlib
import importlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.clients import CANFAR_1_4, CANFAR_1_5, SKAHA_1_7, Client, NotInstallable, Release, installed
from examples.service import Service, running
from mockskaha.contract import ResponseValidator


def _service(*options: str) -> Iterator[Service]:
    with running(*options) as service:
        yield service
        assert service.complaints() == ""


@pytest.fixture(scope="session")
def instant() -> Iterator[Service]:
    """A server whose sessions run at once, and whose batch jobs of unknown length end at once."""
    yield from _service("--profile", "instant")


@pytest.fixture(scope="session")
def fast() -> Iterator[Service]:
    """The server as ``mockskaha serve`` starts it: about a second to Running."""
    yield from _service()


@pytest.fixture
def user(request: pytest.FixtureRequest) -> str:
    """A user that no other test is."""
    return f"user{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:8]}"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def opened(tmp_path: Path) -> Path:
    """The file with the addresses the browser was sent to, one a line; see ``browser``."""
    return tmp_path / "opened"


@pytest.fixture
def browser(tmp_path: Path, opened: Path) -> str:
    """A browser that only notes where it was sent."""
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >> {opened}\n')
    script.chmod(0o755)
    return str(script)


def _programs(release: Release) -> Path:
    try:
        return installed(release)
    except NotInstallable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def canfar_programs() -> Path:
    return _programs(CANFAR_1_5)


@pytest.fixture(scope="session")
def canfar_1_4_programs() -> Path:
    return _programs(CANFAR_1_4)


@pytest.fixture(scope="session")
def skaha_programs() -> Path:
    return _programs(SKAHA_1_7)


@pytest.fixture
def canfar(canfar_programs: Path, instant: Service, home: Path, user: str, browser: str) -> Client:
    """canfar 1.5.2, pointed at the instant server as a user of its own, with room for its widest table."""
    variables = {
        "CANFAR_URL": instant.url,
        "CANFAR_TOKEN": user,
        "CANFAR_CONSOLE__WIDTH": "250",
        "BROWSER": browser,
    }
    return Client(canfar_programs, home, variables)


@pytest.fixture(scope="session")
def contract() -> ResponseValidator:
    return ResponseValidator()


Connect = Callable[..., Any]


@pytest.fixture(params=["httpx", "httpx2"])
def connect(request: pytest.FixtureRequest, contract: ResponseValidator, user: str) -> Iterator[Connect]:
    """``connect(service, **options)``: an httpx or httpx2 client, logged in, whose every answer is held to the
    contract."""
    library = importlib.import_module(request.param)
    clients = []

    def check(response: Any) -> None:
        response.read()
        path = response.request.url.raw_path.decode()
        headers = response.headers.multi_items()
        contract.check(response.request.method, path, response.status_code, headers, response.content)

    def client(service: Service, **options: Any) -> Any:
        options = {"headers": {"Authorization": f"Bearer {user}"}, "trust_env": False, **options}
        made = library.Client(base_url=service.url, event_hooks={"response": [check]}, **options)
        clients.append(made)
        return made

    yield client
    for made in clients:
        made.close()


@pytest.fixture
def until() -> Callable[..., Any]:
    """``until(ask)``: what ``ask`` answers as soon as that is true, asked again for at most 30 s."""

    def until(ask: Callable[[], Any], seconds: float = 30, every: float = 0.1) -> Any:
        deadline = time.monotonic() + seconds
        while not (answer := ask()):
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(every)
        return answer

    return until
