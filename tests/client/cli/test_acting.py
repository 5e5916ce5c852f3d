"""``wait``, ``renew``, ``open``, ``delete``, ``prune``, and the shell's completion."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.client.cli.conftest import PROGRAM, Answer, Skaha, Terminal, plain
from tests.client.serving import Live

IMAGE = "images.canfar.net/skaha/astroml:latest"


def launched(skaha: Skaha, *words: str) -> list[str]:
    reply = skaha("launch", *words)
    assert reply.code == 0, reply
    return reply.ids


# -- wait --------------------------------------------------------------------------------------------------------


def test_wait_prints_how_each_has_ended(skaha: Skaha) -> None:
    good = launched(skaha, "-n", "good", "-r", "2", IMAGE, "--", "true")
    reply = skaha("wait", *good)
    assert (reply.code, reply.errors) == (0, "")
    assert [row.split()[:2] for row in reply.output.splitlines()[1:]] == [
        [good[0], "good-1"],
        [good[1], "good-2"],
    ]
    (bad,) = launched(skaha, "-n", "bad", IMAGE, "--", "false")
    reply = skaha("wait", bad, *good, "-o", "json")
    assert reply.code == 1
    assert [each["id"] for each in json.loads(reply.output)] == [bad, *good]
    assert (
        reply.errors == f"error: {bad} has failed; see skahaclient logs {bad} and skahaclient events {bad}\n"
    )


def test_wait_for_running_and_no_longer_than(skaha: Skaha) -> None:
    (job,) = launched(skaha, "-n", "job", IMAGE, "--", "sleep", "1d")
    assert skaha("wait", job, "--until", "running").code == 0
    reply = skaha("wait", job, "--timeout", "0.01")
    assert reply.code == 1
    assert reply.errors == f"error: after 0.01 s still waiting: {job} is Running\n"
    assert job in reply.output


def test_wait_for_an_unknown_session_is_1(skaha: Skaha) -> None:
    reply = skaha("wait", "unknown1")
    assert reply.code == 1
    assert "unknown1" in reply.errors


# -- renew, open -------------------------------------------------------------------------------------------------


def test_renew(skaha: Skaha) -> None:
    (notebook,) = launched(skaha, "notebook", IMAGE)
    assert skaha("renew", notebook).code == 0
    reply = skaha("renew", notebook, "unknown1")
    assert reply.code == 1
    assert reply.errors.startswith("error: unknown1: No active job")


def test_open_sends_the_browser_there(skaha: Skaha, tmp_path: Path) -> None:
    (notebook,) = launched(skaha, "notebook", IMAGE)
    reply = skaha("open", "--print", notebook)
    assert (reply.code, reply.errors) == (0, "")
    assert reply.output.startswith("http://127.0.0.1")
    assert notebook in reply.output
    (job,) = launched(skaha, "headless", IMAGE, "--", "sleep", "1d")
    reply = skaha("open", job)
    assert (reply.code, reply.output) == (1, "")
    assert reply.errors == f"error: {job} is headless: there is nothing to open; see skahaclient logs {job}\n"


# -- delete, prune -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["delete", "del", "rm"])
def test_a_script_is_not_asked(skaha: Skaha, live: Live, user: str, verb: str) -> None:
    ids = launched(skaha, "-n", "gone", "-r", "2", IMAGE, "--", "sleep", "1d")
    reply = skaha(verb, *ids)
    assert (reply.code, reply.output, reply.errors) == (0, "", "")
    assert live.sessions(user) == {}


@pytest.mark.parametrize(("answer", "left"), [("y", 0), ("n", 1), ("", 1)])
def test_somebody_at_a_terminal_is_asked(
    skaha: Skaha, terminal: Terminal, live: Live, user: str, answer: str, left: int
) -> None:
    (job,) = launched(skaha, "-n", "job", IMAGE, "--", "sleep", "1d")
    code, seen = terminal("delete", job, answers=[Answer(f"delete {job}?", answer)])
    assert (code, len(live.sessions(user))) == (0, left), seen


def test_yes_spares_the_question(skaha: Skaha, terminal: Terminal, live: Live, user: str) -> None:
    for flag in ("-y", "--yes", "-f", "--force"):
        (job,) = launched(skaha, "-n", "job", IMAGE, "--", "sleep", "1d")
        assert terminal("delete", job, flag) == (0, f"deleted {job}\n")
    assert live.sessions(user) == {}


def test_prune_by_name_and_status(skaha: Skaha, live: Live, user: str) -> None:
    study = launched(skaha, "-n", "study", "-r", "2", IMAGE, "--", "true")
    launched(skaha, "-n", "study-on", IMAGE, "--", "sleep", "1d")
    launched(skaha, "-n", "other-study", IMAGE, "--", "true")
    assert sorted(skaha("prune", "study").ids) == sorted(study)
    assert set(live.sessions(user)) == {"study-on", "other-study"}
    assert skaha("prune", "study").output == ""
    assert len(skaha("prune", ".*study", "headless", "succeeded").ids) == 1
    assert len(skaha("prune", "study", "headless", "Running", "--yes").ids) == 1
    assert live.sessions(user) == {}


def test_prune_shows_what_it_would_delete(skaha: Skaha, terminal: Terminal, live: Live, user: str) -> None:
    launched(skaha, "-n", "study", "-r", "2", IMAGE, "--", "true")
    code, seen = terminal("prune", "study", answers=[Answer("delete 2 sessions?", "n")])
    assert code == 0
    assert "study-1" in plain(seen)
    assert len(live.sessions(user)) == 2


# -- completion --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(shell: str, variables: Mapping[str, str]) -> None:
    done = subprocess.run(
        [str(PROGRAM)], capture_output=True, text=True, check=False,
        env={**variables, "_SKAHACLIENT_COMPLETE": f"source_{shell}"},
    )  # fmt: skip
    assert done.returncode == 0
    assert "_SKAHACLIENT_COMPLETE" in done.stdout


def completed(variables: Mapping[str, str], line: str) -> set[str]:
    """What bash is offered for the last word of ``line``."""
    words = line.split(" ")
    done = subprocess.run(
        [str(PROGRAM)], capture_output=True, text=True, check=False,
        env={
            **variables,
            "_SKAHACLIENT_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        },
    )  # fmt: skip
    return set(done.stdout.split())


def test_commands_options_and_ids_are_completed(skaha: Skaha, variables: Mapping[str, str]) -> None:
    ids = launched(skaha, "-n", "job", "-r", "2", IMAGE, "--", "sleep", "1d")
    assert completed(variables, "skahaclient la") == {"launch"}
    assert completed(variables, "skahaclient ps --st") == {"--status"}
    assert completed(variables, "skahaclient launch note") == {"notebook"}
    assert completed(variables, "skahaclient info ") == set(ids)
    assert completed({**variables, "SKAHA_URL": "http://127.0.0.1:1/skaha/v1"}, "skahaclient info ") == set()


def test_help_is_quick_because_it_imports_nothing_that_is_slow(variables: Mapping[str, str]) -> None:
    script = (
        "import sys; from skahaclient.cli import run; code = run(['launch', '--cores', '?']); "
        "print(code, sorted({'httpx', 'numpy', 'skahaclient.sessions'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=dict(variables)
    )
    assert done.stdout == "2 []\n"
