"""One job as a workload has it: what is asked for, when, by whom, and what it will do."""

from __future__ import annotations

from typing import NamedTuple

from skahasim.resources import Resources


class Arrival(NamedTuple):
    """A job to come. Workloads yield these in the order of ``submit_time``; times are seconds since their start."""

    number: int
    """Position in the workload, from 0."""
    submit_time: float
    request: Resources
    limit: Resources
    """Equal to ``request`` for a fixed job; cores or memory above it for a flexible one."""
    run_seconds: float | None
    """How long the work takes with the cores it wants; ``None``: until the deadline ends it."""
    requested_seconds: float | None = None
    """Requested time (walltime): the run is cut there, and backfilling plans with it."""
    name: str = ""
    user: str = "user"
    group: str = ""
    kind: str = "headless"
    """Session type."""
    job_class: str = ""
    """What sort of work it is, e.g. ``survey-night`` (the five rows of CANFAR's sizing table) or ``notebook``."""
    priority_class: str = ""
    queue: str = ""
    """LocalQueue, or the log's queue."""
    cores_used: float | None = None
    """Cores its work keeps busy when nothing holds it back; ``None``: as many as it asked for."""
    ram_used_gib: float | None = None
    """Memory its work grows to; ``None``: no more than it asked for."""
    patience_seconds: float | None = None
    """Its user deletes it when it has not started that long after submission; ``None``: waits for ever."""
    completes: bool = True
    """Whether the work ends well (exit code 0)."""
    recorded_wait: float | None = None
    """Wait in the trace it comes from, for validation; ``None`` when not known."""
    deadline_seconds: float | None = None
    """The service ends it that long after it took it up (Kubernetes' active deadline); ``None``: never."""
    exit_code: int | None = None
    """Of its work, where known; ``None``: 0 when it ``completes``, else 1."""
    start_error: str = ""
    """Why the container runtime cannot start the command; empty when it can."""
    deleted_after: float | None = None
    """Its user deletes it that long after submission, whatever it does by then; ``None``: never. Deletions of one
    instant come after the ends of runs; where arrivals come after all events, deletions are commands like them: before
    who arrives in their instant, among themselves by number."""

    @property
    def is_fixed(self) -> bool:
        return self.request.ram_mib == self.limit.ram_mib
