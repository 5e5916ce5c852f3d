"""How much memory a study of very many jobs takes: ``python -m benchmarks.memory [JOBS]`` prints one JSON object.

Jobs of one core come at random to a machine that is 80 % busy, and are written to a CSV file as they end.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import process_time
from typing import Any

PROCESSORS = 100
LOAD = 0.8
RUN_SECONDS = 3600.0
BAR_MIB = 300


def memory(jobs: int = 1_000_000) -> dict[str, Any]:
    """Peak resident memory, in MiB, and CPU seconds of a process of its own that simulates ``jobs`` jobs."""
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", str(jobs)], cwd=root, capture_output=True, check=True
    )
    return dict(json.loads(done.stdout))


def measure(jobs: int) -> dict[str, Any]:
    """The same in this process, whose peak may have been before."""
    from skahasim.scenario import scenario_of
    from skahasim.study.files import job_writer
    from skahasim.study.simulation import simulate

    per_hour = PROCESSORS * LOAD * 3600.0 / RUN_SECONDS
    scenario = scenario_of(
        {
            "cluster": {"processors": PROCESSORS},
            "queue": {"ordering": {"policy": "fifo"}, "placement": {"policy": "first-fit"}},
            "workload": {"source": "poisson", "jobs": jobs, "per_hour": per_hour, "users": 100},
        }
    )
    before = process_time()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "jobs.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            run = simulate(scenario, sink=job_writer(file, scenario.name))
        megabytes = path.stat().st_size / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "jobs": run.facts["counts"]["jobs"],
        "peak_mib": round(peak, 1),
        "bar_mib": BAR_MIB,
        "passed": peak <= BAR_MIB,
        "cpu_seconds": round(process_time() - before, 1),
        "csv_mib": round(megabytes, 1),
    }


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)))
