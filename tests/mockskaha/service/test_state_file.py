"""A server that is killed in the middle of its work, and started again."""

import signal
import threading
import time

import httpx
import pytest

pytestmark = pytest.mark.evidence(
    "skaha-contract §2.7: a launch that was answered is there; keeping it is our own"
)

SESSIONS = "/skaha/v1/session"
LAUNCH = {
    "name": "kept",
    "image": "images.canfar.net/skaha/terminal:1.1.2",
    "cmd": "sleep",
    "args": "infinity",
}
WRITERS = 8
ENOUGH = 150


def test_every_launch_that_was_answered_survives_kill_9(serve, tmp_path):
    state = tmp_path / "sessions.db"
    server = serve("--state", state)
    acknowledged = {f"user{number}": [] for number in range(WRITERS)}
    deleted = []

    def write(user):
        with server.client(user) as client:
            try:
                while True:
                    found = client.post(SESSIONS, data=LAUNCH).text.strip()
                    if len(acknowledged[user]) % 5 == 4:
                        client.delete(f"{SESSIONS}/{found}")
                        deleted.append(found)
                    acknowledged[user].append(found)
            except httpx.TransportError:
                return

    writers = [threading.Thread(target=write, args=(user,)) for user in acknowledged]
    for writer in writers:
        writer.start()
    deadline = time.monotonic() + 20
    while sum(map(len, acknowledged.values())) < ENOUGH and time.monotonic() < deadline:
        time.sleep(0.005)
    assert server.stop(signal.SIGKILL)[0] == -signal.SIGKILL
    for writer in writers:
        writer.join(timeout=30)
        assert not writer.is_alive()
    assert sum(map(len, acknowledged.values())) >= ENOUGH
    assert all(len(identifier) == 8 for ids in acknowledged.values() for identifier in ids)

    again = serve("--state", state)
    for user, ids in acknowledged.items():
        with again.client(user) as client:
            kept = {session["id"] for session in client.get(SESSIONS).json()}
            assert set(ids) - set(deleted) <= kept
            assert not kept & set(deleted)
            assert len(kept - set(ids)) <= 1, "at most the one whose answer was lost on the way"
    assert again.stop()[0] == 0


def test_times_go_on_while_the_server_is_down(serve, tmp_path):
    state = tmp_path / "sessions.db"
    server = serve("--state", state, "--speed", "50")
    with server.client() as client:
        found = client.post(SESSIONS, data=LAUNCH | {"args": "60"}).text.strip()
        started = client.get(f"{SESSIONS}/{found}").json()["startTime"]
    assert server.stop()[0] == 0
    time.sleep(1.5)  # more than a minute of model time
    with serve("--state", state).client() as client:
        session = client.get(f"{SESSIONS}/{found}").json()
    assert (session["status"], session["startTime"]) == ("Completed", started)


def test_another_seed_or_a_second_server_is_refused(serve, command, tmp_path):
    state = tmp_path / "sessions.db"
    serve("--state", state)
    second = command("serve", "--port", "0", "--state", state)
    _, errors = second.communicate(timeout=30)
    assert second.returncode == 2
    assert errors.startswith(f"error: {state}: ")
    assert "is another server using it?" in errors
    other = tmp_path / "other.db"
    assert serve("--state", other, "--seed", "3").stop()[0] == 0
    second = command("serve", "--port", "0", "--state", other, "--seed", "4")
    _, errors = second.communicate(timeout=30)
    assert (second.returncode, errors) == (
        2,
        f"error: {other}: was made with --seed 3; use that, or another file\n",
    )
