"""Reading the state file of a mockskaha server, also while the server uses it.

A server keeps its SQLite file locked for itself, so nobody else can open it. What is read is a copy: the file, then
its write-ahead log. The server only ever appends to the log, until it has moved all of it into the file and begins a
new one, which has another header. With the same header before and after, all that the copied file lacks or has
half is in the copied log; what of the log was half written SQLite's checksums leave out (SQLite documentation,
"Database File Format", section 4). The server notices nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

_HEADER_BYTES = 32
_TRIES = 20


class BusyState(OSError):
    """The server moved its log into the file each time it was copied; the text says what to do."""


@contextmanager
def copied(path: Path) -> Iterator[Path]:
    """A consistent copy of the state file at ``path`` and its log, in a folder of its own that is removed afterwards.

    Raises :class:`BusyState`, and ``OSError`` when it cannot be read. To be called from another process than the
    server's: POSIX locks are lost when anybody in the process that has them closes the file.
    """
    with TemporaryDirectory(prefix="mockskaha-state-") as folder:
        copy = Path(folder) / "state.db"
        for _ in range(_TRIES):
            if _copy(path.resolve(), copy):
                yield copy
                return
    raise BusyState(f"{path}: changes all the time; try again, or stop its server")


def _copy(path: Path, copy: Path) -> bool:
    """Whether ``copy``, with its log, is the state at one moment."""
    log, copied_log = _log_of(path), _log_of(copy)
    copied_log.unlink(missing_ok=True)
    before = _header(log)
    copyfile(path, copy)
    if before:
        try:
            copyfile(log, copied_log)
        except FileNotFoundError:
            return False
    return _header(log) == before


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _header(log: Path) -> bytes:
    """The beginning of the log, which names it; empty when there is none."""
    try:
        with log.open("rb") as file:
            return file.read(_HEADER_BYTES)
    except FileNotFoundError:
        return b""
