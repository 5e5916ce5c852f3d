"""A minute of mixed requests at a steady rate, as many users, beside clients that follow the event stream and never
read.

Run as ``python -m benchmarks.endurance``; it starts a server of its own, stays on loopback, and stops by itself. Exits
1 when a request fails, the rate is not reached, or memory grows.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import statistics
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console
from rich.progress import Progress

from benchmarks.__main__ import IMAGE, Server, running

FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
SESSION = "/skaha/v1/session"
MOST_SESSIONS = 10
"""Of one user."""
LONGEST_SECONDS = 600.0
GROWTH_MB = {True: 6.0, False: 24.0}
"""Resident memory may grow by so much over the last two thirds, with the commands in a file, or kept in memory: there
are some 20,000 of them meanwhile, of some 400 bytes."""
TICK_SECONDS = 0.002
console = Console()


class User(asyncio.Protocol):
    """One user on one connection, who has one request under way at a time."""

    def __init__(self, crowd: Crowd, name: str) -> None:
        self.crowd = crowd
        self.name = name
        self.sessions: list[str] = []
        self.buffer = b""
        self.wanted = 0
        self.what = ""
        self.sent = 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.crowd.idle.append(self)

    def ask(self) -> None:
        """Send the next request."""
        rng = self.crowd.rng
        method, path, body = "GET", SESSION, ""
        own = rng.choice(self.sessions) if self.sessions else ""
        roll = rng.random()
        if not own or (roll < 0.12 and len(self.sessions) < MOST_SESSIONS):
            self.what, method = "create", "POST"
            body = f"name=load&image={IMAGE}&cmd=sleep&args=3600"
        elif roll < 0.24:
            self.what, method, path = "delete", "DELETE", f"{SESSION}/{own}"
            self.sessions.remove(own)
        elif roll < 0.30:
            self.what, path = "logs", f"{SESSION}/{own}?view=logs"
        elif roll < 0.35:
            self.what, path = "stats", f"{SESSION}?view=stats"
        elif roll < 0.38:
            self.what, path = "images", "/skaha/v1/image"
        elif roll < 0.41:
            self.what, path = "context", "/skaha/v1/context"
        elif roll < 0.62:
            self.what = "list"
        else:
            self.what, path = "get", f"{SESSION}/{own}"
        content = f"{FORM}Content-Length: {len(body)}\r\n" if body else ""
        self.sent = time.perf_counter()
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.name}\r\n"
        self.transport.write(f"{head}{content}\r\n{body}".encode())

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.wanted:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            length = self.buffer[:end].lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0]
            self.wanted = end + 4 + int(length)
        if len(self.buffer) < self.wanted:
            return
        status = int(self.buffer[9:12])
        self.crowd.answered(self.what, status, time.perf_counter() - self.sent)
        if self.what == "create" and status == 200:
            self.sessions.append(self.buffer[-9:].decode().strip())
        self.buffer, self.wanted = b"", 0
        self.crowd.idle.append(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.crowd.lost += not self.crowd.over


class Crowd:
    """``users`` users who together send ``rate`` requests a second."""

    def __init__(self, users: int, rate: float, seed: int) -> None:
        self.users, self.rate = users, rate
        self.rng = random.Random(seed)
        self.idle: deque[User] = deque()
        self.counts: Counter[tuple[str, int]] = Counter()
        self.latencies: list[float] = []
        self.lost = self.sent = 0
        self.over = False

    def answered(self, what: str, status: int, seconds: float) -> None:
        self.counts[what, status] += 1
        self.latencies.append(seconds)

    async def run(self, server: Server, seconds: float, tick: Any) -> list[tuple[float, float]]:
        """Resident memory of the server, MB, at each second."""
        loop = asyncio.get_running_loop()
        for number in range(self.users):
            await loop.create_connection(
                lambda name=f"user{number}": User(self, name), "127.0.0.1", server.port
            )
        began = time.perf_counter()
        memory: list[tuple[float, float]] = []
        while (now := time.perf_counter() - began) < seconds:
            due = int(now * self.rate)
            while self.sent < due and self.idle:
                self.sent += 1
                self.idle.popleft().ask()
            if now >= len(memory):
                memory.append((now, server.memory_mb()))
                tick(now)
            await asyncio.sleep(TICK_SECONDS)
        while len(self.idle) < self.users and time.perf_counter() - began < seconds + 10:
            await asyncio.sleep(0.01)
        self.over = True
        for user in self.idle:
            user.transport.close()
        return memory


def followers(port: int, count: int) -> list[socket.socket]:
    """Clients that ask for the event stream and never read a byte of it."""
    found = []
    for _ in range(count):
        follower = socket.socket()
        follower.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        follower.connect(("127.0.0.1", port))
        follower.sendall(
            b"GET /_mockskaha/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n"
        )
        found.append(follower)
    return found


def _kept(state: bool, folder: str) -> list[str]:
    return ["--state", f"{folder}/state.db"] if state else []


def main(
    seconds: Annotated[float, typer.Option(help="How long.", max=LONGEST_SECONDS)] = 60.0,
    rate: Annotated[float, typer.Option(help="Requests a second.", max=20_000)] = 2_000.0,
    users: Annotated[int, typer.Option(help="Users, each on a connection.", max=500)] = 64,
    streams: Annotated[int, typer.Option(help="Clients that follow and never read.", max=100)] = 4,
    state: Annotated[
        bool,
        typer.Option(
            "--state/--memory", help="Commands go to a state file, or the first 50,000 stay in memory."
        ),
    ] = True,
    seed: int = 0,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Hold a server under a steady mixed load and say what became of it."""
    crowd = Crowd(users, rate, seed)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(
            ["-m", "mockskaha", "serve", "--port", "0", *(["--state", f"{folder}/state.db"] if state else [])]
        ) as server,
        Progress(console=console, transient=True) as bar,
    ):
        task = bar.add_task("requests", total=seconds)
        deaf = followers(server.port, streams)
        try:
            memory = uvloop.run(crowd.run(server, seconds, lambda now: bar.update(task, completed=now)))
        finally:
            for follower in deaf:
                follower.close()
        kept = len(json.loads(server.call("/_mockskaha/requests?limit=2000"))["requests"])
    failed = sum(count for (_, status), count in crowd.counts.items() if status >= 400) + crowd.lost
    third = len(memory) // 3
    growth = memory[-1][1] - memory[third][1]
    ordered = sorted(crowd.latencies)
    result = {
        "requests": len(ordered),
        "rate": len(ordered) / seconds,
        "failed": failed,
        "p50_ms": 1000 * statistics.median(ordered),
        "p99_ms": 1000 * ordered[len(ordered) * 99 // 100],
        "slowest_ms": 1000 * ordered[-1],
        "memory_mb": {"at a third": memory[third][1], "at the end": memory[-1][1]},
        "requests kept in the journal": kept,
        "by operation": dict(sorted(Counter(what for what, _ in crowd.counts.elements()).items())),
    }  # fmt: skip
    if as_json:
        print(json.dumps(result))
    else:
        for name, value in flat(result):
            console.print(
                f"{name:>30}  {value:,.2f}" if isinstance(value, float) else f"{name:>30}  {value:,}"
            )
    if failed or len(ordered) < 0.99 * rate * seconds or growth > GROWTH_MB[state]:
        raise typer.Exit(1)


def flat(result: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """What was found, a line each."""
    for name, value in result.items():
        if isinstance(value, dict):
            yield from ((f"{name}, {part}", amount) for part, amount in value.items())
        else:
            yield name, value


if __name__ == "__main__":
    typer.run(main)
