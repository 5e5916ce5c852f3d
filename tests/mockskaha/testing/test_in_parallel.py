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
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        SUITE,
        "-p",
        "no:cacheprovider",
        "-p",
        "no:schemathesis",
        *options,
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command, cwd=ROOT, env=environment | {STATES: str(states)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    pairs = [line.partition(" ") for line in states.read_text().splitlines()]
    return {test: state for state, _, test in pairs}


def test_they_are_the_same_alone_and_in_parallel(tmp_path: Path):
    alone = run(tmp_path / "alone", "-p", "no:xdist")
    assert len(alone) >= 200
    assert len(set(alone.values())) > 150, "the digests tell tests apart"
    assert run(tmp_path / "two", "-n", "2") == alone
