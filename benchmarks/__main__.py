"""Measure the service against a bare Starlette application, the client against bare httpx and the simulator against
bare event loops, in one run on one machine, and write ``benchmarks/README.md``. ``--check`` exits 1 when a bar is
missed; ``--quick`` takes fewer samples, ``--only`` one of them, and both write nothing."""

from __future__ import annotations

import json
import os
import platform as machine
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks import client, kueue, simulator
from benchmarks.memory import BAR_MIB, memory
from benchmarks.row import Row

HERE = Path(__file__).parent
IMAGE = "images.canfar.net/skaha/astroml:latest"
TOKEN = "alice"
CONNECTIONS = 16
SAMPLE_SECONDS = 1.5
POSTS = 4000
console = Console()


@dataclass
class Server:
    port: int
    process: subprocess.Popen[str]
    started_in: float = 0.0

    def memory_mb(self) -> float:
        """Resident memory of the process, MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found[1]) * 1024 / 1e6 if found else float("nan")

    def call(self, path: str, form: dict[str, str] | None = None, token: str = TOKEN) -> bytes:
        body = None if form is None else urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body)
        request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            content: bytes = answer.read()
        return content


def pinned(core: int) -> Any:
    """Run a child on one core, where the system can do that and has more than one."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
    if len(cores) < 2:
        return None
    return lambda: os.sched_setaffinity(0, {cores[core % len(cores)]})


@contextmanager
def running(command: list[str]) -> Iterator[Server]:
    """A child that prints its port, or its URL, as the first line; stopped by its own id."""
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, text=True, cwd=HERE.parent, preexec_fn=pinned(0)
    )
    try:
        assert child.stdout is not None
        found = re.search(r"(\d+)(?:/skaha/v1)?\s*$", child.stdout.readline())
        if not found:
            raise RuntimeError(f"{command} did not start")
        server = Server(int(found[1]), child)
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/skaha/availability", timeout=5):
                    break
            except urllib.error.HTTPError:
                break
            except urllib.error.URLError:
                time.sleep(0.002)
        server.started_in = time.perf_counter() - began
        yield server
    finally:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(10)
        if child.poll() is None:
            child.kill()
            child.wait()


def mock(folder: Path, *options: str) -> Any:
    """The service as shipped: authentication, journal on disk, lifecycle."""
    state = folder / f"state-{time.monotonic_ns()}.db"
    return running(["-m", "mockskaha", "serve", "--port", "0", "--state", str(state), *options])


def load(port: int, request: str, connections: int, seconds: float, count: int = 10**9) -> dict[str, float]:
    """One sample of a bounded load from a second process."""
    wanted = {
        "port": port,
        "request": request,
        "connections": connections,
        "seconds": seconds,
        "count": count,
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(wanted), capture_output=True, text=True, check=True, cwd=HERE.parent, preexec_fn=pinned(1),
    )  # fmt: skip
    result: dict[str, float] = json.loads(done.stdout)
    if result["failed"]:
        raise RuntimeError(
            f"{result['failed']:.0f} of {result['requests']:.0f} answers were not 200: {request}"
        )
    return result


def get(path: str) -> str:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"


def post(path: str) -> str:
    body = f"name=bench&image={IMAGE}&cmd=sleep&args=1000"
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )


def launch(server: Server, token: str = TOKEN, **form: str) -> str:
    wanted = {"name": "bench", "image": IMAGE, "cmd": "sleep", "args": "100000", **form}
    return server.call("/skaha/v1/session", wanted, token).decode().strip()


def rates(folder: Path, rounds: int, tick: Any) -> list[Row]:
    """Rates and latencies of GET one, a list of ten and POST, each sample beside one of the yardstick."""
    with mock(folder) as ours:
        for _ in range(10):
            one = launch(ours)
        time.sleep(2.0)
        (folder / "one").write_bytes(ours.call(f"/skaha/v1/session/{one}"))
        (folder / "list").write_bytes(ours.call("/skaha/v1/session"))
        command = ["-m", "benchmarks.baseline", str(folder / "one"), str(folder / "list")]
        with running(command) as bare:
            rows = []
            for what, path, yard in (
                ("GET one session", f"/skaha/v1/session/{one}", "/one"),
                ("GET a list of 10 sessions", "/skaha/v1/session", "/list"),
            ):
                pairs = []
                for _ in range(rounds):
                    pairs.append(
                        (
                            load(ours.port, get(path), CONNECTIONS, SAMPLE_SECONDS)["rate"],
                            load(bare.port, get(yard), CONNECTIONS, SAMPLE_SECONDS)["rate"],
                        )
                    )
                    tick()
                rows.append(rate_row(what, pairs, 0.25))
            pairs = []
            for _ in range(rounds):
                with mock(folder) as fresh:
                    ours_rate = load(fresh.port, post("/skaha/v1/session"), CONNECTIONS, 30, POSTS)["rate"]
                pairs.append((ours_rate, load(bare.port, post("/post"), CONNECTIONS, 30, POSTS)["rate"]))
                tick()
            rows.append(rate_row("POST create, journal on disk", pairs, 0.25))
            alone = [
                (
                    load(ours.port, get(f"/skaha/v1/session/{one}"), 1, SAMPLE_SECONDS)["p50_ms"],
                    load(bare.port, get("/one"), 1, SAMPLE_SECONDS)["p50_ms"],
                )
                for _ in range(rounds)
            ]
            tick()
            mine, yards = (statistics.median(values) for values in zip(*alone, strict=True))
            bar = 0.35 / 0.16
            rows.append(
                Row(
                    "GET one session, one connection, p50", f"{mine:.3f} ms", f"{yards:.3f} ms", f"{mine / yards:.2f}",
                    f"≤ {bar:.2f}", mine / yards <= bar,
                )
            )  # fmt: skip
    return rows


def rate_row(what: str, pairs: list[tuple[float, float]], bar: float) -> Row:
    mine, yards = (statistics.median(values) for values in zip(*pairs, strict=True))
    ratio = statistics.median(ours / bare for ours, bare in pairs)
    return Row(what, f"{mine:,.0f}/s", f"{yards:,.0f}/s", f"{ratio:.2f}", f"≥ {bar}", ratio >= bar)


def start_and_memory(folder: Path, rounds: int, tick: Any) -> list[Row]:
    """Start-up, and memory idle and with 10,000 sessions."""
    starts = []
    for _ in range(rounds):
        with mock(folder) as server:
            starts.append(server.started_in)
            idle = server.memory_mb()
        tick()
    with mock(folder) as server:
        load(server.port, post("/skaha/v1/session"), CONNECTIONS, 60, 10_000)
        server.call("/skaha/v1/session/none?view=logs")
        many = server.memory_mb()
    tick()
    start = statistics.median(starts)
    return [
        Row("start-up to the first 200", f"{start:.2f} s", "", "", "≤ 0.75 s", start <= 0.75),
        Row("memory, idle", f"{idle:.0f} MB", "", "", "≤ 60 MB", idle <= 60),
        Row("memory, 10,000 sessions", f"{many:.0f} MB", "", "", "≤ 110 MB", many <= 110),
    ]


def scale(folder: Path, rounds: int, tick: Any) -> list[Row]:
    """GET one and list with 50,000 sessions of 100 users in the model, against the same with 10 of one user."""
    with mock(folder) as small, mock(folder) as large:
        for _ in range(10):
            few = launch(small)
        for user in range(100):
            request = post("/skaha/v1/session").replace(f"Bearer {TOKEN}", f"Bearer user{user:03d}")
            load(large.port, request, 4, 60, 499 if user else 490)
            tick()
        request = post("/skaha/v1/session").replace(f"Bearer {TOKEN}", "Bearer user099")
        load(large.port, request, 4, 60, 100)
        for _ in range(10):
            one = launch(large)
        time.sleep(2.0)
        rows = []
        for what, mine, theirs in (
            ("GET one session, 50,000 in the model", f"/skaha/v1/session/{one}", f"/skaha/v1/session/{few}"),
            ("GET one's own 10 sessions, 50,000 in the model", "/skaha/v1/session", "/skaha/v1/session"),
        ):
            pairs = [
                (
                    load(large.port, get(mine), CONNECTIONS, SAMPLE_SECONDS)["rate"],
                    load(small.port, get(theirs), CONNECTIONS, SAMPLE_SECONDS)["rate"],
                )
                for _ in range(rounds)
            ]
            tick()
            row = rate_row(what, pairs, 0.8)
            rows.append(row)
    return rows


class Part(StrEnum):
    SERVICE = "service"
    CLIENT = "client"
    SIMULATOR = "simulator"


def of_service(rounds: int, tick: Any) -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return [
            *rates(folder, rounds, tick),
            *start_and_memory(folder, rounds, tick),
            *scale(folder, rounds, tick),
        ]


def of_client(rounds: int, tick: Any) -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        return client.rows(lambda: mock(Path(name)), rounds, tick)


def of_simulator(quick: bool, tick: Any) -> list[Row]:
    jobs = 100_000 if quick else 1_000_000
    rows = [*simulator.rows(quick, tick), *kueue.rows(quick, tick)]
    peak = memory(jobs)["peak_mib"]
    tick()
    what = f"memory, {jobs:,} jobs streamed to jobs.csv"
    return [*rows, Row(what, f"{peak:.0f} MiB", "", "", f"≤ {BAR_MIB} MiB", peak <= BAR_MIB)]


def main(
    quick: Annotated[bool, typer.Option(help="Fewer samples.")] = False,
    check: Annotated[bool, typer.Option(help="Exit 1 when a bar is missed.")] = False,
    only: Annotated[Part | None, typer.Option(help="Measure only that.")] = None,
) -> None:
    rounds = 2 if quick else 5
    steps = {
        Part.SERVICE: rounds * 3 + 1 + rounds + 1 + 100 + 2,
        Part.CLIENT: client.ticks(rounds),
        Part.SIMULATOR: simulator.ticks(quick) + kueue.ticks(quick) + 1,
    }
    parts = [part for part in Part if only in (None, part)]
    found: dict[Part, list[Row]] = {}
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("measuring", total=sum(steps[part] for part in parts))

        def tick() -> None:
            progress.advance(task)

        for part in parts:
            match part:
                case Part.SERVICE:
                    found[part] = of_service(rounds, tick)
                case Part.CLIENT:
                    found[part] = of_client(rounds, tick)
                case Part.SIMULATOR:
                    found[part] = of_simulator(quick, tick)
    table = Table("", "ours", "yardstick", "ratio", "bar", "")
    for row in (row for part in parts for row in found[part]):
        table.add_row(row.what, row.ours, row.yardstick, row.ratio, row.bar, "ok" if row.passed else "MISSED")
    console.print(table)
    if not quick and only is None:
        write(found, rounds)
    if check and not all(row.passed for rows in found.values() for row in rows):
        raise typer.Exit(1)


def write(found: dict[Part, list[Row]], rounds: int) -> None:
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`; only ratios carry over to other machines. A ratio is ours over the yardstick's.",
        "",
        f"Last run: Python {machine.python_version()}, {machine.system()} {machine.machine()}, {os.cpu_count()} cores.",
        "",
        "## The service",
        "",
        "The yardstick is a bare Starlette application that reads the form of a POST and answers the same",
        "bytes, precomputed, on the same uvicorn settings (uvloop, httptools);",
        "for the rows about 50,000 sessions it is mockskaha itself with 10. The service runs as shipped:",
        "authentication, lifecycle, and each command in an SQLite journal before its answer leaves (`--state`).",
        f"The load comes from a second process over loopback, {CONNECTIONS} keep-alive connections unless said",
        f"otherwise, the two pinned to a core each; samples of {SAMPLE_SECONDS} s ({POSTS:,} requests for POST), ours",
        f"and the yardstick's in turn; the median of {rounds}.",
        "",
        *markdown(found[Part.SERVICE]),
        "",
        "## The client",
        "",
        "Seconds of a whole process, start-up and all, of the command `skahaclient` at a terminal or piped, against",
        "the service as shipped. The yardstick is a Python program that sends the same requests by httpx and does no",
        "more with the answers than `json.loads`; ours and the yardstick's in turn.",
        "",
        *markdown(found[Part.CLIENT]),
        "",
        "## The simulator",
        "",
        "CPU time of one process, from arrivals to the last end, through the model that the live service runs on.",
        "Yardsticks are loops measured right before and after: SimPy with 1,000 processes that only wait, 1,000",
        "timeouts each, and a bare heapq loop. The bars are 20,000 jobs/s for EASY on KTH-SP2 and 10,000 jobs/s for",
        "Kueue on 40 nodes where the SimPy loop does 0.7 million events/s, and a cost per job that grows no faster",
        "than the logarithm of the number of jobs.",
        "",
        *markdown(found[Part.SIMULATOR]),
    ]
    (HERE / "README.md").write_text("\n".join(lines) + "\n")


def markdown(rows: list[Row]) -> list[str]:
    return [
        "| | ours | yardstick | ratio | bar | |",
        "|---|---|---|---|---|---|",
        *(
            f"| {row.what} | {row.ours} | {row.yardstick} | {row.ratio} | {row.bar} | "
            f"{'ok' if row.passed else 'missed'} |"
            for row in rows
        ),
    ]


if __name__ == "__main__":
    typer.run(main)
