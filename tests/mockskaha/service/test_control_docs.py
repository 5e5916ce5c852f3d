"""``docs/control.md`` says what is so, and what it shows works."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from mockskaha.contract import load_document
from mockskaha.contract.document import CONTROL, definitions
from mockskaha.control.problems import ControlError
from mockskaha.why import Cause

pytestmark = pytest.mark.evidence("our own control API")

PAGE = (Path(__file__).parents[3] / "docs" / "control.md").read_text()


def test_every_operation_is_in_its_table_and_every_request_is_an_operation():
    told = {
        (method, path if path.startswith("/") else f"/_mockskaha/{path}")
        for method, path in re.findall(r"`(GET|POST|PUT|DELETE) ([^`]+)`", PAGE)
    }
    assert told == {(method.upper(), path) for path, method, _ in definitions(load_document(CONTROL))}


def test_every_cause_and_every_code_is_explained():
    assert all(f"`{cause}`" in PAGE for cause in get_args(Cause))
    codes = {kind.code: kind.status for kind in [ControlError, *ControlError.__subclasses__()]}
    for code, status in codes.items():
        assert f"`{code}`" in PAGE
        assert str(status) in PAGE


def test_its_tour_can_be_walked(serve, tmp_path):
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("curl and bash are not there")
    server = serve("--clock", "manual")
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) > 7
    names = {name: value for name, value in os.environ.items() if not name.startswith("MOCKSKAHA_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", "set -o pipefail\n" + "\n".join(blocks)],
        cwd=tmp_path, env=names | {"MOCKSKAHA_URL": server.url, "PATH": path, "NO_PROXY": "127.0.0.1"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is Running after" in done.stdout
    assert "Pending (no-room)" in done.stdout or "Pending (limit)" in done.stdout
    assert "mockskaha_model_time_seconds" in done.stdout
    assert done.stderr == ""
