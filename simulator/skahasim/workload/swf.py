"""The Standard Workload Format, version 2.2: records, header, files.

Defined by the Parallel Workloads Archive (Chapin et al., "Benchmarks and standards for the evaluation of parallel
job schedulers", JSSPP 1999; D. Feitelson's pages for 2.2): a line for each job, 18 numbers, -1 where unknown; lines
that begin with ``;`` are comments, those at the top ``; Key: value``. Logs with memory and node specifications
(CERIT-SC, JSSPP workloads archive) have three more columns, kept as text.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO, NamedTuple, TypeAlias, cast

from skahasim.yamlfile import ConfigurationError, Origin, Problem

Number: TypeAlias = int | float
FIELDS = 18
EXTRA = 3
UNKNOWN = -1


class Record(NamedTuple):
    """One job of a log: the standard's fields in its order and units, :data:`UNKNOWN` where unknown."""

    number: Number
    submit_time: Number
    """Seconds since the start of the log."""
    wait_time: Number = UNKNOWN
    run_time: Number = UNKNOWN
    """Seconds from start to end."""
    allocated_processors: Number = UNKNOWN
    cpu_time: Number = UNKNOWN
    """Average over its processors, in seconds."""
    used_memory: Number = UNKNOWN
    """Kilobytes, average for each processor."""
    requested_processors: Number = UNKNOWN
    requested_time: Number = UNKNOWN
    requested_memory: Number = UNKNOWN
    """Kilobytes for each processor."""
    status: Number = UNKNOWN
    """1 completed, 0 failed, 5 cancelled; 2 to 4 parts of a job with checkpoints."""
    user: Number = UNKNOWN
    group: Number = UNKNOWN
    executable: Number = UNKNOWN
    queue: Number = UNKNOWN
    partition: Number = UNKNOWN
    preceding_job: Number = UNKNOWN
    think_time: Number = UNKNOWN
    extra: tuple[str, ...] = ()
    """CERIT-SC's columns: list of node numbers, queue, node specification; or nothing."""


class Malformed(ValueError):
    """A line that is no record. ``field`` names the part that is wrong, if it is one."""

    def __init__(self, field_name: str, message: str) -> None:
        self.field = field_name
        super().__init__(message)


_NAMES = Record._fields[:FIELDS]


def parse_record(line: str) -> Record:
    """The record on a line. Raises :class:`Malformed`."""
    words = line.split()
    count = len(words)
    if count not in (FIELDS, FIELDS + EXTRA):
        message = f"has {count} fields instead of {FIELDS} (or {FIELDS + EXTRA})"
        raise Malformed("", f"{message}; is the file cut short?" if count < FIELDS else message)
    extra = tuple(words[FIELDS:])
    try:
        return Record(*map(int, words[:FIELDS]), extra=extra)  # type: ignore[arg-type, misc]
    except ValueError:
        return Record(*map(_number, _NAMES, words), extra=extra)  # type: ignore[arg-type, misc]


def _number(name: str, word: str) -> Number:
    try:
        value = float(word)
    except ValueError:
        raise Malformed(name, f"should be a number, not {word[:40]!r}") from None
    if not abs(value) < 1e15:
        raise Malformed(name, f"should be a finite number, not {word[:40]!r}")
    return int(value) if value.is_integer() else value


def format_record(record: Record) -> str:
    """The record as a line: fields separated by blanks."""
    return " ".join((*map(_word, cast("tuple[Number, ...]", record[:FIELDS])), *record.extra))


def _word(value: Number) -> str:
    if isinstance(value, int):
        return str(value)
    return str(int(value)) if value.is_integer() else repr(value)


@dataclass(slots=True)
class Header:
    """The comments at the top of a log, as they stand there (each with its ``;``)."""

    lines: list[str] = field(default_factory=list)

    @property
    def values(self) -> Mapping[str, str]:
        """What ``; Key: value`` lines say; of a repeated key the first (``Note``, ``Queue``)."""
        found: dict[str, str] = {}
        for line in self.lines:
            key, colon, value = line.lstrip("; \t").partition(":")
            if colon and key and " " not in key.strip():
                found.setdefault(key.strip(), value.strip())
        return MappingProxyType(found)

    def integer(self, *keys: str) -> int | None:
        """The first of ``keys`` that has a whole number, possibly with words after it."""
        values = self.values
        for key in keys:
            word = values.get(key, "").replace(",", "").partition(" ")[0]
            try:
                return int(word)
            except ValueError:
                continue
        return None

    @property
    def processors(self) -> int | None:
        """Of the machine."""
        found = self.integer("MaxProcs", "MaxNodes")
        return found if found is not None and found > 0 else None

    @property
    def unix_start(self) -> int | None:
        """Unix time of time 0."""
        found = self.integer("UnixStartTime")
        return found if found is not None and found > 0 else None

    @property
    def time_zone(self) -> str | None:
        """IANA name (``TimeZoneString``), if it is one this machine knows."""
        from zoneinfo import ZoneInfo

        name = self.values.get("TimeZoneString", "")
        try:
            return ZoneInfo(name).key if name else None
        except (ValueError, LookupError, OSError):
            return None


@contextmanager
def opened(path: Path, encoding: str = "latin-1") -> Iterator[IO[str]]:
    """The text of a file that may be gzip. Raises :class:`ConfigurationError`, also while it is read.

    Latin-1 loses nothing of a log, whose comments may be in any encoding.
    """
    try:
        with path.open("rb") as file:
            zipped = file.peek(2)[:2] == b"\x1f\x8b"
            stream = gzip.GzipFile(fileobj=file) if zipped else file
            with io.TextIOWrapper(stream, encoding=encoding) as text:
                yield text
    except EOFError:
        raise _unreadable(path, "is cut short: its compressed data ends before its end") from None
    except UnicodeDecodeError:
        raise _unreadable(path, "is not UTF-8 text") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise _unreadable(path, f"is damaged: {error}") from None
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror or type(error).__name__}") from None


@contextmanager
def written(path: Path, encoding: str = "latin-1") -> Iterator[IO[str]]:
    """A text file to write; gzip when its name ends in ``.gz``."""
    with path.open("wb") as file:
        # No name and no time in a gzip header: equal contents are equal files.
        stream = gzip.GzipFile("", "wb", fileobj=file, mtime=0) if path.name.endswith(".gz") else file
        with io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="") as text:
            yield text


def _unreadable(path: Path, message: str) -> ConfigurationError:
    return ConfigurationError([Problem(Origin(str(path)), (), message)])


Line: TypeAlias = Record | Malformed | str
"""What a line holds: a record, nothing that can be read, or a comment (which begins with ``;``)."""


def read_lines(text: Iterable[str]) -> Iterator[tuple[int, Line]]:
    """Each line that is not blank with its number, from 1."""
    for number, line in enumerate(text, 1):
        if line[0] == ";" or not (stripped := line.strip()):
            if line[0] == ";":
                yield number, line.rstrip("\r\n")
            continue
        if stripped[0] == ";":
            yield number, stripped
            continue
        try:
            yield number, parse_record(line)
        except Malformed as error:
            yield number, error


def read_header(path: Path) -> Header:
    """The comments at the top of the log at ``path``."""
    header = Header()
    with opened(path) as text:
        for line in text:
            stripped = line.strip()
            if stripped and stripped[0] != ";":
                break
            if stripped:
                header.lines.append(stripped)
    return header


def refused(path: Path, line: int, error: Malformed) -> ConfigurationError:
    """``file:line: field: message`` for what is wrong on a line."""
    key = (error.field,) if error.field else ()
    return ConfigurationError([Problem(Origin(str(path), line), key, str(error))])


def read_log(path: Path) -> Iterator[Record | str]:
    """Every record and comment of the log at ``path``, in order.

    :raises ConfigurationError: a file that cannot be read, a line that is no record.
    """
    with opened(path) as text:
        for number, item in read_lines(text):
            if isinstance(item, Malformed):
                raise refused(path, number, item)
            yield item


def write_log(path: Path, items: Iterable[Record | str]) -> None:
    """Write records and comments; gzip when the name ends in ``.gz``.

    What :func:`read_log` then yields equals ``items``. A comment without its ``;`` gets one.
    """
    with written(path) as text:
        for item in items:
            if isinstance(item, str):
                text.write(f"{item}\n" if item.startswith(";") else f"; {item}\n")
            else:
                text.write(f"{format_record(item)}\n")
