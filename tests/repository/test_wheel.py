"""What is installed: the three packages, their data and commands, and no generic name."""

import subprocess
import sys
import venv
import zipfile

import pytest

from tests.differences import ROOT

pytestmark = pytest.mark.xdist_group("wheel")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", target, ROOT]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(target.glob("mockskaha-*.whl"))


def test_it_holds_the_three_packages_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"mockskaha", "skahasim", "skahaclient"}
    for needed in (
        "mockskaha/py.typed",
        "skahasim/py.typed",
        "skahaclient/py.typed",
        "mockskaha/data/control.yaml",
        "mockskaha/data/skaha.yaml",
        "mockskaha/data/images.yaml",
        "skahasim/profiles/fast.yaml",
    ):
        assert needed in names
    for document in ("skaha.yaml", "control.yaml"):
        packaged = zipfile.ZipFile(wheel).read(f"mockskaha/data/{document}")
        assert packaged == (ROOT / "openapi" / document).read_bytes()


def test_installed_alone_it_has_the_same_commands_and_the_same_contract(wheel, tmp_path):
    """The dependencies are borrowed from this environment, so that nothing is fetched."""
    home = tmp_path / "clean"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel],
        check=True, capture_output=True,
    )  # fmt: skip
    site = next((home / "lib").glob("python3*/site-packages"))
    borrowed = next(path for path in map(str, sys.path) if path.endswith("site-packages"))
    (site / "borrowed.pth").write_text(borrowed + "\n")
    script = (
        "import mockskaha, skahasim, skahaclient, mockskaha.contract as c;"
        "print(mockskaha.__file__); print(len(c.document_bytes())); print(len(c.operations()))"
    )
    printed = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    where, size, operations = printed.stdout.split()
    assert where.startswith(str(home))
    assert int(size) == (ROOT / "openapi" / "skaha.yaml").stat().st_size
    assert int(operations) > 30
    command = [home / "bin" / "mockskaha", "version"]
    version = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "mockskaha" in version.stdout
