"""What keeps a waiting session from a node: limits, quotas, who comes before it, and what is free. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from mockskaha.session import Session
from skahasim.backfill.queue import BEHIND
from skahasim.job import State

if TYPE_CHECKING:
    from mockskaha.platform import Platform
    from skahasim.cluster import Node
    from skahasim.job import Job
    from skahasim.model import Model

_NEAREST = 3
_UNITS = {"cpu": 1000.0, "memory": 2.0**30}
"""What one of it is in the base units of Kueue's quotas, which are told in cores and GiB."""

__all__ = [
    "BEHIND",
    "Limit",
    "Near",
    "Place",
    "QuotaShare",
    "Room",
    "limits_of",
    "place_of",
    "quotas_of",
    "room_for",
]


@dataclass(frozen=True, slots=True)
class Limit:
    """One resource of which a user or a group may hold so much at a time."""

    kind: str
    """``user`` or ``group``."""
    holder: str
    resource: str
    """``jobs``, ``cores``, ``ram_gib`` or ``gpus``."""
    held: float
    asked: float
    most: float

    @property
    def exceeds(self) -> str:
        """The resource, if the session would be above the limit; else empty."""
        return self.resource if self.held + self.asked > self.most else ""


@dataclass(frozen=True, slots=True)
class QuotaShare:
    """One quota of a ClusterQueue. In cores, GiB or pieces."""

    queue: str
    flavor: str
    resource: str
    nominal: float
    used: float
    available: float
    """What the queue may still take, from its own and from others."""
    asked: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a session stands among those who wait."""

    queue: str
    """``the queue``, or a ClusterQueue."""
    position: int
    """From 1."""
    length: int
    ahead: tuple[str, ...]
    """Ids of the sessions before it, at most ten, the next in turn first."""


@dataclass(frozen=True, slots=True)
class Near:
    """An open node that is large enough, and what it lacks now."""

    node: str
    free_cores: float
    free_ram_gib: float
    free_gpus: int
    short: tuple[str, ...]
    """``4 cores``, ``1.5 GiB``, ``1 GPU``."""


@dataclass(frozen=True, slots=True)
class Room:
    """What the nodes have for a session."""

    nodes: int
    closed: int
    ever: bool
    """Whether it fits on some node, were that empty and open."""
    fits_on: tuple[str, ...]
    """Nodes on which it fits now, at most ten."""
    nearest: tuple[Near, ...]
    """Open nodes that lack least, when it fits on none."""
    fits_at: float | None
    """Model time by which it fits on an open node at the latest, if nobody else comes: ends that are known, and
    deadlines. ``None`` when it fits now, or never."""


def limits_of(model: Model, job: Job) -> tuple[Limit, ...]:
    """The limits ``job`` falls under."""
    standings = getattr(model.policies.admission, "standings", None)
    if standings is None:
        return ()
    request = job.request
    found: list[Limit] = []
    for standing in standings(job):
        held, limits = standing.held, standing.limits
        for resource, has, asks, most in (
            ("jobs", float(standing.jobs), 1.0, limits.jobs),
            ("cores", held.cores, request.cores, limits.cores),
            ("ram_gib", held.ram_gib, request.ram_gib, limits.ram_gib),
            ("gpus", float(held.gpus), float(request.gpus), limits.gpus),
        ):
            if most < inf:
                found.append(Limit(standing.kind, standing.holder, resource, has, asks, float(most)))
    return tuple(found)


def quotas_of(model: Model, job: Job) -> tuple[QuotaShare, ...]:
    """The quotas of the ClusterQueue ``job`` waits in; none without Kueue."""
    queue: Any = model.queue
    name = _cluster_queue(model, job)
    if not name:
        return ()
    node = queue.scheduler.queues[name].node
    request = job.request
    asked = {"cpu": request.cores, "memory": request.ram_gib, "nvidia.com/gpu": float(request.gpus)}
    return tuple(
        QuotaShare(
            name,
            flavor,
            resource,
            node.nominal(key) / _UNITS.get(resource, 1.0),
            node.usage.get(key, 0) / _UNITS.get(resource, 1.0),
            node.available(key) / _UNITS.get(resource, 1.0),
            asked.get(resource, 0.0),
        )
        for key in sorted(node.quotas)
        for flavor, resource in (key,)
    )


def _cluster_queue(model: Model, job: Job) -> str:
    """The ClusterQueue ``job`` is submitted to; empty without Kueue, or when there is none for it."""
    installation = getattr(model.queue, "installation", None)
    return "" if installation is None else str(installation.place(job).cluster_queue)


def place_of(platform: Platform, session: Session) -> Place | None:
    """Where ``session``, which waits, stands; ``None`` when it is not in the queue."""
    model = platform.model
    mine = _cluster_queue(model, session.job)
    ordering = model.policies.ordering

    def turn(item: Session) -> tuple[float, float, int]:
        job = item.job
        if mine:
            return (-float(job.priority), job.submit_time, job.number)
        return (ordering.key(job), 0.0, job.number)

    waiting = [
        item
        for item in platform.inventory
        if item.job.state is State.QUEUED
        and item.job.timer is None
        and item.job.hold is None
        and item.job.node is None
        and item.job.held == session.job.held
        and (not mine or _cluster_queue(model, item.job) == mine)
    ]
    waiting.sort(key=turn)
    if session not in waiting:
        return None
    position = waiting.index(session)
    return Place(
        f"ClusterQueue {mine}" if mine else "the queue",
        position + 1,
        len(waiting),
        tuple(item.session_id for item in waiting[:position][:10]),
    )


def room_for(model: Model, job: Job) -> Room:
    """What the nodes have for ``job``."""
    request = job.request
    nodes = model.cluster.nodes
    open_nodes = [node for node in nodes if node.is_open]
    fits = [node.name for node in open_nodes if request.fits(node.free)]
    large = [node for node in open_nodes if request.fits(node.capacity)]
    near: list[Near] = []
    fits_at: float | None = None
    if not fits:
        near = [_near(node, job) for node in sorted(large, key=lambda node: _lack(node, job))[:_NEAREST]]
        fits_at = min((at for node in large if (at := _fits_at(model, node, job)) is not None), default=None)
    return Room(
        len(nodes),
        len(nodes) - len(open_nodes),
        any(request.fits(node.capacity) for node in nodes),
        tuple(fits[:10]),
        tuple(near),
        fits_at,
    )


def _lack(node: Node, job: Job) -> tuple[float, int]:
    """How much of what ``job`` asks for is not there: the worst share of any resource."""
    shares = [
        (asked - free) / capacity
        for asked, free, capacity in zip(job.request, node.free, node.capacity, strict=True)
        if capacity
    ]
    return max(shares, default=0.0), node.index


def _near(node: Node, job: Job) -> Near:
    millicores, ram_mib, gpus = (
        max(0, asked - free) for asked, free in zip(job.request, node.free, strict=True)
    )
    short = [
        text
        for amount, text in (
            (millicores, f"{millicores / 1000:g} cores"),
            (ram_mib, f"{ram_mib / 1024:g} GiB"),
            (gpus, f"{gpus} GPUs"),
        )
        if amount
    ]
    free = node.free
    return Near(node.name, free.cores, free.ram_gib, free.gpus, tuple(short))


def _fits_at(model: Model, node: Node, job: Job) -> float | None:
    """When enough of ``node`` is free, by ends that are known; ``None`` for never."""
    free = node.free
    for end, _, held in sorted((_ends_at(model, item), item.number, item) for item in node.jobs):
        if end == inf:
            return None
        free = free.plus(held.request)
        if job.request.fits(free):
            return end
    return None


def _ends_at(model: Model, job: Job) -> float:
    """When ``job``, which holds something on a node, gives it back at the latest."""
    if not job.state.is_active or job.state is State.QUEUED:
        return model.now  # it is stopping
    ends = [inf]
    if job.deadline_timer is not None:
        ends.append(job.deadline_timer.due)
    if job.state is State.RUNNING and job.ready and job.timer is not None:
        ends.append(job.timer.due)
    return min(ends)
