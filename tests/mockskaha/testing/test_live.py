"""The live server in a thread: it answers while a test moves its time, and leaves nothing behind."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest

from mockskaha import testing
from mockskaha.testing.live import LiveServer
from mockskaha.testing.service import Skaha

pytestmark = pytest.mark.evidence("ours: the live server of tests")
TERMINAL = "images.canfar.net/skaha/terminal:1.1.2"


def address(skaha: Skaha) -> tuple[str, int]:
    host, port = skaha.origin.removeprefix("http://").split(":")
    return host, int(port)


def test_nothing_is_left_behind():
    before = set(threading.enumerate())
    with testing.serve() as skaha:
        assert set(threading.enumerate()) != before
        assert skaha.client().get("/session").status_code == 200
    assert set(threading.enumerate()) == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address(skaha), 5)


def test_it_does_not_wait_for_clients_that_stay():
    with testing.serve() as skaha:
        idle, half = (socket.create_connection(address(skaha), 5) for _ in range(2))
        half.sendall(b"POST /skaha/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nname")
        skaha.client().get("/session")
    for connection in (idle, half):
        with connection:
            connection.settimeout(5)
            with suppress(ConnectionResetError):
                assert connection.recv(1000) == b""


@pytest.mark.parametrize("fault", [{"delay": 500}, {"drip": 1}])
def test_it_does_not_wait_for_answers_that_take_their_time(fault, caplog: pytest.LogCaptureFixture):
    with ThreadPoolExecutor(1) as pool:
        with testing.serve() as skaha:
            skaha.faults.add(operation="listImages", **fault)
            answer = pool.submit(skaha.client(timeout=60).get, "/image")
            while not len(skaha.journal):
                assert not answer.done()
        assert isinstance(answer.exception(30), httpx.TransportError)
    assert caplog.records == []


def test_an_error_in_the_block_ends_it_too():
    with pytest.raises(ZeroDivisionError), testing.serve() as skaha:
        1 / 0  # noqa: B018
    with pytest.raises(httpx.ConnectError):
        httpx.get(skaha.url, trust_env=False)


def test_what_is_left_in_the_process_answers_still():
    """Looking at it after the end is no deadlock: it is what somebody does in a debugger."""
    with testing.serve(clock="manual") as skaha:
        session_id = skaha.launch()
    assert skaha.status(session_id) == "Pending"
    skaha.until(session_id)


def test_what_goes_wrong_there_is_raised_here():
    with testing.serve() as skaha:
        for error in (TimeoutError("mine"), KeyError("mine"), SystemExit(3)):

            def fail(error=error):
                raise error

            with pytest.raises(type(error)) as raised:
                skaha._reach.call(fail)
            assert raised.value is error
        assert skaha.client().get("/session").status_code == 200


def test_servers_are_many_and_platforms_of_one_never_meet():
    with testing.serve() as one, testing.serve() as other:
        one.launch()
        assert len(other.client().get("/session").json()) == 0
    with LiveServer() as server:
        left, right = (
            server.create(name, {"profile": "instant", "clock": "manual"}) for name in ("left", "right")
        )
        session_id = left.launch("sleep", "60")
        left.advance("30s")
        assert (left.client().get(f"/session/{session_id}").json()["status"], left.elapsed) == ("Running", 30)
        assert right.client().get("/session").json() == []
        assert (right.elapsed, len(left.journal), len(right.journal)) == (0, 1, 1)
        with pytest.raises(testing.BadOptions, match="there is a namespace 'left' already"):
            server.create("left", {})
        server.remove("left")
        assert (
            httpx.get(
                left.url + "/session", headers={"Authorization": "Bearer alice"}, trust_env=False
            ).json()
            == []
        )


def test_time_moves_while_it_answers():
    """Both at once, from many threads: no request sees half a step, and none is lost."""
    with testing.serve(clock="manual", profile="instant") as skaha:

        def asked(number: int) -> list[int]:
            client = skaha.client(f"user{number}")
            made = client.post(
                "/session", data={"name": "x", "image": TERMINAL, "cmd": "sleep", "args": "1d"}
            )
            return [made.status_code] + [client.get("/session").status_code for _ in range(30)]

        with ThreadPoolExecutor(4) as pool:
            answers = [pool.submit(asked, number) for number in range(8)]
            while not all(answer.done() for answer in answers):
                skaha.advance(1)
            assert {status for answer in answers for status in answer.result()} == {200}
        assert len(skaha.journal) == 8 * 31
        times = [request.time for request in skaha.journal]
        assert times == sorted(times)


def test_threads_take_turns_in_this_process_too(skaha: Skaha):
    def asked(number: int) -> set[int]:
        client = skaha.client(f"user{number}")
        client.post("/session", data={"name": "x", "image": TERMINAL, "cmd": "sleep", "args": "1d"})
        return {len(client.get("/session").json()) for _ in range(30)}

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(asked, number) for number in range(8)]
        while not all(answer.done() for answer in answers):
            skaha.advance(0.5)
        assert [answer.result() for answer in answers] == [{1}] * 8


def test_programs_of_other_languages_reach_it_and_its_control_api(skaha_server: Skaha):
    script = "import os, urllib.request as r; print(r.urlopen(r.Request(os.environ['CANFAR_URL'] + '/session', headers={'Authorization': 'Bearer ' + os.environ['CANFAR_TOKEN']})).read().decode())"  # noqa: E501
    skaha_server.launch(user="bob", name="found")
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=skaha_server.environment("bob"), capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    assert [session["name"] for session in json.loads(done.stdout)] == ["found"]
    root = skaha_server.origin.partition("/ns/")[0]
    with urllib.request.urlopen(f"{root}/_mockskaha/health", timeout=5) as answer:
        assert json.load(answer)["status"] == "ok"
