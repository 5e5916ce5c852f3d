"""One scenario under one seed, from the first arrival to the last end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf, nextafter
from typing import TYPE_CHECKING

from skahasim.engine import Phase
from skahasim.job import NO_CONTAINERS, Container, Job, State, Work
from skahasim.model import Listener
from skahasim.resources import Resources
from skahasim.study.recorder import Keep, Record, Recorder
from skahasim.study.rows import Columns
from skahasim.study.run import JOB_COLUMNS, Run
from skahasim.study.schedule import schedule_facts
from skahasim.study.timeline import Timeline
from skahasim.transition import Step, Transition

if TYPE_CHECKING:
    from skahasim.scenario import Scenario, ScenarioSettings
    from skahasim.workload.arrival import Arrival

SKAHA_RESTARTS = 6
"""How often Skaha lets Kubernetes restart a session that is not headless."""
INIT_IMAGE = "init-users-groups"
"""Stands for the small image of the platform's own."""
STALLED_SECONDS = 400 * 86400.0
"""When for that long nothing happens to any job, and none runs, nothing will."""
_PROGRESS_EVERY = 256


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a simulation is."""

    time: float
    """Model time, seconds."""
    submitted: int
    ended: int


def simulate(
    scenario: Scenario,
    *,
    seed: int | None = None,
    arrivals: Iterable[Arrival] | None = None,
    observers: Sequence[Listener] = (),
    progress: Callable[[Progress], None] | None = None,
    sink: Keep | None = None,
) -> Run:
    """Simulate ``scenario`` under ``seed``, or its own.

    ``arrivals`` are taken instead of its workload's. ``observers`` hear every transition. With a ``sink`` the row
    of each job goes there when it has ended, in the order of ends, and the run's table of jobs is empty: memory
    then depends on how many jobs are in the system at a time, not on how many there are.

    Equal scenario and seed give an equal run. Raises ``ConfigurationError`` when a job of the workload is wrong or
    larger than any node.
    """
    seed = scenario.settings.seed if seed is None else seed
    if arrivals is not None:
        start, time_zone = scenario.start, scenario.settings.time_zone
    else:
        workload = scenario.workload(seed)
        arrivals, (start, time_zone) = workload.arrivals, (workload.epoch.unix, workload.epoch.time_zone)
    return _Simulation(scenario, seed, start, time_zone, observers, sink).run(arrivals, progress)


class _Simulation:
    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        start: float,
        time_zone: str,
        observers: Sequence[Listener],
        sink: Keep | None,
    ) -> None:
        settings = scenario.settings
        self.scenario, self.settings, self.seed = scenario, settings, seed
        self.start, self.time_zone = start, time_zone
        self.model = scenario.model(seed, start, time_zone)
        self.cluster = self.model.cluster
        self.timeline = Timeline(self.cluster)
        self.columns = None if sink is not None else Columns()
        keep = sink or (self.columns.keep if self.columns is not None else None)
        if keep is None:  # unreachable, for the type checker
            raise AssertionError
        self.recorder = Recorder(self.timeline, settings.queue.ordering.size_classes, keep)
        self.model.listeners.extend(observers)
        self.stretches = settings.contention is not None and settings.contention.cpu != "none"
        if self.stretches:
            self.model.listeners.append(self._arm_walltime)
        self.model.listeners.append(self.recorder.hear)
        self.dropped = 0
        self.gave_up = 0
        self._fits: dict[Resources, bool] = {}
        self._priorities = dict(settings.priority_classes)
        self._containers = _containers(settings)
        if self.stretches and self.model.neighbours is not None:
            self.model.neighbours.listeners.append(self._keeps_busy)
        self._watches_capacity = bool(settings.calendar) or settings.failures is not None
        self._arrive_first = settings.arrivals == "before-events"
        self._deletions: list[tuple[float, int, Job]] = []
        """Jobs that their users will delete, when and which: commands, as arrivals are."""

    def _keeps_busy(self, job: Job, before: float, now: float) -> None:
        """Of a node under contention: ``job`` keeps so many cores busy."""
        self.timeline.at(self.model.now)
        self.recorder.used(job, round(now * 1000))

    # -- the run -----------------------------------------------------------------------------------------

    def run(self, arrivals: Iterable[Arrival], progress: Callable[[Progress], None] | None) -> Run:
        horizon = self.settings.horizon
        stop = inf if horizon.hours is None else horizon.hours * 3600.0
        self._release(self._checked(arrivals, stop), progress)
        end = self._drain(stop, progress) if horizon.drain else self.model.now
        self.recorder.close()
        return self._result(end)

    def _checked(self, arrivals: Iterable[Arrival], stop: float) -> Iterator[Arrival]:
        """Arrivals before ``stop`` that some node can hold."""
        latest = 0.0
        for arrival in arrivals:
            if arrival.submit_time > stop:
                return
            if not latest <= arrival.submit_time:
                raise self.scenario.refusal(
                    f"job {arrival.number} is submitted at {arrival.submit_time:g} s, before the one above it"
                )
            latest = arrival.submit_time
            fits = self._fits.get(arrival.request)
            if fits is None:
                fits = any(arrival.request.fits(node.capacity) for node in self.cluster.nodes)
                self._fits[arrival.request] = fits
            if fits:
                yield arrival
            elif self.settings.oversized == "drop":
                self.dropped += 1
            else:
                raise self.scenario.refusal(self._too_large(arrival))

    def _too_large(self, arrival: Arrival) -> str:
        largest = max(node.capacity for node in self.cluster.nodes)
        label = f" ({arrival.name})" if arrival.name else ""
        return (
            f"job {arrival.number}{label} asks for {_spelled(arrival.request)}; the largest node has "
            f"{_spelled(largest)}. 'oversized: drop' leaves such jobs out"
        )

    def _release(self, arrivals: Iterator[Arrival], progress: Callable[[Progress], None] | None) -> None:
        """Submit every arrival at its time, first of all in its instant, or last, as commands of a live service
        come. Then the instant of the last one is over."""
        first = self._arrive_first
        model, engine = self.model, self.model.engine
        time = 0.0
        for count, arrival in enumerate(arrivals, 1):
            time = arrival.submit_time
            job = self._job(arrival)
            if first:
                self._advance(nextafter(time, -inf))  # so near that now + delay is the very time
                engine.after(time - model.now, Phase.SUBMIT, self._submit, job)
            else:
                self._advance(time)
                self._submit(job)
            if progress is not None and count % _PROGRESS_EVERY == 0:
                progress(self._progress())
        self._advance(time)

    def _submit(self, job: Job) -> None:
        self.model.submit(job)
        record = job.owner
        if isinstance(record, Record) and record.arrival.patience_seconds is not None:
            self.model.engine.after(
                record.arrival.patience_seconds, Phase.LIFECYCLE, self._lose_patience, job
            )
        if isinstance(record, Record) and record.arrival.deleted_after is not None:
            after = record.arrival.deleted_after
            if self._arrive_first:
                self.model.engine.after(after, Phase.LIFECYCLE, self._delete, job)
            else:
                heappush(self._deletions, (job.submit_time + after, job.number, job))

    def _drain(self, stop: float, progress: Callable[[Progress], None] | None) -> float:
        """Go on until every job has ended and given back what it held. When that was."""
        engine, recorder = self.model.engine, self.recorder
        while recorder.alive:
            due = engine.next_due
            if self._deletions:
                due = min(due, self._deletions[0][0])
            if due > stop:
                self._advance(stop)
                return stop
            if due == inf or (recorder.running == 0 and due > recorder.latest + STALLED_SECONDS):
                break
            self._advance(min(stop, due + max(60.0, due / 256)))
            if progress is not None:
                progress(self._progress())
        return recorder.latest

    def _advance(self, until: float) -> None:
        """Let happen all that is due by then; of one instant, deletions come after all else."""
        deletions = self._deletions
        while deletions and deletions[0][0] <= until:
            due, _, job = heappop(deletions)
            self._go_on(due)
            self._delete(job)
        self._go_on(until)

    def _go_on(self, until: float) -> None:
        engine = self.model.engine
        if self._watches_capacity:
            while engine.next_due <= until:
                before = self.cluster.open_capacity
                engine.step()
                if self.cluster.open_capacity is not before:
                    self.timeline.at(engine.now)
                    self.timeline.capacity_changed()
        engine.advance(until)

    # -- jobs --------------------------------------------------------------------------------------------

    def _job(self, arrival: Arrival) -> Job:
        run, requested = arrival.run_seconds, arrival.requested_seconds
        record = Record(arrival)
        seconds = run
        if run is not None and requested is not None and run > requested and not self.stretches:
            seconds, record.walltime = requested, True
        request = arrival.request
        cores = request.cores if arrival.cores_used is None else arrival.cores_used
        ram_gib = request.ram_gib if arrival.ram_used_gib is None else arrival.ram_used_gib
        limit = arrival.limit
        if not self.stretches:
            record.used = round(1000 * (min(cores, limit.cores) if limit.millicores else cores))
        exit_code = arrival.exit_code
        if exit_code is None:
            exit_code = 0 if arrival.completes else 1
        deadline = arrival.deadline_seconds
        if deadline is None and run is None:
            deadline = requested
        restarts = self.settings.restarts
        if restarts is None:
            restarts = 0 if arrival.kind == "headless" else SKAHA_RESTARTS
        return Job(
            number=arrival.number,
            name=arrival.name or f"job-{arrival.number}",
            user=arrival.user,
            kind=arrival.kind,
            request=request,
            limit=limit,
            group=arrival.group,
            containers=self._containers,
            work=Work(seconds, exit_code, cores, ram_gib, arrival.start_error),
            restarts_allowed=restarts,
            deadline_seconds=deadline,
            requested_seconds=requested,
            priority=self._priorities.get(arrival.priority_class, 0),
            priority_class=arrival.priority_class,
            queue=arrival.queue,
            owner=record,
        )

    def _delete(self, job: Job) -> None:
        if job.state.is_active:
            self.model.delete(job)

    def _lose_patience(self, job: Job) -> None:
        record = job.owner
        if isinstance(record, Record) and job.run_time is None and job.state.is_active:
            record.gave_up = True
            self.gave_up += 1
            self.model.delete(job)

    def _arm_walltime(self, seen: Transition) -> None:
        """Run times may stretch, so the requested time is a timer. After ends of its instant: who is done is done."""
        job, longest = seen.job, seen.job.requested_seconds
        if seen.step is not Step.STARTED or job.state is not State.RUNNING:
            return
        if longest is not None and job.work.seconds is not None:
            self.model.engine.after(longest, Phase.LIFECYCLE, self._reach_walltime, (job, job.run_time))

    def _reach_walltime(self, started: tuple[Job, float]) -> None:
        job, since = started
        record = job.owner
        if isinstance(record, Record) and job.state is State.RUNNING and job.run_time == since:
            record.walltime = True
            self.model.set_deadline(job, 0.0)

    # -- what comes of it --------------------------------------------------------------------------------

    def _progress(self) -> Progress:
        recorder = self.recorder
        return Progress(self.model.now, recorder.submitted, recorder.submitted - len(recorder.alive))

    def _result(self, end: float) -> Run:
        import pandas as pd

        integrals = self.timeline.close(end)
        recorder, capacity = self.recorder, self.cluster.capacity
        jobs = (
            pd.DataFrame(columns=list(JOB_COLUMNS))
            if self.columns is None
            else self.columns.table(self.scenario.name)
        )
        counts = {
            "jobs": recorder.submitted,
            "dropped": self.dropped,
            "gave_up": self.gave_up,
            "by_state": dict(sorted(recorder.totals.by_state.items())),
        }
        return Run(
            name=self.scenario.name,
            seed=self.seed,
            jobs=jobs,
            timeline=self.timeline.table(),
            capacity=capacity,
            start_time=self.start,
            time_zone=self.time_zone,
            end_time=end,
            integrals=integrals,
            facts=self.scenario.facts(self.seed)
            | {
                "counts": counts,
                "schedule": schedule_facts(recorder.totals, integrals, end, capacity, self.dropped),
                "nodes": {node.name: list(node.capacity) for node in self.cluster.nodes},
            },
        )


def _containers(settings: ScenarioSettings) -> tuple[Container, ...]:
    """Of every pod: Skaha's first takes the users' names out of the image, its second adds those of the platform."""
    image = settings.image
    if image is None:
        return NO_CONTAINERS
    size = round(image.gib * 2**30)
    return (
        Container("backup-original-passwd-groups", image.name, size),
        Container("init-users-groups", INIT_IMAGE, always_pull=False),
        Container("main", image.name, size),
    )


def _spelled(amount: Resources) -> str:
    parts = [f"{amount.cores:g} cores", f"{amount.ram_gib:g} GiB"]
    if amount.gpus:
        parts.append(f"{amount.gpus} GPUs")
    return ", ".join(parts)
