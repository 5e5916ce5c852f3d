"""Everybody's sessions: where each stands, how it came there, and why."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import Path
from fastapi import Query as QueryParameters
from pydantic import Field

from mockskaha.control.events import HappeningView, happening_view
from mockskaha.control.form import Query, View
from mockskaha.control.problems import NotFound
from mockskaha.control.scope import Handlers, Here
from mockskaha.platform import Platform
from mockskaha.session import Session
from mockskaha.why import Why, why

_MOST = 10_000


class SessionSummary(View):
    """A session or desktop app, as the platform knows it."""

    id: str
    app: str
    """Of a desktop app of the session; empty for the session itself."""
    user: str
    kind: str
    name: str
    image: str
    status: str
    node: str | None
    """Where it holds something."""
    cores: float
    """What it asks for."""
    ram_gib: float
    gpus: int
    waiting_for: str
    """What Kubernetes, Kueue or the admission policy says; empty when it does not wait."""
    reason: str
    """Why it ended; empty while it has not."""
    submitted: float
    """Model time, in seconds."""
    started: float | None
    """When its main container last did."""
    finished: float | None
    restarts: int


class SessionList(View):
    """Sessions and apps by job name."""

    sessions: list[SessionSummary]
    count: int
    """How many match; at most ``limit`` of them are told."""


class LimitView(View):
    """One resource of which a user or a group may hold so much at a time."""

    kind: str
    holder: str
    resource: str
    held: float
    asked: float
    most: float


class QuotaView(View):
    """One quota of a ClusterQueue, in cores, GiB or pieces."""

    queue: str
    flavor: str
    resource: str
    nominal: float
    used: float
    available: float
    asked: float


class PlaceView(View):
    """Where a session stands among those who wait."""

    queue: str
    position: int
    length: int
    ahead: list[str]
    """Ids of those before it, at most ten."""


class NearNodeView(View):
    """An open node that is large enough, and what it lacks now."""

    node: str
    free_cores: float
    free_ram_gib: float
    free_gpus: int
    short: list[str]


class RoomView(View):
    """What the nodes have for a session."""

    nodes: int
    closed: int
    ever: bool
    """Whether it fits on some node, were that empty and open."""
    fits_on: list[str]
    """Nodes on which it fits now, at most ten."""
    nearest: list[NearNodeView]
    """Open nodes that lack least, when it fits on none."""
    fits_at: float | None
    """Model time by which it fits at the latest, if nobody else comes: by known ends and deadlines."""


class PoliciesView(View):
    """Which policies decide."""

    ordering: str
    admission: str
    placement: str
    backfill: str
    preemption: str
    kueue: bool


class WhyView(View):
    """Why a session stands where it does."""

    session: str
    app: str
    status: str
    cause: str
    """One word: ``new``, ``fault``, ``limit``, ``quota``, ``no-room``, ``behind``, ``image``, ``starting``,
    ``restarting``, ``not-ready``, ``running``, ``stopping``, ``completed``, ``failed``, ``expired``, ``deleted`` or
    ``forgotten``."""
    text: str
    """A sentence for people."""
    waiting_for: str
    since: float | None
    """Model time since which it is so."""
    until: float | None
    """Model time at which something happens to it next, if nothing comes between."""
    limits: list[LimitView]
    quotas: list[QuotaView]
    place: PlaceView | None
    room: RoomView | None
    overrides: dict[str, str]
    """What its launch, or a fault, said should become of it."""
    policies: PoliciesView | None


class SessionView(View):
    """All there is to know of a session."""

    session: SessionSummary | None
    """``null`` when it is gone."""
    apps: list[SessionSummary]
    why: WhyView
    timeline: list[HappeningView]
    """Everything that happened to it and its apps, as far as it is kept."""


class SessionFilter(Query):
    """Which sessions; what is left out does not matter."""

    user: str | None = None
    kind: str | None = None
    status: str | None = None
    limit: int = Field(default=1_000, ge=1, le=_MOST)


def summary(session: Session) -> SessionSummary:
    job = session.job
    return SessionSummary(
        id=session.session_id,
        app=session.app_id,
        user=session.owner.username,
        kind=session.kind,
        name=session.name,
        image=session.image,
        status=session.status,
        node=None if job.node is None else job.node.name,
        cores=job.request.cores,
        ram_gib=job.request.ram_gib,
        gpus=job.request.gpus,
        waiting_for=job.waiting_for,
        reason=job.reason,
        submitted=job.submit_time,
        started=job.run_time,
        finished=job.finish_time,
        restarts=job.restarts,
    )


def why_view(found: Why) -> WhyView:
    data = asdict(found)
    data["session"], data["app"] = data.pop("session_id"), data.pop("app_id")
    return WhyView.model_validate(data)


def reason(platform: Platform, session_id: str) -> str:
    """Why a session stands where it does, as a sentence."""
    found = why(platform, session_id)
    return "" if found is None else found.text


async def list_sessions(namespace: Here, query: Annotated[SessionFilter, QueryParameters()]) -> SessionList:
    found = [
        session
        for session in namespace.platform.inventory
        if (query.user is None or session.owner.username == query.user)
        and (query.kind is None or session.kind == query.kind)
        and (query.status is None or session.status == query.status.capitalize())
    ]
    return SessionList(sessions=[summary(session) for session in found[: query.limit]], count=len(found))


async def get_session(namespace: Here, session: Annotated[str, Path()]) -> SessionView:
    platform = namespace.platform
    found, reasons = platform.inventory.session(session), why(platform, session)
    if reasons is None:
        raise NotFound(f"there is no session {session[:80]!r}, and nothing is kept of one")
    return SessionView(
        session=None if found is None else summary(found),
        apps=[] if found is None else [summary(app) for app in (found.apps or {}).values()],
        why=why_view(reasons),
        timeline=[happening_view(platform, item) for item in platform.stream.of(session)],
    )


async def get_why(namespace: Here, session: Annotated[str, Path()]) -> WhyView:
    found = why(namespace.platform, session)
    if found is None:
        raise NotFound(f"there is no session {session[:80]!r}, and nothing is kept of one")
    return why_view(found)


HANDLERS: Handlers = {"listSessions": list_sessions, "getSession": get_session, "getWhy": get_why}
