"""The command line, run in this process or at a terminal, against a live server, as a user nobody else is."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fcntl import ioctl
from hashlib import sha256
from pathlib import Path

import pytest

from mockskaha.config import Settings
from skahaclient.cli import run
from tests.client.serving import Live, serving

PROGRAM = Path(sys.executable).with_name("skahaclient")


@dataclass(frozen=True, slots=True)
class Reply:
    """How a command ended, and what it wrote."""

    code: int
    output: str
    errors: str

    @property
    def ids(self) -> list[str]:
        """The words of its output."""
        return self.output.split()


Skaha = Callable[..., Reply]


@pytest.fixture(scope="session")
def live() -> Iterator[Live]:
    """A server whose sessions run at once."""
    with serving(Settings(profile="instant")) as server:
        yield server


@pytest.fixture
def user(request: pytest.FixtureRequest) -> str:
    return f"user{sha256(request.node.nodeid.encode()).hexdigest()[:8]}"


@pytest.fixture
def variables(live: Live, user: str, tmp_path: Path) -> Mapping[str, str]:
    """All of the environment that a command sees."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "LANG": "C.UTF-8",
        "NO_PROXY": "*",
        "SKAHA_URL": live.url,
        "SKAHA_TOKEN": user,
    }


@pytest.fixture
def skaha(
    variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Skaha:
    """``skaha("ps", "-a")``: the reply. ``typed`` is what it can read; ``having`` are more variables, and those that
    are ``None`` are missing."""

    def skaha(*words: str, typed: str = "", **having: str | None) -> Reply:
        with monkeypatch.context() as patch:
            for name in os.environ:
                if name.startswith(("SKAHA", "CANFAR", "XDG", "NO_COLOR")):
                    patch.delenv(name)
            for name, value in {**variables, **having}.items():
                if value is None:
                    patch.delenv(name, raising=False)
                else:
                    patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.StringIO(typed))
            capsys.readouterr()
            code = run(list(words))
            written = capsys.readouterr()
        return Reply(code, written.out, written.err)

    return skaha


@dataclass(frozen=True, slots=True)
class Answer:
    """What is typed once a terminal shows a question; ``hidden`` when it must not be shown."""

    question: str
    text: str
    hidden: bool = False


Terminal = Callable[..., tuple[int, str]]
_PATIENCE_SECONDS = 30
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r(?!\n)")


def plain(seen: str) -> str:
    """What a terminal was sent, without its control sequences."""
    return _CONTROL.sub("", seen)


@pytest.fixture
def terminal(variables: Mapping[str, str]) -> Terminal:
    """``terminal("ps", columns=80)``: the exit code, and what a terminal of that width was sent."""

    def terminal(
        *words: str, columns: int = 80, answers: Sequence[Answer] = (), **having: str
    ) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(
            [str(PROGRAM), *words], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            env={**variables, "TERM": "xterm-256color", **having},
        )  # fmt: skip
        os.close(theirs)
        impatience = threading.Timer(_PATIENCE_SECONDS, process.kill)
        impatience.start()
        try:
            seen = _converse(ours, list(answers))
            return process.wait(), seen.decode().replace("\r\n", "\n")
        finally:
            impatience.cancel()
            os.close(ours)

    return terminal


def _converse(descriptor: int, answers: list[Answer]) -> bytes:
    """Read to the end, and type each answer when its question is there and the terminal shows no more what is typed,
    should that be a secret."""
    seen = b""
    while True:
        if answers and answers[0].question.encode() in seen:
            echoes = termios.tcgetattr(descriptor)[3] & termios.ECHO
            if not (answers[0].hidden and echoes):
                os.write(descriptor, answers.pop(0).text.encode() + b"\n")
        if not select.select([descriptor], [], [], 0.01 if answers else 1)[0]:
            continue
        try:
            chunk = os.read(descriptor, 65536)
        except OSError:  # Linux says so when the other end is closed
            return seen
        if not chunk:
            return seen
        seen += chunk
