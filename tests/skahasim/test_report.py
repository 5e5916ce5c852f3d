"""Reports: what is drawn is what the tables say, whatever there is to draw, and nothing is fetched."""

import json
import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from math import nan
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from skahasim.cli import app
from skahasim.randomness import generator
from skahasim.report import Material, NoMaterial, load, material, style, write
from skahasim.report.figures import differences, evictions, gantt, hours, slowdown, users, waits
from skahasim.report.figures import load as over_time
from skahasim.report.kinds import KINDS
from skahasim.resources import Resources
from skahasim.study.events import Event
from skahasim.study.files import write as write_run
from skahasim.study.run import JOB_COLUMNS, TIMELINE_COLUMNS, Run

HOUR = 3600.0
START = 1_767_600_000.0  # Monday 5 January 2026, midnight in Vancouver
VOID = ("meta", "link", "br", "hr", "img", "input")


def run_of(
    name: str,
    *,
    seed: int = 1,
    jobs: int = 120,
    slower: float = 1.0,
    sizes: tuple[str, ...] = ("small", "medium", "large"),
    never: int = 0,
    preempted: int = 0,
    start: float = START,
) -> Run:
    """Jobs on four nodes of 16 cores whose waits are drawn, not computed: a report only reads tables."""
    draws = generator(seed, "jobs")
    submit = np.sort(draws.uniform(0, 20 * HOUR, jobs))
    which = draws.integers(0, len(sizes), jobs)
    cores = np.array([1.0, 4.0, 12.0])[which % 3]
    runs = draws.exponential(HOUR, jobs) + 1
    wait = np.where(draws.random(jobs) < 0.5, 0.0, draws.exponential(600, jobs)) * cores * slower
    begin = submit + wait
    begin[jobs - never :] = nan
    node = draws.integers(1, 5, jobs)
    evicted = (np.arange(jobs) < preempted).astype(int)
    table = pd.DataFrame(
        {
            "job_id": np.arange(jobs), "workload_name": name, "profile": "batch", "submission_time": submit,
            "requested_number_of_resources": cores.astype(int), "requested_time": -1.0,
            "success": np.where(np.isnan(begin), 0, 1), "starting_time": begin, "execution_time": runs,
            "final_state": np.where(np.isnan(begin), "SUBMITTED", "COMPLETED_SUCCESSFULLY"),
            "finish_time": begin + runs, "waiting_time": begin - submit, "turnaround_time": begin + runs - submit,
            "stretch": (begin + runs - submit) / runs, "consumed_energy": -1.0, "metadata": "",
            "allocated_resources": np.where(np.isnan(begin), "", node.astype(str)), "name": "job", "group": "g",
            "user": np.char.add("user", (np.arange(jobs) % 7).astype(str)), "kind": "headless", "job_class": "batch",
            "size_class": np.array(sizes)[which], "priority_class": "", "queue": "", "flexible": False,
            "requested_cores": cores, "requested_ram_gib": 4.0 * cores, "requested_gpus": 0, "run_seconds": runs,
            "admission_time": begin, "first_starting_time": begin, "ready_time": begin,
            "node": np.where(np.isnan(begin), "", np.char.add("node-", node.astype(str))), "evictions": evicted,
            "preemptions": evicted, "lost_seconds": 0.0, "reason": "Completed", "recorded_wait": nan,
        },
        columns=list(JOB_COLUMNS),
    )  # fmt: skip
    times = np.arange(0, 24 * HOUR, 300.0) if jobs else np.empty(0)
    timeline = pd.DataFrame({column: np.zeros(len(times)) for column in TIMELINE_COLUMNS}).assign(
        time=times,
        capacity_cores=64.0,
        allocated_cores=32.0 + 16 * np.sin(times / HOUR),
        queued_cores=times / 9e4,
    )
    facts = {"hash": f"{name}{seed}", "version": "1", "nodes": [f"node-{n}" for n in (1, 2, 3, 4)], "schedule": {},
             "configuration": {"queue": {"ordering": name}, "horizon": {"warm_up_hours": 2.0 if jobs > 5 else None}},
             "description": f"<{name}> & co"}  # fmt: skip
    return Run(
        name, seed, table, timeline, Resources.of(64, 256), start, "America/Vancouver", 24 * HOUR, {}, facts
    )


CASES = {
    "one run": [run_of("fifo")],
    "two policies, one replication": [run_of("fifo"), run_of("sjf", slower=2.0)],
    "replications": [
        run_of(name, seed=seed, slower=slower)
        for name, slower in (("fifo", 1.0), ("sjf", 0.5), ("worst", 3.0))
        for seed in (1, 2, 3)
    ],
    "no jobs": [run_of("empty", jobs=0)],
    "no jobs against no jobs": [run_of("empty", jobs=0), run_of("void", jobs=0)],
    "one job": [run_of("single", jobs=1)],
    "one job twice": [run_of("single", jobs=1), run_of("other", jobs=1)],
    "no waits": [run_of("idle", slower=0.0), run_of("idler", slower=0.0)],
    "one class, without a name": [run_of("plain", sizes=("",)), run_of("plainer", sizes=("",), slower=2.0)],
    "other jobs": [run_of("short", jobs=60), run_of("long", jobs=90)],
    "never started, evicted, no date": [run_of("bad", never=100, preempted=9, start=0.0)],
    "nothing ever started": [run_of("stuck", never=120), run_of("stuck too", never=120)],
    "many": [run_of(f"a policy with quite a long name, number {n}", slower=1 + n / 3) for n in range(8)],
}


DEEP = bool(os.environ.get("MOCKSKAHA_DEEP"))
QUICK = ("no jobs", "nothing ever started")
"""Drawing takes half a second a figure, so the rest is drawn where there is time."""


@pytest.fixture
def styled() -> Iterator[None]:
    with style.styled():
        yield


@pytest.mark.parametrize("case", CASES if DEEP else QUICK)
def test_every_figure_draws_whatever_there_is(case: str, styled: None) -> None:
    found = material(CASES[case])
    for kind in KINDS:
        data = kind.table(found)
        assert list(data.columns)
        text = style.svg(kind.draw(found, data))
        assert ElementTree.fromstring(text).tag.endswith("svg")
        assert not re.search(r"\bnan\b|\binf\b", text)


class Page(HTMLParser):
    """Checks that elements are closed in order and ids are unique; keeps what is linked and what is said."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "data", "action", "srcset"):
                self.links.append(value or "")
            elif name == "id":
                self.ids.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def page_of(folder: Path) -> Page:
    page = Page()
    page.feed((folder / "report.html").read_text("utf-8"))
    page.close()
    return page


@pytest.mark.parametrize("case", CASES if DEEP else ("one run", "no jobs"))
def test_the_page_stands_alone_and_every_figure_has_its_data_beside_it(case: str, tmp_path: Path) -> None:
    write(material(CASES[case]), tmp_path / "one", figures="svg")
    page = page_of(tmp_path / "one")
    assert page.open == []
    assert len(set(page.ids)) == len(page.ids)
    inside, beside = set(), set()
    for link in page.links:
        if not link.startswith("data:image/png;base64,"):  # the colour bar
            (inside if link.startswith("#") else beside).add(link)
    assert {link[1:] for link in inside} <= set(page.ids)
    assert all((tmp_path / "one" / link).is_file() for link in beside)
    text = (tmp_path / "one" / "report.html").read_text("utf-8")
    assert "@import" not in text
    assert set(re.findall(r"url\((.)", text)) <= {"#"}
    assert set(re.findall(r"https?://[^\"'\s<]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert {"header", "nav", "main", "h1", "h2", "th"} <= set(page.seen)
    drawn = {path.stem for path in (tmp_path / "one" / "figures").iterdir()}
    files = {path.stem for path in (tmp_path / "one" / "data").iterdir()}
    assert drawn <= files
    assert {kind.name for kind in KINDS} <= files
    assert page.seen.count("svg") == len(drawn)
    assert all(f"data/{name}.csv" in beside for name in drawn)


def test_the_same_runs_make_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        again = run_of("bad", never=100, preempted=9, start=0.0)
        write(material([again]), tmp_path / folder, figures="svg")
    one, two = (
        {
            path.relative_to(tmp_path / folder): path.read_bytes()
            for path in sorted((tmp_path / folder).rglob("*.*"))
        }
        for folder in ("one", "two")
    )
    assert one == two
    assert Path("figures/waits.svg") in one
    with style.styled():
        chosen = material([run_of("fifo")])
        pictures = {style.png(slowdown.draw(chosen, slowdown.table(chosen))) for _ in range(2)}
    assert len(pictures) == 1


def test_waits_are_shares_of_all_jobs_that_were_submitted_after_the_warm_up() -> None:
    run = run_of("fifo", never=20)
    data = waits.table(material([run]))
    jobs = run.jobs[run.jobs["submission_time"] >= 2 * HOUR]
    for row in data.iloc[::37].itertuples():
        part = jobs if row.size_class == "all" else jobs[jobs["size_class"] == row.size_class]
        started = int((part["starting_time"] - part["submission_time"] <= row.wait_s).sum())  # type: ignore[operator]
        assert (row.started, row.jobs) == (started, len(part))
        assert row.started_share == pytest.approx(started / len(part))
    assert data["started_share"].max() < 1
    at_once = data[(data["size_class"] == "all")].iloc[0]
    assert at_once["started"] == (jobs["waiting_time"] <= 1.0).sum() > 20


def test_hours_are_local_and_means_of_waits() -> None:
    run = run_of("fifo")
    data = hours.table(material([run], warm_up=0.0))
    expected: dict[tuple[str, int], list[float]] = {}
    for job in run.jobs.itertuples():
        hour = int(float(str(job.submission_time)) // HOUR)  # the run begins at midnight
        expected.setdefault((str(job.size_class), hour), []).append(float(str(job.waiting_time)))
    found = {(str(r.size_class), int(str(r.hour))): (r.jobs, r.mean_wait_s) for r in data.itertuples()}
    assert found == {key: (len(of), pytest.approx(np.mean(of))) for key, of in expected.items()}


def test_the_timeline_is_averaged_to_few_points() -> None:
    run = run_of("fifo")
    fine = pd.concat([run.timeline] * 4, ignore_index=True).assign(time=np.arange(1152) * 75.0)
    longer = Run("fifo", 1, run.jobs, fine, run.capacity, START, run.time_zone, run.end_time)
    data = over_time.table(material([longer]))
    assert len(data) <= over_time.MOST_POINTS
    kept = fine[fine["time"] <= over_time.last_of_interest(longer)]
    every = -(-len(kept) // over_time.MOST_POINTS)
    assert data["allocated_cores"].iloc[7] == pytest.approx(
        kept["allocated_cores"].iloc[7 * every : 8 * every].mean()
    )


def test_on_the_gantt_chart_no_core_has_two_jobs_and_every_job_its_cores() -> None:
    run = run_of("fifo", jobs=300)
    window = gantt.Window(6 * HOUR, 12 * HOUR)
    data = gantt.table(material([run]), window)
    jobs = run.jobs.set_index("job_id")
    for number, pieces in data.groupby("job_id"):
        job = jobs.loc[number]
        assert pieces["cores"].sum() == pytest.approx(job["requested_cores"])
        assert set(pieces["start"]) == {max(job["starting_time"], window.start)}
        assert set(pieces["end"]) == {min(job["finish_time"], window.end)}
    overlap = jobs[(jobs["starting_time"] < window.end) & (jobs["finish_time"] > window.start)]
    assert set(data["job_id"]) == set(overlap.index)
    for _, node in data.groupby("node"):
        for a in node.itertuples():
            together = node[(node["start"] < a.end) & (node["end"] > a.start)]
            above = together["from_core"] + together["cores"] > float(str(a.from_core)) + 1e-9
            below = together["from_core"] < float(str(a.from_core)) + float(str(a.cores)) - 1e-9
            assert list(together[above & below].index) == [a.Index]


def test_a_long_window_is_cut_and_not_thinned() -> None:
    data = gantt.table(material([run_of("fifo", jobs=9000)]), gantt.Window(0, 24 * HOUR))
    assert len(data) <= gantt.MOST_PIECES
    assert data["end"].max() < 24 * HOUR


def test_differences_and_users_are_those_of_paired_replications() -> None:
    chosen = material(CASES["replications"])
    assert chosen.found is not None
    assert (chosen.found.replications, chosen.found.seeds) == (3, (1, 2, 3))
    data = differences.table(chosen)
    worst = data[(data["scenario"] == "worst") & (data["metric"] == "wait_time") & (data["by"] == "all")]
    assert dict(zip(worst["statistic"], worst["percent"], strict=True)) == {
        "mean": pytest.approx(200), "p95": pytest.approx(200)
    }  # fmt: skip
    by_user = users.table(chosen)
    gains = by_user[by_user["scenario"] == "sjf"]
    assert len(gains) == 7
    assert gains["shown"].all()
    expected = [
        run.jobs[run.jobs["submission_time"] >= 2 * HOUR].groupby("user")["waiting_time"].mean()["user3"]
        for run in chosen.of("fifo")
    ]
    row = gains[gains["user"] == "user3"].iloc[0]
    assert row["difference_s"] == pytest.approx(-np.mean(expected) / 2)


def test_other_jobs_are_not_compared() -> None:
    assert material(CASES["other jobs"]).found is None
    assert material([run_of("a", seed=1), run_of("b", seed=2)]).found is None


def test_evictions_stand_where_events_say_else_where_jobs_were_submitted(tmp_path: Path) -> None:
    run = run_of("low", preempted=5)
    by_submission = evictions.table(material([run]))
    assert (by_submission["evictions"].sum(), set(by_submission["dated_by"])) == (5, {"submission"})
    told = [
        Event(1.0, 3, "started", ""),
        Event(5 * HOUR, 3, "preempted", "InClusterQueue"),
        Event(5 * HOUR + 1, 4, "preempted", "InClusterQueue"),
        Event(9 * HOUR, 5, "evicted", "memory"),
    ]
    write_run(run, tmp_path / "run", events=told)
    found = evictions.table(load([tmp_path / "run"]))
    assert [
        tuple(row) for row in found[["time", "cause", "evictions", "dated_by"]].itertuples(index=False)
    ] == [
        (5 * HOUR, evictions.PREEMPTED, 2, "event"),
        (9 * HOUR, evictions.OTHER, 1, "event"),
    ]


# -- folders and the command ----------------------------------------------------------------------------------


def saved(tmp_path: Path, *runs: Run) -> list[Path]:
    folders = [tmp_path / f"{run.name}-{run.seed}" for run in runs]
    for run, folder in zip(runs, folders, strict=True):
        write_run(run, folder)
    return folders


def command(*words: Any) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["report", *map(str, words)])
    return result.exit_code, result.stdout, result.stderr


def test_replications_are_grouped_by_scenario_in_the_order_given(tmp_path: Path) -> None:
    runs = [run_of("sjf", seed=2), run_of("fifo", seed=1), run_of("sjf", seed=1), run_of("fifo", seed=2)]
    found: Material = load(saved(tmp_path, *runs))
    assert found.names == ("sjf", "fifo")
    assert [(run.name, run.seed) for run in found.runs] == [("sjf", 1), ("sjf", 2), ("fifo", 1), ("fifo", 2)]
    assert found.warm_up == 2 * HOUR
    assert found.found is not None
    assert found.found.replications == 2


def test_a_comparison_is_told_as_it_was_found(tmp_path: Path) -> None:
    folder = tmp_path / "compared"
    row = {"scenario": "sjf", "metric": "wait_time", "statistic": "mean", "by": "size_class", "label": "small",
           "unit": "s", "baseline": 120.0, "value": 60.0, "difference": -60.0, "difference_low": -70.0,
           "difference_high": -50.0, "relative": -0.5, "relative_low": -0.6, "relative_high": -0.4, "p_value": 0.0001,
           "p_adjusted": 0.002, "detectable": 12.0, "n": 9, "basis": "replications", "finding": "better"}  # fmt: skip
    for number, run in enumerate([run_of("fifo", jobs=6), run_of("sjf", jobs=6)], 1):
        write_run(run, folder / f"{number:02d}-{run.name}")
    data = {"scenarios": ["fifo", "sjf"], "baseline": "fifo", "replications": 9, "seeds": list(range(9)),
            "warm_up": 7200.0, "warnings": ["look out"], "verdicts": [], "values": [],
            "differences": [row, row | {"label": "large", "detectable": None, "p_adjusted": None, "n": 1}]}  # fmt: skip
    (folder / "comparison.json").write_text(json.dumps(data), "utf-8")
    assert command(folder, "--out", tmp_path / "report") == (
        0,
        f"written to {tmp_path / 'report/report.html'}\n",
        "",
    )
    words = " ".join(" ".join(page_of(tmp_path / "report").words).split())
    assert "rest on 9 replications (seeds 0–8); all else shows the first" in words
    assert "mean wait, small jobs: 50 % [40, 60] less (1 min against 2 min, p < 0.01)" in words
    assert "look out" in words
    assert "<sjf> & co" in words  # what a scenario says of itself stays text


def test_what_is_no_run_is_one_clear_line(tmp_path: Path) -> None:
    (run,) = saved(tmp_path, run_of("fifo"))
    out = tmp_path / "out"
    (tmp_path / "none").mkdir()
    assert command(tmp_path / "none", "--out", out) == (
        2, "", f"error: {tmp_path / 'none'}: no run is here: run.json is missing\n"
    )  # fmt: skip
    assert command(tmp_path / "gone", "--out", out) == (
        2,
        "",
        f"error: {tmp_path / 'gone'}: no such folder\n",
    )
    other = run_of("fifo", slower=2.0)
    other.facts["hash"] = "other"
    write_run(other, tmp_path / "other")
    code, _, told = command(run, tmp_path / "other", "--out", out)
    assert (code, told.count("\n")) == (2, 1)
    assert "two different runs are called 'fifo' and have seed 1" in told
    (run / "comparison.json").write_text("{}", "utf-8")
    assert command(run, "--out", out) == (2, "", f"error: {run}: comparison.json is damaged\n")
    (run / "comparison.json").unlink()
    (run / "events.jsonl").write_text("{}\n", "utf-8")
    assert command(run, "--out", out) == (2, "", f"error: {run}: events.jsonl:1: no event\n")
    (run / "jobs.csv").write_text("job_id\n", "utf-8")
    assert command(run, "--out", out) == (2, "", f"error: {run}: jobs.csv has other columns than a run's\n")
    assert not out.exists()


def test_a_report_replaces_a_report_and_never_a_run(tmp_path: Path) -> None:
    (run,) = saved(tmp_path, run_of("fifo", jobs=0))
    out = tmp_path / "report"
    assert command(run, "--out", out)[0] == 0
    (out / "data" / "old.csv").write_text("", "utf-8")
    assert command(run, "--out", out)[0] == 0
    assert not (out / "data" / "old.csv").exists()
    before = sorted(path.name for path in run.iterdir())
    for place in (run, tmp_path):
        code, _, told = command(run, "--out", place, "--force")
        assert (code, told) == (
            2, f"error: --out {place}: the report would overwrite {run}; choose another folder\n"
        )  # fmt: skip
    (other,) = saved(tmp_path, run_of("other", jobs=0))
    assert command(run, "--out", other)[0] == 2
    assert sorted(path.name for path in run.iterdir()) == before
    with pytest.raises(NoMaterial, match="no runs"):
        material([])
