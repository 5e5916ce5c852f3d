"""``skahasim run`` and ``skahasim generate``, as somebody types them."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from skahasim.cli import app
from skahasim.cli.shortcuts import BadShortcut, queue_of
from skahasim.study.files import read
from skahasim.workload.swf import read_log
from skahasim.workload.table import read_table

LOG = """\
; Version: 2.2
; MaxProcs: 4
1 0 -1 10 2 -1 -1 2 20 -1 1 1 1 -1 -1 -1 -1 -1
2 0 -1 10 4 -1 -1 4 20 -1 1 2 1 -1 -1 -1 -1 -1
3 1 -1 5 2 -1 -1 2 5 -1 1 1 1 -1 -1 -1 -1 -1
"""
SCENARIO = """\
workload: {source: poisson, jobs: 30, per_hour: 100}
cluster: {processors: 2}
"""
KUEUE_CYCLE = """\
apiVersion: kueue.x-k8s.io/v1beta1
kind: Cohort
metadata: {name: a}
spec: {parentName: b}
---
apiVersion: kueue.x-k8s.io/v1beta1
kind: Cohort
metadata: {name: b}
spec: {parentName: a}
"""


def skahasim(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "150", "NO_COLOR": "1"})


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.swf"
    path.write_text(LOG)
    return path


def starts(log: Path, policy: str, *more: str) -> list[float]:
    out = log.parent / "out"
    result = skahasim("run", "--swf", log, "--policy", policy, "--out", out, "--force", *more)
    assert result.exit_code == 0, result.output
    return read(out).jobs["starting_time"].tolist()


def test_a_log_under_policies_by_name(log: Path) -> None:
    assert starts(log, "fcfs") == [0, 10, 20]
    assert starts(log, "easy") == [0, 10, 1]
    assert starts(log, "conservative", "--passes", "each-event") == [0, 10, 1]
    assert starts(log, "sjf+fcfs", "--cluster", "processors:4") == [0, 10, 1]
    assert starts(log, "easy", "--cluster", "processors:8") == [0, 0, 1]


def test_what_is_printed(log: Path) -> None:
    result = skahasim("run", "--swf", log, "--policy", "fcfs", "--validate")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert [line for line in lines[1:8] if not line.startswith("─")] == [
        "3 jobs: 3 succeeded",
        "simulated 25.0 s; makespan 25.0 s",
        # All arrive in the first second, so what counts is how the burst is worked off.
        "from 0 to 25.0 s: utilization 70.0%, mean queue 1.2 jobs",
        "",
        "wait of jobs mean median 90 % 99 % longest slowdown",
        "all jobs 3 9.7 s 10.0 s 17.2 s 18.8 s 19.0 s 1.80",
    ]
    assert "3 runs as long as they should be" in lines
    assert "the schedule is possible: nothing wrong; checked:" in lines


def test_json_is_for_machines(log: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = skahasim(
        "run", "--swf", log, "--policy", "fcfs", "--json", "--validate", "--out", out, "--seed", "5"
    )
    told = json.loads(result.stdout)
    assert (told["name"], told["seed"], told["out"], told["counts"]["jobs"]) == ("log", 5, str(out), 3)
    assert told["schedule"]["max_waiting_time"] == 19
    assert told["summary"]["counts"]["started"] == 3
    assert told["validation"]["violation"] is None
    assert told["hash"] == read(out).facts["hash"]


def test_scenarios_and_single_changes(tmp_path: Path) -> None:
    path = tmp_path / "busy.yaml"
    path.write_text(SCENARIO)
    plain = json.loads(skahasim("run", path, "--json").stdout)
    assert (plain["name"], plain["counts"]["jobs"]) == ("busy", 30)
    changed = skahasim("run", path, "--json", "--set", "workload.jobs=7", "--policy", "sjf+easy+best-fit")
    assert json.loads(changed.stdout)["counts"]["jobs"] == 7
    nodes = tmp_path / "nodes.yaml"
    nodes.write_text("- {name: n, count: 2, cores: 4, ram_gib: 8}\n")
    for text in ("nodes:\n  ", "cluster:\n  nodes:\n    "):
        nodes.write_text(f"{text}- {{name: n, count: 2, cores: 4, ram_gib: 8}}\n")
        result = json.loads(skahasim("run", path, "--json", "--cluster", nodes).stdout)
        assert result["schedule"]["nb_computing_machines"] == 8


def test_streamed_jobs(log: Path, tmp_path: Path) -> None:
    result = skahasim("run", "--swf", log, "--policy", "easy", "--stream", "--out", tmp_path / "s")
    assert result.exit_code == 0
    assert len(read(tmp_path / "s").jobs) == 3


def test_bad_input_is_one_clear_error_and_leaves_nothing(log: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.swf"
    cut.write_text(LOG + "4 2 -1 10")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("cluster: {procesors: 4}\n")
    packed = tmp_path / "packed.swf.gz"
    packed.write_bytes(gzip.compress(LOG.encode() * 50)[:60])
    headless = tmp_path / "headless.swf"
    headless.write_text("\n".join(LOG.splitlines()[2:]) + "\n")
    large = tmp_path / "large.swf"
    large.write_text(LOG.replace("; MaxProcs: 4", "; MaxProcs: 400"))
    negative = tmp_path / "negative.swf"
    negative.write_text(LOG.replace("2 0 -1 10 4", "2 0 -1 -7 4"))
    (tmp_path / "kueue.yaml").write_text(KUEUE_CYCLE)
    cycle = tmp_path / "cycle.yaml"
    cycle.write_text("queue: {kueue: {manifests: [kueue.yaml]}}\n")
    torn = tmp_path / "torn.yaml"
    torn.write_text("queue: {ordering: {policy: sjf}\n")
    busy = tmp_path / "busy"
    busy.mkdir()
    (busy / "thesis.tex").write_text("…")
    before = sorted(tmp_path.iterdir())
    out = tmp_path / "out"
    easy = ("--policy", "easy", "--out", out)
    cases: list[tuple[tuple[str | Path, ...], str]] = [
        (("run",), "error: give a scenario, or a log with --swf"),
        (("run", "--swf", log), "error: --swf needs a --policy, e.g. --policy easy"),
        (("run", "--swf", log, "--policy", "easyy", "--out", out), "queue.ordering.policy: unknown policy 'easyy'"),
        (("run", "--swf", log, "--policy", "sjf+ljf", "--out", out), "names two policies for ordering"),
        (("run", "--swf", tmp_path / "no.swf", *easy), "no.swf: cannot be read: No such file or directory"),
        (("run", "--swf", cut, *easy), f"error: {cut}:6: has 4 fields instead of 18 (or 21); is the file cut short?"),
        (("run", "--swf", packed, *easy), "its compressed data ends before its end"),
        (("run", "--swf", headless, *easy), "does not say how many processors its machine has"),
        (("run", "--swf", large, *easy, "--cluster", "processors:3"), "asks for 4 cores, 0 GiB; the largest node has"),
        (("run", "--swf", log, *easy, "--cluster", "processors:none"), "should be processors:N with N at least 1"),
        (("run", "--swf", log, *easy, "--cluster", "none.yaml"), "there is no such file"),
        (("run", "--swf", log, *easy, "--set", "horizon"), "--set horizon: should be KEY=VALUE"),
        (("run", "--swf", log, *easy, "--set", "horizon.hour=3"), "horizon.hour: unknown key; did you mean 'hours'?"),
        (("run", "--swf", negative, *easy), f"error: {negative}:4: run_time: is -7"),
        (("run", cycle, "--out", out), "kueue.yaml:4: spec.parentName: the cohort is its own ancestor: a -> b -> a"),
        (("run", torn, "--out", out), f"error: {torn}:2: not YAML"),
        (("run", tmp_path / "gone.yaml", "--out", out), "gone.yaml: cannot be read: No such file or directory"),
        (("run", wrong, "--out", out), f"{wrong}:1: cluster.procesors: unknown key; did you mean 'processors'?"),
        (("run", "--swf", log, "--policy", "easy", "--out", busy), "is not empty and is no earlier run"),
        (("run", "--swf", log, "--policy", "easy", "--out", log), "is a file"),
        (("run", "--swf", log, "--policy", "easy", "--stream"), "--stream writes jobs to a folder: give --out"),
        (("generate", "poisson", "--out", tmp_path / "x.swf"), "give --jobs or --days"),
        (("generate", "poisson", "--jobs", "3", "--out", tmp_path / "x.txt"), "should end in .swf"),
        (("generate", "poisson", "--jobs", "3", "--out", log), "exists; --force overwrites it"),
        (
            ("generate", "poisson", "--jobs", "3", "--out", tmp_path / "x.swf", "--set", "per_hou=3"),
            "did you mean 'per_hour'?",
        ),
    ]  # fmt: skip
    for words, told in cases:
        result = skahasim(*words)
        assert result.exit_code == 2, (words, result.output, result.exception)
        assert told in result.stderr, words
        assert all(line.startswith("error: ") for line in result.stderr.splitlines()), result.stderr
        assert result.stdout == ""
    assert sorted(tmp_path.iterdir()) == before


def test_an_impossible_schedule_is_status_one(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from collections import Counter

    from skahasim.study import validation

    broken = validation.Validation(Counter(), "at 3 s n-01 holds 5 cores of 4 cores")
    monkeypatch.setattr(validation, "validate", lambda *_: broken)
    result = skahasim("run", "--swf", log, "--policy", "easy", "--validate")
    assert (result.exit_code, "wrong: at 3 s n-01 holds" in result.stdout) == (1, True)
    result = skahasim("run", "--swf", log, "--policy", "easy", "--validate", "--json")
    assert (result.exit_code, "error: at 3 s n-01 holds" in result.stderr) == (1, True)
    assert json.loads(result.stdout)["validation"]["violation"] == broken.violation


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    path.write_text("workload: {source: poisson, jobs: 100000000, per_hour: 1}\ncluster: {processors: 2}\n")
    command = [
        sys.executable,
        "-c",
        "from skahasim.cli import main; main()",
        "run",
        path,
        "--out",
        tmp_path / "out",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ}) as child:
        while not list(tmp_path.glob(".out-*/events.jsonl")):
            assert child.poll() is None
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=60)
    assert (child.returncode, told) == (130, "error: interrupted; nothing was written\n")
    assert [found.name for found in tmp_path.iterdir()] == ["long.yaml"]


def test_generated_workloads(tmp_path: Path) -> None:
    for source, name in (
        ("poisson", "p.swf"),
        ("lublin", "l.swf.gz"),
        ("canfar", "c.csv"),
        ("poisson", "p.csv.gz"),
    ):
        out = tmp_path / name
        result = skahasim("generate", source, "--jobs", "25", "--seed", "3", "--out", out)
        assert (result.exit_code, result.stdout) == (0, f"25 jobs written to {out}\n"), result.output
        first = out.read_bytes()
        assert (
            skahasim("generate", source, "--jobs", "25", "--seed", "3", "--out", out, "--force").exit_code
            == 0
        )
        assert out.read_bytes() == first
        if ".swf" in name:
            assert sum(not isinstance(item, str) for item in read_log(out)) == 25
        else:
            assert len(list(read_table(out))) == 25
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("policy", "queue"),
    [
        ("fcfs", {"ordering": {"policy": "fifo"}, "backfill": {"policy": "none"}}),
        ("sjf", {"ordering": {"policy": "sjf"}}),
        ("sjf+easy", {"ordering": {"policy": "sjf"}, "backfill": {"policy": "easy"}}),
        (
            "easy+best-fit",
            {
                "ordering": {"policy": "fifo"},
                "backfill": {"policy": "easy"},
                "placement": {"policy": "best-fit"},
            },
        ),
    ],
)
def test_policies_by_name(policy: str, queue: dict[str, dict[str, str]]) -> None:
    assert queue_of(policy) == queue
    with pytest.raises(BadShortcut):
        queue_of("easy+conservative")


def test_help_does_not_wait_for_libraries() -> None:
    script = (
        "import sys, skahasim.cli; "
        "print(*sorted({'numpy', 'scipy', 'pandas', 'matplotlib', 'jinja2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_warm_up_as_long_as_the_workload_leaves_something(tmp_path: Path) -> None:
    scenario = tmp_path / "short.yaml"
    scenario.write_text(SCENARIO + "horizon: {warm_up_hours: 24}\n")
    told = skahasim("run", scenario, "--out", tmp_path / "out")
    assert told.exit_code == 0, told.output
    assert "warning: a warm-up of 24.0 h would leave nothing of this run" in told.stdout
    found = json.loads(skahasim("run", scenario, "--json").stdout)
    assert 0 < found["summary"]["warm_up"] < found["summary"]["until"]
    assert found["summary"]["counts"]["submitted"] > 5
    assert len(found["warnings"]) == 1
    assert skahasim("report", tmp_path / "out", "--out", tmp_path / "page").exit_code == 0


def test_no_scenario_is_judged_by_what_a_warm_up_leaves_nothing_of(tmp_path: Path) -> None:
    scenario, other = tmp_path / "burst.yaml", tmp_path / "other.yaml"
    (tmp_path / "burst.csv").write_text("submit_time,run_seconds,cores\n0,900000,1\n5,900000,1\n9,900000,1\n")
    scenario.write_text(
        "workload: {source: table, file: burst.csv}\ncluster: {processors: 2}\nhorizon: {warm_up_hours: 24}\n"
    )
    other.write_text(f"extends: {scenario.name}\nqueue: {{ordering: {{policy: sjf}}}}\n")
    told = skahasim("compare", scenario, other, "--replications", "2")
    assert told.exit_code == 2
    assert "a warm-up of 24 h leaves none of its 3 jobs" in told.stderr


def test_a_warm_up_within_the_workload_is_what_the_scenario_says(tmp_path: Path) -> None:
    scenario = tmp_path / "warm.yaml"
    scenario.write_text(SCENARIO + "horizon: {warm_up_hours: 0.2}\n")
    found = json.loads(skahasim("run", scenario, "--json").stdout)
    assert found["summary"]["warm_up"] == pytest.approx(720)
    assert found["warnings"] == []
