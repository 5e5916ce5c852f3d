"""What the README shows is run: its shell from top to bottom by one user, its tests as tests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from mockskaha.config import Settings
from mockskaha.testing.service import Skaha
from tests.client.serving import serving
from tests.client.shell import run
from tests.differences import README

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ELSEWHERE = ("make serve", "pip install", "skahasim ", "mockskaha verify")
"""What other tests run, or CI: setting up, studies, checks of a server that is not there."""


def blocks(language: str) -> list[str]:
    return [block for found, block in _BLOCK.findall(README.read_text()) if found == language]


def test_its_shell_runs(tmp_path: Path) -> None:
    script = [block for block in blocks("sh") if not block.startswith(_ELSEWHERE)]
    with serving(Settings()) as live:
        origin = live.url.removesuffix("/skaha/v1")
        lines = [block.replace("http://127.0.0.1:8080", origin) for block in script]
        done = run(lines, tmp_path, COLUMNS="120", MOCKSKAHA_URL=origin)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        sessions = live.sessions("alice")
        assert not live.platform.model.cluster.node("keel-prod-k8s-node-01").is_open
    assert set(sessions) == {"job", "hour"}
    assert f"{sessions['hour'].session_id} is Running" in done.stdout
    assert '"hour"' in (tmp_path / "state.json").read_text()


@pytest.mark.parametrize("block", [block for block in blocks("python") if "def test_" in block])
def test_its_tests_pass(block: str, skaha: Skaha) -> None:
    names: dict[str, Any] = {}
    exec(block, names)
    (test,) = (value for name, value in names.items() if name.startswith("test_"))
    test(skaha)
