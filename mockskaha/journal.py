"""Commands in an embedded SQLite file, each there before its answer leaves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, Protocol

import orjson

from mockskaha.commands import Command, UnknownCommand, decode, encode

FORMAT = 1
MOST_COMMANDS = 50_000
"""Kept in memory, some 400 bytes each."""
_PAGE_BYTES = 1024
"""Of a new file: each command is written to the log as the whole page it is on."""
_CHECKPOINT_PAGES = 40_000
"""Pages in the log before they are moved to the file, which waits for the disk."""
_SCHEMA = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE commands (number INTEGER PRIMARY KEY, time REAL NOT NULL, name TEXT NOT NULL, "
    "fields TEXT NOT NULL) STRICT",
)

_INSERT = "INSERT INTO commands (time, name, fields) VALUES (?, ?, ?)"


class StateFileError(Exception):
    """The state file cannot be used; the text says what to do."""


class CommandsNotKept(Exception):
    """A journal does not have every command any more, so the state cannot be rebuilt from it."""


class Journal(Protocol):
    """Where commands go before they are applied."""

    def append(self, time: float, command: Command) -> None: ...

    def replay(self) -> Iterable[tuple[float, Command]]:
        """All commands with their model times, in order. Raises :class:`CommandsNotKept`."""
        ...

    def rewrite(self, seed: int, epoch: str, commands: Iterable[tuple[float, Command]]) -> None:
        """Forget what is there and keep ``commands`` instead. ``epoch`` is the ISO 8601 time of model time zero."""
        ...

    def close(self) -> None: ...


class NoJournal:
    """Keeps nothing."""

    def append(self, time: float, command: Command) -> None:
        """Keep nothing."""

    def replay(self) -> Iterable[tuple[float, Command]]:
        raise CommandsNotKept("this platform keeps no commands")

    def rewrite(self, seed: int, epoch: str, commands: Iterable[tuple[float, Command]]) -> None:
        """Keep nothing."""

    def close(self) -> None:
        """There is nothing to close."""


class MemoryJournal:
    """The first ``most`` commands, in memory; none from when there are more."""

    def __init__(self, most: int = MOST_COMMANDS) -> None:
        self._commands: list[tuple[float, Command]] | None = []
        self._most = most

    def append(self, time: float, command: Command) -> None:
        commands = self._commands
        if commands is None:
            return
        if len(commands) < self._most:
            commands.append((time, command))
        else:
            self._commands = None

    def replay(self) -> Iterable[tuple[float, Command]]:
        if self._commands is None:
            raise CommandsNotKept(
                f"there were more than {self._most} commands, and those are not kept in memory; a server with --state "
                "keeps them all"
            )
        return list(self._commands)

    def rewrite(self, seed: int, epoch: str, commands: Iterable[tuple[float, Command]]) -> None:
        self._commands = []
        for time, command in commands:
            self.append(time, command)

    def close(self) -> None:
        """There is nothing to close."""


class StateFile:
    """A journal on disk (write-ahead log: survives a killed process, not a power cut of the last instants).

    ``seed`` and ``epoch`` (ISO 8601) belong to the state: a file made with another seed is refused, and the
    epoch is that of the file. Raises :class:`StateFileError`.
    """

    def __init__(self, path: Path, seed: int, epoch: str) -> None:
        self.path = path
        try:
            path.touch(mode=0o600)
            self._connection = sqlite3.connect(path, 0.5, isolation_level=None, check_same_thread=False)
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error
        try:
            self._connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            self._prepare(seed, epoch)
        except sqlite3.Error as error:
            self._connection.close()
            raise self._unusable(error) from error
        except StateFileError:
            self._connection.close()
            raise

    def _unusable(self, error: sqlite3.Error | OSError) -> StateFileError:
        reason = (
            f": {error.strerror}"
            if isinstance(error, OSError)
            else f" ({error}); is another server using it?"
        )
        if self.path.is_dir():
            reason = ": it is a folder"
        return StateFileError(f"{self.path}: cannot be used as a state file{reason}")

    def _prepare(self, seed: int, epoch: str) -> None:
        tables = {row[0] for row in self._connection.execute("SELECT name FROM sqlite_master")}
        if not tables:
            self._connection.execute("BEGIN EXCLUSIVE")
            for statement in _SCHEMA:
                self._connection.execute(statement)
            self._connection.executemany(
                "INSERT INTO meta VALUES (?, ?)",
                [("format", str(FORMAT)), ("seed", str(seed)), ("epoch", epoch)],
            )
            self._connection.execute("COMMIT")
        meta = _meta(self._connection, self.path)
        if meta.get("seed") != str(seed):
            raise StateFileError(
                f"{self.path}: was made with --seed {meta.get('seed')}; use that, or another file"
            )
        self.epoch = meta.get("epoch", epoch)
        """ISO 8601 time of model time zero: that of the file's first server."""

    def settings_changed(self, fingerprint: str) -> bool:
        """Whether the last server that used the file had other settings; ``fingerprint`` is kept as the last one's."""
        before = self._connection.execute("SELECT value FROM meta WHERE key = 'settings'").fetchone()
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('settings', ?)", (fingerprint,))
        return before is not None and before[0] != fingerprint

    def append(self, time: float, command: Command) -> None:
        self._connection.execute(_INSERT, (time, *_written(command)))

    def rewrite(self, seed: int, epoch: str, commands: Iterable[tuple[float, Command]]) -> None:
        """All at once, or, when that fails, not at all."""
        rows = [(time, *_written(command)) for time, command in commands]
        execute = self._connection.execute
        execute("BEGIN EXCLUSIVE")
        try:
            execute("DELETE FROM commands")
            self._connection.executemany(_INSERT, rows)
            self._connection.executemany(
                "INSERT OR REPLACE INTO meta VALUES (?, ?)", [("seed", str(seed)), ("epoch", epoch)]
            )
        except sqlite3.Error:
            execute("ROLLBACK")
            raise
        execute("COMMIT")
        self.epoch = epoch

    def replay(self) -> Iterator[tuple[float, Command]]:
        """All commands with their model times, in order. Raises :class:`StateFileError` for a damaged file."""
        return _commands(self._connection, self.path)

    def close(self) -> None:
        self._connection.close()


class Recorded(NamedTuple):
    """What a state file says."""

    seed: int
    epoch: str
    """ISO 8601 time of model time zero."""
    fingerprint: str | None
    """Of the settings of the last server that used it."""
    commands: list[tuple[float, Command]]
    """With their model times, in order."""


def recorded(path: Path) -> Recorded:
    """What the state file at ``path`` says; another process may be using it. Raises :class:`StateFileError`."""
    from skahasim.workload.statefile import BusyState, copied  # a server does without

    try:
        with copied(path) as copy, closing(sqlite3.connect(copy)) as connection:
            meta = _meta(connection, path)
            commands = list(_commands(connection, path))
            return Recorded(int(meta["seed"]), meta["epoch"], meta.get("settings"), commands)
    except BusyState as error:
        raise StateFileError(str(error)) from None
    except OSError as error:
        raise StateFileError(f"{path}: cannot be read: {error.strerror}") from None
    except (sqlite3.Error, KeyError, ValueError) as error:
        raise StateFileError(f"{path}: cannot be used as a state file ({error})") from None


def _written(command: Command) -> tuple[str, str]:
    name, values = encode(command)
    return name, orjson.dumps(values).decode()


def _meta(connection: sqlite3.Connection, path: Path) -> dict[str, str]:
    """What the file says of itself. Raises :class:`StateFileError` when it is none of ours."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    if not {"meta", "commands"} <= tables:
        raise StateFileError(f"{path}: is an SQLite file, but not of mockskaha")
    meta = dict(connection.execute("SELECT key, value FROM meta"))
    if meta.get("format") != str(FORMAT):
        raise StateFileError(f"{path}: has format {meta.get('format')}, this version reads {FORMAT}")
    return meta


def _commands(connection: sqlite3.Connection, path: Path) -> Iterator[tuple[float, Command]]:
    number = 0
    try:
        for row in connection.execute("SELECT number, time, name, fields FROM commands ORDER BY number"):
            number, time, name, values = row
            yield time, decode(name, orjson.loads(values))
    except (sqlite3.Error, UnknownCommand, orjson.JSONDecodeError) as error:
        raise StateFileError(f"{path}: cannot be read from command {number} on ({error})") from error
