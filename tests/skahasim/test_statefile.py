"""A copy of a database that another process keeps locked and writes to all the time."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from skahasim.workload import statefile
from skahasim.workload.statefile import BusyState, copied

WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = NORMAL", "wal_autocheckpoint = 100"):
    connection.execute(f"PRAGMA {pragma}")
connection.execute("CREATE TABLE t (number INTEGER PRIMARY KEY, text TEXT)")
print("ready", flush=True)
while True:
    connection.execute("INSERT INTO t (text) VALUES (?)", ("x" * 700,))
"""


def test_a_copy_is_the_state_at_one_moment_whatever_its_owner_does(tmp_path: Path) -> None:
    path = tmp_path / "busy.db"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        with (
            closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("SELECT count(*) FROM t")
        counts = []
        for _ in range(40):
            try:
                with copied(path) as copy, closing(sqlite3.connect(copy)) as connection:
                    ((count, highest),) = connection.execute("SELECT count(*), max(number) FROM t")
                    assert count == (highest or 0)
                    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                    counts.append(count)
                    folder = copy.parent
            except BusyState:  # the log begins anew every 100 pages here, and every 10,000 of a server
                continue
        assert counts == sorted(counts)
        assert counts[-1] > 0
        assert not folder.exists()
    finally:
        writer.kill()
        writer.communicate()


def test_a_log_that_begins_anew_while_it_is_copied_is_copied_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(b"old")
    log = tmp_path / "s.db-wal"
    log.write_bytes(b"first log, whose header is long enough to be told")
    copies = []

    def interfering(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes())
        copies.append(source.name)
        if len(copies) == 1:  # its owner moves the log into the file, and begins another
            path.write_bytes(b"new")
            log.write_bytes(b"second log, whose header is long enough to be told")

    monkeypatch.setattr(statefile, "copyfile", interfering)
    with copied(path) as copy:
        assert copy.read_bytes() == b"new"
        assert copy.with_name("state.db-wal").read_bytes().startswith(b"second")
    assert copies == ["s.db", "s.db-wal"] * 2


def test_who_never_stands_still_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(b"")
    turns = iter(range(1000))
    monkeypatch.setattr(statefile, "_header", lambda _: str(next(turns)).encode())
    (tmp_path / "s.db-wal").write_bytes(b"")
    with pytest.raises(BusyState, match="changes all the time; try again"), copied(path):
        pass
