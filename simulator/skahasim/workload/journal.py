"""The state file of a mockskaha server as a workload: every session it was asked for, at the time it was.

The file (SQLite) has a table ``commands`` of all that changed the state, and ``meta`` with the seed and the time of
time 0. Read are ``create``, ``delete``, ``delete-app`` and ``renew``. Sessions get what a service with the default
choices gives them. How long one runs is known from its command (``sleep``, ``true``, ``false``, ``echo``) or from what
the launch told the mock (``MOCKSKAHA_RUNTIME``, ``_EXIT``, ``_CORES``, ``_MEMORY``); what other commands take, the
settings have to say.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from math import floor, inf
from pathlib import Path
from typing import Any

from skahasim.amounts import duration, memory_gib
from skahasim.draws import Draws
from skahasim.workload.arrival import Arrival
from skahasim.workload.settings import JournalWorkload
from skahasim.workload.skaha import DESKTOP_APP, HEADLESS, INTERACTIVE_DEADLINE, allotment, deadline
from skahasim.workload.source import Epoch, Workload
from skahasim.workload.statefile import BusyState, copied
from skahasim.yamlfile import ConfigurationError, Origin, Problem

FORMAT = "1"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ALPHANUMERIC = _LETTERS + "0123456789"
_SECONDS = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([smhd]?)", re.ASCII)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_PREFIX = "MOCKSKAHA_"
_IDLE_CORES, _IDLE_GIB = 0.002, 0.004


@dataclass(slots=True)
class _Asked:
    """A session and what became of it."""

    number: int
    time: float
    fields: dict[str, Any]
    deadline: float
    deleted: float | None = None
    apps: list[_Asked] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Opened:
    """When a server by the wall clock last took the file up."""

    time: float
    """Model time."""
    wall: float
    """Unix time of that moment."""
    speed: float
    """Model seconds in a second of wall time."""


@dataclass(frozen=True, slots=True)
class Journal:
    """What a state file says. Sessions are few enough to be kept: a later command may end them."""

    path: Path
    seed: int
    start: float | None
    """Unix time of model time 0."""
    asked: list[_Asked]
    last: float
    """Model time of the last command of any kind."""
    opened: Opened | None

    def arrivals(self, unknown: Callable[[int], float | None]) -> Iterator[Arrival]:
        """Every session asked for; ``unknown`` tells the run time, by number, of whose command nothing is known of.

        :raises ConfigurationError: a launch that cannot be understood, or whose run time nobody tells.
        """
        for session in self.asked:
            try:
                arrival = _arrival(self.path, session, unknown)
            except (ValueError, KeyError, TypeError) as error:
                if isinstance(error, ConfigurationError):
                    raise
                message = f"the launch of session {session.number} cannot be read: {error}"
                raise _refused(self.path, message) from None
            yield arrival


def open_source(settings: JournalWorkload, seed: int, base: Path, epoch: Epoch) -> Workload:
    """The sessions of a state file. ``seed`` draws the run times the file does not tell."""
    path = base / settings.file
    journal = read_journal(path)
    start = epoch.unix if journal.start is None else journal.start
    arrivals = journal.arrivals(drawn_runs(journal, settings, seed))
    return Workload(arrivals, Epoch(start, epoch.time_zone), (path,))


def drawn_runs(journal: Journal, settings: JournalWorkload, seed: int) -> Callable[[int], float | None]:
    """Run times drawn as ``settings`` say; none, when they do not."""
    if settings.run is None:
        return lambda _: None
    from skahasim.randomness import generator

    uniform = generator(seed, "workload", "journal", "run").random(len(journal.asked))
    drawn = settings.run.quantiles(uniform).tolist()
    return dict(zip((session.number for session in journal.asked), drawn, strict=True)).get


def _refused(path: Path, message: str) -> ConfigurationError:
    return ConfigurationError([Problem(Origin(str(path)), (), message)])


def read_journal(path: Path) -> Journal:
    """What the state file at ``path`` says; a server may be using it.

    :raises ConfigurationError: it is no such file, or damaged.
    """
    if not path.is_file():
        raise _refused(path, "cannot be read: no such file")
    try:
        with copied(path) as copy, closing(sqlite3.connect(copy)) as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
            if not {"meta", "commands"} <= tables:
                raise _refused(path, "is an SQLite file, but not a state file of mockskaha")
            meta = dict(connection.execute("SELECT key, value FROM meta"))
            if meta.get("format") != FORMAT:
                raise _refused(path, f"has format {meta.get('format')}; this version reads {FORMAT}")
            rows = connection.execute(
                "SELECT number, time, name, fields FROM commands WHERE name IN "
                "('create', 'delete', 'delete-app', 'renew') ORDER BY number"
            )
            asked = _sessions(path, Draws(int(meta["seed"])), rows)
            (last,) = connection.execute("SELECT max(time) FROM commands").fetchone()
            opened = connection.execute(
                "SELECT time, fields FROM commands WHERE name = 'open' ORDER BY number DESC LIMIT 1"
            ).fetchone()
            start = datetime.fromisoformat(meta["epoch"]) if "epoch" in meta else None
            return Journal(
                path,
                int(meta["seed"]),
                None if start is None else float(int(start.timestamp())),
                asked,
                last or 0.0,
                None if opened is None else Opened(opened[0], **json.loads(opened[1])),
            )
    except sqlite3.DatabaseError as error:
        raise _refused(path, f"cannot be used as a state file: {error}") from None
    except OSError as error:
        reason = str(error) if isinstance(error, BusyState) else f"cannot be read: {error.strerror}"
        raise _refused(path, reason.removeprefix(f"{path}: ")) from None
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise _refused(path, f"is damaged: {error}") from None


def _sessions(path: Path, draws: Draws, rows: Iterator[tuple[int, float, str, str]]) -> list[_Asked]:
    """Every session asked for, in order; ids are those the server gave out, drawn from its seed."""
    asked: list[_Asked] = []
    live: dict[str, _Asked] = {}
    apps: dict[tuple[str, str], _Asked] = {}
    created = 0
    for number, time, name, text in rows:
        try:
            fields = json.loads(text)
        except json.JSONDecodeError as error:
            raise _refused(path, f"command {number} cannot be read: {error.msg}") from None
        if name == "create":
            parent = fields.get("parent", "")
            kind = str(fields["kind"])
            session = _Asked(created, time, fields, deadline(kind))
            if not parent:
                live[_new_id(draws, created, 8, live)] = session
            elif parent in live:
                taken = {app for owner, app in apps if owner == parent}
                apps[parent, _new_id(draws, created, 3, taken)] = session
                live[parent].apps.append(session)
            created += 1
            if not parent or parent in live:
                asked.append(session)
        elif name == "delete":
            gone = live.pop(fields["session_id"], None)
            _delete(gone, time)
        elif name == "delete-app":
            _delete(apps.pop((fields["session_id"], fields["app_id"]), None), time)
        elif (renewed := live.get(fields["session_id"])) is not None:
            for item in (renewed, *renewed.apps):
                _renew(item, time)
    return asked


def _new_id(draws: Draws, number: int, length: int, taken: Any) -> str:
    attempt = 0
    while (found := draws.text(length, _LETTERS, _ALPHANUMERIC, "id", number, attempt)) in taken:
        attempt += 1
    return found


def _delete(session: _Asked | None, time: float) -> None:
    if session is not None:
        for item in (session, *session.apps):
            if item.deleted is None:
                item.deleted = time


def _renew(session: _Asked, time: float) -> None:
    """Four days from now, when fewer were left (skaha-contract §4.4)."""
    elapsed = floor(time) - floor(session.time)
    if session.deadline - elapsed < INTERACTIVE_DEADLINE and elapsed < session.deadline:
        session.deadline = elapsed + INTERACTIVE_DEADLINE


def _arrival(path: Path, session: _Asked, unknown: Callable[[int], float | None]) -> Arrival:
    fields = session.fields
    kind = str(fields["kind"])
    request, limit = allotment(kind, fields.get("cores"), fields.get("ram_gib"), int(fields.get("gpus", 0)))
    overrides = {
        key[len(_PREFIX) :]: value
        for key, value in (*fields.get("env", ()), *fields.get("fate", ()))
        if key.startswith(_PREFIX)
    }
    seconds: float | None
    cores: float | None = None
    ram_gib: float | None = None
    code = 0
    if kind != HEADLESS:
        seconds = inf
        if kind == DESKTOP_APP:
            cores, ram_gib = _IDLE_CORES, _IDLE_GIB
    else:
        known = _outcome(str(fields.get("cmd", "")), list(fields.get("args", ())))
        if known is None:
            seconds = unknown(session.number)
        else:
            (seconds, code), cores, ram_gib = known, _IDLE_CORES, _IDLE_GIB
    if "RUNTIME" in overrides:
        given = overrides["RUNTIME"]
        seconds = inf if given.strip().lower() == "forever" else duration(given)
    if seconds is None:
        message = (
            f"session {fields.get('name', '')!r} runs {fields.get('cmd') or 'its image'!r}, and nothing says how long; "
            "give workload.run, or MOCKSKAHA_RUNTIME at the launch"
        )
        raise _refused(path, message)
    code = int(overrides.get("EXIT", code))
    if "CORES" in overrides:
        cores = float(overrides["CORES"])
    if "MEMORY" in overrides:
        ram_gib = memory_gib(overrides["MEMORY"])
    return Arrival(
        number=session.number,
        submit_time=session.time,
        request=request,
        limit=limit,
        run_seconds=None if seconds == inf else seconds,
        name=str(fields.get("name", "")),
        user=str(fields["username"]),
        group=str(fields["groups"][0]) if fields.get("groups") else "",
        kind=kind,
        job_class="" if kind == HEADLESS else kind,
        cores_used=cores,
        ram_used_gib=ram_gib,
        completes=code == 0,
        deadline_seconds=session.deadline,
        exit_code=code,
        deleted_after=None if session.deleted is None else session.deleted - session.time,
    )


def _outcome(cmd: str, args: list[str]) -> tuple[float, int] | None:
    """Run time and exit code of the simplest commands; ``None`` for all others."""
    name = cmd.rsplit("/", 1)[-1]
    if name == "sleep":
        if args == ["infinity"]:
            return inf, 0
        matches = [_SECONDS.fullmatch(word) for word in args]
        if not matches or not all(matches):
            return 0.0, 1
        return float(sum(float(match[1]) * _UNITS[match[2]] for match in matches if match)), 0
    return {"true": (0.0, 0), "false": (0.0, 1), "echo": (0.0, 0)}.get(name)
