"""The example that ``make demo`` runs: it tells of a whole day, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.evidence("the flows of the platform's guide to batch processing, with canfar 1.5.2")

EXAMPLE = Path(__file__).parents[2] / "examples" / "batch_day.py"


@pytest.mark.usefixtures("canfar_programs")
def test_the_day_goes_as_it_should(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=240
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert re.search(r"✓ The day went as it should: \d+ checks in \d+ s\.\n\Z", done.stdout)
    assert "Deleted 10 sessions." in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.usefixtures("canfar_programs")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_day_leaves_no_server(
    number: signal.Signals, status: int, tmp_path: Path, until: Callable[..., Any]
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-u", str(EXAMPLE)],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    address = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
    assert address
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert children
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said.strip()) == (status, "stopped" if number is signal.SIGINT else "")
    until(lambda: not any(_is_alive(int(pid)) for pid in children))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
