"""The page that CANFAR gives its users about batch processing: every line of it works, as printed.

Each block is run verbatim; only ``[project]`` and ``[session-id]`` are filled in, ``canfar`` is this client, and time
runs 60 times as fast, on the server as in the programs. ``/arc`` and ``/scratch`` are folders of the test.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from mockskaha.config import Settings
from mockskaha.session import Session
from tests.client.page import Block, blocks_of, looks_like_code
from tests.client.serving import Live, serving

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY.parent / "shared" / "batch-processing.txt"
SANDBOX = Path(__file__).with_name("sandbox")
SPEED = 60
PROJECT = "survey"
RUN_PAGE = """\
import runpy, types
page = types.SimpleNamespace(**runpy.run_path("../block.py", run_name="__main__"))
"""
ASTROML = "images.canfar.net/skaha/astroml:latest"
CASA = "images.canfar.net/skaha/casa:6.5"
PROCESSOR = f"images.canfar.net/{PROJECT}/processor:latest"

SHELL = [
    "# Ensure you are logged in first",
    "#!/bin/bash",
    "# Start small and scale up based on monitoring",
    "# Use /scratch/ for I/O intensive operations",
    "canfar launch \\",
    "canfar ps",
    "canfar info [session-id]",
    "canfar delete [session-id]",
    "canfar logs [session-id]",
    "canfar stats [session-id]",
    "pip install canfar",
    "# Real-time log monitoring",
    "# Get session statistics",
]
PYTHON = [
    "#!/usr/bin/env python",
    "# Memory-efficient data processing patterns",
    "from multiprocessing import Pool, cpu_count",
    "import numpy as np",
    "import logging",
    "from canfar.sessions import Session",
    "from canfar.sessions import Session",
    "import time",
    "from canfar.sessions import Session",
]


@pytest.fixture(scope="module")
def page() -> str:
    if not PAGE.exists():
        pytest.skip(f"the page itself is not part of the repository, and not at {PAGE}")
    return PAGE.read_text()


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    extra = [{"id": image, "types": ["headless"]} for image in (CASA, PROCESSOR)]
    with serving(Settings.model_validate({"speed": SPEED, "extra_images": extra})) as server:
        yield server


@dataclass(frozen=True, slots=True)
class Desk:
    """Somebody at a terminal: a home, a working folder, ``/arc`` and ``/scratch``, and a name on the server."""

    root: Path
    live: Live
    user: str
    blocks: list[Block]
    variables: Mapping[str, str]

    def block(self, language: str, number: int, **values: str) -> str:
        """The text of a block, counted from 0, filled in."""
        blocks = [block for block in self.blocks if block.language == language]
        return blocks[number].having(project=PROJECT, **values)

    def shell(self, number: int, typed: str = "", **values: str) -> str:
        """What block ``number`` prints; it must succeed, in each of its commands."""
        script = self.root / "block.sh"
        script.write_text(self.block("shell", number, **values))
        return self._run(["bash", "-e", "-o", "pipefail", str(script)], typed)

    def python(self, number: int, after: str = "") -> str:
        """What block ``number`` prints, and then ``after``, which finds its names in ``page``."""
        script = self.root / "block.py"
        script.write_text(self.block("python", number).replace("from canfar.", "from skahaclient."))
        return self._run([sys.executable, "-c", RUN_PAGE + dedent(after)])

    def command(self, *words: str) -> str:
        """What this client prints, outside any block."""
        return self._run(["canfar", *words])

    def headless(self, *command: str) -> str:
        """The id of a new session that runs ``command``."""
        return self.command("launch", "-n", "given", "headless", ASTROML, "--", *command).strip()

    @property
    def sessions(self) -> dict[str, Session]:
        return self.live.sessions(self.user)

    def _run(self, words: list[str], typed: str = "") -> str:
        done = subprocess.run(
            words, input=typed, capture_output=True, text=True, check=False, timeout=60,
            cwd=self.root / "work", env=dict(self.variables),
        )  # fmt: skip
        assert done.returncode == 0, f"{words} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout


@pytest.fixture
def desk(page: str, live: Live, tmp_path: Path, request: pytest.FixtureRequest) -> Desk:
    for folder in ("home", "work", "bin", f"arc/projects/{PROJECT}/logs", "scratch"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "bin/canfar").symlink_to(Path(sys.executable).with_name("skahaclient"))
    user = f"user{sha256(request.node.nodeid.encode()).hexdigest()[:8]}"
    variables = {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "LANG": "C.UTF-8",
        "NO_PROXY": "*",
        "CANFAR_URL": live.url,
        "CANFAR_TOKEN": user,
        "BASH_ENV": str(SANDBOX / "functions.sh"),
        "PYTHONPATH": str(SANDBOX),
        "SANDBOX": str(tmp_path),
        "SANDBOX_SPEED": str(SPEED),
        "SANDBOX_PYTHON": sys.executable,
        "SANDBOX_REPOSITORY": str(REPOSITORY),
    }
    return Desk(tmp_path, live, user, blocks_of(page), variables)


def asked(session: Session) -> dict[str, Any]:
    """What a session was asked for."""
    request, limit = session.job.request, session.job.limit
    fixed = {"cores": request.millicores / 1000, "ram_gib": request.ram_mib / 1024}
    return {
        "kind": session.kind,
        "image": session.image,
        "command": [session.cmd, *session.args],
        "resources": fixed if request == limit else "flexible",
    }


FIXED_8_32 = {"cores": 8, "ram_gib": 32}


# -- the blocks --------------------------------------------------------------------------------------------------


def test_no_block_is_lost(page: str) -> None:
    found = blocks_of(page)
    assert [block.first_line for block in found if block.language == "shell"] == SHELL
    assert [block.first_line for block in found if block.language == "python"] == PYTHON
    assert looks_like_code(page, found) == []


def test_commands_named_in_its_sentences_are_in_its_blocks(page: str) -> None:
    sentences = {*re.findall(r"\bcanfar (?:stats|info|logs) \[session-id\]", page)}
    blocks = [line for block in blocks_of(page) for line in block.text.splitlines()]
    assert sentences == {f"canfar {command} [session-id]" for command in ("stats", "info", "logs")}
    assert sentences <= set(blocks)


# -- in a shell --------------------------------------------------------------------------------------------------


def test_log_in_and_submit_flexible_and_fixed(desk: Desk) -> None:
    variables = {name: value for name, value in desk.variables.items() if name != "CANFAR_TOKEN"}
    newcomer = Desk(desk.root, desk.live, desk.user, desk.blocks, variables)
    newcomer.shell(0, typed=f"{desk.user}\nsecret word\n")
    reduce, simulation = desk.sessions["data-reduction"], desk.sessions["large-simulation"]
    scripts = f"/arc/projects/{PROJECT}/scripts"
    assert asked(reduce) == {
        "kind": "headless", "image": ASTROML,
        "command": ["python", f"{scripts}/reduce_data.py"], "resources": "flexible",
    }  # fmt: skip
    assert asked(simulation) == {
        "kind": "headless", "image": ASTROML,
        "command": ["python", f"{scripts}/simulation.py"], "resources": {"cores": 16, "ram_gib": 64},
    }  # fmt: skip


def test_submission_script(desk: Desk) -> None:
    desk.shell(1)
    ((name, session),) = desk.sessions.items()
    assert re.fullmatch(r"nightly-reduction-\d{8}", name)
    day = name[-8:]
    assert asked(session) == {
        "kind": "headless", "image": CASA, "resources": FIXED_8_32,
        "command": ["python", f"/arc/projects/{PROJECT}/pipelines/reduce_night.py", f"/arc/projects/survey/data/{day}"],
    }  # fmt: skip


def test_start_small(desk: Desk) -> None:
    desk.shell(2)
    assert asked(desk.sessions["test-small"]) == {
        "kind": "headless", "image": ASTROML, "resources": {"cores": 2, "ram_gib": 4},
        "command": ["python", f"/arc/projects/{PROJECT}/test_script.py"],
    }  # fmt: skip


def test_storage_script(desk: Desk) -> None:
    project = desk.root / "arc/projects" / PROJECT
    (project / "large_dataset").mkdir()
    (project / "large_dataset/input.txt").write_text("1\n2\n")
    (project / "large_dataset/intensive_processing.py").write_text(
        "total = sum(map(int, open('/scratch/working/input.txt')))\n"
        "open('sum.fits', 'w').write(str(total)); open('run.log', 'w').write('done')\n"
    )
    outside = [path.exists() for path in (Path("/arc"), Path("/scratch"))]
    printed = desk.shell(3)
    assert printed.splitlines()[0] == "Copying data to scratch..."
    assert printed.splitlines()[-2:] == ["Saving results...", "Processing complete"]
    (result,) = project.glob("results/*/sum.fits")
    assert (result.read_text(), re.fullmatch(r"\d{8}", result.parent.name) is not None) == ("3", True)
    assert (project / "logs/run.log").read_text() == "done"
    assert [path.exists() for path in (Path("/arc"), Path("/scratch"))] == outside


def test_submit_job(desk: Desk) -> None:
    desk.shell(4)
    assert asked(desk.sessions["my-analysis-job"]) == {
        "kind": "headless", "image": ASTROML, "resources": {"cores": 4, "ram_gib": 16},
        "command": ["python", "/arc/projects/myproject/analysis.py"],
    }  # fmt: skip


def test_list_info_stats_logs_and_cancel(desk: Desk) -> None:
    job = desk.headless("sh", "-c", "echo", "reading;", "sleep", "1d")
    desk.command("wait", job, "--until", "Running")
    assert re.search(rf"^{job} +given +headless +Running ", desk.shell(5), re.MULTILINE)
    about = desk.shell(6, session_id=job)
    assert re.search(rf"^id +{job}$", about, re.MULTILINE)
    assert re.search(r"^status +Running$", about, re.MULTILINE)
    assert desk.shell(8, session_id=job) == "reading\n"
    for block in (9, 12):
        assert re.search(rf"^{job} +given +Running +[\d.]+ ", desk.shell(block, session_id=job), re.MULTILINE)
    desk.shell(7, session_id=job)
    assert job not in desk.command("ps", "-q").split()


def test_installation(desk: Desk) -> None:
    """What the page installs as canfar is, here, this distribution."""
    assert re.search(r"^Would install mockskaha-\d", desk.shell(10), re.MULTILINE)


def test_follow_the_log_and_search_it(desk: Desk) -> None:
    job = desk.headless(
        "sh",
        "-c",
        *["echo", "begun;", "sleep", "45;", "echo", "ERROR:", "disk", "full;", "sleep", "15;", "echo", "end"],
    )
    # `<[session-id]` reads the id from a file of that name.
    (desk.root / "work" / job).write_text(f"{job}\n")
    followed = "begun\nERROR: disk full\nend\n"
    assert desk.shell(11, session_id=job) == f"{followed}ERROR: disk full\n"


# -- in Python ---------------------------------------------------------------------------------------------------


def test_submit_flexible_and_fixed_in_python(desk: Desk) -> None:
    printed = desk.python(0)
    sessions = desk.live.platform.inventory.of(desk.user)
    assert {re.fullmatch(r"nightly-reduction-\d{8}", session.name) is not None for session in sessions} == {
        True
    }
    flexible, fixed = sorted(sessions, key=lambda session: session.job.number)
    command = [
        "python",
        f"/arc/projects/{PROJECT}/pipelines/reduce_night.py",
        f"/arc/projects/{PROJECT}/data/{fixed.name[-8:]}",
    ]
    expected = {"kind": "headless", "image": CASA, "command": command}
    assert asked(flexible) == {**expected, "resources": "flexible"}
    assert asked(fixed) == {**expected, "resources": FIXED_8_32}
    assert printed == f"Submitted job(s): ['{fixed.session_id}']\n"


def test_process_a_large_cube(desk: Desk) -> None:
    script = """
        import numpy as np
        from astropy.io import fits
        cube = np.arange(250 * 12, dtype="f4").reshape(250, 3, 4)
        fits.PrimaryHDU(cube).writeto("cube.fits")
        means = page.process_large_cube("cube.fits")
        print(np.array_equal(means, cube.mean(axis=(1, 2))), means.shape)
    """
    assert desk.python(1, script) == "True (250,)\n"


def test_parallel_processing_defines_its_functions(desk: Desk) -> None:
    """They cannot be called as printed: `glob` and the parameters are for the reader to fill in."""
    assert (
        desk.python(2, "print(callable(page.process_file), callable(page.parallel_processing))")
        == "True True\n"
    )


def test_acceleration_falls_back_to_numpy(desk: Desk) -> None:
    script = """
        import numpy as np
        data = np.arange(16.0).reshape(4, 4)
        assert np.allclose(page.gpu_accelerated_processing(data), np.abs(np.fft.fft2(data)))
        print(page.gpu_available)
    """
    printed = desk.python(3, script).splitlines()
    assert printed in (["Using CPU fallback", "False"], ["Using GPU acceleration", "True"])


def test_logging_of_steps_and_of_the_machine(desk: Desk) -> None:
    script = """
        print(page.timed_processing(sum, [1, 2]))
        try:
            page.timed_processing(int, "one")
        except ValueError as error:
            print(error)
    """
    assert desk.python(4, script).splitlines()[0] == "3"
    log = (desk.root / f"arc/projects/{PROJECT}/logs/processing.log").read_text()
    told = [line.split(" - ", 1)[1] for line in log.splitlines()]
    assert told[0] == "INFO - Starting sum"
    assert re.fullmatch(
        r"INFO - CPU: [\d.]+%, Memory: [\d.]+% \([\d.]+GB used\), Scratch: [\d.]+% used", told[1]
    )
    assert told[2].startswith("INFO - Completed sum in ")
    assert told[-1].startswith("ERROR - Failed int after ")


def test_basic_usage_in_python(desk: Desk) -> None:
    printed = desk.python(5)
    session = desk.sessions["python-analysis"]
    assert printed == f"Submitted job(s): ['{session.session_id}']\n"
    assert asked(session) == {
        "kind": "headless", "image": ASTROML, "resources": "flexible",
        "command": ["python", f"/arc/projects/{PROJECT}/analysis.py"],
    }  # fmt: skip


def test_resources_and_environment_in_python(desk: Desk) -> None:
    desk.python(6)
    session = desk.sessions["heavy-computation"]
    assert asked(session) == {
        "kind": "headless", "image": PROCESSOR, "resources": FIXED_8_32,
        "command": [
            "/opt/scripts/heavy_process.sh", f"/arc/projects/{PROJECT}/data/large_dataset.h5", "/arc/projects/results/",
        ],
    }  # fmt: skip
    assert {"PROCESSING_THREADS": "8", "OUTPUT_FORMAT": "hdf5", "VERBOSE": "true"}.items() <= dict(
        session.env
    ).items()


def test_monitoring_ends(desk: Desk) -> None:
    printed = desk.python(7).splitlines()
    assert printed[0] == "Active sessions: 0"
    assert printed[1] in ("Status: Pending", "Status: Running")
    assert re.fullmatch(r"Start time: \d{4}-\d\d-\d\d[T ]\d\d:\d\d.*", printed[2])
    assert printed[3:5] == ["Job completed with status: Succeeded", "Job output:"]
    assert desk.sessions == {}


def test_bulk(desk: Desk) -> None:
    printed = desk.python(8)
    sessions = desk.sessions
    assert set(sessions) == {f"parameter-study-{number}" for number in range(1, 11)}
    ids = [sessions[f"parameter-study-{number}"].session_id for number in range(1, 11)]
    assert printed == f"Submitted jobs: {ids}\n"
    command = ["python", f"/arc/projects/{PROJECT}/scripts/analyze.py"]
    for number in range(1, 11):
        session = sessions[f"parameter-study-{number}"]
        assert asked(session)["command"] == command
        replica = {"REPLICA_ID": str(number), "REPLICA_COUNT": "10"}
        assert replica.items() <= dict(session.env).items()
