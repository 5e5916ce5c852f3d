"""How commands end when the service, the network or the command line is not as it should be."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mockskaha.config import Settings
from skahaclient.clock import SYSTEM
from tests.client.cli.conftest import Skaha
from tests.client.serving import Application, Live, serving

IMAGE = "skaha/astroml:latest"
COMMANDS = [("ps",), ("stats",), ("images",), ("context",), ("info", "abcdefgh"), ("launch", IMAGE)]


@pytest.fixture(scope="module")
def strict() -> Iterator[Live]:
    """A server that lets in only who has one of its tokens."""
    settings = {
        "profile": "instant",
        "auth": {
            "mode": "strict",
            "tokens": [
                {"token": "good-token", "user": "alice"},
                {"token": "old-token", "user": "alice", "expires": "2020-01-01T00:00:00Z"},
            ],
        },
    }
    with serving(Settings.model_validate(settings)) as server:
        yield server


@pytest.fixture
def nobody() -> str:
    """The URL of a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}/skaha/v1"


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    """Nobody sleeps between attempts."""
    sleep = SYSTEM.sleep
    object.__setattr__(SYSTEM, "sleep", lambda seconds: None)
    yield
    object.__setattr__(SYSTEM, "sleep", sleep)


@pytest.mark.parametrize("words", COMMANDS)
def test_nobody_there_is_4(skaha: Skaha, nobody: str, words: tuple[str, ...]) -> None:
    reply = skaha(*words, SKAHA_URL=nobody)
    assert (reply.code, reply.output) == (4, "")
    assert reply.errors.startswith("error: ")
    assert "no connection to 127.0.0.1" in reply.errors
    assert reply.errors.count("\n") == 1


@pytest.mark.parametrize("words", COMMANDS)
@pytest.mark.parametrize("token", ["bad-token", "old-token", None])
def test_a_token_that_is_not_accepted_is_3(
    skaha: Skaha, strict: Live, words: tuple[str, ...], token: str | None
) -> None:
    reply = skaha(*words, SKAHA_URL=strict.url, SKAHA_TOKEN=token)
    assert (reply.code, reply.output) == (3, "")
    assert "skahaclient auth login" in reply.errors
    assert reply.errors.count("\n") == 1
    assert token is None or token not in reply.errors


def test_a_good_token_is_0(skaha: Skaha, strict: Live) -> None:
    assert skaha("ps", SKAHA_URL=strict.url, SKAHA_TOKEN="good-token").code == 0


def test_a_flag_wins_over_the_environment(skaha: Skaha, strict: Live, live: Live) -> None:
    assert skaha("--url", strict.url, "--token", "good-token", "ps").code == 0
    assert skaha("--token", "bad-token", "ps", SKAHA_URL=strict.url, SKAHA_TOKEN="good-token").code == 3
    assert (
        skaha("ps", SKAHA_URL=None, SKAHA_TOKEN=None, CANFAR_URL=strict.url, CANFAR_TOKEN="good-token").code
        == 0
    )
    assert skaha("ps", SKAHA_TOKEN="good-token", SKAHA_URL=strict.url, CANFAR_TOKEN="bad-token").code == 0


def test_no_url_at_all_is_2_and_says_how(skaha: Skaha) -> None:
    reply = skaha("ps", SKAHA_URL=None)
    assert (reply.code, reply.output) == (2, "")
    assert "SKAHA_URL" in reply.errors
    assert reply.errors.count("\n") == 1


@pytest.mark.parametrize("url", ["localhost", "ftp://host/skaha", "http://"])
def test_no_usable_url_is_2(skaha: Skaha, url: str) -> None:
    reply = skaha("--url", url, "ps")
    assert (reply.code, reply.output) == (2, "")
    assert reply.errors.count("\n") == 1


def answering(status: int, body: bytes, **headers: str) -> Any:
    """Instead of the service: always this."""

    def around(application: Application) -> Application:
        async def always(scope: Any, receive: Any, send: Any) -> None:
            sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
            await send({"type": "http.response.start", "status": status, "headers": sent})
            await send({"type": "http.response.body", "body": body})

        return always

    return around


@pytest.mark.parametrize(
    ("status", "body", "headers", "code", "told"),
    [
        (500, b"unexpected exception: java.lang.Oops", {"content_type": "text/plain"}, 1, "java.lang.Oops"),
        (502, b"<html><h1>Bad Gateway</h1></html>", {"content_type": "text/html"}, 4, "502"),
        (503, b"temporarily unavailable: null\n", {"retry_after": "90", "content_type": "text/plain"}, 4, "in 90 s"),
        (200, b"<html>Welcome</html>", {"content_type": "text/html"}, 4, "Skaha"),
        (302, b"", {"location": "https://login.example.org/"}, 4, "https://login.example.org/"),
        (404, b"<html>Not Found</html>", {"content_type": "text/html"}, 4, "without /v1, the URL finds it"),
        (403, b"Not authorized to use the skaha system\n", {"content_type": "text/plain"}, 1, "Not authorized to use"),
    ],
)  # fmt: skip
def test_what_the_service_answers_is_told_in_one_line(
    skaha: Skaha, status: int, body: bytes, headers: dict[str, str], code: int, told: str
) -> None:
    with serving(Settings(), answering(status, body, **headers)) as server:
        for words in (("ps",), ("info", "abcdefgh")):
            reply = skaha(*words, SKAHA_URL=server.url)
            assert (reply.code, reply.output) == (code, "")
            assert told in reply.errors
            assert reply.errors.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("pss",), "no such command"),
        (("ps", "--al"), "no such option: --al"),
        (("ps", "-k", "notebok"), "notebok"),
        (("wait", "a", "--until", "never"), "never"),
        (("--timeout", "0", "ps"), "timeout"),
        (("--certificate", "nowhere.pem", "ps"), "nowhere.pem"),
        (("prune",), "prefix"),
        (("prune", "("), "regular expression"),
    ],
)
def test_wrong_usage_is_2_in_one_line(skaha: Skaha, words: tuple[str, ...], told: str) -> None:
    reply = skaha(*words)
    assert (reply.code, reply.output) == (2, "")
    assert reply.errors.startswith("error: ")
    assert told in reply.errors.lower()
    assert reply.errors.count("\n") == 1


def test_nothing_said_is_help_and_2(skaha: Skaha) -> None:
    reply = skaha()
    assert reply.code == 2
    assert "Usage: skahaclient" in reply.output + reply.errors


def test_a_reader_that_goes_away_ends_it_quietly(skaha: Skaha, variables: Any, tmp_path: Path) -> None:
    import subprocess

    from tests.client.cli.conftest import PROGRAM

    done = subprocess.run(
        ["bash", "-c", f"{PROGRAM} images -o json | true; echo ${{PIPESTATUS[0]}}"],
        capture_output=True, text=True, check=True, env=dict(variables),
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.strip() in ("0", "141")
