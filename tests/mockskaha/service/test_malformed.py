"""Requests that nobody should send: each is refused in bounded time and memory, and none is a fault of the server."""

from __future__ import annotations

import os
import random
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.evidence("our own: bad input gets a clear error and loses nothing")

COUNT = 10_000 if os.environ.get("MOCKSKAHA_DEEP") else 2_000
SECONDS = 20.0
HEAD = "Host: 127.0.0.1\r\nAuthorization: Bearer alice\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
MULTIPART = "Content-Type: multipart/form-data; boundary=b\r\n"
JSON = "Content-Type: application/json\r\n"
SESSION = "/skaha/v1/session"
TRICKS = (
    "..", "../..", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%5c..", "%00", "a%00b", "%0d%0aX-Evil:%201", "a%0ab", "%ff%fe",
    "%c0%af", "%", "%zz", "%u0041", "a;b=c", "a?b", "a/b/c/d/e", "//", "é", "\u202e", "a" * 5000, "-", "a_", "{}",
    "$HOME", "`id`", "'; drop table sessions; --", "<script>", "[1]", "*", "~", ".", " ", "%20", "+", "%2B", "\\", "|",
)  # fmt: skip
CONTROL = (
    "clock", "clock/advance", "reset", "state", "snapshot", "requests/verify", "faults", "nodes", "namespaces",
    "profile",
)  # fmt: skip


def request(method: str, path: str, headers: str = HEAD, body: bytes = b"") -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if body or method in ("POST", "PUT") else ""
    return f"{method} {path} HTTP/1.1\r\n{headers}{length}\r\n".encode("utf-8", "surrogateescape") + body


def printable(text: str) -> str:
    """A path that gets through an HTTP parser."""
    return "".join(c if "!" <= c <= "~" else "".join(f"%{b:02x}" for b in c.encode()) for c in text)


Maker = Callable[[random.Random, str, bytes], bytes]
KINDS: tuple[Maker, ...] = (
    lambda rng, trick, noise: request(rng.choice(["GET", "DELETE", "POST", "PUT"]), f"{SESSION}/{trick}"),
    lambda rng, trick, noise: request("GET", f"{SESSION}/{trick}/app/{trick}?view=logs"),
    lambda rng, trick, noise: request("GET", f"/{trick}{SESSION}"),
    lambda rng, trick, noise: request("GET", f"/ns/{trick}{SESSION}"),
    lambda rng, trick, noise: request("POST", SESSION, HEAD + FORM, noise),
    lambda rng, trick, noise: request(
        "POST", SESSION, HEAD + FORM, b"name=%ff&image=\xff\xfe&env=%00=%00&" + noise
    ),
    lambda rng, trick, noise: request("POST", SESSION, HEAD + JSON, b"[" * rng.randrange(1, 50_000)),
    lambda rng, trick, noise: request("POST", SESSION, HEAD + MULTIPART, b"--b\r\n" + noise),
    lambda rng, trick, noise: request(
        "GET", SESSION, HEAD + f"X-Long: {'x' * rng.choice([100, 60_000, 200_000])}\r\n"
    ),
    lambda rng, trick, noise: request("GET", SESSION, HEAD + "X-More: x\r\n" * rng.choice([50, 2000])),
    lambda rng, trick, noise: request("GET", SESSION, f"Host: 127.0.0.1\r\nAuthorization: {trick[:300]}\r\n"),
    lambda rng, trick, noise: request(
        "GET", SESSION, f"Host: {trick[:300]}\r\nCookie: CADC_SSO={trick[:300]}\r\n"
    ),
    lambda rng, trick, noise: request(
        "GET",
        rng.choice(
            ["/", "/skaha/", f"/session/notebook/{trick}", f"/session/{trick}/a1b2c3d4/?token=%0d%0aX-Evil:1"]
        ),
        f"Host: a%0d%0aX-Evil: 1\r\nX-Forwarded-Host: {trick[:300]}\r\n"
        f"Cookie: a=b%0d%0aX-Evil: 1\r\nOrigin: {trick[:300]}\r\n",
    ),
    lambda rng, trick, noise: request("GET", f"{SESSION}?{trick}&view={trick}&VIEW=x&view=y&status=%ff"),
    lambda rng, trick, noise: request("POST", SESSION, HEAD + FORM, b"&a=b" * rng.choice([10, 3000])),
    lambda rng, trick, noise: request(
        "POST", "/ac/login", HEAD + FORM, b"username=" + noise + b"&password=" + noise
    ),
    lambda rng, trick, noise: request("GET", f"/ac/users/{trick}?idType={trick}&detail=x"),
    lambda rng, trick, noise: request("POST", control(rng), HEAD + JSON, b'{"a":' * rng.randrange(1, 30_000)),
    lambda rng, trick, noise: request(rng.choice(["PUT", "POST", "PATCH"]), control(rng), HEAD + JSON, noise),
    lambda rng, trick, noise: request("GET", f"/_mockskaha/{trick}?since=x&limit=-1&limit=NaN"),
    lambda rng, trick, noise: request(rng.choice(["BREW", "get", "TRACE", "CONNECT", "X" * 500]), SESSION),
    lambda rng, trick, noise: noise + b"\r\n\r\n",
    lambda rng, trick, noise: request("POST", SESSION, HEAD + FORM + "Content-Length: -5\r\n"),
    lambda rng, trick, noise: request(
        "POST", SESSION, HEAD + FORM + "Transfer-Encoding: chunked\r\n", b"ZZ\r\n" + noise
    ),
    lambda rng, trick, noise: request(
        "POST", SESSION, HEAD + FORM, b"name=n&image=" + trick.encode() + b"&env=" + noise
    ),
)
LARGE_EVERY = 150


def control(rng: random.Random) -> str:
    return f"/_mockskaha/{rng.choice(CONTROL)}"


def malformed(rng: random.Random, count: int) -> Iterator[bytes]:
    """``count`` requests, each wrong in some way."""
    for number in range(count):
        if number % LARGE_EVERY == 0:
            path, kind = (SESSION, FORM) if number // LARGE_EVERY % 2 == 0 else (control(rng), JSON)
            yield request("POST", path, HEAD + kind, b"name=" + b"x" * 10_000_000)
        else:
            yield KINDS[number % len(KINDS)](
                rng, printable(rng.choice(TRICKS)), rng.randbytes(rng.randrange(1, 200))
            )


def answered(port: int, sent: bytes) -> int:
    """The status of the answer; 0 when the server ended the connection without one."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            first = connection.recv(4096)
        except (BrokenPipeError, ConnectionResetError):
            return 0
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", first)
    assert found or not first, first[:80]
    assert b"\nx-evil" not in first.partition(b"\r\n\r\n")[0].lower(), "a header of the client's"
    return int(found[1]) if found else 0


def memory_mb(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
def test_ten_thousand_bad_requests_do_no_harm(serve):
    server = serve("--profile", "instant")
    port = httpx.URL(server.url).port
    assert port is not None
    rng = random.Random(0)
    with server.client() as alice:
        launch = {
            "name": "n",
            "image": "images.canfar.net/skaha/terminal:1.1.2",
            "cmd": "sleep",
            "args": "infinity",
        }
        kept = alice.post(SESSION, data=launch).text.strip()
        counts: dict[int, int] = {}
        before = 0.0
        for number, sent in enumerate(malformed(rng, COUNT)):
            status = answered(port, sent)
            counts[status] = counts.get(status, 0) + 1
            assert status < 500, (status, sent[:200])
            if number == COUNT // 3:
                before = memory_mb(server.process.pid)
        assert memory_mb(server.process.pid) - before < 60
        assert alice.get(f"{SESSION}/{kept}").json()["status"] == "Running"
        assert len(alice.get("/_mockskaha/health").json()) > 0
    code, errors = server.stop()
    assert code == 0
    assert "Traceback" not in errors
    assert counts[400] > COUNT // 10
