"""A job: what was asked for, what its containers will do, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from skahasim.mishap import Hold, Mishap
from skahasim.resources import Resources

if TYPE_CHECKING:
    from skahasim.cluster import Node
    from skahasim.engine import Timer


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    """Waiting for admission or for a node that fits."""
    STARTING = "starting"
    """Bound to a node; images, init containers and start-up are under way."""
    RUNNING = "running"
    """The main container runs (``Job.ready`` says whether it answers)."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    GONE = "gone"
    """Deleted, or removed after its time to live."""

    @property
    def is_active(self) -> bool:
        return self in _ACTIVE


_ACTIVE = frozenset({State.QUEUED, State.STARTING, State.RUNNING})


class PullOutcome(StrEnum):
    """What the registry says when a node asks for an image."""

    OK = "ok"
    NOT_FOUND = "not-found"
    UNAUTHORIZED = "unauthorized"


class Container(NamedTuple):
    """One container of a job's pod; the last of a job is its main one, those before are init containers."""

    name: str
    image: str
    image_bytes: int = 0
    always_pull: bool = True
    pull: PullOutcome = PullOutcome.OK
    pull_fails_until: float = inf
    """Model time from which its image can be pulled whatever ``pull`` says."""


class Work(NamedTuple):
    """What the main container does once started."""

    seconds: float | None = None
    """Run time, whatever else runs on the node; ``None`` runs until deleted or expired."""
    exit_code: int = 0
    cores: float = 0.0
    """Cores it keeps busy when nothing holds it back."""
    ram_gib: float = 0.0
    """Memory it grows to."""
    start_error: str = ""
    """Why the container runtime cannot start the command; empty when it can."""
    ready_seconds: float | None = None
    """From start to ready; ``None`` leaves it to the profile."""
    mishap: Mishap | None = None
    stop_seconds: float | None = None
    """From being told to stop until the pod is gone; ``None`` leaves it to the profile."""


NO_CONTAINERS: tuple[Container, ...] = ()
IDLE = Work()


@dataclass(slots=True, eq=False)
class Job:
    """A request for resources and its life. The model alone writes the fields from ``state`` on."""

    number: int
    """Position in the run, from 0. Random draws and ties go by it."""
    name: str
    user: str
    kind: str
    """Session type, e.g. ``headless`` or ``notebook``."""
    request: Resources
    limit: Resources
    group: str = ""
    containers: tuple[Container, ...] = NO_CONTAINERS
    work: Work = IDLE
    restarts_allowed: int = 0
    """How often a failing main container is started again (Kubernetes ``backoffLimit``; 0: never)."""
    deadline_seconds: float | None = None
    """Active deadline, counted from ``start_time``."""
    ttl_seconds: float | None = None
    """How long the record outlives the end; ``None``: for ever."""
    requested_seconds: float | None = None
    """Requested time (walltime), what backfilling plans with; ``None``: the deadline, if any."""
    priority: int = 0
    """Value of its priority class; the larger, the more important."""
    priority_class: str = ""
    """Name of its WorkloadPriorityClass."""
    queue: str = ""
    """LocalQueue it is submitted to; empty for the first there is."""
    hold: Hold | None = None
    """Keeps it from the queue; ``None`` once that is over."""

    state: State = State.QUEUED
    submit_time: float = 0.0
    start_time: float | None = None
    """When the Job controller took it up: at submission, or when admission let it go after holding it.
    ``None`` while it is held."""
    admit_time: float | None = None
    """When admission last let it go (under Kueue: reserved quota for it); ``None`` before."""
    schedule_time: float | None = None
    """When it was last bound to a node."""
    run_time: float | None = None
    """When the main container last started."""
    exit_time: float | None = None
    """When that run ended; ``None`` while it runs."""
    finish_time: float | None = None
    node: Node | None = None
    ready: bool = False
    container: int = 0
    """Index of the container being worked on."""
    restarts: int = 0
    failed_pulls: int = 0
    evictions: int = 0
    """How often it was put off its node."""
    lost_seconds: float = 0.0
    """Time on nodes that evictions made worth nothing."""
    waiting_for: str = ""
    """Why it waits, in Kubernetes' or the admission policy's words; empty when it does not."""
    held: bool = False
    """Admission holds it back, so it has no pod yet."""
    reason: str = ""
    """Why it ended: ``Completed``, ``Error``, ``OOMKilled``, ``DeadlineExceeded``, ``Evicted``…"""
    owner: object = field(default=None, repr=False)
    """Whatever whoever submitted it wants to find by it."""
    timer: Timer | None = field(default=None, repr=False)
    """The next step of its life."""
    deadline_timer: Timer | None = field(default=None, repr=False)

    @property
    def is_fixed(self) -> bool:
        """Fixed: memory limit equals memory request; everything else is flexible (skaha-contract §2.3)."""
        return self.request.ram_mib == self.limit.ram_mib

    @property
    def may_burst(self) -> bool:
        """Whether it may use more cores than it asked for; a limit of zero cores is none."""
        limit = self.limit.millicores
        return not limit or limit > self.request.millicores

    @property
    def main(self) -> Container:
        return self.containers[-1]
