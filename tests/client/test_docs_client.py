"""docs/client.md is true: everything in it is run, from top to bottom, in one shell and by one user."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockskaha.config import Settings
from tests.client.serving import Live, serving
from tests.client.shell import run

PAGE = Path(__file__).parents[2] / "docs" / "client.md"
SANDBOX = Path(__file__).with_name("sandbox")
SPEED = 60
_FENCED = re.compile(r"^```(sh|python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with serving(Settings(speed=SPEED)) as server:
        yield server


def test_the_tutorial_runs(live: Live, tmp_path: Path) -> None:
    text = PAGE.read_text()
    blocks = _FENCED.findall(text)
    assert text.count("```") == 2 * len(blocks)
    script = []
    for number, (language, block) in enumerate(blocks):
        if language == "sh":
            script += [f"echo '== {number}'", block]
        elif language == "python":
            (tmp_path / f"block{number}.py").write_text(block)
            script += [f"echo '== {number}'", f'"{sys.executable}" block{number}.py']
    origin = live.url.removesuffix("/skaha/v1")
    lines = [line.replace("http://127.0.0.1:8080", origin) for line in script]
    done = run(
        lines,
        tmp_path,
        TOKEN="alice",
        PYTHONPATH=str(SANDBOX),
        SANDBOX=str(tmp_path),
        SANDBOX_SPEED=str(SPEED),
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    printed = {int(part.split("\n", 1)[0]): part.split("\n", 1)[1] for part in done.stdout.split("== ")[1:]}

    def of(words: str) -> str:
        """What the block with these words printed."""
        (found,) = (number for number, (_, block) in enumerate(blocks) if words in block)
        return printed[found]

    (head,) = (block for language, block in blocks if language == "text")
    assert of("skahaclient ps\n").splitlines()[0].split() == head.split()
    assert "skaha/casa:6.5" in of("images casa")
    assert of("&& echo simulated").endswith("simulated\n")
    assert re.findall(r"^(\d+)$", of("--replicas 10"), re.MULTILINE) == [
        str(number) for number in range(1, 11)
    ]
    assert re.findall(r"^analysis-\d Succeeded$", of("for info in session.wait"), re.MULTILINE)
    assert of("info nosuchid").splitlines()[-1] == "exit code 1"
    names = {session["name"] for session in json.loads((tmp_path / "sessions.json").read_text())}
    assert "pipeline" in names
    assert not [name for name in live.sessions("alice") if name.startswith("study")]
    assert (tmp_path / ".config/skahaclient/config.toml").stat().st_mode & 0o777 == 0o600


def test_the_variables_it_names_are_the_clients(request: pytest.FixtureRequest) -> None:
    from skahaclient import config

    source = Path(config.__file__).read_text()
    named = set(re.findall(r"(?:SKAHA|CANFAR)_[A-Z_]+[A-Z]", PAGE.read_text()))
    assert {
        name for name in named if name.removeprefix("SKAHA_").removeprefix("CANFAR_") not in source.upper()
    } == set()
