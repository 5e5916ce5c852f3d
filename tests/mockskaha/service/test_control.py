"""The control API of a live server."""

import json
import socket
import time
from contextlib import closing

import pytest

pytestmark = pytest.mark.evidence("our own control API")

IMAGE = "images.canfar.net/skaha/terminal:1.1.2"
JSON = {"content-type": "application/json"}


def unread(url: str) -> socket.socket:
    """A stream of events that nobody reads."""
    host, port = url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    connection.sendall(
        b"GET /_mockskaha/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n"
    )
    return connection


def test_streams_that_are_read_and_that_are_not_end_with_the_server(serve):
    server = serve("--clock", "manual", "--profile", "instant")
    with server.client() as client, closing(unread(server.url)):
        seed = {"sessions": [{"user": "a", "name": "n", "image": IMAGE, "count": 900}]}
        assert client.put("/_mockskaha/state", json=seed).status_code == 200
        assert client.get("/_mockskaha/events").json()["last"] > 10_000
        with client.stream("GET", "/_mockskaha/events", headers={"accept": "text/event-stream"}) as read:
            lines = read.iter_lines()
            told = [
                json.loads(line[6:])
                for line in (next(lines) for _ in range(40))
                if line.startswith("data: {")
            ]
            assert told[-1]["number"] == len(told) > 5
            assert client.get("/skaha/v1/session").status_code == 200
            began = time.monotonic()
            assert server.stop()[0] == 0
            assert time.monotonic() - began < 8


def test_beyond_this_machine_it_is_closed_or_wants_its_token(serve):
    closed = serve("--host", "0.0.0.0")
    with closed.client() as client:
        assert client.get("/_mockskaha/health").status_code == 200
        assert client.get("/_mockskaha/clock").status_code == 403
    open_to_some = serve("--host", "0.0.0.0", "--control-token", "s3cret")
    with open_to_some.client() as client:
        assert client.get("/_mockskaha/clock").status_code == 401
        token = {"authorization": "Bearer s3cret"}
        assert client.post("/_mockskaha/reset", headers=token | JSON).status_code == 200


def test_a_body_that_never_ends_costs_nothing(serve):
    server = serve()

    def endless():
        for _ in range(200):
            yield b" " * 65_536

    with server.client() as client:
        answer = client.put("/_mockskaha/clock", content=endless(), headers=JSON)
        assert answer.status_code == 413
        assert client.get("/_mockskaha/clock").status_code == 200
