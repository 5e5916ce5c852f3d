"""The examples of docs/testing.md, run as their readers run them: copied somewhere, with the program they need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from examples.clients import CANFAR_1_5, NotInstallable, installed
from tests.differences import ROOT

pytestmark = pytest.mark.evidence("ours: the examples")
EXAMPLES = ROOT / "examples" / "testing"
QUICK = (
    "-q",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:schemathesis",
    "-p",
    "no:xdist",
    "-p",
    "no:hypothesispytest",
    "-W",
    "error",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLES, tmp_path / "project", ignore=shutil.ignore_patterns("__pycache__")))


def run(folder: Path, *command: str | Path, **variables: str) -> str:
    """What ``command`` prints, with the programs of this environment first on the path."""
    bare = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "MOCKSKAHA_", "CANFAR_"))
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=folder, env={**bare, "PATH": path, **variables},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"[-4000:]
    return done.stdout + done.stderr


def found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"there is no {program} on this machine")
    return path


def test_pytest(folder: Path) -> None:
    assert "7 passed" in run(folder, sys.executable, "-m", "pytest", *QUICK, "test_with_pytest.py")


def test_unittest(folder: Path) -> None:
    assert "Ran 3 tests" in run(folder, sys.executable, "-W", "error", "-m", "unittest", "test_with_unittest")


def test_shell(folder: Path) -> None:
    found("curl")
    assert "launched, seen and deleted " in run(folder, found("sh"), "shell.sh")


def test_node(folder: Path) -> None:
    node = found("node")
    if int(run(folder, node, "--print", "process.versions.node").partition(".")[0]) < 18:
        pytest.skip("this Node has no fetch; 18 is the first that has")
    told = run(folder, node, "--test", "node.test.mjs")
    assert "pass 5" in told
    assert "fail 0" in told


@pytest.mark.xdist_group("canfar")
def test_the_real_canfar(folder: Path) -> None:
    """In the client's own environment; mockskaha and pytest are borrowed from this one, behind what is there."""
    try:
        python = installed(CANFAR_1_5) / "python"
    except NotInstallable as reason:
        pytest.skip(str(reason))
    borrowed = [path for path in sys.path if path.endswith("site-packages")]
    script = f"import sys; sys.path += {[*borrowed, str(ROOT), str(ROOT / 'simulator')]!r}; import pytest; sys.exit(pytest.main(sys.argv[1:]))"  # noqa: E501
    told = run(
        folder,
        python,
        "-c",
        script,
        *QUICK,
        "-p",
        "no:hypothesispytest",
        "-p",
        "no:anyio",
        "test_with_canfar.py",
    )
    assert "2 passed" in told
