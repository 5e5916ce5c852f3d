"""Tables of jobs: every field survives, and a bad cell is told by line and column."""

import sys
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skahasim.resources import Resources
from skahasim.workload import Arrival, arrivals, open_workload, workload_settings
from skahasim.workload.source import Epoch
from skahasim.workload.table import COLUMNS, MANDATORY, read_table, write_table
from skahasim.yamlfile import ConfigurationError

LAW = hypothesis.settings(deadline=None, max_examples=25)
seconds = st.floats(0, 1e9, allow_subnormal=False)
maybe = st.none() | seconds
text = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=8)


@st.composite
def jobs(draw: st.DrawFn) -> list[Arrival]:
    times = sorted(draw(st.lists(seconds, max_size=5)))
    made = []
    for number, time in enumerate(times):
        request = Resources(draw(st.integers(0, 10**6)), draw(st.integers(0, 10**6)), draw(st.integers(0, 9)))
        limit = Resources(request.millicores + draw(st.integers(0, 9)), request.ram_mib * 2, request.gpus)
        made.append(
            Arrival(
                number, time, request, limit, draw(maybe), draw(maybe), draw(text), draw(text) or "user", draw(text),
                draw(text) or "headless", draw(text), draw(text), draw(text), draw(maybe), draw(maybe), draw(maybe),
                draw(st.booleans()), draw(maybe), draw(maybe), draw(st.none() | st.integers(0, 255)), draw(text),
                draw(maybe),
            )
        )  # fmt: skip
    return made


@LAW
@given(jobs(), st.sampled_from(["jobs.csv", "jobs.csv.gz", "jobs.parquet"]))
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, made: list[Arrival], name: str
) -> None:
    path = tmp_path_factory.mktemp("table") / name
    write_table(path, iter(made))
    assert list(read_table(path)) == made


def test_three_columns_are_enough(tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    path.write_text("cores, submit_time ,run_seconds\n2,0,60\n0.5,1.5,\n")
    two, half = Resources.of(2), Resources.of(0.5)
    assert list(read_table(path)) == [Arrival(0, 0.0, two, two, 60.0), Arrival(1, 1.5, half, half, None)]


def test_times_may_be_timestamps(tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    path.write_text("submit_time,cores,run_seconds\n2026-01-05T00:00-08:00,1,1\n2026-01-05 08:10:00,1,1\n")
    workload = open_workload(workload_settings("table", file=path))
    assert [arrival.submit_time for arrival in workload.arrivals] == [0.0, 600.0]
    assert workload.epoch == Epoch(1_767_600_000.0, "America/Vancouver")


def test_an_empty_table_has_no_jobs(tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    write_table(path, [])
    assert path.read_text() == ",".join(COLUMNS) + "\n"
    assert list(arrivals(workload_settings("table", file=path))) == []


@pytest.mark.parametrize(
    ("content", "messages"),
    [
        ("0,1,x", ["2: run_seconds: should be a number, not 'x'"]),
        ("0,1,-5", ["2: run_seconds: should be a finite number from 0, not '-5'"]),
        ("0,,5", ["2: cores: is empty"]),
        (",1,5", ["2: submit_time: is empty"]),
        ("soon,1,5", ["2: submit_time: should be seconds or an ISO 8601 timestamp, not 'soon'"]),
        ("9,1,5\n\n8,1,5", ["4: submit_time: is before that of the row above; sort the table by it"]),
        ("0,1", ["2: has 2 values, but there are 3 columns"]),
        ('0,1,"5', ["2: not CSV: unexpected end of data"]),
        ("2026-01-05,1,5\n7,1,5", ["3: submit_time: mixes timestamps and numbers"]),
    ],
)
def test_a_bad_row_is_one_clear_error(tmp_path: Path, content: str, messages: list[str]) -> None:
    path = tmp_path / "jobs.csv"
    path.write_text(f"submit_time,cores,run_seconds\n{content}\n")
    with pytest.raises(ConfigurationError) as caught:
        list(arrivals(workload_settings("table", file=path)))
    assert str(caught.value).splitlines() == [f"{path}:{message}" for message in messages]


def test_every_bad_column_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    path.write_text("submit_time,core,gpus,gpus,run_seconds\n0,1,0,0,1\n")
    with pytest.raises(ConfigurationError) as caught:
        list(read_table(path))
    assert str(caught.value).splitlines() == [
        f"{path}:1: core: unknown column; did you mean 'cores'?",
        f"{path}:1: gpus: column is there twice",
        f"{path}:1: cores: column is missing",
    ]


@pytest.mark.parametrize(
    ("columns", "row", "message"),
    [
        ("limit_cores", "1", "limit_cores: is below the request"),
        ("gpus", "1.5", "gpus: should be a whole number, not 1.5"),
        ("completes", "maybe", "completes: should be true or false, not 'maybe'"),
        ("exit_code", "256", "exit_code: should be a whole number from 0 to 255, not 256"),
        ("exit_code", "0.5", "exit_code: should be a whole number from 0 to 255, not 0.5"),
    ],
)
def test_optional_columns_are_checked(tmp_path: Path, columns: str, row: str, message: str) -> None:
    path = tmp_path / "jobs.csv"
    path.write_text(f"{','.join(MANDATORY)},{columns}\n0,5,2,{row}\n")
    with pytest.raises(ConfigurationError) as caught:
        list(read_table(path))
    assert str(caught.value) == f"{path}:2: {message}"


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    for use in (
        lambda: write_table(tmp_path / "a.parquet", []),
        lambda: list(read_table(tmp_path / "a.parquet")),
    ):
        with pytest.raises(ConfigurationError, match=r"install mockskaha\[parquet\], or use CSV"):
            use()


def test_no_parquet_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("submit_time,cores\n")
    for name in ("a.parquet", "b.parquet"):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            list(read_table(tmp_path / name))
