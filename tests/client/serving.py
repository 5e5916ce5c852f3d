"""A live mockskaha for the client's tests: in a thread, on a free port, so that a test can look behind the wire."""

from __future__ import annotations

import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from mockskaha.config import Settings
from mockskaha.host import Host, Server
from mockskaha.platform import Platform
from mockskaha.session import Session

Application = Callable[[Any, Any, Any], Awaitable[None]]
_START_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Live:
    """A running server and the platform behind it."""

    url: str
    """``http://127.0.0.1:PORT/skaha/v1``"""
    platform: Platform

    def sessions(self, user: str) -> dict[str, Session]:
        """What the user has, by name."""
        return {session.name: session for session in self.platform.inventory.of(user)}


@contextmanager
def serving(
    settings: Settings, around: Callable[[Application], Application] = lambda application: application
) -> Iterator[Live]:
    """Serve until the block ends. ``around`` may put something between the wire and the service."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    host = Host(settings, url)
    server = uvicorn.Server(
        uvicorn.Config(around(Server(host)), log_level="warning", lifespan="off", ws="none")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield Live(f"{url}/skaha/v1", host.root.platform)
    finally:
        server.should_exit = True
        thread.join(_START_SECONDS)
        listener.close()
        host.close()
