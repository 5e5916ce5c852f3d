"""docs/client-api.md is true: its snippets print what it says, and its tables name what there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import getmembers, isclass, signature
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from mockskaha import testing
from mockskaha.testing.service import Skaha
from skahaclient import AsyncSession, Context, Images, Overview, Session, config, errors
from skahaclient.clock import SYSTEM
from skahaclient.models.platform import Choices, Image, PlatformStats, Resources
from skahaclient.models.session import SessionInfo

PAGE = (Path(__file__).parents[2] / "docs" / "client-api.md").read_text()
_FENCED = re.compile(r"^```(python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CALL = re.compile(r"^\| `([A-Za-z]+\(\)\.)?(\w+)\(([^`]*)\)` \|", re.MULTILINE)


def table(after: str) -> dict[str, list[str]]:
    """The table that follows: the cells behind the first, by the name in that."""
    lines = PAGE[PAGE.index(after) :].lstrip("\n").split("\n\n")[1].splitlines()
    return {line.split("`")[1]: [cell.strip() for cell in line.split("|")[2:-1]] for line in lines[2:]}


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Skaha]:
    """A live platform whose time passes when the client sleeps."""
    with testing.serve(clock="manual", profile="instant") as skaha:

        async def nap(seconds: float) -> None:
            skaha.advance(seconds)

        for name, value in {
            "SKAHA_URL": skaha.url,
            "SKAHA_TOKEN": skaha.token,
            "XDG_CONFIG_HOME": str(tmp_path),
        }.items():
            monkeypatch.setenv(name, value)
        sleeps = SYSTEM.sleep, SYSTEM.async_sleep
        object.__setattr__(SYSTEM, "sleep", skaha.advance)
        object.__setattr__(SYSTEM, "async_sleep", nap)
        yield skaha
        object.__setattr__(SYSTEM, "sleep", sleeps[0])
        object.__setattr__(SYSTEM, "async_sleep", sleeps[1])


def test_each_snippet_prints_what_stands_below_it(
    platform: Skaha, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = _FENCED.findall(PAGE)
    assert PAGE.count("```") == 2 * len(blocks)
    names: dict[str, Any] = {}
    for number, (language, text) in enumerate(blocks):
        if language == "text":
            continue
        exec(compile(text, f"block {number}", "exec"), names)
        following = blocks[number + 1] if number + 1 < len(blocks) else ("", "")
        wanted = following[1] if following[0] == "text" else ""
        printed = re.sub(r"\n+", "\n", capsys.readouterr().out)
        assert printed == wanted, text
    names["session"].close()


@pytest.mark.parametrize("model", [SessionInfo, PlatformStats, Resources, Choices, Image])
def test_every_field_is_told_and_under_its_names(model: type[BaseModel]) -> None:
    told = table(f"\n`{model.__name__}`:\n")
    assert list(told) == [name for name in model.model_fields if name != "raw"]
    for name, cells in told.items():
        if model is SessionInfo and name != "status_reason":
            assert cells[1].startswith(f"`{model.model_fields[name].alias or name}`")


def test_every_error_is_told_with_what_it_is_and_carries() -> None:
    lines = table("\nAll are `SkahaError`")
    known = {
        name: kind
        for name, kind in getmembers(errors, isclass)
        if kind.__module__ == errors.__name__ and issubclass(kind, BaseException)
    }
    assert set(lines) == set(known)
    for name, (base, *_) in lines.items():
        assert base == ", ".join(f"`{parent.__name__}`" for parent in known[name].__bases__), name


@pytest.mark.parametrize("kind", [Session, AsyncSession, Images, Context, Overview])
def test_every_call_is_told_with_its_parameters(kind: type) -> None:
    told = {(owner[:-3] or "Session", name): given for owner, name, given in _CALL.findall(PAGE)}
    owner = "Session" if kind is AsyncSession else kind.__name__
    calls = [name for name in vars(kind) if not name.startswith("_")]
    assert {name for its, name in told if its == owner} == set(calls)
    for name in calls:
        written: list[str] = []
        for parameter in list(signature(getattr(kind, name)).parameters.values())[1:]:
            if parameter.kind is parameter.KEYWORD_ONLY and "*" not in written:
                written.append("*")
            written.append(parameter.name)
        assert told[owner, name] == ", ".join(written), name


def test_every_setting_is_told() -> None:
    assert set(config.NAMES) < set(
        table("\n`Session`, `AsyncSession`, `Images`, `Context` and `Overview` take")
    )
