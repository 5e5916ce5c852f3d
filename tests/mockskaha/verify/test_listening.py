"""``mockskaha record --listen``: a client of somebody's is recorded, and notices nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from mockskaha import testing
from mockskaha.era import era
from mockskaha.testing.service import Skaha
from mockskaha.verify.exchange import Caller
from mockskaha.verify.har import read_har, write_har
from mockskaha.verify.listening import MOST_EXCHANGES, Listener
from mockskaha.verify.pseudonyms import Pseudonyms
from mockskaha.verify.replay import Replay

pytestmark = pytest.mark.evidence("a tool of our own, no behaviour of the service")

LAUNCH = {
    "name": "fit", "image": "images.canfar.net/skaha/terminal:1.1.2", "cmd": "sleep", "args": "60",
    "env": ["PASSWORD=open sesame", "N=1"],
}  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Skaha]:
    with testing.serve(clock="manual") as made:
        yield made


@pytest.fixture
def listener(server: Skaha) -> Iterator[Listener]:
    server.reset()
    made = Listener(f"{server.origin}/skaha", 0, timeout=30)
    thread = threading.Thread(target=made.listen)
    thread.start()
    yield made
    made.stop()
    thread.join()
    made.close()


def client(listener: Listener, user: str | None = "alice-of-the-lake") -> httpx.Client:
    headers = {} if user is None else {"Authorization": f"Bearer {user}"}
    return httpx.Client(base_url=f"{listener.url}/v1", headers=headers, trust_env=False)


def recorded(listener: Listener, path: Path) -> str:
    write_har(path, listener.exchanges, Pseudonyms(listener.exchanges, listener.secrets, listener.root))
    return path.read_text()


def test_a_client_notices_nothing_and_its_requests_can_be_replayed(
    listener: Listener, server: Skaha, tmp_path: Path
) -> None:
    with client(listener) as recording, server.client("alice-of-the-lake") as direct:
        assert recording.get("/session").json() == []
        session_id = recording.post("/session", data=LAUNCH).text.strip()
        for path in (
            "/session",
            f"/session/{session_id}",
            "/context",
            "/image",
            "/session?view=stats",
            "/nowhere",
        ):
            answers = [http.get(path) for http in (recording, direct)]
            told = [(it.status_code, it.content, it.headers.get("content-type")) for it in answers]
            assert told[0] == told[1]
        assert recording.head("/session").status_code == direct.head("/session").status_code
        assert recording.delete(f"/session/{session_id}").status_code == 200
    text = recorded(listener, tmp_path / "x.har")
    for word in ("alice", "sesame", session_id, server.origin.removeprefix("http://")):
        assert word not in text
    exchanges, _ = read_har(tmp_path / "x.har")
    assert len(exchanges) == len(listener.exchanges) == 10
    results = list(Replay(exchanges, era()).results())
    assert [(result.title, result.reason) for result in results if result.outcome != "passed"] == []


def test_what_tells_of_others_and_what_programs_say_is_passed_on_and_not_kept(
    listener: Listener, server: Skaha
) -> None:
    session_id = server.launch("echo", "a secret", user="alice-of-the-lake")
    server.until(session_id, "Completed")
    with client(listener) as http:
        assert len(http.get("/session?view=all").json()) > 0
        assert "a secret" in http.get(f"/session/{session_id}?VIEW=logs").text
        assert http.post("/session", files={"a": b"b"}).status_code == 400
    assert (listener.exchanges, listener.left_out) == ([], 3)


def test_callers_are_told_apart(listener: Listener) -> None:
    for user in ("alice", None, "bob", "carol", "alice"):
        with client(listener, user) as http:
            http.get("/session")
    assert [exchange.request.caller for exchange in listener.exchanges] == [
        Caller.OWNER, Caller.NOBODY, Caller.SECOND, Caller.STRANGER, Caller.OWNER,
    ]  # fmt: skip


def test_nothing_else_is_passed_on(listener: Listener) -> None:
    with client(listener) as http:
        for path in ("/ac/login", "/", "/skahaha", "/_mockskaha/clock"):
            assert http.get(listener.url.removesuffix("/skaha") + path).status_code == 404
        assert http.post("/session", content=iter([b"name=n"])).status_code == 411
    assert listener.exchanges == []


def test_it_keeps_so_many(listener: Listener) -> None:
    with client(listener) as http:
        http.get("/context")
        listener.exchanges *= MOST_EXCHANGES
        http.get("/context")
    assert (len(listener.exchanges), listener.left_out) == (MOST_EXCHANGES, 1)


def test_a_server_that_is_not_there_is_told(server: Skaha) -> None:
    listener = Listener("http://127.0.0.1:1/skaha", 0, timeout=5)
    thread = threading.Thread(target=listener.listen)
    thread.start()
    with client(listener) as http:
        answer = http.get("/session")
    listener.stop()
    thread.join()
    listener.close()
    assert answer.status_code == 502
    assert "http://127.0.0.1:1/skaha does not answer" in answer.text


def test_the_command_records_until_it_is_interrupted(server: Skaha, tmp_path: Path) -> None:
    out = tmp_path / "mine.har"
    command = [sys.executable, "-m", "mockskaha", "record", server.url, "--listen", "0", "--out", str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        assert process.stdout is not None
        url = process.stdout.readline().split()[1].removeprefix("CANFAR_URL=")
        headers = {"Authorization": "Bearer alice"}
        with httpx.Client(headers=headers, trust_env=False) as http:
            assert http.get(f"{url}/context").status_code == 200
        process.send_signal(signal.SIGTERM)
        told = process.stdout.read()
        watchdog.cancel()
    assert process.returncode == 0
    assert f"1 exchanges written to {out}; look at it" in told
    exchanges, notes = read_har(out)
    assert ([exchange.request.path for exchange in exchanges], notes) == (
        ["/v1/context"],
        {"skaha_version": "1.4", "wrote": False},
    )
