"""What becomes of each job of a study, from the model's transitions: a row when it has ended."""

from __future__ import annotations

from collections.abc import Callable
from math import nan
from typing import TYPE_CHECKING

from skahasim.configuration import SizeClassSettings
from skahasim.job import Job, State
from skahasim.resources import Resources
from skahasim.study.rows import (
    FAILED,
    GAVE_UP,
    KILLED,
    STILL_RUNNING,
    SUBMITTED,
    SUCCESSFUL,
    WALLTIME_REACHED,
    Row,
    Totals,
)  # fmt: skip
from skahasim.study.timeline import Timeline
from skahasim.transition import Step, Transition

if TYPE_CHECKING:
    from skahasim.cluster import Node
    from skahasim.workload.arrival import Arrival


class Record:
    """What is remembered of one job beside its own fields, while it lives."""

    __slots__ = (
        "arrival",
        "final_node",
        "first_start",
        "gave_up",
        "holds",
        "preemptions",
        "ready",
        "runs",
        "used",
        "waits",
        "walltime",
    )  # fmt: skip

    def __init__(self, arrival: Arrival) -> None:
        self.arrival = arrival
        self.holds: Node | None = None
        """Its node, until what it holds there is free."""
        self.final_node: Node | None = None
        self.waits = False
        self.runs = False
        self.used = 0
        """Millicores its work keeps busy."""
        self.first_start = nan
        self.ready = nan
        self.preemptions = 0
        self.walltime = False
        """Its requested time is over before its work is done."""
        self.gave_up = False


Keep = Callable[[Row], None]
Scribe = Callable[[Transition, Record], None]


class Recorder:
    """A listener of the model. ``keep`` gets the row of each job once nothing more can happen to it; ``totals``
    and ``timeline`` are kept whatever becomes of the rows."""

    def __init__(self, timeline: Timeline, size_classes: SizeClassSettings, keep: Keep) -> None:
        self.timeline = timeline
        self.totals = Totals()
        self.submitted = 0
        self.running = 0
        self.latest = 0.0
        """When something last happened to a job."""
        self.alive: dict[int, Job] = {}
        """Jobs that have not ended, or still hold something, by number."""
        self._size_classes = size_classes
        self._sizes: dict[Resources, str] = {}
        self._keep = keep
        self._scribes: dict[Step, Scribe] = {
            Step.SUBMITTED: self._submitted,
            Step.SCHEDULED: self._scheduled,
            Step.STARTED: self._started,
            Step.READY: self._is_ready,
            Step.EXITED: self._stopped,
            Step.OOM_KILLED: self._stopped,
            Step.EVICTED: self._stopped,
            Step.PREEMPTED: self._preempted,
            Step.FINISHED: self._ended,
            Step.FAILED: self._ended,
            Step.EXPIRED: self._ended,
            Step.DELETED: self._ended,
            Step.RELEASED: self._released,
        }

    def hear(self, seen: Transition) -> None:
        """Listener of a :class:`~skahasim.model.Model` whose jobs have a :class:`Record` as their owner."""
        scribe = self._scribes.get(seen[2])
        record = seen[1].owner
        if scribe is not None and type(record) is Record:
            time = seen[0]
            if time > self.timeline.now:
                self.timeline.at(time)
            self.latest = time
            scribe(seen, record)

    def _submitted(self, seen: Transition, record: Record) -> None:
        job = seen.job
        self.submitted += 1
        self.alive[job.number] = job
        record.waits = True
        self.timeline.queued(job.request, +1)

    def _scheduled(self, seen: Transition, record: Record) -> None:
        job = seen.job
        node = job.node
        if node is None:
            return
        record.holds = record.final_node = node
        if record.waits:
            record.waits = False
            self.timeline.queued(job.request, -1)
        self.timeline.allocated(job.request, node, +1)

    def _started(self, seen: Transition, record: Record) -> None:
        job = seen.job
        if job.state is not State.RUNNING:
            return  # an init container
        if record.first_start != record.first_start:
            record.first_start = seen.time
        if not record.runs:
            record.runs = True
            self.running += 1
            self.timeline.running(1, record.used)

    def _is_ready(self, seen: Transition, record: Record) -> None:
        record.ready = seen.time

    def _stopped(self, seen: Transition, record: Record) -> None:
        if record.runs:
            record.runs = False
            self.running -= 1
            self.timeline.running(-1, -record.used)

    def _preempted(self, seen: Transition, record: Record) -> None:
        if record.holds is not None:
            record.preemptions += 1
        self._stopped(seen, record)

    def _ended(self, seen: Transition, record: Record) -> None:
        job = seen.job
        self._stopped(seen, record)
        if record.waits:
            record.waits = False
            self.timeline.queued(job.request, -1)
        if record.holds is None:
            self._close(job, record)

    def _released(self, seen: Transition, record: Record) -> None:
        job, node = seen.job, record.holds
        if node is None:
            return
        record.holds = None
        self.timeline.allocated(job.request, node, -1)
        if job.state is State.QUEUED:
            record.waits = True
            self.timeline.queued(job.request, +1)
        elif not job.state.is_active:
            self._close(job, record)

    def used(self, job: Job, millicores: int) -> None:
        """``job`` keeps ``millicores`` busy from now on."""
        record = job.owner
        if isinstance(record, Record):
            if record.runs:
                self.timeline.running(0, millicores - record.used)
            record.used = millicores

    def close(self) -> None:
        """The simulation stopped: keep what is known of the jobs that have not ended."""
        for number in sorted(self.alive):
            job = self.alive[number]
            if isinstance(job.owner, Record):
                self._keep_row(job, job.owner)
        self.alive.clear()

    def _close(self, job: Job, record: Record) -> None:
        if self.alive.pop(job.number, None) is not None:
            self._keep_row(job, record)
            job.owner = None

    def _keep_row(self, job: Job, record: Record) -> None:
        row = self._row(job, record)
        self.totals.add(row)
        self._keep(row)

    def _row(self, job: Job, record: Record) -> Row:
        arrival, request, node = record.arrival, job.request, record.final_node
        start = nan if job.run_time is None else job.run_time
        size = self._sizes.get(request)
        if size is None:
            size = self._sizes[request] = self._size_class(request)
        return Row(
            job.number,
            arrival.job_class or arrival.kind,
            -(-request.millicores // 1000),
            _final_state(job, record),
            job.submit_time,
            nan if arrival.requested_seconds is None else arrival.requested_seconds,
            start,
            nan if job.exit_time is None or job.run_time is None else job.exit_time - job.run_time,
            nan if job.finish_time is None else job.finish_time,
            job.name,
            job.user,
            job.group,
            job.kind,
            arrival.job_class,
            size,
            job.priority_class,
            job.queue,
            not arrival.is_fixed,
            request,
            nan if arrival.run_seconds is None else arrival.run_seconds,
            nan if job.admit_time is None else job.admit_time,
            record.first_start,
            record.ready,
            -1 if node is None else node.index,
            "" if node is None else node.name,
            job.evictions,
            record.preemptions,
            job.lost_seconds,
            _reason(job, record),
            nan if arrival.recorded_wait is None else arrival.recorded_wait,
        )

    def _size_class(self, request: Resources) -> str:
        small, large = self._size_classes.small, self._size_classes.large
        if request.cores < small.cores and request.ram_gib < small.ram_gib:
            return "small"
        if request.cores >= large.cores or request.ram_gib >= large.ram_gib:
            return "large"
        return "medium"


def _final_state(job: Job, record: Record) -> str:
    match job.state:
        case State.SUCCEEDED:
            return WALLTIME_REACHED if record.walltime else SUCCESSFUL
        case State.FAILED if job.reason == "DeadlineExceeded":
            return WALLTIME_REACHED if record.walltime else KILLED
        case State.FAILED:
            return FAILED
        case State.GONE:
            return KILLED
        case State.QUEUED:
            return SUBMITTED
        case _:
            return STILL_RUNNING


def _reason(job: Job, record: Record) -> str:
    if record.gave_up:
        return GAVE_UP
    return "DeadlineExceeded" if record.walltime and job.state is State.SUCCEEDED else job.reason
