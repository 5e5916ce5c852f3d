"""The suite of two hundred, alone and in parallel: the same tests, the same ends, the same states to the byte."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.differences import ROOT
from tests.mockskaha.testing.test_two_hundred import STATES

pytestmark = pytest.mark.evidence("ours: equal runs are equal")
SUITE = "tests/mockskaha/testing/test_two_hundred.py"


def run(states: Path, *options: str) -> dict[str, str]:
    """The digest of the state that each test left."""
    # Other plugins of this environment cost a second to load, in each process.
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    variables = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", STATES: str(states)}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        SUITE,
        "-p",
        "no:cacheprovider",
        "-p",
        "pytest_timeout",
        "-p",
        "mockskaha.pytest_plugin",
    ]
    done = subprocess.run(
        [*command, *options], cwd=ROOT, env=bare | variables,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    pairs = [line.partition(" ") for line in states.read_text().splitlines()]
    return {test: state for state, _, test in pairs}


def test_they_are_the_same_alone_and_in_parallel(tmp_path: Path):
    alone = run(tmp_path / "alone")
    assert len(alone) >= 200
    assert len(set(alone.values())) > 150, "the digests tell tests apart"
    assert run(tmp_path / "two", "-p", "xdist.plugin", "-n", "2") == alone
