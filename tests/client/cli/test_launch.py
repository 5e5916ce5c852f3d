"""``launch`` at a live server: every printed form, many replicas, refusals, and an interruption."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from mockskaha.config import Settings
from tests.client.cli.conftest import PROGRAM, Answer, Skaha, Terminal, plain
from tests.client.serving import Application, Live, serving

IMAGE = "images.canfar.net/skaha/astroml:latest"
PRIVATE = "images.canfar.net/survey-team/pipeline:1.0"


@pytest.mark.parametrize("verb", ["launch", "create", "run"])
@pytest.mark.parametrize(
    "words",
    [
        ("-n", "job", "-c", "4", "-m", "16", "headless", "skaha/astroml:latest", "--", "python", "a.py", "--fast"),
        ("--name", "job", "--cpu", "4", "--memory", "16", "headless", IMAGE, "--", "python", "a.py", "--fast"),
        ("--name", "job", "--image", IMAGE, "--cores", "4", "--ram", "16", "--cmd", "python a.py --fast"),
        ("--cmd", "python a.py --fast", "-k", "headless", "-i", IMAGE, "-n", "job", "--ram", "16", "--cores=4"),
        ("skaha/astroml:latest", "-njob", "-c4", "-m16", "--", "python", "a.py", "--fast"),
    ],
)  # fmt: skip
def test_every_form_launches_the_same(
    skaha: Skaha, live: Live, user: str, verb: str, words: tuple[str, ...]
) -> None:
    reply = skaha(verb, *words)
    (session,) = live.sessions(user).values()
    assert (reply.code, reply.output, reply.errors) == (0, f"{session.session_id}\n", "")
    request = session.job.request
    assert (session.name, session.kind, session.image) == ("job", "headless", IMAGE)
    assert (session.cmd, session.args) == ("python", ("a.py", "--fast"))
    assert (request.millicores, request.ram_mib, session.job.limit) == (4000, 16384, request)


def test_a_notebook_with_gpus_and_the_name_of_its_image(skaha: Skaha, live: Live, user: str) -> None:
    assert skaha("launch", "notebook", "skaha/astroml:latest", "--gpu", "1").code == 0
    (session,) = live.sessions(user).values()
    assert (session.name, session.kind, session.job.request.gpus) == ("astroml", "notebook", 1)


def test_variables(skaha: Skaha, live: Live, user: str) -> None:
    assert skaha("launch", IMAGE, "-e", "A=1", "--env", "B_C=two words", "--", "env").code == 0
    (session,) = live.sessions(user).values()
    assert {"A": "1", "B_C": "two words"}.items() <= dict(session.env).items()


def test_a_session_that_ignores_its_command_is_warned_of(skaha: Skaha) -> None:
    reply = skaha("launch", "notebook", IMAGE, "--", "ls")
    assert reply.code == 0
    assert reply.errors == (
        "warning: a notebook session ignores commands and variables; only a headless one has them\n"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "no image; say which: launch KIND IMAGE, or --image IMAGE"),
        (("notebok", IMAGE), "'notebok' is no kind of session; did you mean notebook?"),
        ((IMAGE, "--cpu", "4", "--cores", "8"), "cores said twice, 4 and 8; --cores and --cpu are the same option"),
        ((IMAGE, "--ram", "4", "-m", "8"), "memory said twice, 4 and 8; --ram and --memory are the same option"),
        ((IMAGE, "--cmd", "ls", "--", "ls"), "two commands, 'ls' and --cmd 'ls'; leave one out"),
        ((IMAGE, "-e", "A"), "--env A: a variable is NAME=VALUE"),
        ((IMAGE, "--replicas", "0"), None),
        ((IMAGE, "--cores", "many"), None),
        ((IMAGE, "-o", "xml"), None),
        ((IMAGE, "python", "--fast"), "no such option: --fast; see skahaclient launch --help"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_one_line_and_asks_nothing(
    skaha: Skaha, live: Live, user: str, words: tuple[str, ...], told: str | None
) -> None:
    reply = skaha("launch", *words)
    assert (reply.code, reply.output) == (2, "")
    assert reply.errors.startswith("error: ")
    assert reply.errors.count("\n") == 1
    assert told is None or reply.errors == f"error: {told}\n"
    assert live.sessions(user) == {}


def test_options_given_twice_alike_are_no_contradiction(skaha: Skaha) -> None:
    assert skaha("launch", IMAGE, "--cpu", "4", "--cores", "4", "--ram", "8").code == 0


@pytest.mark.parametrize("load", [json.loads, yaml.safe_load], ids=["json", "yaml"])
def test_replicas_for_programs(skaha: Skaha, live: Live, user: str, load: Any, request: Any) -> None:
    form = request.node.callspec.id
    reply = skaha("launch", "-n", "study", "-r", "3", "-o", form, IMAGE, "--", "env")
    assert reply.code == 0
    sessions = live.sessions(user)
    assert load(reply.output) == [
        {"id": sessions[f"study-{number}"].session_id, "name": f"study-{number}"} for number in (1, 2, 3)
    ]


def test_a_refusal_is_told_in_the_services_words(skaha: Skaha) -> None:
    reply = skaha("launch", "-n", "job", "registry.example.org/me/mine:1")
    assert (reply.code, reply.output) == (1, "")
    assert "must come from one of [images.canfar.net]" in reply.errors


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-n", "a_b", IMAGE), "letters, digits and '-'"),
        (("-n", "job", IMAGE, "--", "sh", "-c", "echo a"), "put the command into a script"),
        (("-n", "job", "-e", "A=b=c", IMAGE), "Skaha would drop the variable"),
        (("-n", "job", "-c", "0", IMAGE), "a number from 1 on"),
    ],
)
def test_what_cannot_be_sent_is_2_and_not_sent(
    skaha: Skaha, live: Live, user: str, words: tuple[str, ...], told: str
) -> None:
    reply = skaha("launch", *words)
    assert (reply.code, reply.output) == (2, "")
    assert told in reply.errors
    assert live.sessions(user) == {}


# -- private images ----------------------------------------------------------------------------------------------


def test_a_private_image_needs_credentials_of_its_registry(skaha: Skaha, live: Live, user: str) -> None:
    without = skaha("launch", "-n", "p", PRIVATE)
    assert without.code == 1
    assert "registry" in without.errors.lower()
    assert skaha("launch", "-n", "p", "--registry", "me:very-secret", PRIVATE).code == 0
    assert set(live.sessions(user)) == {"p"}


def test_the_secret_of_a_registry_is_asked_for_unseen(terminal: Terminal) -> None:
    code, seen = terminal(
        "launch",
        "-n",
        "p",
        "--registry",
        "me",
        PRIVATE,
        answers=[Answer("Secret of me at the registry", "very-secret", hidden=True)],
    )
    assert code == 0, seen
    assert "very-secret" not in seen


# -- many --------------------------------------------------------------------------------------------------------


class Crowd:
    """Between the wire and the service: counts how many launches are under way, and meddles with some."""

    def __init__(self) -> None:
        self.application: Application | None = None
        self.now = self.most = self.launches = 0
        self.refuse = lambda number: False
        self.each = lambda number: None

    def around(self, application: Application) -> Application:
        self.application = application
        return self

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert self.application is not None
        if scope["method"] != "POST":
            await self.application(scope, receive, send)
            return
        import asyncio

        self.launches += 1
        number = self.launches
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            self.each(number)
            await asyncio.sleep(0.005)  # long enough that the others arrive meanwhile
            if self.refuse(number):
                await send(
                    {
                        "type": "http.response.start",
                        "status": 400,
                        "headers": [(b"content-type", b"text/plain")],
                    }
                )
                await send({"type": "http.response.body", "body": b"no luck\n"})
            else:
                await self.application(scope, receive, send)
        finally:
            self.now -= 1


@pytest.fixture
def crowd() -> Crowd:
    return Crowd()


@pytest.fixture
def crowded(crowd: Crowd) -> Iterator[Live]:
    with serving(Settings(profile="instant"), crowd.around) as server:
        yield server


def test_half_of_the_replicas_refused_is_1_with_the_ids_of_the_others(
    skaha: Skaha, crowd: Crowd, crowded: Live, user: str
) -> None:
    crowd.refuse = lambda number: number % 2 == 0
    reply = skaha("launch", "-n", "half", "-r", "20", IMAGE, "--", "true", SKAHA_URL=crowded.url)
    created = {session.session_id for session in crowded.sessions(user).values()}
    assert reply.code == 1
    assert len(created) == 10
    assert sorted(reply.ids) == sorted(created)
    assert reply.errors.startswith(
        "error: 10 of 20 sessions were not launched: no luck (status 400) (10 times)"
    )
    assert reply.errors.count("\n") == 1


def test_ids_and_names_belong_together_when_some_are_refused(
    skaha: Skaha, crowd: Crowd, crowded: Live, user: str
) -> None:
    crowd.refuse = lambda number: number % 3 == 0
    reply = skaha("launch", "-n", "some", "-r", "9", "-o", "json", IMAGE, SKAHA_URL=crowded.url)
    assert reply.code == 1
    assert {each["name"]: each["id"] for each in json.loads(reply.output)} == {
        name: session.session_id for name, session in crowded.sessions(user).items()
    }


def test_all_refused_is_1(skaha: Skaha, crowd: Crowd, crowded: Live) -> None:
    crowd.refuse = lambda number: True
    reply = skaha("launch", "-r", "3", IMAGE, SKAHA_URL=crowded.url)
    assert (reply.code, reply.output) == (1, "")


def test_a_thousand_replicas_a_few_at_a_time_with_a_bar(
    terminal: Terminal, crowd: Crowd, crowded: Live, user: str
) -> None:
    code, seen = terminal("launch", "-n", "many", "-r", "1000", IMAGE, "--", "true", SKAHA_URL=crowded.url)
    sessions = crowded.sessions(user)
    assert code == 0
    assert len(sessions) == 1000
    assert 4 <= crowd.most <= 32
    assert "launching" in plain(seen)
    assert "/1000" in plain(seen)
    made = {session.session_id for session in sessions.values()}
    assert [line for line in plain(seen).splitlines() if line in made] == [
        sessions[f"many-{number}"].session_id for number in range(1, 1001)
    ]


def test_ctrl_c_loses_no_id(crowd: Crowd, crowded: Live, user: str, variables: Mapping[str, str]) -> None:
    begun = threading.Event()
    crowd.each = lambda number: begun.set() if number == 40 else None
    process = subprocess.Popen(
        [str(PROGRAM), "launch", "-n", "cut", "-r", "1000", IMAGE, "--", "true"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**variables, "SKAHA_URL": crowded.url},
    )  # fmt: skip
    assert begun.wait(30)
    os.kill(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    created = {session.session_id for session in crowded.sessions(user).values()}
    assert process.returncode == 130
    assert sorted(output.split()) == sorted(created)
    assert 40 <= len(created) < 1000
    assert errors == f"error: interrupted after {len(created)} of 1000 sessions\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("skaha/nothing",), "is its name right (skahaclient images)? a private one needs --registry USER\n"),
        (("-m", "3", IMAGE), "error: not launched: Invalid value for 'ram': 3 (status 400); skahaclient context shows"),
        (("-r", "6", "notebook", IMAGE), "active sessions. (status 400); launched: "),
    ],
)  # fmt: skip
def test_a_refusal_says_what_helps(skaha: Skaha, words: tuple[str, ...], told: str) -> None:
    reply = skaha("launch", *words)
    assert (reply.code, reply.errors.count("\n")) == (1, 1)
    assert told in reply.errors
