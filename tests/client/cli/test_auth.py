"""``auth``: logging in at a terminal and in scripts, what is kept and what is shown."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mockskaha.config import Settings
from tests.client.cli.conftest import Answer, Skaha, Terminal, plain
from tests.client.serving import Live, serving


@pytest.fixture(scope="module")
def strict() -> Iterator[Live]:
    settings = {
        "profile": "instant",
        "auth": {"mode": "strict", "tokens": [{"token": "good-token", "user": "alice"}]},
        "extra_users": [{"username": "dora", "uid": 10009, "memberships": ["skaha-users"], "password": "open sesame"}],
    }  # fmt: skip
    with serving(Settings.model_validate(settings)) as server:
        yield server


@pytest.fixture
def anonymous(strict: Live) -> dict[str, str | None]:
    return {"SKAHA_URL": strict.url, "SKAHA_TOKEN": None}


@pytest.fixture
def kept(variables: Mapping[str, str]) -> Path:
    """Where what is kept is kept."""
    return Path(variables["XDG_CONFIG_HOME"]) / "skahaclient" / "config.toml"


def test_a_name_and_a_password_are_asked_for_at_a_terminal(
    terminal: Terminal, skaha: Skaha, strict: Live, kept: Path, anonymous: dict[str, str | None]
) -> None:
    code, seen = terminal(
        "auth", "login", SKAHA_URL=strict.url, SKAHA_TOKEN="",
        answers=[Answer("Name", "dora"), Answer("Password of dora", "open sesame", hidden=True)],
    )  # fmt: skip
    assert code == 0, seen
    assert plain(seen).splitlines()[-1] == f"logged in at {strict.url}; kept in {kept}"
    assert "open sesame" not in seen + kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert skaha("ps", SKAHA_URL=None, SKAHA_TOKEN=None).code == 0


@pytest.mark.parametrize(
    ("words", "typed"),
    [
        ((), "dora\nopen sesame\n"),
        (("--username", "dora"), "open sesame\n"),
        ((), "good-token\n"),
        (("--token",), "\ngood-token\n\n"),
    ],
)
def test_a_script_pipes_in_what_it_knows(
    skaha: Skaha, anonymous: dict[str, str | None], words: tuple[str, ...], typed: str
) -> None:
    assert skaha("ps", **anonymous).code == 3
    reply = skaha("auth", "login", *words, typed=typed, **anonymous)
    assert (reply.code, reply.output, reply.errors) == (0, "", "")
    assert skaha("ps", SKAHA_URL=None, SKAHA_TOKEN=None).code == 0


def test_a_token_before_the_command_is_kept(skaha: Skaha, strict: Live) -> None:
    assert skaha("--url", strict.url, "--token", "good-token", "auth", "login").code == 0
    assert skaha("ps", SKAHA_URL=None, SKAHA_TOKEN=None).code == 0


@pytest.mark.parametrize("typed", ["dora\nwrong\n", "nobody-known\nx\n", "bad-token\n"])
def test_what_is_not_accepted_is_3_and_not_kept(
    skaha: Skaha, anonymous: dict[str, str | None], kept: Path, typed: str
) -> None:
    reply = skaha("auth", "login", typed=typed, **anonymous)
    assert (reply.code, reply.output) == (3, "")
    assert reply.errors.count("\n") == 1
    assert not kept.exists()


@pytest.mark.parametrize("typed", ["", "a\nb\nc\n"])
def test_anything_else_on_standard_input_is_2(
    skaha: Skaha, anonymous: dict[str, str | None], kept: Path, typed: str
) -> None:
    reply = skaha("auth", "login", typed=typed, **anonymous)
    assert reply.code == 2
    assert "a line each" in reply.errors
    assert not kept.exists()


def test_show_tells_where_each_value_comes_from_and_no_secret(
    skaha: Skaha, strict: Live, kept: Path, anonymous: dict[str, str | None]
) -> None:
    reply = skaha("auth", "show", **anonymous)
    assert reply.code == 3
    assert "skahaclient auth login" in reply.errors
    skaha("auth", "login", typed="good-token", **anonymous)
    shown = skaha("auth", "show", SKAHA_URL=None, SKAHA_TOKEN=None)
    assert shown.code == 0
    assert strict.url in shown.output
    assert str(kept) in shown.output
    facts = json.loads(skaha("--token", "other-secret", "auth", "show", "-o", "json", **anonymous).output)
    assert facts == {
        "url": {"value": strict.url, "from": "SKAHA_URL"},
        "token": {"value": "***", "from": "--token"},
    }
    assert "good-token" not in shown.output


def test_logout_forgets_what_was_kept_but_not_where(
    skaha: Skaha, strict: Live, kept: Path, anonymous: dict[str, str | None]
) -> None:
    skaha("auth", "login", typed="good-token", **anonymous)
    assert skaha("auth", "logout", **anonymous).code == 0
    assert "good-token" not in kept.read_text()
    assert skaha("ps", SKAHA_URL=None, SKAHA_TOKEN=None).code == 3
    assert skaha("auth", "logout", **anonymous).code == 0
