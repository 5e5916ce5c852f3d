"""Why a session stands where it does: what it waits for, what keeps it from that, what would fit; how it ended.

Reads the state and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from mockskaha.overrides import PREFIX
from mockskaha.platform import GONE
from mockskaha.session import TERMINATING, Session
from mockskaha.waiting import BEHIND, Limit, Place, QuotaShare, Room, limits_of, place_of, quotas_of, room_for
from skahasim.job import State
from skahasim.transition import Step

if TYPE_CHECKING:
    from mockskaha.platform import Platform
    from mockskaha.stream import Happening
    from skahasim.job import Job

Cause = Literal[
    "new", "fault", "limit", "quota", "no-room", "behind", "image", "starting", "restarting", "not-ready",
    "running", "stopping", "completed", "failed", "expired", "deleted", "forgotten",
]  # fmt: skip
_ENDS = {
    "Error": "its main container exited with an error",
    "OOMKilled": "it used more memory than its limit and was killed",
    "DeadlineExceeded": "its time was over",
    "Evicted": "its node put it off, and it may not start again",
    "NodeLost": "it was lost with its node",
    "StartError": "its command could not be started",
}
_PULLS = {
    "not-found": "there is no such image",
    "unauthorized": "the registry does not let it have the image",
}


@dataclass(frozen=True, slots=True)
class Policies:
    """Which of them decide."""

    ordering: str
    admission: str
    placement: str
    backfill: str
    preemption: str
    kueue: bool


@dataclass(frozen=True, slots=True)
class Why:
    """The reason, as one word, as a sentence, and in its parts; parts that do not matter are ``None`` or empty."""

    session_id: str
    app_id: str
    status: str
    cause: Cause
    text: str
    """A sentence for people."""
    waiting_for: str = ""
    """What Kubernetes, Kueue or the admission policy says."""
    since: float | None = None
    """Model time since which it is so, where that is known."""
    until: float | None = None
    """Model time at which something happens to it next, if nothing comes between: the next pull, readiness, its end."""
    limits: tuple[Limit, ...] = ()
    """What its user and group hold, under a limit."""
    quotas: tuple[QuotaShare, ...] = ()
    """Of its ClusterQueue, under Kueue."""
    place: Place | None = None
    """Where it stands among those who wait."""
    room: Room | None = None
    """What is free on the nodes."""
    overrides: dict[str, str] = field(default_factory=dict)
    """What its launch, or a fault, said should become of it."""
    policies: Policies | None = None


def why(platform: Platform, session_id: str, app_id: str = "") -> Why | None:
    """Why the session (or app of one) stands where it does; ``None`` when nothing is known of it."""
    session = platform.inventory.session(session_id)
    if session is not None and app_id:
        session = (session.apps or {}).get(app_id)
    happened = [item for item in platform.stream.of(session_id) if item.app_id == app_id]
    if session is None:
        return _gone(session_id, app_id, happened)
    overrides = {
        name.removeprefix(PREFIX): value
        for name, value in (*session.env, *session.fate)
        if name.startswith(PREFIX)
    }
    state = session.job.state
    if state is State.QUEUED:
        return _waits(platform, session, overrides, happened)
    if state in (State.STARTING, State.RUNNING):
        return _lives(session, overrides, happened)
    return _ended(session, overrides, happened)


def _gone(session_id: str, app_id: str, happened: list[Happening]) -> Why | None:
    last = next((item for item in reversed(happened) if item.step in ("deleted", "removed")), None)
    if last is None:
        if not happened:
            return None
        last = happened[-1]
    if last.step == Step.REMOVED:
        ended = next(
            (item for item in reversed(happened) if item.step in ("failed", "finished", "expired")), None
        )
        how = f" It had {_past(ended)}." if ended else ""
        text = f"It ended, and its record was removed once its time to live after that was over.{how}"
        return Why(session_id, app_id, GONE, "forgotten", text, since=last.time)
    return Why(session_id, app_id, GONE, "deleted", "It was deleted.", since=last.time)


def _past(item: Happening) -> str:
    if item.step == Step.FINISHED:
        return "completed"
    return "expired" if item.step == Step.EXPIRED else f"failed ({item.reason})"


def _last(happened: list[Happening], *steps: Step) -> float | None:
    return next((item.time for item in reversed(happened) if item.step in steps), None)


def _due(job: Job) -> float | None:
    timers = [timer.due for timer in (job.timer, job.deadline_timer) if timer is not None]
    return min(timers, default=None)


# -- those who wait ----------------------------------------------------------------------------------------


def _waits(platform: Platform, session: Session, overrides: dict[str, str], happened: list[Happening]) -> Why:
    job, model = session.job, platform.model
    since = _last(happened, Step.QUEUED, Step.SUBMITTED, Step.PREEMPTED, Step.EVICTED)
    since = job.submit_time if since is None else since
    base = (session.session_id, session.app_id, session.status)
    if job.hold is not None:
        for_ever = "" if job.timer is None else f", until {job.timer.due:g} s"
        text = f"A fault or its launch keeps it waiting{for_ever}; it is said to wait for: {job.waiting_for}"
        return Why(*base, "fault", text, job.waiting_for, since, _due(job), overrides=overrides)
    if job.node is not None:
        text = f"It was put off {job.node.name}, and waits again once its pod there has stopped."
        return Why(*base, "stopping", text, job.waiting_for, since, _due(job), overrides=overrides)
    if job.timer is not None or not job.waiting_for:
        text = "The scheduler has not looked at it yet."
        return Why(*base, "new", text, "", since, _due(job), overrides=overrides)
    limits = limits_of(model, job)
    quotas = quotas_of(model, job)
    place = place_of(platform, session)
    room = room_for(model, job)
    cause: Cause
    exceeded = next((limit for limit in limits if limit.exceeds), None)
    if job.held and quotas:
        cause, text = "quota", f"Kueue has not let it in: {job.waiting_for}. {_of_quotas(quotas)}"
    elif exceeded is not None:
        cause, text = "limit", _of_limit(exceeded)
    elif job.held:
        cause, text = "limit", f"Admission holds it: {job.waiting_for}"
    elif job.waiting_for == BEHIND or room.fits_on:
        cause, text = (
            "behind",
            f"A node has room for it, but jobs with an earlier turn come first. {_of_place(place)}",
        )
    else:
        cause, text = "no-room", f"No node has room for it. {_of_room(room)} {_of_place(place)}"
    return Why(
        *base, cause, text.strip(), job.waiting_for, since, room.fits_at, limits, quotas, place, room, overrides,
        _policies(platform),
    )  # fmt: skip


def _policies(platform: Platform) -> Policies:
    queue = platform.settings.queue
    return Policies(
        queue.ordering.policy,
        queue.admission.policy,
        queue.placement.policy,
        queue.backfill.policy,
        queue.preemption.policy,
        queue.kueue is not None,
    )


def _of_limit(limit: Limit) -> str:
    return (
        f"The {limit.kind} {limit.holder} is at the limit: {limit.exceeds}: holds {limit.held:g} of {limit.most:g} and "
        f"asks for {limit.asked:g} more; {max(0.0, limit.most - limit.held):g} would still fit."
    )


def _of_quotas(quotas: tuple[QuotaShare, ...]) -> str:
    short = [quota for quota in quotas if quota.asked > quota.available]
    return " ".join(
        f"Of {quota.resource} in {quota.flavor}, {quota.queue} uses {quota.used:g} of {quota.nominal:g}, "
        f"{quota.available:g} are available, and it asks for {quota.asked:g}."
        for quota in short
    )


def _of_room(room: Room) -> str:
    if not room.ever:
        return "No node is as large as that, so it never fits."
    closed = f" {room.closed} of {room.nodes} nodes are closed." if room.closed else ""
    if not room.nearest:
        return f"It would fit on a node that is closed.{closed}"
    near = room.nearest[0]
    when = (
        f" Room comes free there by {room.fits_at:.0f} s at the latest." if room.fits_at is not None else ""
    )
    return (
        f"The nearest is {near.node}, where {near.free_cores:g} cores, {near.free_ram_gib:g} GiB and {near.free_gpus} "
        f"GPUs are free: it is short of {' and '.join(near.short)}.{when}{closed}"
    )


def _of_place(place: Place | None) -> str:
    if place is None or place.length < 2:
        return ""
    return f"It is number {place.position} of {place.length} in {place.queue}."


# -- those who are on a node -------------------------------------------------------------------------------


def _lives(session: Session, overrides: dict[str, str], happened: list[Happening]) -> Why:
    job = session.job
    assert job.node is not None
    base = (session.session_id, session.app_id, session.status)
    where = job.node.name
    due = _due(job)
    container = job.containers[job.container] if job.containers else None
    name = container.name if container else "its container"
    if job.state is State.RUNNING:
        since = job.run_time
        if job.ready:
            ends = "" if job.timer is None else f" Its command ends at {job.timer.due:g} s."
            return Why(*base, "running", f"It runs on {where}.{ends}", "", since, due, overrides=overrides)
        when = (
            "never"
            if job.timer is None or job.work.ready_seconds == float("inf")
            else f"at {job.timer.due:g} s"
        )
        text = f"It has started on {where} and is not ready yet: its probe succeeds {when}."
        return Why(*base, "not-ready", text, "", since, due, overrides=overrides)
    since = job.schedule_time
    if container is not None and job.failed_pulls:
        outcome = _PULLS.get(container.pull, "the registry failed")
        again = "" if job.timer is None else f"; it is tried again at {job.timer.due:g} s"
        text = (
            f"Its image {container.image} cannot be pulled on {where}: {outcome}; it was tried {job.failed_pulls} "
            f"times{again}."
        )
        return Why(*base, "image", text, "ImagePullBackOff", since, due, overrides=overrides)
    last = happened[-1].step if happened else ""
    if last == Step.RESTART_BACKOFF:
        text = f"{name} ended badly on {where}, and is started again ({job.restarts} of {job.restarts_allowed} times)."
        return Why(*base, "restarting", text, "CrashLoopBackOff", happened[-1].time, due, overrides=overrides)
    doing = {
        Step.PULLING: f"image {container.image if container else ''} is being pulled",
        Step.CREATED: f"container {name} is being started",
        Step.STARTED: f"init container {name} runs",
    }.get(Step(last) if last in set(Step) else Step.QUEUED, f"container {name} is being made")
    return Why(*base, "starting", f"It starts on {where}: {doing}.", "", since, due, overrides=overrides)


def _ended(session: Session, overrides: dict[str, str], happened: list[Happening]) -> Why:
    job = session.job
    base = (session.session_id, session.app_id, session.status)
    since, removal = job.finish_time, None if job.timer is None else job.timer.due
    if session.status == TERMINATING:
        assert job.node is not None
        text = f"It has ended ({job.reason}), and its pod on {job.node.name} takes its time to stop."
        return Why(*base, "stopping", text, "", since, removal, overrides=overrides)
    if job.state is State.SUCCEEDED:
        return Why(
            *base, "completed", "Its command ended with exit code 0.", "", since, removal, overrides=overrides
        )
    exited = next((item for item in reversed(happened) if item.step == Step.EXITED), None)
    code = f" (exit code {exited.reason})" if exited is not None and job.reason == "Error" else ""
    evicted = next((item for item in reversed(happened) if item.step == Step.EVICTED), None)
    said = (
        f": {evicted.reason.rstrip('.')}"
        if evicted is not None and job.reason in ("Evicted", "NodeLost")
        else ""
    )
    text = f"It failed, {job.reason}: {_ENDS.get(job.reason, 'it could not go on')}{code}{said}."
    cause: Cause = "expired" if job.reason == "DeadlineExceeded" else "failed"
    return Why(*base, cause, text, "", since, removal, overrides=overrides)
