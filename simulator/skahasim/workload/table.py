"""Workloads as tables, CSV (also gzip) or Parquet: one row for each job, all that an arrival has.

``submit_time``, ``cores`` and ``run_seconds`` are mandatory columns; others may be missing, or empty in a row. Times
are seconds since the start, or ISO 8601 timestamps (with a zone, or UTC); those are counted from the first row's.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Any

from skahasim.resources import Resources
from skahasim.workload.arrival import Arrival
from skahasim.workload.settings import TableWorkload
from skahasim.workload.source import Epoch, Workload
from skahasim.workload.swf import opened, written
from skahasim.yamlfile import ConfigurationError, Origin, Problem

COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "submit_time": "seconds since the start, or an ISO 8601 timestamp",
        "run_seconds": "run time on the cores it wants; empty: until its deadline, or for ever",
        "cores": "requested cores",
        "ram_gib": "requested memory in GiB; 0 when not given",
        "gpus": "requested GPUs; 0 when not given",
        "limit_cores": "limit of a flexible job; the request when not given",
        "limit_ram_gib": "limit of a flexible job; the request when not given",
        "requested_seconds": "requested time (walltime), where the run is cut",
        "name": "of the job",
        "user": "who submits it",
        "group": "of that user",
        "kind": "session type; headless when not given",
        "job_class": "what sort of work it is",
        "priority_class": "name of a WorkloadPriorityClass",
        "queue": "LocalQueue",
        "cores_used": "cores its work keeps busy when nothing holds it back",
        "ram_used_gib": "memory its work grows to",
        "patience_seconds": "its user deletes it when it has not started by then",
        "deadline_seconds": "the service ends it that long after it took it up",
        "deleted_after": "its user deletes it that long after submission, whatever it does by then",
        "completes": "true or false: whether the work ends well; true when not given",
        "exit_code": "of its work; without it 0 when it completes, else 1",
        "start_error": "why its command cannot even be started; empty when it can",
        "recorded_wait": "its wait in the trace it comes from",
    }
)
MANDATORY = ("submit_time", "run_seconds", "cores")
_TEXTS = ("name", "user", "group", "kind", "job_class", "priority_class", "queue", "start_error")
_AMOUNTS = (
    "run_seconds", "requested_seconds", "cores_used", "ram_used_gib", "patience_seconds", "deadline_seconds",
    "deleted_after",
    "recorded_wait",
)  # fmt: skip
_TRUTH = MappingProxyType({"true": True, "1": True, "false": False, "0": False, "yes": True, "no": False})
_ROWS_AT_ONCE = 8192
_HIGHEST_EXIT_CODE = 255


class _Wrong(ValueError):
    def __init__(self, column: str, message: str) -> None:
        self.column = column
        super().__init__(message)


@dataclass(slots=True)
class _Clock:
    """Turns the first column into seconds; the first timestamp is time 0."""

    zero: float | None = None

    def seconds(self, value: Any) -> float:
        try:
            number = float(value)
        except (TypeError, ValueError):
            unix = _unix(value)
            if self.zero is None:
                self.zero = unix
            return unix - self.zero
        if not isfinite(number) or number < 0:
            raise _Wrong("submit_time", f"should be a number of seconds from 0, not {value!r}")
        if self.zero is not None:
            raise _Wrong("submit_time", "mixes timestamps and numbers")
        return number


def _unix(value: Any) -> float:
    if isinstance(value, datetime):
        moment = value
    else:
        try:
            moment = datetime.fromisoformat(str(value).strip())
        except ValueError:
            message = f"should be seconds or an ISO 8601 timestamp, not {str(value)[:40]!r}"
            raise _Wrong("submit_time", message) from None
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp()


def open_source(settings: TableWorkload, seed: int, base: Path, epoch: Epoch) -> Workload:
    """The table of ``settings``. Nothing is drawn: ``seed`` is not used."""
    path = base / settings.file
    clock = _Clock()
    found = _arrivals(path, clock)
    first = next(found, None)
    if clock.zero is not None:
        epoch = Epoch(clock.zero, epoch.time_zone)

    def arrivals() -> Iterator[Arrival]:
        if first is not None:
            yield first
            yield from found

    return Workload(arrivals(), epoch, (path,))


def read_table(path: Path) -> Iterator[Arrival]:
    """The arrivals of a table, numbered from 0.

    :raises ConfigurationError: ``file:line: column: message`` for what cannot be used.
    """
    return _arrivals(path, _Clock())


def _arrivals(path: Path, clock: _Clock) -> Iterator[Arrival]:
    rows = _parquet_rows if is_parquet(path) else _csv_rows
    last = 0.0
    for number, (line, row) in enumerate(rows(path)):
        try:
            arrival = _arrival(number, row, clock)
            if arrival.submit_time < last:
                raise _Wrong("submit_time", "is before that of the row above; sort the table by it")
        except _Wrong as error:
            raise _refused(path, line, error.column, str(error)) from None
        last = arrival.submit_time
        yield arrival


def is_parquet(path: Path) -> bool:
    """Whether the name is that of a Parquet file."""
    return path.suffix.lower() in (".parquet", ".pq")


def _refused(path: Path, line: int | None, column: str, message: str) -> ConfigurationError:
    return ConfigurationError([Problem(Origin(str(path), line), (column,) if column else (), message)])


def _check_columns(path: Path, names: Iterable[str]) -> None:
    """Every column is known and none is missing or twice. Raises ``ConfigurationError`` with all problems."""
    import difflib

    seen: set[str] = set()
    problems = []
    for name in names:
        if name in seen:
            problems.append((name, "column is there twice"))
        elif name not in COLUMNS:
            close = difflib.get_close_matches(name, COLUMNS, n=1)
            meant = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(COLUMNS)}"
            problems.append((name, f"unknown column; {meant}"))
        seen.add(name)
    problems += [(name, "column is missing") for name in MANDATORY if name not in seen]
    if problems:
        origin = Origin(str(path), None if is_parquet(path) else 1)
        raise ConfigurationError(Problem(origin, (name,), text) for name, text in problems)


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with opened(path, encoding="utf-8-sig") as text:
        reader = csv.reader(text, strict=True)
        try:
            names = [name.strip() for name in next(reader, [])]
            _check_columns(path, names)
            for values in reader:
                if not values:
                    continue
                if len(values) != len(names):
                    message = f"has {len(values)} values, but there are {len(names)} columns"
                    raise _refused(path, reader.line_num, "", message)
                yield reader.line_num, dict(zip(names, values, strict=True))
        except csv.Error as error:
            raise _refused(path, reader.line_num, "", f"not CSV: {error}") from None


def _parquet_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows of a Parquet file; lines are counted as those of a CSV file would be."""
    with _parquet(path) as parquet:
        try:
            file = parquet.ParquetFile(path)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a Parquet file"
            raise _refused(path, None, "", f"cannot be read: {reason}") from None
        with file:
            _check_columns(path, file.schema_arrow.names)
            line = 2
            for batch in file.iter_batches(_ROWS_AT_ONCE):
                for row in batch.to_pylist():
                    yield line, row
                    line += 1


@contextmanager
def _parquet(path: Path) -> Iterator[Any]:
    try:
        pyarrow: Any = import_module("pyarrow.parquet")  # has no types, and may be absent
    except ImportError:
        message = "Parquet needs pyarrow: install mockskaha[parquet], or use CSV"
        raise _refused(path, None, "", message) from None
    yield pyarrow


def _arrival(number: int, row: Mapping[str, Any], clock: _Clock) -> Arrival:
    submit = row["submit_time"]
    if submit is None or submit == "":
        raise _Wrong("submit_time", "is empty")
    cores, ram_gib = _amount(row, "cores"), _amount(row, "ram_gib") or 0.0
    gpus = _amount(row, "gpus") or 0.0
    if cores is None:
        raise _Wrong("cores", "is empty")
    if not gpus.is_integer():
        raise _Wrong("gpus", f"should be a whole number, not {gpus}")
    request = Resources.of(cores, ram_gib, int(gpus))
    limit_cores, limit_ram = _amount(row, "limit_cores"), _amount(row, "limit_ram_gib")
    limit = Resources.of(
        cores if limit_cores is None else limit_cores, ram_gib if limit_ram is None else limit_ram, int(gpus)
    )
    for column, most, least in (
        ("limit_cores", limit.millicores, request.millicores),
        ("limit_ram_gib", limit.ram_mib, request.ram_mib),
    ):
        if most < least:
            raise _Wrong(column, "is below the request")
    found: dict[str, Any] = {column: _amount(row, column) for column in _AMOUNTS}
    code = _amount(row, "exit_code")
    if code is not None and not (code.is_integer() and code <= _HIGHEST_EXIT_CODE):
        raise _Wrong("exit_code", f"should be a whole number from 0 to {_HIGHEST_EXIT_CODE}, not {code:g}")
    found |= {column: str(value) for column in _TEXTS if (value := row.get(column)) not in (None, "")}
    return Arrival(
        number,
        clock.seconds(submit),
        request,
        limit,
        completes=_truth(row.get("completes")),
        exit_code=None if code is None else int(code),
        **found,
    )


def _amount(row: Mapping[str, Any], column: str) -> float | None:
    """A number from 0; ``None`` for what is not given."""
    value = row.get(column)
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise _Wrong(column, f"should be a number, not {str(value)[:40]!r}") from None
    if number != number and not isinstance(value, str):
        return None
    if not isfinite(number) or number < 0:
        raise _Wrong(column, f"should be a finite number from 0, not {value!r}")
    return number


def _truth(value: Any) -> bool:
    if value is None or value == "":
        return True
    found = _TRUTH.get(str(value).strip().lower())
    if found is None:
        raise _Wrong("completes", f"should be true or false, not {str(value)[:40]!r}")
    return found


def write_table(path: Path, arrivals: Iterable[Arrival]) -> None:
    """Write every column; Parquet by the name, else CSV (gzip when it ends in ``.gz``). Reading it gives the same
    arrivals.

    :raises ConfigurationError: Parquet without pyarrow.
    """
    write = _write_parquet if is_parquet(path) else _write_csv
    write(path, map(_row, arrivals))


def _row(arrival: Arrival) -> list[Any]:
    request, limit = arrival.request, arrival.limit
    computed: dict[str, Any] = {
        "cores": request.cores,
        "ram_gib": request.ram_gib,
        "gpus": request.gpus,
        "limit_cores": limit.cores,
        "limit_ram_gib": limit.ram_gib,
    }
    return [computed[name] if name in computed else getattr(arrival, name) for name in COLUMNS]


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _write_csv(path: Path, rows: Iterable[list[Any]]) -> None:
    with written(path, encoding="utf-8") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([_plain(value) for value in row] for row in rows)


def _write_parquet(path: Path, rows: Iterable[list[Any]]) -> None:
    with _parquet(path) as parquet:
        pa: Any = import_module("pyarrow")

        types: dict[str, Callable[[], Any]] = {"completes": pa.bool_, "gpus": pa.int64}
        types |= dict.fromkeys(_TEXTS, pa.string)
        schema = pa.schema([(name, types.get(name, pa.float64)()) for name in COLUMNS])
        with parquet.ParquetWriter(path, schema) as writer:
            chunk: list[list[Any]] = []

            def flush() -> None:
                columns = list(map(list, zip(*chunk, strict=True))) or [[] for _ in COLUMNS]
                arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
                chunk.clear()

            for row in rows:
                chunk.append(row)
                if len(chunk) == _ROWS_AT_ONCE:
                    flush()
            flush()
