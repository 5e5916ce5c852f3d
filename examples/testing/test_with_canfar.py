"""The real canfar client, as a program and as a library: it finds the server by its environment variables."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from canfar.sessions import Session

CANFAR = Path(sys.executable).parent / "canfar"
pytestmark = pytest.mark.skaha(profile="instant")


def test_the_library(skaha_server, skaha_env, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with Session() as session:
        (session_id,) = session.create(
            name="fit",
            image="images.canfar.net/skaha/terminal:1.1.2",
            kind="headless",
            cmd="sleep",
            args="60",
        )
        assert session.info(session_id)[0]["status"] == "Running"
        skaha_server.until(session_id, "Completed")
        assert session.info(session_id)[0]["status"] == "Completed"
        assert session.destroy(session_id) == {session_id: True}


def test_the_program(skaha_server, skaha_env, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    session_id = skaha_server.launch("sleep", "1h", name="from-the-test")
    shown = subprocess.run([CANFAR, "ps", "--output", "json"], capture_output=True, text=True, check=True)
    assert [session["id"] for session in json.loads(shown.stdout)] == [session_id]
    skaha_server.journal.assert_called("listSessions", user="alice")
