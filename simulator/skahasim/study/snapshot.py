"""Read what waits and runs at one moment: from the sessions a service lists, or from mockskaha's state file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from skahasim.clock import wall_time
from skahasim.draws import Draws
from skahasim.study.simulation import simulate
from skahasim.study.state import Known, QueueState
from skahasim.transition import Step, Transition
from skahasim.workload.arrival import Arrival
from skahasim.workload.journal import Journal, drawn_runs, read_journal
from skahasim.workload.sessions import read_sessions
from skahasim.workload.settings import JournalWorkload

if TYPE_CHECKING:
    from skahasim.job import Job
    from skahasim.scenario import Scenario

_SQLITE = b"SQLite format 3\0"
_BEYOND = 1 + 1e-12
"""So that rounding leaves the last command in."""
_RUNNING, _WAITING = frozenset({"Running", "Terminating"}), frozenset({"Pending"})


class UnusableState(ValueError):
    """No state can be read; the text says what to do."""


def read_state(path: Path, scenario: Scenario, at: str | None = None) -> QueueState:
    """What waits and runs ``at`` a moment (ISO 8601, UTC unless it says otherwise; or ``now``).

    ``path`` is the JSON that ``GET /v1/session`` answers: sessions that are Running or Pending count, the moment is
    that of the file's last change, and a session that waits has no time of its own, so it is the last that came. Or
    it is the state file of a mockskaha server, which may be running: its commands are played through the scenario's
    cluster, queue and profile up to the moment, by default that of the last command. A batch command of which nothing
    is known takes what that profile gives it.

    Raises :class:`UnusableState` and ``ConfigurationError``.
    """
    moment = None if at is None else _moment(at)
    try:
        with path.open("rb") as file:
            begin = file.read(len(_SQLITE))
    except OSError as error:
        raise UnusableState(f"{path}: cannot be read: {error.strerror or type(error).__name__}") from None
    return _replayed(path, scenario, moment) if begin == _SQLITE else _listed(path, moment)


def _moment(text: str) -> float:
    if text == "now":
        return inf
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UnusableState(f"--at {text}: should be now, or a time such as 2026-01-05T14:00") from None
    return (found.replace(tzinfo=UTC) if found.tzinfo is None else found).timestamp()


def _listed(path: Path, moment: float | None) -> QueueState:
    sessions = list(read_sessions(path))
    data = json.loads(path.read_bytes())
    items = data if isinstance(data, list) else [data]
    latest = max((start for start, _ in sessions), default=0.0)
    now = max(latest, path.stat().st_mtime) if moment is None else wall_time() if moment == inf else moment
    known = []
    for item, (start, arrival) in zip(items, sessions, strict=True):
        status = str(item.get("status", ""))
        if status in _RUNNING:
            known.append((start, Known(arrival, max(0.0, now - start))))
        elif status in _WAITING and start <= now:
            # Without a start time it is suspended, and its deadline does not run yet.
            runs_since = start if item.get("startTime") not in (None, "", "<none>") else now
            known.append((start, Known(_with_deadline(arrival, now - runs_since), None)))
    known.sort(key=lambda item: item[0])
    return QueueState(now, tuple(job for _, job in known))


def _with_deadline(arrival: Arrival, elapsed: float) -> Arrival:
    """``arrival`` with ``elapsed`` seconds of its deadline gone."""
    deadline = arrival.deadline_seconds
    return arrival._replace(deadline_seconds=None if deadline is None else max(1.0, deadline - elapsed))


def _replayed(path: Path, scenario: Scenario, moment: float | None) -> QueueState:
    journal = read_journal(path)
    start = scenario.start if journal.start is None else journal.start
    end = journal.last
    if moment == inf:
        if (opened := journal.opened) is None:
            raise UnusableState(f"{path}: is of a server with a manual clock; leave out --at, or give a time")
        end = opened.time + max(0.0, wall_time() - opened.wall) * opened.speed
    elif moment is not None:
        end = moment - start
    arrivals = list(journal.arrivals(_unknown_runs(journal, scenario)))
    if end < 0:
        raise UnusableState(f"{path}: --at is before its first command")
    there: dict[int, Job] = {}
    since: dict[int, float] = {}

    def hear(seen: Transition) -> None:
        number = seen.job.number
        match seen.step:
            case Step.SUBMITTED:
                there[number] = seen.job
            case Step.SCHEDULED:
                since[number] = seen.time
            case Step.EVICTED | Step.PREEMPTED:
                since.pop(number, None)
            case Step.FINISHED | Step.FAILED | Step.EXPIRED | Step.DELETED:
                there.pop(number, None)

    hours = max(end * _BEYOND, 1e-3) / 3600.0
    horizon = scenario.settings.horizon.model_copy(update={"hours": hours, "drain": True})
    changes = {"horizon": horizon, "arrivals": "after-events"}
    played = replace(scenario, settings=scenario.settings.model_copy(update=changes))
    simulate(
        played, seed=journal.seed, arrivals=[a for a in arrivals if a.submit_time <= end], observers=(hear,)
    )
    known = {arrival.number: arrival for arrival in arrivals}
    jobs = []
    for number, job in there.items():
        moment_of_age = since.get(number, end)
        elapsed = moment_of_age - (moment_of_age if job.start_time is None else job.start_time)
        age = end - since[number] if number in since else None
        jobs.append(Known(_with_deadline(known[number], elapsed), age))
    return QueueState(start + end, tuple(jobs))


def _unknown_runs(journal: Journal, scenario: Scenario) -> Callable[[int], float | None]:
    """Run times of batch commands of which nothing is known: as the scenario says, or as the server draws them."""
    settings = scenario.settings.workload
    if isinstance(settings, JournalWorkload) and settings.run is not None:
        return drawn_runs(journal, settings, scenario.settings.seed)
    work, draws = scenario.profile().work, Draws(journal.seed)
    return lambda number: work.sample(draws.uniform("work", number))
