"""Our schedules equal those of others, job for job. Where the data is absent this is skipped; the command works on any
file of the same format."""

import gzip
import json
import os
from pathlib import Path

import pytest

from skahasim.configuration import Passes
from tests.conformance import __main__ as command
from tests.conformance import easy, pyss
from tests.conformance.replay import Policy

DATA = Path(__file__).parents[2].parent / "shared" / "sim-data"
HAS_DATA = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no acceptance data: {DATA.name} is not beside the repository"
)
DEEP = pytest.mark.skipif(not os.environ.get("MOCKSKAHA_DEEP"), reason="long; runs in `make test-deep`")
PUBLISHED = {
    ("kth-sp2", "fcfs"): ("353776.41", "6814.9733"),
    ("kth-sp2", "easy"): ("6836.87", "92.5765"),
    ("kth-sp2", "conservative"): ("7310.55", "88.9973"),
    ("kth-sp2", "easy-clairvoyant"): ("6327.68", "71.7224"),
    ("kth-sp2", "easy-sjbf"): ("5436.02", "49.8477"),
    ("sdsc-sp2", "fcfs"): ("1535568.62", "13823.5339"),
    ("sdsc-sp2", "easy"): ("20497.76", "87.8703"),
    ("sdsc-sp2", "conservative"): ("21889.30", "89.6563"),
    ("sdsc-sp2", "easy-clairvoyant"): ("17337.11", "70.4779"),
    ("sdsc-sp2", "easy-sjbf"): ("16307.08", "56.8362"),
}
"""Mean wait in seconds and mean bounded slowdown, of the files of waits published beside Gaussier, Glesser, Reis and
Trystram's paper at SC'15; FCFS and conservative from pyss."""
ONCE_A_PASS = {"kth-sp2": ("6834.59", "92.688"), "sdsc-sp2": ("20570.88", "87.806")}
"""The same for EASY with one pass over all events of an instant."""
QUICK = {("kth-sp2", name) for name in easy.COLUMNS} | {("sdsc-sp2", "easy")}


def log_file(name: str) -> Path:
    return DATA / "easy-sc15" / f"{name}.csv.gz"


@HAS_DATA
@pytest.mark.parametrize(
    ("log", "policy"), [pytest.param(*pair, marks=() if pair in QUICK else DEEP) for pair in PUBLISHED]
)
def test_every_wait_of_a_log_is_equal(log: str, policy: str) -> None:
    report = easy.check(log_file(log), policy=policy)
    assert report.first_difference == ""
    assert report.equal == report.total > 28_000
    wait, slowdown = PUBLISHED[log, policy]
    (note,) = report.notes
    assert f"mean wait {float(wait):,.2f} s, mean bounded slowdown {float(slowdown):,.4f}" in note


@HAS_DATA
@pytest.mark.parametrize("log", ["kth-sp2", pytest.param("sdsc-sp2", marks=DEEP)])
def test_means_with_one_pass_over_an_instant(log: str) -> None:
    read = easy.read(log_file(log))
    passes: Passes = "each-instant"
    ours = easy.waits(read, easy.MACHINES[log], Policy("easy"), passes)
    assert (f"{easy.mean_wait(ours):.2f}", f"{easy.mean_bounded_slowdown(read, ours):.3f}") == ONCE_A_PASS[
        log
    ]


@HAS_DATA
def test_every_hand_made_schedule_is_equal() -> None:
    report = pyss.check(DATA / "pyss-small" / "cases.json")
    assert report.first_difference == ""
    assert report.equal == report.total == 148 * len(pyss.POLICIES)


def small_log(path: Path, wait: int) -> Path:
    with gzip.open(path, "wt", encoding="ascii") as file:
        file.write(
            "id,submit,run,procs,req_time,user,wait_easy\n7,0,10,3,20,1,0\n8,1,5,2,5,1,9\n9,2,3,1,4,1,"
            f"{wait}\n"
        )
    return path


def test_the_command_prints_how_many_are_equal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = small_log(tmp_path / "log.csv.gz", 0)
    assert command.run(["easy", str(path), "--procs", "4", "--policy", "easy"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "log.csv.gz: 3/3",
        "easy: 3/3, mean wait 3.00 s, mean bounded slowdown 1.1333",
    ]


def test_the_command_says_where_the_first_difference_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = small_log(tmp_path / "log.csv.gz", 1)
    assert command.run(["easy", str(path), "--procs", "4", "--policy", "easy"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "first difference: easy: job 9 waits 0 s, expected 1 s"


def test_a_schedule_that_differs_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jobs = [["1", 0, 60, 10, 10, "u"], ["2", 1, 60, 10, 10, "u"], ["3", 2, 40, 5, 5, "u"]]
    case = {"file": "small.1", "procs": 100, "jobs": jobs, "start": {"easy": [0, 10, 3], "fcfs": [0, 10, 10]}}
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"cases": [case]}))
    assert command.run(["pyss", str(path)]) == 1
    assert capsys.readouterr().out.splitlines()[0::3] == [
        "cases.json: 1/2",
        "conservative: 0/0",
        "first difference: easy, small.1: job 3 starts at 2, expected 3",
    ]


@pytest.mark.parametrize(
    "arguments", [["easy", "FILE"], ["pyss", "FILE"], ["easy", "FILE", "--policy", "lottery"]]
)
def test_a_missing_file_is_one_clear_error(arguments: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        command.run([word.replace("FILE", str(tmp_path / "none.csv.gz")) for word in arguments])
    assert stopped.value.code == 2
