"""Sweeps: resumable, the same whatever the number of workers, and clear about mistakes."""

import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from math import isnan
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from skahasim.study.execution import EXECUTORS, ExecutorUnavailable, SerialExecutor, open_executor, run_all
from skahasim.study.simulation import simulate
from skahasim.study.sweep import FINISHED, columns, finished, plan, sweep
from skahasim.yamlfile import ConfigurationError

SCENARIO = """
workload:
  source: poisson
  jobs: 40
  per_hour: 600
  mix: [{cores: 8, run: 600, requested_factor: 1}, {cores: 8, run: 60, requested_factor: 1}]
cluster: {nodes: [{name: n, count: 2, cores: 8, ram_gib: 16}]}
queue: {ordering: {policy: fifo}}
"""
GRID = """
scenario: base.yaml
grid:
  queue.ordering.policy: [fifo, sjf]
  cluster.nodes.0.count: [1, 2]
replications: 2
warm_up: 0
"""


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(SCENARIO)
    (tmp_path / "grid.yaml").write_text(GRID)
    return tmp_path / "grid.yaml"


# -- executors -----------------------------------------------------------------------------------------


def square(number: int) -> int:
    if number < 0:
        raise ValueError(f"{number} is negative")
    return number * number


@pytest.mark.parametrize("workers", [None, 1, 4])
def test_every_task_is_done_once_and_told_under_its_index(workers: int | None) -> None:
    executor: Executor = SerialExecutor() if workers is None else ThreadPoolExecutor(workers)
    with executor:
        results: dict[int, int] = {}

        def done(index: int, result: int) -> None:
            assert index not in results
            results[index] = result

        run_all(executor, square, list(range(50)), done, batch_seconds=0.001)
    assert results == {number: number * number for number in range(50)}


def test_batches_grow_until_they_are_worth_handing_over() -> None:
    sizes = []

    class Watching(ThreadPoolExecutor):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
            sizes.append(len(args[1]))
            return super().submit(fn, *args, **kwargs)

    with Watching(1) as executor:
        run_all(executor, square, list(range(400)), lambda index, result: None, in_flight=2)
    assert sizes[0] == 1
    assert max(sizes) > 20
    assert sum(sizes) == 400


def test_an_error_is_raised_after_the_results_before_it() -> None:
    results: list[int] = []
    with pytest.raises(ValueError, match="-1 is negative"):
        run_all(SerialExecutor(), square, [1, 2, -1, 3], lambda index, result: results.append(result))
    assert results == [1, 4]


def test_an_interrupt_cancels_what_has_not_begun() -> None:
    begun: list[int] = []
    gate = threading.Event()

    def wait(number: int) -> int:
        begun.append(number)
        gate.wait(20)
        return number

    def interrupted(index: int, result: int) -> None:
        raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as executor:
        timer = threading.Timer(0.05, gate.set)
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            run_all(executor, wait, list(range(100)), interrupted, in_flight=3, batch_seconds=0)
        timer.join()
    assert len(begun) <= 4


def test_executors_that_cannot_be_had_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        pytest.raises(ExecutorUnavailable, match="known: process, thread, serial, dask"),
        open_executor("ray"),
    ):
        pass
    with (
        pytest.raises(ExecutorUnavailable, match="goes with"),
        open_executor("thread", scheduler="tcp://x:1"),
    ):
        pass
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(ExecutorUnavailable, match=r"pip install 'mockskaha\[dask\]'"), open_executor("dask"):
        pass
    assert EXECUTORS == ("process", "thread", "serial", "dask")


# -- sweeps --------------------------------------------------------------------------------------------


def test_one_row_for_each_run_sorted_and_complete(grid: Path) -> None:
    seen: list[tuple[int, int]] = []
    found = sweep(grid, progress=lambda done, total: seen.append((done, total)))
    assert (found.planned, found.ran, found.complete) == (8, 8, True)
    table = found.table
    assert table["position"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert table["seed"].tolist() == [0, 1] * 4
    assert table["queue.ordering.policy"].tolist() == ["fifo"] * 4 + ["sjf"] * 4
    assert table["cluster.nodes.0.count"].tolist() == [1, 1, 2, 2] * 2
    assert table["hash"].is_unique
    assert set(columns()) < set(table.columns)
    assert (table["wait_time_mean"].to_numpy() >= 0).all()
    # Common random numbers: the same jobs for every point of the grid.
    assert table.groupby("seed")["submitted"].nunique().max() == 1
    assert seen == [(n, 8) for n in range(9)]
    assert found.files[0] == grid.parent / "sweep" / "sweep.csv"


def test_results_are_the_same_to_the_byte_whatever_the_workers(grid: Path, tmp_path: Path) -> None:
    sweep(grid, out=tmp_path / "one")
    with open_executor("thread", workers=3) as executor:
        sweep(grid, out=tmp_path / "three", executor=executor)
    assert (tmp_path / "one" / "sweep.csv").read_bytes() == (tmp_path / "three" / "sweep.csv").read_bytes()


def test_a_sweep_goes_on_where_it_stopped(grid: Path, tmp_path: Path) -> None:
    whole = sweep(grid, out=tmp_path / "whole").files[0].read_bytes()
    calls = 0

    def failing(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return simulate(*arguments, **options)

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        sweep(grid, out=out, simulate=failing)
    assert len(finished(out)) == 3
    assert (out / "sweep.csv").read_text().count("\n") == 4
    # As after a crash in the middle of a line.
    with (out / FINISHED).open("a") as journal:
        journal.write('{"hash": "half')
    again = sweep(grid, out=out)
    assert (again.ran, again.complete) == (5, True)
    assert again.files[0].read_bytes() == whole
    assert sweep(grid, out=out).ran == 0


def test_what_a_run_depends_on_is_in_its_hash(grid: Path, tmp_path: Path) -> None:
    before = {run.hash for run in plan(grid)}
    assert {run.hash for run in plan(grid)} == before
    for old, new in (
        ("replications: 2", "replications: 2\nseed: 9"),
        ("warm_up: 0", "warm_up: 0.01"),
    ):
        grid.write_text(GRID.replace(old, new))
        assert before.isdisjoint({run.hash for run in plan(grid)})
    grid.write_text(GRID.replace("[1, 2]", "[2, 3]"))
    assert len(before & {run.hash for run in plan(grid)}) == 4
    grid.write_text(GRID)
    (tmp_path / "base.yaml").write_text(SCENARIO.replace("jobs: 40", "jobs: 41"))
    assert before.isdisjoint({run.hash for run in plan(grid)})


def test_a_number_that_does_not_exist_survives_the_journal(grid: Path, tmp_path: Path) -> None:
    found = sweep(grid, out=tmp_path / "out")
    missing = [name for name in columns() if isnan(found.table[name].iloc[0])]
    again = sweep(grid, out=tmp_path / "out")
    assert missing == [name for name in columns() if isnan(again.table[name].iloc[0])]
    line = json.loads((tmp_path / "out" / FINISHED).read_text().splitlines()[0])
    assert set(line) == {"hash", "seed", "numbers"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scenario: base.yaml\ngrid: {}\n", "grid.yaml:2: grid"),
        ("scenario: base.yaml\ngrid: {queue.ordering.policy: []}\n", "has no values to try"),
        ("scenario: nowhere.yaml\ngrid: {seed: [1]}\n", "grid.yaml:1: scenario: no such file: nowhere.yaml"),
        ("scenario: base.yaml\ngrid: {queue.ordering.policy: [fifo, best]}\n", "unknown policy 'best'"),
        ("scenario: base.yaml\ngrid: {cluster.nodes.7.count: [1]}\n", "leads nowhere"),
        ("scenario: base.yaml\ngrid: {seed: [1]}\nwarm_up: -3\n", "should not be negative"),
        ("scenario: base.yaml\ngrid: {seed: [1]}\nreplicatons: 2\n", "did you mean 'replications'"),
    ],
)
def test_mistakes_in_the_grid_are_told_before_anything_runs(grid: Path, text: str, message: str) -> None:
    from skahasim.cli import app

    grid.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        plan(grid)
    assert message in str(caught.value)
    result = CliRunner().invoke(app, ["sweep", str(grid), "--executor", "serial"])
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr
    assert not (grid.parent / "sweep").exists()


def test_the_command_with_processes(grid: Path) -> None:
    from skahasim.cli import app

    grid.write_text(GRID.replace("[1, 2]", "[2]").replace("replications: 2", "replications: 1"))
    result = CliRunner().invoke(app, ["sweep", str(grid), "--executor", "process", "--jobs", "2", "--json"])
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    assert (data["planned"], data["ran"], len(data["rows"])) == (2, 2, 2)
    shown = CliRunner().invoke(app, ["sweep", str(grid), "--executor", "serial"])
    assert shown.exit_code == 0, shown.output
    assert "2 runs, 0 of them now; 2 were there already" in shown.stdout
    assert f"written to {grid.parent / 'sweep' / 'sweep.csv'}" in "".join(shown.stdout.splitlines())
    best = next(line for line in shown.stdout.splitlines() if line.startswith("sjf"))
    assert " *" in best, "shortest first has the shortest mean wait"


def test_a_dask_cluster_is_an_executor(grid: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")
    if not os.environ.get("MOCKSKAHA_DEEP"):
        pytest.skip("starts a Dask cluster: set MOCKSKAHA_DEEP=1")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None, protocol="tcp"
        ) as cluster,
        open_executor("dask", scheduler=cluster.scheduler_address) as executor,
    ):
        found = sweep(grid, out=tmp_path / "dask", executor=executor)
    assert found.complete
    alone = sweep(grid, out=tmp_path / "alone")
    assert found.files[0].read_bytes() == alone.files[0].read_bytes()
