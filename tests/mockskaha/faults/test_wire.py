"""Harm on the wire: over real connections, and without any network."""

import logging
import socket
import subprocess
import threading
import time
from shutil import which
from urllib.parse import urlsplit

import httpx
import httpx2
import pytest
import uvicorn

from mockskaha.config import Settings
from mockskaha.faults.presets import faults_of
from mockskaha.host import Host, Server
from mockskaha.http.protocol import h11_protocol, httptools_protocol

pytestmark = [
    pytest.mark.evidence("our own: what faults do on the wire"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of uvicorn's dependencies
]
LIBRARIES = pytest.mark.parametrize("library", [httpx, httpx2])
LAUNCH = {"name": "n", "image": "images.canfar.net/skaha/terminal:1.1.2"}


class Live:
    """A server in a thread; each test has a namespace of its own."""

    def __init__(self, protocol):
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.host = Host(Settings(clock="manual", profile="instant"), self.url)
        config = uvicorn.Config(
            Server(self.host), log_level="warning", access_log=False, server_header=False, lifespan="off", ws="none",
            http=protocol,
        )  # fmt: skip
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]}, daemon=True)
        self.thread.start()

    def base(self, name, *faults):
        self.host.namespace(name).faults.begin(0, faults_of(list(faults)))
        return f"{self.url}/ns/{name}/skaha/v1"

    def close(self):
        self.server.should_exit = True
        self.thread.join(10)
        assert not self.thread.is_alive()


@pytest.fixture(scope="module", params=[httptools_protocol, h11_protocol], ids=["httptools", "h11"])
def live(request):
    server = Live(request.param())
    yield server
    server.close()


@pytest.fixture(autouse=True)
def nothing_is_logged(caplog):
    """What a fault does on purpose is no error of the server."""
    with caplog.at_level(logging.WARNING):
        yield
    assert [record.getMessage() for record in caplog.records] == []


def client(library, **options):
    return library.Client(headers={"authorization": "Bearer alice"}, trust_env=False, timeout=10, **options)


def raw(url):
    """The bytes that come back before the connection ends, and how it ended."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(
            f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer alice\r\n\r\n".encode()
        )
        received = b""
        while True:
            try:
                chunk = connection.recv(65536)
            except ConnectionResetError:
                return received, "reset"
            if not chunk:
                return received, "closed"
            received += chunk


@LIBRARIES
def test_a_reset_connection_is_an_error_of_every_client_and_the_next_call_works(live, library):
    base = live.base("reset", {"reset": True, "times": 1, "id": "gone"})
    with client(library) as session:
        with pytest.raises((library.ReadError, library.RemoteProtocolError)):
            session.get(f"{base}/session")
        assert session.get(f"{base}/session").text == "[]"


def test_a_reset_is_a_reset(live):
    base = live.base("raw", {"reset": True})
    assert raw(f"{base}/session") == (b"", "reset")


@LIBRARIES
def test_a_truncated_body_is_noticed(live, library):
    base = live.base("truncate", {"truncate": 40, "times": 1})
    with client(library) as session:
        with pytest.raises(library.RemoteProtocolError, match=r"incomplete|without sending complete"):
            session.get(f"{base}/image")
        assert session.get(f"{base}/image").status_code == 200
    live.base("truncate", {"truncate": 40})
    received, how = raw(f"{base}/image")
    head, _, body = received.partition(b"\r\n\r\n")
    assert (body, how) == (live.host.namespace("truncate").platform.catalogue.listing()[:40], "closed")
    assert int(dict(line.split(b": ") for line in head.lower().split(b"\r\n")[1:])[b"content-length"]) > 40


def test_a_body_that_is_shorter_is_whole(live):
    base = live.base("short", {"truncate": 40})
    with client(httpx) as session:
        assert session.get(f"{base}/session").text == "[]"


@pytest.mark.skipif(which("curl") is None, reason="curl is not installed")
def test_curl_notices_both(live):
    def curl(base):
        command = ["curl", "-sS", "-H", "Authorization: Bearer alice", "--noproxy", "*", f"{base}/image"]
        return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode

    assert curl(live.base("curl", {"truncate": 40})) == 18  # partial file
    assert curl(live.base("curl", {"reset": True})) in (52, 56)  # empty reply; failure in receiving


@LIBRARIES
def test_a_dripping_body_comes_slowly_and_whole(live, library):
    base = live.base("drip", {"drip": 2000})
    whole = live.host.namespace("drip").platform.catalogue.listing("firefly")
    began = time.monotonic()
    with client(library) as session:
        answer = session.get(f"{base}/image?type=firefly")
    assert answer.content == whole
    assert time.monotonic() - began >= 0.9 * len(whole) / 2000


@LIBRARIES
def test_an_impatient_client_times_out_and_others_are_not_kept(live, library):
    base = live.base(
        f"delay-{library.__name__}", {"delay": 600, "user": "alice", "operation": "createSession"}
    )
    with client(library) as session:
        with pytest.raises(library.ReadTimeout):
            session.post(f"{base}/session", data=LAUNCH, timeout=library.Timeout(10, read=0.3))
        assert [found["name"] for found in session.get(f"{base}/session").json()] == ["n"]  # it is launched


@LIBRARIES
@pytest.mark.parametrize("delay", [0.1, {"low": 0.1, "high": 0.11}])
def test_a_delay_is_waited_for(live, library, delay):
    base = live.base("late", {"delay": delay})
    began = time.monotonic()
    with client(library) as session:
        assert session.get(f"{base}/session").status_code == 200
    assert time.monotonic() - began >= 0.09


@LIBRARIES
def test_a_launch_whose_answer_is_lost_is_there(live, library):
    base = live.base(
        f"lost-{library.__name__}",
        {"preset": "bad-gateway-after-create", "nth": 1},
        {"preset": "reset-after-create", "nth": 2},
    )
    with client(library) as session:
        assert session.post(f"{base}/session", data=LAUNCH).status_code == 502
        with pytest.raises((library.ReadError, library.RemoteProtocolError)):
            session.post(f"{base}/session", data=LAUNCH | {"name": "m"})
        assert {found["name"] for found in session.get(f"{base}/session").json()} == {"n", "m"}


@LIBRARIES
def test_a_service_that_is_down_says_when_to_come_back(live, library):
    base = live.base("down", {"preset": "unavailable", "times": 1})
    with client(library) as session:
        answer = session.get(f"{base}/session")
        assert (answer.status_code, answer.content) == (503, b"temporarily unavailable: null\n")
        assert answer.headers["retry-after"] == "30"
        assert session.get(f"{base}/session").content == b"[]"


@LIBRARIES
@pytest.mark.parametrize("status", [200, 201, 204, 304, 418, 429, 599])
def test_any_status_can_be_told(live, library, status):
    base = live.base("status", {"status": status, "headers": {"Retry-After": "7", "server": "x"}})
    with client(library) as session:
        answer = session.get(f"{base}/session")
        assert (answer.status_code, answer.content) == (status, b"")
        assert (answer.headers["retry-after"], answer.headers["server"]) == ("7", "x")
        assert session.get(f"{base}/context").status_code == status


# Without a network


@LIBRARIES
def test_without_a_network_nothing_waits(world, library):
    def ask(fault, **options):
        world.namespace.faults.begin(0, faults_of([fault]))
        with world.client(library=library, **options) as session:
            return session.get("/skaha/v1/image")

    began = time.monotonic()
    with pytest.raises(library.ReadError, match="reset"):
        ask({"reset": True})
    with pytest.raises(library.RemoteProtocolError, match="received 7 bytes, expected"):
        ask({"truncate": 7})
    with pytest.raises(library.ReadTimeout):
        ask({"delay": 500}, timeout=400)
    assert ask({"delay": 300}, timeout=400).status_code == 200
    assert ask({"drip": 1}, timeout=5).status_code == 200
    with pytest.raises(library.ReadTimeout):
        ask({"drip": 0.1}, timeout=5)
    assert time.monotonic() - began < 60  # and not 300
