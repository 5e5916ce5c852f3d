"""The one stream of facts: what happened to which job, when and why. Every view of a run reads it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from skahasim.job import Job


class Step(StrEnum):
    """What happened to a job. In the order of a life without trouble, then the troubles."""

    SUBMITTED = "submitted"
    QUEUED = "queued"
    ADMITTED = "admitted"
    SCHEDULED = "scheduled"
    PULLING = "pulling"
    PULLED = "pulled"
    PRESENT = "present"
    """The container's image was on the node already, and nothing was asked of the registry."""
    CREATED = "created"
    STARTED = "started"
    READY = "ready"
    FINISHED = "finished"
    REMOVED = "removed"
    """A finished job's record is gone: its time to live after finishing is over."""

    HELD = "held"
    """Admission does not let it go; it has no pod yet."""
    UNSCHEDULABLE = "unschedulable"
    """It may go, and fits on no node."""
    PULL_FAILED = "pull-failed"
    PULL_BACKOFF = "pull-back-off"
    START_FAILED = "start-failed"
    UNHEALTHY = "unhealthy"
    EXITED = "exited"
    """The main container ended, whatever comes of the job."""
    RESTART_BACKOFF = "restart-back-off"
    OOM_KILLED = "oom-killed"
    FAILED = "failed"
    EVICTED = "evicted"
    PREEMPTED = "preempted"
    EXPIRED = "expired"
    DELETED = "deleted"
    KILLING = "killing"
    RELEASED = "released"
    """What the job held on its node is free again."""


class Transition(NamedTuple):
    """One fact. ``time`` in seconds since the model's epoch."""

    time: float
    job: Job
    step: Step
    container: int = -1
    """Index into the job's containers, -1 when the step is the job's own."""
    reason: str = ""
