"""Sessions of a live service as a workload: the JSON that ``GET /v1/session`` answers (skaha-contract §2.1, §2.2).

The service tells when a session started, not when it was asked for: ``startTime`` is taken for its submission, and a
session that has none (it waits) is submitted at the latest of the others. A fixed session gets what it asked for, a
flexible one what the service gives those that ask for nothing. Interactive sessions run until they expire.
Older services' forms are read as well: ``"<none>"`` for missing values, and ``16G`` for 16 GiB.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from math import isfinite
from operator import itemgetter
from pathlib import Path
from typing import Any

from skahasim.resources import Resources
from skahasim.workload.arrival import Arrival
from skahasim.workload.settings import SessionsWorkload
from skahasim.workload.skaha import HEADLESS, allotment, deadline
from skahasim.workload.source import Epoch, Workload
from skahasim.yamlfile import ConfigurationError, KeyPath, Origin, Problem, read

GB, GIB = 1e9, 2.0**30
_ROUNDING = 0.006
"""GiB that two decimals of a GB hide, at most."""


class _Wrong(ValueError):
    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


def open_source(settings: SessionsWorkload, seed: int, base: Path, epoch: Epoch) -> Workload:
    """The sessions in the file of ``settings``. ``seed`` draws the run times of batch sessions."""
    path = base / settings.file
    found = list(read_sessions(path))
    start = min((unix for unix, _ in found), default=epoch.unix)
    return Workload(_arrivals(found, settings, seed, start), Epoch(start, epoch.time_zone), (path,))


def _arrivals(
    found: list[tuple[float, Arrival]], settings: SessionsWorkload, seed: int, start: float
) -> Iterator[Arrival]:
    runs: list[float] | None = None
    if settings.run is not None:
        from skahasim.randomness import generator

        uniform = generator(seed, "workload", "sessions", "run").random(len(found))
        runs = settings.run.quantiles(uniform).tolist()
    for number, (unix, arrival) in enumerate(sorted(found, key=itemgetter(0))):
        seconds = runs[number] if runs is not None and arrival.kind == HEADLESS else arrival.run_seconds
        yield arrival._replace(number=number, submit_time=unix - start, run_seconds=seconds)


def read_sessions(path: Path) -> Iterator[tuple[float, Arrival]]:
    """Unix time of submission and arrival (without submit time) of each session, in the order of the file.

    :raises ConfigurationError: with everything that is wrong, each with file, line and field.
    """
    data = _json(path)
    problems: list[tuple[KeyPath, str]] = []
    found: list[tuple[float | None, Arrival]] = []
    for index, item in enumerate(data):
        if not isinstance(item, dict):
            problems.append(((index,), "should be a session: an object with id, type, userid, …"))
            continue
        session = {key: value for key, value in item.items() if value not in (None, "", "<none>")}
        try:
            found.append(_session(session))
        except _Wrong as error:
            problems.append(((index, error.field), str(error)))
    if problems:
        raise _refused(path, problems)
    known = [unix for unix, _ in found if unix is not None]
    if found and not known:
        raise _refused(path, [((), "no session has a startTime: nothing tells when they came")])
    latest = max(known, default=0.0)
    yield from ((latest if unix is None else unix, arrival) for unix, arrival in found)


def _json(path: Path) -> list[Any]:
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        reason = f"cannot be read: {error.strerror or type(error).__name__}"
        raise ConfigurationError([Problem(Origin(str(path)), (), reason)]) from None
    except json.JSONDecodeError as error:
        raise ConfigurationError(
            [Problem(Origin(str(path), error.lineno), (), f"not JSON: {error.msg}")]
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError([Problem(Origin(str(path)), (), "is not UTF-8 text")]) from None
    if isinstance(data, dict):
        data = [data]
    if not isinstance(data, list):
        raise ConfigurationError([Problem(Origin(str(path)), (), "should be a list of sessions")])
    return data


def _refused(path: Path, problems: list[tuple[KeyPath, str]]) -> ConfigurationError:
    try:
        origin = read(path).origin  # JSON is YAML as well, and its reader knows the lines
    except ConfigurationError:
        return ConfigurationError(Problem(Origin(str(path)), key, text) for key, text in problems)
    return ConfigurationError(Problem(origin(key), key, text) for key, text in problems)


def _session(session: dict[str, Any]) -> tuple[float | None, Arrival]:
    kind = str(session.get("type", HEADLESS)).lower()
    started, expires = _time(session, "startTime"), _time(session, "expiryTime")
    gpus = _number(session, "requestedGPUCores") or 0.0
    if not gpus.is_integer():
        raise _Wrong("requestedGPUCores", f"should be a whole number, not {gpus}")
    cores, ram_gib = _number(session, "requestedCPUCores"), _ram_gib(session)
    fixed = session.get("isFixedResources", ram_gib is not None)
    if fixed and kind != "firefly" and cores is not None and ram_gib is not None:
        request = limit = Resources.of(cores, ram_gib, int(gpus))
    else:
        request, limit = allotment(kind, None, None, int(gpus))
    lasts = deadline(kind)
    if started is not None and expires is not None and expires > started:
        lasts = expires - started
    return started, Arrival(
        number=0,
        submit_time=0.0,
        request=request,
        limit=limit,
        run_seconds=None,
        name=str(session.get("name", session.get("id", ""))),
        user=str(session.get("userid", "user")),
        group=str(session.get("runAsGID", "")),
        kind=kind,
        job_class="" if kind == HEADLESS else kind,
        completes=session.get("status") != "Failed",
        deadline_seconds=lasts,
    )


def _time(session: dict[str, Any], field: str) -> float | None:
    value = session.get(field)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise _Wrong(field, f"should be an ISO 8601 timestamp, not {str(value)[:40]!r}") from None
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp()


def _number(session: dict[str, Any], field: str) -> float | None:
    value = session.get(field)
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not (isfinite(number) and number >= 0):
        raise _Wrong(field, f"should be a number from 0, not {str(value)[:40]!r}")
    return number


def _ram_gib(session: dict[str, Any]) -> float | None:
    """GiB asked for. Decimal GB are what whole GiB (or halves) look like with two decimals, and become those again."""
    value = session.get("requestedRAM")
    if isinstance(value, str) and value[-1:] in "GM" and value:
        scale = 1.0 if value[-1] == "G" else 1 / 1024
        number = _number({"requestedRAM": value[:-1]}, "requestedRAM")
        return None if number is None else number * scale
    number = _number(session, "requestedRAM")
    if number is None:
        return None
    gib = number * GB / GIB
    whole = round(gib * 2) / 2
    return whole if abs(gib - whole) <= _ROUNDING else gib
