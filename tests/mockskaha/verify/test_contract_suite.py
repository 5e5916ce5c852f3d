"""``pytest --pyargs mockskaha.contract`` as a user runs it, against a server over HTTP."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from examples.service import Service, running
from mockskaha.contract import conftest

pytestmark = pytest.mark.evidence("a tool of our own, no behaviour of the service")


@pytest.fixture(scope="module")
def server() -> Iterator[Service]:
    with running("--profile", "instant") as started:
        yield started


def suite(folder: Path, *options: str, **variables: str) -> tuple[int, str]:
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs", "mockskaha.contract"]
    environment = {
        n: v for n, v in os.environ.items() if not n.startswith(("CANFAR_", "PYTEST_"))
    } | variables
    run = subprocess.run(
        [*words, *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


def test_all_is_well(server: Service, tmp_path: Path) -> None:
    options = ("--skaha-url", server.url, "--skaha-token", "suite")
    code, told = suite(tmp_path, *options)
    assert code == 0, told
    assert int(re.search(r"(\d+) passed", told)[1]) > 60  # type: ignore[index]


def test_the_environment_will_do_and_a_wrong_version_is_noticed(server: Service, tmp_path: Path) -> None:
    options = ("--skaha-version", "1.1", "-k", "refusals")
    code, told = suite(tmp_path, *options, CANFAR_URL=server.url, CANFAR_TOKEN="suite")
    assert code == 1, told
    assert "Skaha 1.2, 2026.1, 1.4 answers like that." in told


def test_without_a_server_it_says_what_to_give(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CANFAR_URL", raising=False)
    item = SimpleNamespace(path=Path(conftest.__file__))
    with pytest.raises(pytest.UsageError, match="--skaha-url"):
        conftest.pytest_collection_modifyitems(pytestconfig, [item])
    conftest.pytest_collection_modifyitems(pytestconfig, [SimpleNamespace(path=Path(__file__))])
