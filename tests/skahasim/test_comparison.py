"""Who is better, for whom, by how much, how surely: on runs whose truth is known."""

import json
from dataclasses import dataclass, replace
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from skahasim.metrics.statistics import Interval, Paired, minimum_detectable_effect
from skahasim.randomness import generator
from skahasim.resources import Resources
from skahasim.study.comparison import Comparison, NotComparable, compare
from skahasim.study.conclusion import conclusion, listed, open_questions, to_settle, users
from skahasim.study.difference import Difference
from skahasim.study.execution import open_executor
from skahasim.study.observation import Key, Unmeasurable, arrivals_end, observe
from skahasim.study.run import JOB_COLUMNS, TIMELINE_COLUMNS, Run
from skahasim.study.words import change, clause, duration, give_or_take, shift

JOBS = 240


@dataclass(frozen=True)
class Policy:
    """Stands for a scenario: waits are the arrivals' own, times ``small`` or ``large``, plus a little noise."""

    name: str
    small: float = 1.0
    large: float = 1.0
    noise: float = 0.05
    fixed: bool = False
    waiting: int = 0


def fake(scenario: Any, *, seed: int) -> Run:
    common = generator(0 if scenario.fixed else seed, "arrivals")
    submit = np.sort(common.uniform(0, 90_000, JOBS))
    cores = np.where(common.random(JOBS) < 0.7, 1.0, 32.0)
    runs = common.exponential(600, JOBS)
    own = generator(0 if scenario.fixed else seed, "noise", scenario.name).normal(1, scenario.noise, JOBS)
    waits = (
        common.exponential(300, JOBS) * np.where(cores > 1, scenario.large, scenario.small) * own.clip(0.1)
    )
    start = submit + waits
    lost = np.arange(JOBS) >= JOBS - scenario.waiting
    start[lost] = nan
    finish = start + runs
    jobs = pd.DataFrame(
        {
            "job_id": range(JOBS), "submission_time": submit, "starting_time": start, "finish_time": finish,
            "execution_time": runs, "run_seconds": runs, "requested_number_of_resources": cores.astype(int),
            "requested_cores": cores, "requested_ram_gib": cores, "requested_gpus": 0, "admission_time": start,
            "first_starting_time": start, "ready_time": start, "success": (~lost).astype(int),
            "final_state": np.where(lost, "SUBMITTED", "COMPLETED_SUCCESSFULLY"), "evictions": 0, "preemptions": 0,
            "lost_seconds": 0.0, "kind": "headless", "size_class": np.where(cores > 1, "large", "small"),
            "user": np.where(np.arange(JOBS) % 3 == 0, "ann", "bob"), "flexible": False,
        },
        columns=list(JOB_COLUMNS),
    )  # fmt: skip
    timeline = pd.DataFrame(
        {name: [0.0] for name in TIMELINE_COLUMNS} | {"capacity_cores": [64.0], "allocated_cores": [30.0]}
    )
    return Run(scenario.name, seed, jobs, timeline, Resources.of(64, 64), 0.0, "UTC", 100_000.0)


FIFO = Policy("fifo")
SMALL_FIRST = Policy("small-first", small=0.66, large=1.5)


@pytest.fixture(scope="module")
def small_first() -> Comparison:
    return compare([FIFO, SMALL_FIRST], replications=8, seed=3, warm_up=0.0, simulate=fake)  # type: ignore[list-item]


def test_the_true_difference_is_found_for_each_class_and_said_in_words(small_first: Comparison) -> None:
    found = small_first
    assert (found.names, found.replications, found.seeds) == (("fifo", "small-first"), 8, tuple(range(3, 11)))
    small = found.difference("small-first", Key("wait_time", "mean", "size_class", "small"))
    large = found.difference("small-first", Key("wait_time", "mean", "size_class", "large"))
    assert (small.finding, large.finding) == ("better", "worse")
    assert small.paired.ratio.covers(-0.34)
    assert large.paired.ratio.covers(0.5)
    assert small.paired.ratio.half_width < 0.02
    assert small.p_adjusted < 0.001
    size = "small 34 % [3"
    verdict = next(text for text in found.verdicts if "mean wait" in text)
    assert "large jobs 50 % [" in verdict
    assert verdict.index("large jobs") < verdict.index("small jobs 3")
    assert ": better)" in verdict
    assert size not in verdict


def test_common_random_numbers_see_what_separate_runs_would_not() -> None:
    found = compare(
        [FIFO, Policy("a-little", small=0.97, large=0.97)], replications=5, warm_up=0.0, simulate=fake
    )  # type: ignore[list-item]
    all_jobs = found.difference("a-little", Key("wait_time", "mean"))
    assert all_jobs.finding == "better"
    between = all_jobs.baseline.half_width
    assert all_jobs.paired.difference.half_width < between / 4


def test_equal_policies_are_not_told_apart_and_it_says_what_would_have_been_seen() -> None:
    found = compare([FIFO, Policy("same")], replications=3, warm_up=0.0, simulate=fake)  # type: ignore[list-item]
    findings = {d.finding for d in found.of("same", "size_class", "wait_time", "mean")}
    assert findings == {"undetected"}
    verdict = found.verdicts[0]
    assert "no difference detected" in verdict
    assert "would probably have been seen" in verdict


def test_precision_goes_on_until_it_is_reached() -> None:
    noisy = Policy("noisy", small=0.8, large=0.8, noise=0.8)
    quick = compare([FIFO, noisy], replications=5, precision=0.9, warm_up=0.0, simulate=fake)  # type: ignore[list-item]
    sure = compare([FIFO, noisy], replications=5, precision=0.04, warm_up=0.0, simulate=fake)  # type: ignore[list-item]
    assert quick.replications == 5
    assert sure.replications > 5
    headline = sure.difference("noisy", Key("wait_time", "mean"))
    assert headline.paired.difference.half_width <= 0.04 * headline.baseline.mean
    never = compare([FIFO, noisy], replications=5, precision=0.0001, most=6, warm_up=0.0, simulate=fake)  # type: ignore[list-item]
    assert never.replications == 6
    assert any("after 6 replications" in warning for warning in never.warnings)


def test_a_fixed_trace_is_simulated_once_and_judged_by_batches_of_its_jobs() -> None:
    found = compare(
        [Policy("a", fixed=True), Policy("b", small=0.5, large=0.5, fixed=True)],  # type: ignore[list-item]
        replications=9,
        warm_up=0.0,
        simulate=fake,
    )
    assert found.replications == 1
    assert any("fixed trace" in warning for warning in found.warnings)
    mean = found.difference("b", Key("wait_time", "mean"))
    assert (mean.basis, mean.finding) == ("batches", "better")
    assert mean.paired.ratio.mean == pytest.approx(-0.5, abs=0.03)
    assert mean.paired.ratio.half_width < 0.03
    tail = found.difference("b", Key("wait_time", "p95"))
    assert tail.basis == "exact"
    assert "on this trace" in clause(tail)


def test_winners_and_losers_are_ranked_by_what_they_gain(small_first: Comparison) -> None:
    ranked = small_first.winners_and_losers("small-first")
    gains = [d.paired.difference.mean for d in ranked]
    assert {d.key.label for d in ranked} == {"ann", "bob"}
    assert gains == sorted(gains)


def test_jobs_left_waiting_are_warned_of() -> None:
    found = compare([FIFO, Policy("starving", waiting=24)], replications=2, warm_up=0.0, simulate=fake)  # type: ignore[list-item]
    assert any(warning.startswith("starving: 10.0%") for warning in found.warnings)


def test_nonsense_is_refused() -> None:
    with pytest.raises(NotComparable, match="at least two"):
        compare([FIFO], simulate=fake)  # type: ignore[list-item]
    with pytest.raises(NotComparable, match="two scenarios are called 'fifo'"):
        compare([FIFO, FIFO], simulate=fake)  # type: ignore[list-item]
    with pytest.raises(Unmeasurable, match="leaves nothing"):
        compare([FIFO, SMALL_FIRST], warm_up=1000.0, simulate=fake)  # type: ignore[list-item]


def test_json_and_tables_have_every_number(small_first: Comparison) -> None:
    found = small_first
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["baseline"] == "fifo"
    assert len(data["differences"]) == len(found.differences) == len(found.tables()["differences"])
    assert {"scenario", "metric", "mean", "low", "high"} <= set(found.tables()["values"])


def test_the_result_does_not_depend_on_how_many_work() -> None:
    alone = compare([FIFO, SMALL_FIRST], replications=2, simulate=fake)  # type: ignore[list-item]
    with open_executor("thread", workers=3) as executor:
        together = compare([FIFO, SMALL_FIRST], replications=2, executor=executor, simulate=fake)  # type: ignore[list-item]
    assert json.dumps(alone.to_dict()) == json.dumps(together.to_dict())


# -- the answer ----------------------------------------------------------------------------------------------


def test_the_answer_comes_first_and_names_who_gains_and_who_loses(small_first: Comparison) -> None:
    first, *reasons = conclusion(small_first, "small-first")
    assert first == (
        "small-first is better than fifo over all jobs: better for small jobs, worse for large jobs."
    )
    large = next(text for text in reasons if text.startswith("Large jobs wait "))
    assert "more (p < 0.001)" in large
    assert " [" in large
    assert "less (p < 0.001)" in next(text for text in reasons if text.startswith("Small jobs wait "))
    assert reasons[-1].startswith("Utilization is the same, 46.9 %")
    assert list(small_first.to_dict()["answers"]["small-first"]) == [first, *reasons]


def test_no_difference_is_said_to_be_open_with_what_would_settle_it() -> None:
    found = compare(
        [FIFO, Policy("hardly", small=1.01, large=1.01, noise=0.3)],  # type: ignore[list-item]
        replications=3,
        warm_up=0.0,
        simulate=fake,
    )
    first, *reasons = conclusion(found, "hardly")
    assert first == "Whether hardly or fifo is better is open: no difference of mean waits is sure."
    assert reasons[0].startswith("Not sure: all jobs (")
    assert open_questions(found).startswith("Open: ")
    once = compare([FIFO, Policy("hardly", noise=0.3)], replications=1, warm_up=0.0, simulate=fake)  # type: ignore[list-item]
    assert open_questions(once).startswith("Open: one run of each was compared, by batches of its jobs; more")


def test_replications_to_settle_are_the_fewest_with_the_power() -> None:
    spread, n, t = 10.0, 8, 2.364624
    half = t * spread / n**0.5
    gap = Interval(4.0, 4.0 - half, 4.0 + half, n)
    made = difference(100, 104)
    found = Difference(
        "B", made.key, made.baseline, made.value, made.paired._replace(difference=gap), "replications", 0.3
    )
    count = to_settle(found)
    assert minimum_detectable_effect(spread, count) <= 4.0 < minimum_detectable_effect(spread, count - 1)
    assert to_settle(found, alpha=0.01) > count
    assert to_settle(difference(100, 100)) == 1001


def test_lists_of_people_read_well() -> None:
    assert listed(["large jobs"]) == "large jobs"
    assert listed(["medium jobs", "small jobs"]) == "medium and small jobs"
    assert (
        listed(["small jobs", "batch jobs", "interactive sessions"])
        == "small, batch jobs and interactive sessions"
    )


def test_users_are_named_only_when_it_is_sure(small_first: Comparison) -> None:
    gainers, losers = users(small_first, "small-first")
    sure = {d.key.label for d in (*gainers, *losers)}
    for found in small_first.of("small-first", "user", "wait_time", "mean"):
        assert (found.key.label in sure) == (found.p_adjusted < 0.05)
    equal = compare([FIFO, Policy("same")], replications=3, warm_up=0.0, simulate=fake)  # type: ignore[list-item]
    assert users(equal, "same") == ([], [])


def test_the_cluster_is_judged_while_work_arrives() -> None:
    """Half the cluster is busy for the first day; then one long job runs on for nine."""
    run = fake(FIFO, seed=0)
    times = np.arange(0.0, 1_000_000.0, 10_000.0)
    timeline = pd.DataFrame({name: np.zeros(len(times)) for name in TIMELINE_COLUMNS})
    timeline["time"], timeline["capacity_cores"] = times, 64.0
    timeline["allocated_cores"] = np.where(times < 90_000, 32.0, 1.0)
    long = replace(run, timeline=timeline, end_time=800_000.0)
    last = float(run.jobs["submission_time"].max())
    assert arrivals_end(long) == last
    assert observe(long, warm_up=0.0)[Key("utilization")] == pytest.approx(0.5)
    assert arrivals_end(long, until=50_000.0) == 50_000.0
    burst = replace(long, end_time=1_000_000.0)
    assert arrivals_end(burst) == 1_000_000.0
    assert observe(burst, warm_up=0.0)[Key("utilization")] < 0.06
    with pytest.raises(Unmeasurable, match="a warm-up of 30 h leaves nothing of a workload of 2"):
        observe(long, warm_up=30 * 3600.0)


def test_batch_and_interactive_sessions_are_told_apart() -> None:
    run = fake(FIFO, seed=0)
    kinds = np.where(
        np.arange(JOBS) % 4 == 0, "notebook", np.where(np.arange(JOBS) % 4 == 1, "desktop", "headless")
    )
    mixed = observe(replace(run, jobs=run.jobs.assign(kind=kinds)), warm_up=0.0)
    waits = (run.jobs["starting_time"] - run.jobs["submission_time"]).to_numpy(dtype=float)
    for label, chosen in (("interactive", kinds != "headless"), ("batch", kinds == "headless")):
        assert mixed[Key("wait_time", "mean", "use", label)] == pytest.approx(waits[chosen].mean())


@pytest.mark.parametrize("width", [80, 140])
def test_tables_fit_the_screen_and_verdicts_do_not_rest_on_colour(
    small_first: Comparison, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from skahasim.cli.answer import show

    monkeypatch.setenv("COLUMNS", str(width))
    show(small_first)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)
    rows = {
        label: next(line for line in lines if line.startswith(f"  {label}  ")) for label in ("large", "small")
    }
    assert "✘ worse" in rows["large"]
    assert "✔ better" in rows["small"]
    assert lines[0].startswith("8 runs of each, 240 jobs")
    answer = next(number for number, line in enumerate(lines) if "small-first is " in line)
    table = next(number for number, line in enumerate(lines) if line.startswith("mean wait"))
    assert answer < 3 < table
    show(small_first, everything=True)
    whole = capsys.readouterr().out
    assert "longest wait" in whole
    assert "makespan" in whole


def difference(
    a: float, b: float, low: float = nan, high: float = nan, metric: str = "wait_time"
) -> Difference:
    interval = Interval(b / a - 1 if a else nan, low, high, 5)
    gap = Interval(b - a, b - a - 1, b - a + 1, 5)
    return Difference(
        "B", Key(metric, "mean"), Interval(a, a, a, 5), Interval(b, b, b, 5),
        Paired(gap, interval, 0.001, 10.0, varies=True), "replications", p_adjusted=0.004,
    )  # fmt: skip


def test_words() -> None:
    assert change(difference(100, 66, -0.39, -0.29)) == "34 % [29, 39] less"
    assert change(difference(100, 150, 0.4, 0.6)) == "50 % [40, 60] more"
    assert change(difference(100, 98, -0.05, 0.01)) == "2 % [-1, 5] less"
    assert change(difference(0, 30)) == "30 s more"
    assert (
        clause(difference(7200, 3600, -0.6, -0.4)) == "50 % [40, 60] less (1 h against 2 h, p < 0.01: better)"
    )
    assert change(difference(0.75, 0.74, metric="utilization")) == "1 points [-99, 101] less"
    assert clause(difference(0.5, 0.52, metric="utilization")).endswith(
        "(52.0 % against 50.0 %, p < 0.01: better)"
    )
    assert shift(difference(100, 66, -0.39, -0.29)) == "-34 % [-39, -29]"
    assert shift(difference(0, 30)) == "+30 s [+29, +31]"
    assert shift(difference(0.5, 0.52, metric="utilization")) == "+2.00 points [-98.00, +102.00]"
    assert give_or_take(7200, 720, "wait_time") == "2 ± 0.2 h"
    assert give_or_take(0.753, 0.0123, "utilization") == "75.3 ± 1.2 %"
    assert [duration(s) for s in (0.5, 90, 5400, 200_000)] == ["0.5 s", "1.5 min", "1.5 h", "2.31 d"]


SCENARIO = """
workload:
  source: poisson
  jobs: 60
  per_hour: 600
  mix: [{cores: 32, run: 300, requested_factor: 1}, {cores: 32, run: 600, requested_factor: 1}]
cluster: {nodes: [{name: n, count: 1, cores: 32, ram_gib: 241}]}
queue: {ordering: {policy: fifo}}
"""


def test_the_command_compares_files(tmp_path: Path) -> None:
    from skahasim.cli import app

    (tmp_path / "a.yaml").write_text(SCENARIO)
    (tmp_path / "b.yaml").write_text("extends: a.yaml\nqueue: {ordering: {policy: sjf}}\n")
    files = [str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")]
    options = ["--replications", "2", "--executor", "serial", "--warm-up", "0"]
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["compare", *files, *options, "--json", "--out", str(out)])
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    assert data["scenarios"] == ["a", "b"]
    assert sorted(path.name for path in out.iterdir()) == [
        "01-a", "02-b", "comparison.json", "differences.csv", "values.csv",
    ]  # fmt: skip
    assert json.loads((out / "comparison.json").read_text()) == data
    shown = CliRunner().invoke(app, ["compare", *files, *options])
    assert shown.exit_code == 0, shown.output
    first, *reasons = data["answers"]["b"]
    told = " ".join(shown.stdout.split())
    assert first != "b and a make no difference to waits: the means are equal."
    assert f"same arrivals for all; [95 % CI] {first} {reasons[0]}" in told
    fewer = CliRunner().invoke(app, ["compare", *files, *options, "--json", "--set", "workload.jobs=20"])
    values = json.loads(fewer.stdout)["values"]
    assert {v["mean"] for v in values if v["metric"] == "submitted"} == {20.0}


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    from skahasim.cli import app

    (tmp_path / "a.yaml").write_text(SCENARIO)
    (tmp_path / "typo.yaml").write_text("queue: {ordring: {}}\n")
    a, typo = str(tmp_path / "a.yaml"), str(tmp_path / "typo.yaml")
    for arguments, message in (
        ([a, typo], "typo.yaml:1: queue.ordring"),
        ([a, a, "--set", "queue.ordring=1"], "queue.ordring: unknown key; did you mean 'ordering'?"),
        ([a, a], "two scenarios are called 'a'"),
        ([a, a, "--precision", "lots"], "--precision lots"),
        ([a, a, "--warm-up", "-1"], "--warm-up -1"),
        ([a, a, "--scheduler", "tcp://127.0.0.1:1"], "a scheduler goes with"),
    ):
        result = CliRunner().invoke(app, ["compare", *arguments, "--executor", "serial"])
        assert (result.exit_code, message in result.stderr) == (2, True), (arguments, result.stderr)
        assert result.stderr.count("\n") == 1
