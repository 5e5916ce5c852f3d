"""The jobs of a state file as a workload: what was asked for, what became of it, and the scenario to play it again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from os.path import relpath
from pathlib import Path
from typing import Any

import yaml

from mockskaha.config import Settings
from mockskaha.journal import Recorded
from mockskaha.platform import Platform
from mockskaha.session import HEADLESS, Session
from skahasim.clock import ManualClock, wall_time
from skahasim.job import Job, PullOutcome
from skahasim.transition import Step, Transition
from skahasim.workload.arrival import Arrival

_ENDS = frozenset({Step.FINISHED, Step.FAILED, Step.EXPIRED})


@dataclass(frozen=True, slots=True)
class Chronicle:
    """Every job of a server, in the order of submission."""

    arrivals: list[Arrival]
    start: datetime
    """UTC time of model time zero."""
    seed: int
    image: str
    """The one that most of them run; empty when there are none."""


class _Scribe:
    """A listener of the model."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.bound: dict[int, float] = {}
        self.deleted: dict[int, float] = {}
        self.images: Counter[str] = Counter()
        self._ended: set[int] = set()

    def hear(self, seen: Transition) -> None:
        job, step = seen.job, seen.step
        if step is Step.SUBMITTED:
            self.jobs.append(job)
            self.images[job.main.image] += 1
        elif step is Step.SCHEDULED:
            self.bound.setdefault(job.number, seen.time)
        elif step in _ENDS:
            self._ended.add(job.number)
        elif step is Step.DELETED and job.number not in self._ended:
            self.deleted[job.number] = seen.time

    def arrivals(self) -> list[Arrival]:
        return [self._arrival(number, job) for number, job in enumerate(self.jobs)]

    def _arrival(self, number: int, job: Job) -> Arrival:
        submitted, work, owner = job.submit_time, job.work, job.owner
        bound, deleted = self.bound.get(job.number), self.deleted.get(job.number)
        never_runs = any(
            container.pull is not PullOutcome.OK and container.pull_fails_until == inf
            for container in job.containers
        )
        return Arrival(
            number=number,
            submit_time=submitted,
            request=job.request,
            limit=job.limit,
            run_seconds=None if never_runs else work.seconds,
            name=owner.name if isinstance(owner, Session) else job.name,
            user=job.user,
            group=job.group,
            kind=job.kind,
            job_class="" if job.kind == HEADLESS else job.kind,
            priority_class=job.priority_class,
            queue=job.queue,
            cores_used=work.cores,
            ram_used_gib=work.ram_gib,
            completes=work.exit_code == 0 and not work.start_error,
            recorded_wait=None if bound is None else bound - submitted,
            deadline_seconds=job.deadline_seconds,
            exit_code=work.exit_code,
            start_error=work.start_error,
            deleted_after=None if deleted is None else deleted - submitted,
        )


def chronicle(settings: Settings, recorded: Recorded) -> Chronicle:
    """All jobs of a state file, under the settings of its server: their real run times, and when each was first bound
    to a node (``recorded_wait``) or deleted. Of a server by the wall clock, up to now; else up to its last command.

    A job whose image cannot be pulled holds its node without running: it has no run time, but a deadline.
    """
    start = datetime.fromisoformat(recorded.epoch).astimezone(UTC).replace(microsecond=0)
    settings = settings.model_copy(update={"seed": recorded.seed})
    platform = Platform(settings, ManualClock(), int(start.timestamp()))
    scribe = _Scribe()
    platform.model.listeners.append(scribe.hear)
    last_open = platform.replay(recorded.commands)
    if last_open is not None:
        at, opened = last_open
        now = at + max(0.0, wall_time() - opened.wall) * opened.speed
        platform.model.advance(max(platform.time, now))
    ((image, _),) = scribe.images.most_common(1) or [("", 0)]
    return Chronicle(scribe.arrivals(), start, recorded.seed, image)


def write_scenario(path: Path, settings: Settings, day: Chronicle, table: Path) -> None:
    """Write a scenario that plays the jobs of ``table`` on the same cluster and queue as the service did. Every pod has
    the same image there."""
    queue: dict[str, Any] = settings.queue.model_dump(mode="json", exclude_defaults=True)
    if "kueue" in queue:
        queue["kueue"]["manifests"] = [str(Path(item).resolve()) for item in queue["kueue"]["manifests"]]
    profile = Path(settings.profile)
    sizes = {image.id: image.size_bytes for image in settings.images}
    text = {
        "workload": {"source": "table", "file": relpath(table.resolve(), path.resolve().parent)},
        "cluster": settings.cluster.model_dump(mode="json"),
        "queue": queue,
        "priority_classes": dict(settings.priority_classes),
        "profile": str(profile.resolve()) if profile.suffix in (".yaml", ".yml") else settings.profile,
        "image": {"name": day.image or "none", "gib": sizes.get(day.image, 0) / 2**30},
        "arrivals": "after-events",
        "start": day.start.replace(tzinfo=None),
        "time_zone": "UTC",
        "seed": day.seed,
    }
    path.write_text(yaml.safe_dump(text, sort_keys=False, allow_unicode=True), "utf-8")
