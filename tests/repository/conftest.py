"""The distribution, built once, and an environment with nothing else of this project in it."""

import subprocess
import sys
import venv

import pytest

from tests.differences import ROOT


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", target, ROOT]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(target.glob("mockskaha-*.whl"))


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """The folder of its programs. The dependencies are borrowed from this environment, so that nothing is fetched."""
    home = tmp_path_factory.mktemp("installed") / "clean"
    venv.create(home, with_pip=True)
    command = [home / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel]
    subprocess.run(command, check=True, capture_output=True)
    borrow(home)
    return home / "bin"


def borrow(home):
    """Let the environment at ``home`` find what this one has, behind what it has itself."""
    site = next((home / "lib").glob("python3*/site-packages"))
    own = next(path for path in map(str, sys.path) if path.endswith("site-packages"))
    (site / "borrowed.pth").write_text(own + "\n")
