"""The Standard Workload Format: what is read is written again, and a bad line is told by its number."""

import csv
import gzip
import os
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skahasim.resources import Resources
from skahasim.workload import Arrival, Workload, arrivals, open_workload, workload_settings
from skahasim.workload.source import Epoch
from skahasim.workload.swf import Header, Record, parse_record, read_header, read_log, write_log
from skahasim.workload.swflog import header_of, nodes_of, write_swf
from skahasim.yamlfile import ConfigurationError

DATA = Path(__file__).parents[2].parent / "shared" / "sim-data"
LOGS = pytest.mark.skipif(not DATA.is_dir(), reason="the acceptance data (../shared/sim-data) is not here")
DEEP = bool(os.environ.get("MOCKSKAHA_DEEP"))
LAW = hypothesis.settings(deadline=None, max_examples=1000 if DEEP else 50)

LOG = """\
; Version: 2.2
; MaxNodes: 8
; MaxProcs: 16
; UnixStartTime: 843480031
; TimeZoneString: Europe/Stockholm
;
1 0 5 100 4 -1 2048 4 200 1024 1 12 3 7 2 1 -1 -1
2 10 -1 50.5 -1 -1 -1 2 40 -1 0 13 3 -1 -1 -1 -1 -1
; a remark in between
3 10 0 7 16 3.25 -1 -1 -1 -1 5 -1 -1 -1 -1 -1 1 30
"""

numbers = st.integers(-1, 10**12) | st.floats(0, 1e12, allow_subnormal=False)
words = st.text("abcdefghijklmnopqrstuvwxyz0123456789:={},#_", min_size=1, max_size=12)
records = st.builds(
    lambda fields, extra: Record(*fields, extra=tuple(extra)),
    st.lists(numbers, min_size=18, max_size=18),
    st.just([]) | st.lists(words, min_size=3, max_size=3),
)
comments = st.text(
    st.characters(codec="latin-1", exclude_categories=("Cc",), exclude_characters="\x85\xa0")
).map(lambda text: f";{text}".rstrip())


def log(folder: Path, text: str, name: str = "log.swf") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def opened(path: Path, **parameters: object) -> Workload:
    return open_workload(workload_settings("swf", file=path, **parameters))


def refusal(path: Path, **parameters: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        list(opened(path, **parameters).arrivals)
    return str(caught.value).replace(f"{path}:", "")


def test_a_log_becomes_arrivals(tmp_path: Path) -> None:
    workload = opened(log(tmp_path, LOG))
    four, two, sixteen = Resources(4000, 4), Resources(2000), Resources(16_000)
    assert list(workload.arrivals) == [
        Arrival(
            0, 0.0, four, four, 100.0, 200.0, "job-1", "user12", "group3", job_class="app7", queue="queue2",
            recorded_wait=5.0,
        ),
        Arrival(1, 10.0, two, two, 40.0, 40.0, "job-2", "user13", "group3", completes=False),
        Arrival(2, 10.0, sixteen, sixteen, 7.0, None, "job-3", "user", completes=False, recorded_wait=0.0),
    ]  # fmt: skip
    assert workload.epoch == Epoch(843_480_031.0, "Europe/Stockholm")
    assert (workload.processors, str(workload.cleaning)) == (16, "3 jobs read, 0 dropped, 1 cut")


@LAW
@given(st.lists(records | comments, max_size=6), st.sampled_from(["log.swf", "log.swf.gz"]))
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, items: list, name: str
) -> None:
    path = tmp_path_factory.mktemp("swf") / name
    write_log(path, items)
    assert list(read_log(path)) == items


@LAW
@given(records)
def test_a_record_survives_its_line(record: Record) -> None:
    from skahasim.workload.swf import format_record

    assert parse_record(format_record(record)) == record


def test_equal_logs_are_equal_files(tmp_path: Path) -> None:
    first, second = tmp_path / "a.swf.gz", tmp_path / "b.swf.gz"
    items = list(read_log(log(tmp_path, LOG)))
    write_log(first, items)
    write_log(second, items)
    assert first.read_bytes() == second.read_bytes()
    assert gzip.decompress(first.read_bytes()).decode().splitlines()[:6] == LOG.splitlines()[:6]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("4 20 0 7 1 -1 -1 1 10", "11: has 9 fields instead of 18 (or 21); is the file cut short?"),
        (f"4 20 {'-1 ' * 17}", "11: has 19 fields instead of 18 (or 21)"),
        ("4 20 0 x 1 -1 -1 1 10 -1 1 1 1 1 1 1 -1 -1", "11: run_time: should be a number, not 'x'"),
        (
            "4 20 0 nan 1 -1 -1 1 10 -1 1 1 1 1 1 1 -1 -1",
            "11: run_time: should be a finite number, not 'nan'",
        ),
        (
            "4 20 0 -7 1 -1 -1 1 10 -1 1 1 1 1 1 1 -1 -1",
            "11: run_time: is -7; below 0 only -1 (unknown) is allowed",
        ),
        (
            "4 9 0 7 1 -1 -1 1 10 -1 1 1 1 1 1 1 -1 -1",
            "11: submit_time: 9 is before the job above, submitted at 10",
        ),
        (
            "4 20 0 7 17 -1 -1 17 10 -1 1 1 1 1 1 1 -1 -1",
            "11: requested_processors: 17 processors, but the machine has 16",
        ),
        ("4 -1 0 7 1 -1 -1 1 10 -1 1 1 1 1 1 1 -1 -1", "11: submit_time: is unknown (-1)"),
    ],
)
def test_a_bad_line_is_one_clear_error(tmp_path: Path, line: str, message: str) -> None:
    assert refusal(log(tmp_path, f"{LOG}{line}\n")) == message


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("4 20 0 x", "malformed"),
        ("4 20 0 -7 1 -1 -1 1 10 -1 1 1 1 1 1 1 -1 -1", "negative"),
        ("4 9 0 7 1 -1 -1 1 10 -1 1 1 1 1 1 1 -1 -1", "unsorted"),
        ("4 20 0 7 17 -1 -1 17 10 -1 1 1 1 1 1 1 -1 -1", "oversized"),
        ("4 20 0 7 0 -1 -1 -1 10 -1 1 1 1 1 1 1 -1 -1", "no_processors"),
        ("4 20 0 0 1 -1 -1 1 10 -1 1 1 1 1 1 1 -1 -1", "no_run_time"),
        ("4 20 0 -1 1 -1 -1 1 10 -1 1 1 1 1 1 1 -1 -1", "no_run_time"),
    ],
)
def test_cleaning_drops_and_counts(tmp_path: Path, line: str, reason: str) -> None:
    path = log(tmp_path, f"{LOG}{line}\n")
    workload = opened(path, cleaning={reason: "drop"})
    assert [arrival.name for arrival in workload.arrivals] == ["job-1", "job-2", "job-3"]
    assert str(workload.cleaning) == f"4 jobs read, 1 dropped (1 {reason}), 1 cut"
    assert refusal(path, cleaning={reason: "error"}).startswith("11: ")


def test_runs_of_no_time_can_be_kept_but_not_unknown_ones(tmp_path: Path) -> None:
    rules = {"no_run_time": "keep", "cut_at_requested": False}
    zero = log(tmp_path, f"{LOG}4 20 0 0 1 -1 -1 1 10 -1 1 1 1 1 1 1 -1 -1\n")
    assert [arrival.run_seconds for arrival in opened(zero, cleaning=rules).arrivals] == [
        100.0,
        50.5,
        7.0,
        0.0,
    ]
    unknown = log(tmp_path, f"{LOG}4 20 0 -1 1 -1 -1 1 10 -1 1 1 1 1 1 1 -1 -1\n")
    assert refusal(unknown, cleaning=rules) == "11: run_time: is unknown (-1)"


def test_a_file_that_ends_too_soon_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "log.swf.gz"
    path.write_bytes(gzip.compress(LOG.encode() * 50)[:-40])
    assert (
        refusal(path, cleaning={"unsorted": "drop"})
        == " is cut short: its compressed data ends before its end"
    )
    assert "cannot be read: No such file" in refusal(tmp_path / "none.swf")


def test_memory_in_three_units(tmp_path: Path) -> None:
    fields = "1 0 0 9 8 -1 {used} 8 -1 {memory} 1 1 1 1 1 1 -1 -1 {{1,2}} q_2w 2:ppn=4:x86_64#excl"
    half = log(tmp_path, fields.format(used=-1, memory=2**29))

    def ram_gib(path: Path, **parameters: object) -> float:
        return next(opened(path, **parameters).arrivals).request.ram_gib

    assert ram_gib(half, memory="bytes-per-node") == 1.0
    assert ram_gib(half, memory="bytes-per-job") == 0.5
    assert ram_gib(half, memory="ignore", ram_gib_per_core=4) == 32.0
    kilobytes = log(tmp_path, fields.format(used=2**20, memory=-1))
    assert ram_gib(kilobytes) == 8.0
    unknown = log(tmp_path, fields.format(used=-1, memory=-1))
    assert (ram_gib(unknown), ram_gib(unknown, ram_gib_per_core=2)) == (0.0, 16.0)


@pytest.mark.parametrize(
    ("specification", "nodes"),
    [("1:ppn=12", 1), ("8:ppn=8:x86_64:cl_zegox", 8), ("2:ppn=4+1:ppn=8#excl", 3), ("nodename:ppn=2", 1)],
)
def test_nodes_of_a_specification(specification: str, nodes: int) -> None:
    assert nodes_of(Record(1, 0, extra=("{1}", "q", specification))) == nodes


def test_the_header_says_what_machine_it_was(tmp_path: Path) -> None:
    header = read_header(log(tmp_path, LOG))
    assert (header.processors, header.unix_start, header.time_zone) == (16, 843_480_031, "Europe/Stockholm")
    assert Header(["; MaxNodes: 1,024 (of 1,100)", "; TimeZoneString: Mars/Olympus"]).processors == 1024
    assert Header(["; TimeZoneString: Mars/Olympus"]).time_zone is None


def test_times_may_be_unix_times(tmp_path: Path) -> None:
    lines = LOG.replace("\n1 0 ", "\n1 1356996147 ").replace(" 10 ", " 1356996157 ")
    workload = opened(log(tmp_path, lines.replace("; UnixStartTime: 843480031\n", "")))
    assert [arrival.submit_time for arrival in workload.arrivals] == [0.0, 10.0, 10.0]
    assert workload.epoch.unix == 1_356_996_147


def test_common_settings_choose_from_a_log(tmp_path: Path) -> None:
    path = log(tmp_path, LOG)

    def chosen(**parameters: object) -> list[tuple[int, float, str]]:
        settings = workload_settings("swf", file=path, **parameters)
        return [(arrival.number, arrival.submit_time, arrival.name) for arrival in arrivals(settings)]

    assert chosen(jobs=2) == [(0, 0.0, "job-1"), (1, 10.0, "job-2")]
    assert chosen(days=5 / 86400) == [(0, 0.0, "job-1")]
    assert chosen(skip_days=4 / 86400, scale=2) == [(0, 1.0, "job-2"), (1, 1.0, "job-3")]
    assert chosen(filter={"users": ["user13"]}) == [(0, 10.0, "job-2")]
    assert chosen(filter={"min_cores": 4, "max_cores": 4}) == [(0, 0.0, "job-1")]


def test_arrivals_are_written_as_a_log(tmp_path: Path) -> None:
    path = tmp_path / "out.swf"
    first = Arrival(
        0, 1.5, Resources.of(2, 8), Resources.of(8, 32), 60.0, 120.0, "a", "alice", "g", job_class="ml",
        recorded_wait=3.0,
    )  # fmt: skip
    second = Arrival(1, 2.0, Resources.of(0.25), Resources.of(0.25), None, user="user7", completes=False)
    write_swf(path, [first, second], ["MaxProcs: 16"])
    assert path.read_text().splitlines() == [
        "; Version: 2.2",
        "; MaxProcs: 16",
        "1 1.5 3 60 2 -1 -1 2 120 4194304 1 1 1 1 -1 -1 -1 -1",
        "2 2 -1 -1 1 -1 -1 1 -1 -1 0 7 -1 -1 -1 -1 -1 -1",
    ]
    read = next(arrivals(workload_settings("swf", file=path)))
    assert (read.submit_time, read.request, read.run_seconds, read.requested_seconds, read.recorded_wait) == (
        1.5, Resources.of(2, 8), 60.0, 120.0, 3.0,
    )  # fmt: skip


@LOGS
def test_kth_is_the_log_of_the_published_waits() -> None:
    workload = open_workload(
        workload_settings("swf", file="KTH-SP2-1996-2.swf.gz", cleaning="sc15"), base=DATA / "swf"
    )
    with gzip.open(DATA / "easy-sc15" / "kth-sp2.csv.gz", "rt") as file:
        published = [
            (float(row["submit"]), float(row["run"]), float(row["procs"]), float(row["req_time"]))
            for row in csv.DictReader(file)
        ]
    assert [
        (arrival.submit_time, arrival.run_seconds, arrival.request.cores, arrival.requested_seconds)
        for arrival in workload.arrivals
    ] == published
    assert str(workload.cleaning) == "28489 jobs read, 8 dropped (8 no_run_time), 475 cut"
    assert header_of(workload).processors == 100


@LOGS
@pytest.mark.parametrize("name", ["KTH-SP2-1996-2.swf.gz", "CERIT-SC-2013.swf.gz"])
def test_real_logs_survive_a_round_trip(tmp_path: Path, name: str) -> None:
    items = list(read_log(DATA / "swf" / name))
    write_log(tmp_path / "again.swf", items)
    assert list(read_log(tmp_path / "again.swf")) == items


@LOGS
def test_cerit_has_memory_for_each_node() -> None:
    settings = workload_settings(
        "swf", file="CERIT-SC-2013.swf.gz", memory="bytes-per-node", cleaning={"negative": "drop"}
    )
    workload = open_workload(settings, base=DATA / "swf")
    jobs = list(workload.arrivals)
    assert (len(jobs), dict(workload.cleaning.dropped)) == (17_898, {"negative": 2})
    assert (jobs[6].request, jobs[6].queue) == (Resources.of(64, 64), "q_1d")
    assert max(job.request.ram_gib for job in jobs) <= 20 * 505 + 48 * 90  # all that its two clusters have


SCRIPT = """
import resource, sys
from skahasim.workload import arrivals, workload_settings
settings = workload_settings("swf", file=sys.argv[1])
count = 0
for arrival in arrivals(settings):
    count += 1
    if count == 1000:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(count, after - before)
"""


def test_a_log_streams_at_flat_memory(tmp_path: Path) -> None:
    size = 1_000_000 if DEEP else 20_000
    path = tmp_path / "long.swf.gz"
    write_log(path, (Record(n, n, 0, 60, 1, requested_processors=1, requested_time=60) for n in range(size)))
    run = subprocess.run([sys.executable, "-c", SCRIPT, path], capture_output=True, text=True, check=True)
    count, grown = map(int, run.stdout.split())
    assert count == size
    assert grown < 4096  # KiB
