"""The client's command as a user has it, start-up and all, beside the least that a Python program can do: the same
requests by httpx, and nothing made of the answers but what ``json`` makes of them.

``python -m benchmarks.client list|launch URL COUNT`` is that program.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.row import Row

ROOT = Path(__file__).parents[1]
IMAGE = "images.canfar.net/skaha/astroml:latest"
SESSIONS = 5000
REPLICAS = 1000
THREADS = 32
LIST_SECONDS = 1.0
LAUNCH_RATIO = 2.0
FORMS = {
    "80 columns": ("ps", 80),
    "200 columns": ("ps", 200),
    "piped": ("ps", None),
    "JSON": ("ps -o json", None),
}


def rows(server: Callable[[], Any], rounds: int, tick: Callable[[], None]) -> list[Row]:
    """``server()`` is a context with a server that has a ``port``."""
    with server() as running:
        url = f"http://127.0.0.1:{running.port}/skaha/v1"
        launches = []
        for number in range(rounds):
            yard = seconds(program("launch", url, REPLICAS), {"SKAHA_TOKEN": f"yard{number}"})
            words = ["launch", "-n", "bench", "-r", str(REPLICAS), IMAGE, "--", "sleep", "100000"]
            ours = seconds(command(*words), settings(url, f"ours{number}"), columns=80)
            launches.append((ours, yard))
            tick()
        seconds(program("launch", url, SESSIONS), {"SKAHA_TOKEN": "many"})
        time.sleep(2.0)
        lists: dict[str, list[tuple[float, float]]] = {form: [] for form in FORMS}
        for _ in range(rounds):
            for form, (words_, columns) in FORMS.items():
                yard = seconds(program("list", url, SESSIONS), {"SKAHA_TOKEN": "many"})
                lists[form].append((seconds(command(*words_.split()), settings(url, "many"), columns), yard))
            tick()
    ours, yard, ratio = medians(launches)
    rate = f"{REPLICAS / ours:,.0f}/s", f"{REPLICAS / yard:,.0f}/s"
    what = f"launch {REPLICAS:,} replicas, {THREADS} at a time, with a progress bar"
    found = [Row(what, *rate, f"{1 / ratio:.2f}", f"≥ {1 / LAUNCH_RATIO}", ratio <= LAUNCH_RATIO)]
    for form, pairs in lists.items():
        ours, yard, ratio = medians(pairs)
        found.append(
            Row(
                f"ps of {SESSIONS:,} sessions, {form}", f"{ours:.2f} s", f"{yard:.2f} s", f"{ratio:.2f}",
                f"≤ {LIST_SECONDS:.0f} s", ours <= LIST_SECONDS,
            )
        )  # fmt: skip
    return found


def ticks(rounds: int) -> int:
    return 2 * rounds


def medians(pairs: list[tuple[float, float]]) -> tuple[float, float, float]:
    ours, yards = zip(*pairs, strict=True)
    ratio = statistics.median(mine / yard for mine, yard in pairs)
    return statistics.median(ours), statistics.median(yards), ratio


def command(*words: str) -> list[str]:
    return [str(Path(sys.executable).with_name("skahaclient")), *words]


def program(*words: object) -> list[str]:
    return [sys.executable, "-m", "benchmarks.client", *map(str, words)]


def settings(url: str, user: str) -> dict[str, str]:
    return {"SKAHA_URL": url, "SKAHA_TOKEN": user}


def seconds(command: list[str], environment: dict[str, str], columns: int | None = None) -> float:
    """Of wall time that a process takes, into a pipe or at a terminal that is read at once. Raises if it fails."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
    } | environment
    began = time.perf_counter()
    if columns is None:
        subprocess.run(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, check=True)
        return time.perf_counter() - began
    with terminal(columns) as (ours, theirs):
        process = subprocess.Popen(command, env=env, cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        seen = b"".join(iter(lambda: _read(ours), b""))
        if process.wait():
            raise RuntimeError(f"{command}: {seen[-500:].decode(errors='replace')}")
    return time.perf_counter() - began


@contextmanager
def terminal(columns: int) -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    try:
        yield ours, theirs
    finally:
        os.close(ours)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux says so when the other end is closed
        return b""


def main(what: str, url: str, count: int) -> None:
    import httpx

    headers = {"Authorization": f"Bearer {os.environ['SKAHA_TOKEN']}"}
    with httpx.Client(headers=headers, verify=False, limits=httpx.Limits(max_connections=THREADS)) as client:
        if what == "list":
            print(len(json.loads(client.get(f"{url}/session").content)))
            return

        def launch(number: int) -> str:
            form = {"name": f"bench-{number}", "image": IMAGE, "cmd": "sleep", "args": "100000"}
            return client.post(f"{url}/session", data=form).raise_for_status().text.strip()

        with ThreadPoolExecutor(THREADS) as threads:
            print("\n".join(threads.map(launch, range(count))))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
