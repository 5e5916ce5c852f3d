"""What is installed: the three packages, their data and commands, and no generic name."""

import json
import signal
import subprocess
import zipfile
from urllib.request import Request, urlopen

import pytest

from tests.differences import ROOT

pytestmark = pytest.mark.xdist_group("wheel")


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


def test_installed_alone_it_has_the_same_commands_and_the_same_contract(installed, tmp_path):
    script = (
        "import mockskaha, skahasim, skahaclient, mockskaha.contract as c;"
        "print(mockskaha.__file__); print(len(c.document_bytes())); print(len(c.operations()))"
    )
    command = [installed / "python", "-c", script]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    where, size, operations = printed.stdout.split()
    assert where.startswith(str(installed.parent))
    assert int(size) == (ROOT / "openapi" / "skaha.yaml").stat().st_size
    assert int(operations) > 30
    command = [installed / "mockskaha", "version"]
    version = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "mockskaha" in version.stdout


def test_installed_alone_it_serves(installed, tmp_path):
    """What ``pipx run mockskaha serve`` does once it has installed it."""
    command = [installed / "mockskaha", "serve", "--port", "0", "--profile", "instant"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = server.stdout.readline().removeprefix("export CANFAR_URL=").strip()
            request = Request(f"{url}/session", headers={"Authorization": "Bearer alice"})
            with urlopen(request, timeout=30) as answer:
                assert (answer.status, json.load(answer)) == (200, [])
        finally:
            server.terminate()
        assert server.wait(30) in (0, -signal.SIGTERM)


def test_installed_alone_its_plugin_is_found(installed, tmp_path):
    (tmp_path / "test_it.py").write_text("def test_it(skaha):\n    skaha.until(skaha.launch())\n")
    command = [
        installed / "python",
        "-m",
        "pytest",
        "-q",
        "-W",
        "error",
        "-p",
        "no:schemathesis",
        "test_it.py",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
