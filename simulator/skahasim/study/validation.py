"""Is a schedule possible at all? Checked from its tables and events alone, with nothing of the model that made it.

The idea is pyss's validating machine and its check of each finished schedule (Hebrew University, 2007).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isclose, isnan, nan
from typing import Any

from skahasim.resources import NOTHING, Resources
from skahasim.study.events import Event
from skahasim.study.quota import QuotaLedger
from skahasim.study.rows import FAILED, STILL_RUNNING, SUBMITTED, SUCCESSFUL, WALLTIME_REACHED
from skahasim.study.run import Run
from skahasim.transition import Step

_ENDS = frozenset({Step.FINISHED.value, Step.FAILED.value, Step.EXPIRED.value, Step.DELETED.value})
_PUT_OFF = frozenset({Step.EVICTED.value, Step.PREEMPTED.value})
_SECONDS = 1e-6
"""Times are floats: what should be equal may differ by so much."""


class Violation(ValueError):
    """What is impossible about a schedule."""


@dataclass(slots=True)
class Validation:
    """What was checked, and the first thing wrong."""

    checks: Counter[str] = field(default_factory=Counter)
    """How often each thing was checked."""
    violation: str = ""
    """Empty when nothing is wrong."""

    @property
    def holds(self) -> bool:
        return not self.violation


@dataclass(slots=True)
class _Life:
    """What the events say of one job, and what its row says it asked for."""

    request: Resources
    user: str
    group: str
    queue: str
    submitted: float = nan
    bound: float = nan
    node: str = ""
    started: float = nan
    ended: float = nan
    starts: int = 0
    evictions: int = 0
    preemptions: int = 0
    lost: float = 0.0


def validate(run: Run, events: Iterable[Event]) -> Validation:
    """Check that

    - no node holds more than its capacity at any instant, and no job is on two nodes or on none when it starts;
    - no limit of a user or a group and no quota of a ClusterQueue or a cohort is exceeded at any instant (not checked
      where a calendar moves limits);
    - no job starts before its submission, events do not go back, and nothing happens to a job that has ended;
    - every job runs exactly as long as its work or its requested time lasts (where contention stretches runs: no
      shorter than its work, no longer than its requested time);
    - evictions, preemptions and the time lost by them are those the events tell;
    - every job that ended has given back what it held, and the table has every job once.

    Where a scheduling pass follows each event (``passes: each-event``), an instant is checked at its end: jobs that
    end in it and jobs that start in it may pass each other.
    """
    outcome = Validation()
    try:
        _Checker(run, outcome.checks).check(events)
    except Violation as error:
        outcome.violation = str(error)
    return outcome


class _Checker:
    def __init__(self, run: Run, checks: Counter[str]) -> None:
        self.run, self.checks = run, checks
        configuration: Mapping[str, Any] = run.facts.get("configuration", {})
        queue = configuration.get("queue") or {}
        self.at_ends_only = (queue.get("backfill") or {}).get("passes") == "each-event"
        self.stretched = ((configuration.get("contention") or {}).get("cpu") or "none") != "none"
        admission = queue.get("admission") or {}
        moving = bool(configuration.get("calendar"))
        self.limits = {
            kind: {} if moving else _given(admission.get(f"per_{kind}") or {}) for kind in ("user", "group")
        }
        self.quotas = QuotaLedger({} if moving else run.facts.get("quotas", {}))
        self.counts_quotas = not moving and "quotas" in run.facts
        self.capacity = {
            str(name): Resources(*map(int, amount)) for name, amount in run.facts.get("nodes", {}).items()
        }
        self.init_containers = range(2) if configuration.get("image") else range(0)
        self.held: dict[str, Resources] = dict.fromkeys(self.capacity, NOTHING)
        self.holders: dict[tuple[str, str], tuple[int, Resources]] = {}
        self.lives: dict[int, _Life] = {}
        self.touched: set[str] = set()
        self.touched_holders: set[tuple[str, str]] = set()

    def check(self, events: Iterable[Event]) -> None:
        self._read_rows()
        now = 0.0
        for event in events:
            if event.time < now:
                raise Violation(f"time goes back from {now!r} s to {event.time!r} s (job {event.job})")
            if event.time > now:
                self._instant_is_over(now)
                self._check_quotas(now)
                now = event.time
            self.checks["events in order"] += 1
            self._follow(event)
            if not self.at_ends_only and event.event == Step.SCHEDULED:
                self._instant_is_over(now)
        self._instant_is_over(now)
        self._check_quotas(now)
        self._check_rows()

    def _read_rows(self) -> None:
        for row in _rows(self.run):
            if row["job_id"] in self.lives:
                raise Violation(f"job {row['job_id']} is in the table twice")
            self.lives[row["job_id"]] = _Life(
                Resources.of(row["requested_cores"], row["requested_ram_gib"], int(row["requested_gpus"])),
                row["user"],
                row["group"],
                row["queue"],
            )
        self.checks["jobs in the table once"] = len(self.lives)

    # -- events ------------------------------------------------------------------------------------------

    def _follow(self, event: Event) -> None:
        life = self.lives.get(event.job)
        if life is None:
            raise Violation(
                f"at {event.time:g} s something happens to job {event.job}, which is not in the table"
            )
        if event.event == Step.SUBMITTED:
            life.submitted = event.time
            return
        if isnan(life.submitted):
            raise Violation(f"job {event.job} is {event.event} at {event.time:g} s, before it is submitted")
        if not isnan(life.ended) and event.event not in (Step.KILLING, Step.RELEASED, Step.REMOVED):
            raise Violation(f"job {event.job} is {event.event} at {event.time:g} s, after its end")
        if self.counts_quotas:
            self._count_quota(event, life)
        if event.event == Step.SCHEDULED:
            self._bind(event, life)
        elif event.event == Step.RELEASED:
            self._release(event, life)
        elif event.event == Step.STARTED:
            if not life.node:
                raise Violation(f"job {event.job} starts at {event.time:g} s on no node")
            if event.container in self.init_containers:
                return
            life.started = event.time
            life.starts += 1
            self.checks["starts on a node"] += 1
        elif event.event in _PUT_OFF and life.node:
            life.evictions += 1
            life.preemptions += event.event == Step.PREEMPTED
            life.lost += event.time - life.bound
            self.checks["evictions"] += 1
        elif event.event in _ENDS:
            life.ended = event.time

    def _count_quota(self, event: Event, life: _Life) -> None:
        """Quota is held from admission until the node is given back, or without a node until the end."""
        if event.event == Step.ADMITTED:
            self.quotas.admit(event.job, life.queue, life.request)
            self.checks["quotas within limits"] += 1
        elif event.event == Step.RELEASED or (not life.node and event.event in (_ENDS | _PUT_OFF)):
            self.quotas.withdraw(event.job)

    def _check_quotas(self, now: float) -> None:
        if self.counts_quotas and (excess := self.quotas.excess()):
            raise Violation(f"at {now:g} s {excess}")

    def _bind(self, event: Event, life: _Life) -> None:
        node = event.reason
        if life.node:
            raise Violation(f"job {event.job} goes to {node} at {event.time:g} s while it is on {life.node}")
        if node not in self.capacity:
            raise Violation(f"job {event.job} goes to {node} at {event.time:g} s, which is no node")
        life.node, life.bound = node, event.time
        self._move(node, life, +1)

    def _release(self, event: Event, life: _Life) -> None:
        if not life.node:
            raise Violation(f"job {event.job} gives back at {event.time:g} s what it does not hold")
        self._move(life.node, life, -1)
        life.node = ""

    def _move(self, node: str, life: _Life, sign: int) -> None:
        held = self.held[node]
        self.held[node] = held.plus(life.request) if sign > 0 else held.minus(life.request)
        self.touched.add(node)
        for kind, name in (("user", life.user), ("group", life.group)):
            if self.limits[kind] and name:
                jobs, amount = self.holders.get((kind, name), (0, NOTHING))
                amount = amount.plus(life.request) if sign > 0 else amount.minus(life.request)
                self.holders[kind, name] = (jobs + sign, amount)
                self.touched_holders.add((kind, name))

    def _instant_is_over(self, now: float) -> None:
        for node in sorted(self.touched):
            held, capacity = self.held[node], self.capacity[node]
            if not held.fits(capacity):
                raise Violation(f"at {now:g} s {node} holds {_spelled(held)} of {_spelled(capacity)}")
        self.checks["nodes within capacity"] += len(self.touched)
        self.touched.clear()
        for kind, name in sorted(self.touched_holders):
            jobs, amount = self.holders[kind, name]
            holds = {"jobs": jobs, "cores": amount.cores, "ram_gib": amount.ram_gib, "gpus": amount.gpus}
            for what, most in self.limits[kind].items():
                if holds[what] > most + 1e-9:
                    raise Violation(f"at {now:g} s {kind} {name} holds {holds[what]:g} {what} of {most:g}")
        self.checks["users and groups within limits"] += len(self.touched_holders)
        self.touched_holders.clear()

    # -- rows --------------------------------------------------------------------------------------------

    def _check_rows(self) -> None:
        for row in _rows(self.run):
            life = self.lives[row["job_id"]]
            label = f"job {row['job_id']}"
            self._check_times(label, row, life)
            self._check_length(label, row)
            _equal(label, "evictions", row["evictions"], life.evictions)
            _equal(label, "preemptions", row["preemptions"], life.preemptions)
            _equal(label, "lost_seconds", row["lost_seconds"], life.lost)
            self.checks["evictions accounted for"] += 1
            ended = row["final_state"] not in (SUBMITTED, STILL_RUNNING)
            if ended and life.node:
                raise Violation(f"{label} has ended and still holds its place on {life.node}")
            self.checks["jobs that gave back what they held"] += ended

    def _check_times(self, label: str, row: Mapping[str, Any], life: _Life) -> None:
        _equal(label, "submission_time", row["submission_time"], life.submitted)
        _equal(label, "starting_time", row["starting_time"], life.started)
        _equal(label, "finish_time", row["finish_time"], life.ended)
        for earlier, later in (
            ("submission_time", "starting_time"),
            ("submission_time", "first_starting_time"),
            ("first_starting_time", "starting_time"),
            ("starting_time", "finish_time"),
            ("submission_time", "finish_time"),
        ):
            if row[later] < row[earlier]:
                raise Violation(f"{label}: {later} {row[later]:g} is before {earlier} {row[earlier]:g}")
        self.checks["starts after submission"] += not isnan(row["starting_time"])

    def _check_length(self, label: str, row: Mapping[str, Any]) -> None:
        """A run that came to its own end lasts as long as it should."""
        own_end = row["final_state"] in (SUCCESSFUL, WALLTIME_REACHED) or (
            row["final_state"] == FAILED and row["reason"] == "Error"
        )
        if not own_end:
            return
        ran, work, requested = row["execution_time"], row["run_seconds"], row["requested_time"]
        _equal(label, "execution_time", ran, row["finish_time"] - row["starting_time"])
        if isnan(work):
            return
        longest = requested if requested >= 0 else float("inf")
        due = min(work, longest)
        slack = _SECONDS + 1e-12 * row["finish_time"]
        if self.stretched:
            if not due - slack <= ran <= longest + slack:
                raise Violation(f"{label} runs {ran:g} s instead of {due:g} s to {longest:g} s")
        elif abs(ran - due) > slack:
            raise Violation(f"{label} runs {ran:g} s instead of {due:g} s")
        self.checks["runs as long as they should be"] += 1


_ROW = (
    "job_id", "submission_time", "starting_time", "first_starting_time", "execution_time", "finish_time",
    "requested_time", "run_seconds", "final_state", "reason", "user", "group", "queue", "requested_cores",
    "requested_ram_gib", "requested_gpus", "evictions", "preemptions", "lost_seconds",
)  # fmt: skip


def _rows(run: Run) -> Iterable[dict[str, Any]]:
    columns = [run.jobs[name].tolist() for name in _ROW]
    return (dict(zip(_ROW, values, strict=True)) for values in zip(*columns, strict=True))


def _equal(label: str, what: str, told: float, found: float) -> None:
    if isnan(told) and isnan(found):
        return
    if not isclose(told, found, rel_tol=1e-12, abs_tol=_SECONDS):
        raise Violation(f"{label}: {what} is {told:g}, and {found:g} by its events")


def _given(limits: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(most) for name, most in limits.items() if most is not None}


def _spelled(amount: Resources) -> str:
    return f"{amount.cores:g} cores, {amount.ram_gib:g} GiB, {amount.gpus} GPUs"
