"""A server of one's own in another process, as people run it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest


@dataclass
class Server:
    """A running ``mockskaha serve``. ``lines`` are what it printed at first, ``url`` is where it is."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.lines[0].removeprefix("export CANFAR_URL=").removesuffix("/skaha/v1")

    def client(self, user: str = "alice") -> httpx.Client:
        headers = {"Authorization": f"Bearer {user}"}
        # Proxies of whoever runs the tests have nothing to do with it.
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, trust_env=False)

    def stop(self, number: int = signal.SIGINT, within: float = 10) -> tuple[int, str]:
        """Send a signal; returns exit code and what was written to stderr."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=within)
        return self.process.returncode, errors


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts ``mockskaha`` with arguments, in an empty directory and without anybody's settings."""

    def run(*arguments: str | Path) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MOCKSKAHA_")}
        (tmp_path / "cwd").mkdir(exist_ok=True)
        return subprocess.Popen(
            [sys.executable, "-m", "mockskaha", *map(str, arguments)],
            cwd=tmp_path / "cwd",
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return run


@pytest.fixture
def serve(command: Callable[..., subprocess.Popen[str]]) -> Iterator[Callable[..., Server]]:
    """Starts a server on a free port and waits for its two lines; all are stopped in the end."""
    servers: list[Server] = []

    def started(*arguments: str | Path) -> Server:
        server = Server(command("serve", "--port", "0", *arguments))
        servers.append(server)
        # A server that does not come up must not hang the tests.
        watchdog = threading.Timer(30, server.process.kill)
        watchdog.start()
        assert server.process.stdout is not None
        server.lines = [server.process.stdout.readline().rstrip("\n") for _ in range(2)]
        watchdog.cancel()
        assert all(server.lines), server.process.communicate()[1]
        return server

    yield started
    for server in servers:
        if server.process.poll() is None:
            server.process.kill()
        server.process.communicate()
