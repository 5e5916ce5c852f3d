"""A server that was started with faults."""

import threading
import time

import httpx
import pytest

pytestmark = pytest.mark.evidence("our own: faults")


def test_a_server_with_faults_that_is_stopped_in_the_middle_of_a_slow_answer(serve):
    server = serve(
        "--faults", "quota-full", "--faults", "{operation: listSessions, delay: 10m}", "--profile", "instant"
    )
    with server.client() as client:
        launch = {"name": "a", "image": "images.canfar.net/skaha/terminal:1.1.2", "type": "notebook"}
        assert client.post("/skaha/v1/session", data=launch).status_code == 400
        assert client.get("/skaha/v1/context").status_code == 200
        with pytest.raises(httpx.ReadTimeout):
            client.get("/skaha/v1/session", timeout=0.1)
    waiting = threading.Thread(target=wait_for_an_answer, args=(server,))
    waiting.start()
    time.sleep(0.3)
    began = time.monotonic()
    code, _ = server.stop(within=10)
    waiting.join(10)
    assert time.monotonic() - began < 8
    assert code == 0


def wait_for_an_answer(server):
    with server.client() as client, pytest.raises(httpx.HTTPError):
        client.get("/skaha/v1/session").raise_for_status()
