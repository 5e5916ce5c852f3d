"""A bounded HTTP load on loopback, from this process: keep-alive connections, each one request at a time.

Run as ``python -m benchmarks.load``: reads one JSON object of arguments from standard input, prints one of results.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import uvloop

LONGEST_SECONDS = 60.0


class _Connection(asyncio.Protocol):
    """Sends the request again as soon as its answer is whole, until the load is over."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.buffer = b""
        self.wanted = 0
        self.sent = 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        if self.load.over():
            self.transport.close()
            return
        self.load.begun += 1
        self.sent = time.perf_counter()
        self.transport.write(self.load.request)

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        if not self.wanted:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self.buffer[:end].lower()
            self.wanted = end + 4 + int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            if head[9:12] != b"200":
                self.load.failed += 1
        if len(self.buffer) >= self.wanted:
            self.load.latencies.append(time.perf_counter() - self.sent)
            self.buffer, self.wanted = b"", 0
            self.send()

    def connection_lost(self, error: Exception | None) -> None:
        self.load.closed += 1
        if error is not None:
            self.load.failed += 1
        if self.load.closed == self.load.connections:
            self.load.finished.set()


class Load:
    """``connections`` connections sending ``request`` until ``seconds`` have passed or ``count`` were sent."""

    def __init__(self, request: bytes, connections: int, seconds: float, count: int) -> None:
        self.request, self.connections, self.count = request, connections, count
        self.deadline = time.perf_counter() + min(seconds, LONGEST_SECONDS)
        self.begun = self.failed = self.closed = 0
        self.latencies: list[float] = []
        self.finished = asyncio.Event()

    def over(self) -> bool:
        return self.begun >= self.count or time.perf_counter() >= self.deadline

    async def run(self, port: int) -> dict[str, float]:
        loop = asyncio.get_running_loop()
        began = time.perf_counter()
        for _ in range(self.connections):
            await loop.create_connection(lambda: _Connection(self), "127.0.0.1", port)
        await asyncio.wait_for(self.finished.wait(), LONGEST_SECONDS + 10)
        took = time.perf_counter() - began
        ordered = sorted(self.latencies)
        return {
            "requests": len(ordered),
            "failed": self.failed,
            "rate": len(ordered) / took,
            "p50_ms": 1000 * ordered[len(ordered) // 2],
            "p99_ms": 1000 * ordered[len(ordered) * 99 // 100],
        }


async def _main(wanted: dict[str, Any]) -> dict[str, float]:
    load = Load(wanted["request"].encode(), wanted["connections"], wanted["seconds"], wanted["count"])
    return await load.run(wanted["port"])


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_main(json.load(sys.stdin)))))
