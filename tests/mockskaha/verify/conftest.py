"""Services of this process, to be verified."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mockskaha.config import Settings
from mockskaha.era import era
from mockskaha.host import Host
from mockskaha.inprocess import transport as in_process
from mockskaha.platform import Platform
from mockskaha.verify.client import Client
from mockskaha.verify.exchange import Caller
from mockskaha.verify.skaha import Stage
from mockskaha.verify.verification import Result, Verification

ROOT = "http://skaha.test/skaha"
TOKENS = {Caller.OWNER: "token-of-alice", Caller.SECOND: "token-of-bob"}
STRICT = {
    "mode": "strict",
    "tokens": [{"token": "token-of-alice", "user": "alice"}, {"token": "token-of-bob", "user": "bob"}],
}

Alter = Callable[[httpx.Request, httpx.Response], httpx.Response | None]


class Altered(httpx.BaseTransport):
    """A service with something in front that changes answers."""

    def __init__(self, service: httpx.BaseTransport, alter: Alter) -> None:
        self._service, self._alter = service, alter

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._service.handle_request(request)
        return self._alter(request, answer) or answer


def service(alter: Alter | None = None, **settings: Any) -> Client:
    """A client of a service of its own: strict authentication, a manual clock that moves when it waits."""
    platform = Platform.from_settings(
        Settings.model_validate({"clock": "manual", "auth": STRICT, "profile": "fast"} | settings)
    )
    platform.base_url = "http://skaha.test"
    transport: httpx.BaseTransport = in_process(Host(platform.settings, platform.base_url, platform=platform))
    if alter is not None:
        transport = Altered(transport, alter)
    return Client(ROOT, TOKENS, transport=transport, pause=platform.advance)


def verified(client: Client, version: str = "1.4", *, write: bool = True) -> list[Result]:
    """Every result; and nothing is left behind, or an assertion fails."""
    with Verification(client, era(version), Stage(run="t1", patience=60.0), write=write) as verification:
        return list(verification.results())


def failures(results: list[Result]) -> dict[str, str]:
    """The ids of checks that failed, with the reason."""
    return {result.id: result.reason for result in results if result.outcome == "failed"}


@pytest.fixture
def client() -> Client:
    return service()
