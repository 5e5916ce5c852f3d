"""A live server: how it starts, answers and stops."""

import http.client
import re
import signal
import socket
import time

import pytest

pytestmark = pytest.mark.evidence("skaha-contract §1, §1.4, §2.5; the process is our own")

SESSIONS = "/skaha/v1/session"
LAUNCH = {"name": "live", "image": "images.canfar.net/skaha/terminal:1.1.2", "cmd": "echo", "args": "hello"}


def test_it_starts_with_two_lines_answers_and_stops_quickly(serve, tmp_path):
    server = serve()
    assert re.fullmatch(r"export CANFAR_URL=http://127\.0\.0\.1:\d+/skaha/v1", server.lines[0])
    assert server.lines[1].split("#")[0].rstrip() == "export CANFAR_TOKEN=alice"
    with server.client() as client:
        reply = client.get(SESSIONS)
        assert (reply.status_code, reply.content, reply.headers["content-type"]) == (
            200,
            b"[]",
            "application/json",
        )
        assert reply.headers["x-vo-authenticated"] == "alice"
        assert reply.headers.get_list("server") == ["OpenCADC/cadc-rest"]
        found = client.post(SESSIONS, data=LAUNCH).text.strip()
        deadline = time.monotonic() + 20
        while client.get(f"{SESSIONS}/{found}").json()["status"] != "Completed":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert client.get(f"{SESSIONS}/{found}", params={"view": "logs"}).text == "hello\n"
        assert client.head("/skaha").status_code == 302
        head = client.head("/skaha/capabilities")
        assert (head.status_code, head.content) == (200, b"")
    began = time.monotonic()
    assert server.stop() == (0, "")
    assert time.monotonic() - began < 5
    assert list((tmp_path / "cwd").iterdir()) == []


def test_sigterm_ends_it_too(serve):
    assert serve().stop(signal.SIGTERM)[1] == ""


def test_a_second_server_on_the_port_says_what_to_do(serve, command):
    port = serve().url.rsplit(":", 1)[1]
    second = command("serve", "--port", port)
    output, errors = second.communicate(timeout=30)
    assert (second.returncode, output) == (2, "")
    assert errors == (
        f"error: cannot listen on 127.0.0.1:{port} (Address already in use); give another --port, or --port 0 for any\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--profile", "nonsense"], "unknown profile 'nonsense'; known: "),
        (["--state", "."], "cannot be used as a state file"),
        (["--host", "192.0.2.1"], "cannot listen on 192.0.2.1:0"),
    ],
)
def test_what_cannot_be_served_is_one_line_and_exit_code_2(command, arguments, message):
    process = command("serve", "--port", "0", *arguments)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (2, "")
    assert errors.startswith("error: ")
    assert message in errors
    assert errors.count("\n") == 1


def test_an_unknown_policy_is_one_line_and_exit_code_2(command, tmp_path):
    config = tmp_path / "site.yaml"
    config.write_text("queue: {placement: {policy: nonsense}}\n")
    process = command("serve", "--port", "0", "--config", config)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "unknown policy 'nonsense'" in errors
    assert errors.count("\n") == 1


def test_a_connection_that_is_kept_open_or_broken_off_does_no_harm(serve):
    server = serve("--clock", "manual")
    host, _, port = server.url.removeprefix("http://").rpartition(":")
    for sent in (b"", b"GET", b"GET /skaha/v1/session HTTP/1.1\r\nHost: x\r\n", b"nonsense\r\n\r\n"):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(sent)
    idle = http.client.HTTPConnection(host, int(port), timeout=10)
    idle.request("GET", "/healthz")
    assert idle.getresponse().read() == b'{"status":"ok"}'
    with server.client() as client:
        big = client.post(
            SESSIONS, content=b"x" * (2 << 20), headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        assert (big.status_code, big.text) == (413, "limit: 1048576\n")
        assert client.get(SESSIONS).text == "[]"
    assert server.stop()[0] == 0
    idle.close()


def test_every_request_is_logged_when_asked_for_without_its_query(serve):
    server = serve("--access-log")
    with server.client() as client:
        client.get(SESSIONS, params={"view": "all", "secret": "hidden"})
    code, errors = server.stop()
    assert code == 0
    assert re.search(r"alice GET '/skaha/v1/session' 200\n", errors)
    assert "hidden" not in errors


def test_time_runs_as_fast_as_it_is_told_to(serve):
    with serve("--speed", "100000").client() as client:
        found = client.post(SESSIONS, data=LAUNCH | {"cmd": "sleep", "args": "2h"}).text.strip()
        deadline = time.monotonic() + 20
        while (
            client.get(f"{SESSIONS}/{found}").status_code == 200
        ):  # two hours, and one more until it is forgotten
            assert time.monotonic() < deadline
            time.sleep(0.02)
