"""A platform of every version of Skaha, without a network and over HTTP, and clients of it that wait and that do not.

A test asks for ``begin``, or for ``world``, which has begun; it is run once for each.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from mockskaha import testing
from mockskaha.era import DEFAULT, VERSIONS, Era, era
from mockskaha.testing.live import LiveServer
from mockskaha.testing.service import Skaha
from skahaclient import AsyncSession, Context, Images, Overview, Session
from skahaclient.clock import Clock

WAYS = ("in-process", "in-process, async", "http", "http, async")
PLACES = [
    *((version, way) for version in VERSIONS for way in ("in-process", "http, async")),
    *((DEFAULT, way) for way in ("in-process, async", "http")),
]
"""Each version without a network and over HTTP, and one with both clients in both."""
BASE: Any = {"clock": "manual", "epoch": "2026-01-01T00:00:00Z"}
C = TypeVar("C", Session, Context, Images, Overview)
_numbers = itertools.count(1)


class Awaited:
    """An `AsyncSession` whose calls are waited for, so that one test is for both."""

    def __init__(self, session: AsyncSession, loop: asyncio.Runner) -> None:
        self._session = session
        self._loop = loop

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*given: Any, **options: Any) -> Any:
            found = getattr(self._session, name)(*given, **options)
            return self._loop.run(found if isinstance(found, Coroutine) else _drained(found))

        return call


async def _closed(session: AsyncSession, transport: Any) -> None:
    await session.close()
    await transport.aclose()


async def _drained(pieces: Any) -> list[Any]:
    return [piece async for piece in pieces]


@dataclass
class World:
    """A platform and a client of it, whose naps are the platform's time."""

    skaha: Skaha
    era: Era
    is_async: bool
    stack: ExitStack
    session: Any = field(init=False)

    def __post_init__(self) -> None:
        self.session = self.client()

    def client(self, user: str | None = "alice", **given: Any) -> Any:
        """Another session, as ``user``; or as nobody."""
        if not self.is_async:
            return self._made(Session, user, **given)
        loop = self.stack.enter_context(asyncio.Runner())
        transport: Any = self.skaha.transport()
        session = AsyncSession(**self._options(user, transport) | given)
        self.stack.callback(lambda: loop.run(_closed(session, transport)))
        return Awaited(session, loop)

    @property
    def context(self) -> Context:
        return self._made(Context)

    @property
    def images(self) -> Images:
        return self._made(Images)

    @property
    def overview(self) -> Overview:
        return self._made(Overview, None)

    def _made(self, kind: type[C], user: str | None = "alice", **given: Any) -> C:
        transport = self.skaha.transport()
        self.stack.callback(transport.close)
        return self.stack.enter_context(kind(**self._options(user, transport) | given))

    def _options(self, user: str | None, transport: Any) -> dict[str, Any]:
        return {
            "url": self.skaha.url,
            "token": None if user is None else self.skaha.token_of(user),
            "transport": transport,
            "clock": Clock(lambda: self.skaha.elapsed, self.skaha.advance, self._nap, lambda: self.skaha.now),
        }

    async def _nap(self, seconds: float) -> None:
        self.skaha.advance(seconds)


Begin = Callable[..., World]


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer(BASE) as running:
        yield running


@pytest.fixture(params=PLACES, ids=" ".join)
def place(request: pytest.FixtureRequest) -> tuple[str, str]:
    found: tuple[str, str] = request.param
    return found


@pytest.fixture
def begin(place: tuple[str, str], request: pytest.FixtureRequest) -> Iterator[Begin]:
    """``begin(**settings)``: a platform with these settings and nothing in it, where nothing takes time of itself
    unless another ``profile`` is asked for."""
    version, way = place
    with ExitStack() as stack:

        def begin(profile: str = "instant", **settings: Any) -> World:
            options: Any = {**BASE, "profile": profile, "settings": {"skaha_version": version, **settings}}
            if way.startswith("in-process"):
                made = stack.enter_context(testing.skaha(**options))
            else:
                server, name = request.getfixturevalue("server"), f"test-{next(_numbers)}"
                made = server.create(name, options)
                stack.callback(server.remove, name)
            return World(made, era(version), way.endswith("async"), stack)

        yield begin


@pytest.fixture
def world(begin: Begin) -> World:
    return begin()


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("SKAHA_URL", "SKAHA_TOKEN", "CANFAR_URL", "CANFAR_TOKEN"):
        monkeypatch.delenv(name, raising=False)
