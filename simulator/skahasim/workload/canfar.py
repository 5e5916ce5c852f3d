"""The CANFAR workload: batch jobs in the five sizes of the platform's table, and interactive sessions beside them.

Users come in a Zipf law of activity, each in a group. Batch work arrives in bursts of similar jobs (parameter sweeps):
bursts are a Poisson process with a daily and weekly cycle, the jobs of a burst have one user, one class and correlated
run times. A share of the jobs is submitted as flexible sessions. Interactive sessions arrive by a cycle of their own,
keep few cores busy, and are closed by their users, or forgotten until they expire; a user gives up when one does not
start in time. Every number is data (``canfar.yaml``).

What is drawn for one purpose has a stream of its own: another flexible share, another policy or other estimates
leave all else of the same seed as it was.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from heapq import merge
from operator import attrgetter
from pathlib import Path

import numpy as np

from skahasim.resources import Resources
from skahasim.workload.arrival import Arrival
from skahasim.workload.canfar_settings import (
    BatchClassSettings,
    BatchSettings,
    CanfarParameters,
    FlexibleSettings,
    InteractiveKindSettings,
    InteractiveSettings,
    SizeSettings,
    packaged_parameters,
)
from skahasim.workload.crowd import Crowd, Integers, Streams, cumulated
from skahasim.workload.cycle import Floats, arrival_times
from skahasim.workload.duration import DurationSettings
from skahasim.workload.settings import CanfarWorkload
from skahasim.workload.source import DAY, Epoch, Workload
from skahasim.yamlfile import load_model

DEFAULT_LOAD = 0.9
CHUNK = 256
"""Bursts, or sessions, that are drawn at a time."""
MOST_RENEWALS = 20
ASKED_TIMES = tuple(
    60.0 * minutes
    for minutes in (
        *(5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 1080),
        *(1440, 2160, 2880, 4320, 5760, 7200, 10080, 14400, 20160),
    )
)  # fmt: skip
"""Requested times as people write them, in seconds (*assumed*)."""
_TIME = attrgetter("submit_time")
_MEMORY_OF_LIMIT = 0.9


def open_source(settings: CanfarWorkload, seed: int, base: Path, epoch: Epoch) -> Workload:
    """The generator of ``settings``; its cycles run in the time zone of the settings, else of ``epoch``."""
    file = settings.parameters_file
    if file is not None:
        parameters = load_model(base / file, CanfarParameters)
    else:
        parameters = settings.parameters or packaged_parameters()
    files = () if file is None else (base / file,)
    local = epoch if settings.time_zone is None else Epoch(epoch.unix, settings.time_zone)
    return Workload(generate(settings, parameters, seed, local), epoch, files)


def rates(settings: CanfarWorkload, parameters: CanfarParameters) -> tuple[float, float]:
    """Batch jobs and interactive sessions in a second, on average over a week, before ``scale``."""
    share = parameters.batch.share if settings.batch_share is None else settings.batch_share
    if settings.jobs_per_day is not None:
        return settings.jobs_per_day * share / DAY, settings.jobs_per_day * (1 - share) / DAY
    load = DEFAULT_LOAD if settings.load is None else settings.load
    cores = load * (settings.capacity_cores or parameters.capacity_cores)
    batch = cores * share / mean_batch_work(parameters.batch)
    return batch, cores * (1 - share) / mean_interactive_work(parameters)


def mean_batch_work(batch: BatchSettings) -> float:
    """Mean core seconds of a batch job, on the cores it wants."""
    total = sum(row.share for row in batch.classes.values())
    return sum(
        row.share / total * (row.cores[0] + row.cores[1]) / 2 * row.run.average()
        for row in batch.classes.values()
    )


def mean_interactive_work(parameters: CanfarParameters) -> float:
    """Mean core seconds that an interactive session holds."""
    interactive = parameters.interactive
    renewed = interactive.renewals
    kept = interactive.expiry * sum(renewed**n for n in range(MOST_RENEWALS + 1))
    total = sum(kind.share for kind in interactive.kinds.values())
    work = 0.0
    for kind in interactive.kinds.values():
        stays = (1 - interactive.forgotten) * kind.activity.average() + interactive.forgotten * kept
        if kind.request is not None:
            cores = kind.request[0]
        else:
            sizes = [sum(size.cores) / 2 for size in kind.sizes]
            fixed = sum(sizes) / len(sizes) if sizes else 0.0
            cores = kind.flexible * parameters.flexible.request_cores + (1 - kind.flexible) * fixed
        work += kind.share / total * stays * cores
    return work


def generate(
    settings: CanfarWorkload, parameters: CanfarParameters, seed: int, epoch: Epoch, chunk: int = CHUNK
) -> Iterator[Arrival]:
    """The arrivals, for ever. ``chunk`` (how many bursts are drawn at a time) does not change them."""
    batch, interactive = rates(settings, parameters)
    people = parameters.people
    if settings.users is not None:
        people = people.model_copy(update={"users": settings.users})
    crowd = Crowd(people, seed)
    streams: list[Iterator[Arrival]] = []
    if batch > 0:
        streams.append(
            _Batch(settings, parameters, crowd, seed).arrivals(batch * settings.scale, epoch, chunk)
        )
    if interactive > 0:
        sessions = _Interactive(parameters, crowd, seed)
        streams.append(sessions.arrivals(interactive * settings.scale, epoch, chunk))
    return merge(*streams, key=_TIME)


class _Batch:
    """Bursts of headless jobs."""

    def __init__(
        self, settings: CanfarWorkload, parameters: CanfarParameters, crowd: Crowd, seed: int
    ) -> None:
        self._batch = parameters.batch
        self._flexible = parameters.flexible
        self._flexible_share = settings.flexible
        self._estimates = parameters.batch.estimates if settings.estimates else None
        self._crowd = crowd
        self._streams = Streams(seed, "batch")
        self._names = list(parameters.batch.classes)
        self._rows = list(parameters.batch.classes.values())
        self._means = [_mean_count(row.burst) for row in self._rows]

    def arrivals(self, per_second: float, epoch: Epoch, chunk: int) -> Iterator[Arrival]:
        """Jobs at a mean rate of ``per_second``, in the order of submission."""
        shares = np.array([row.share for row in self._rows]) / sum(row.share for row in self._rows)
        bursts = shares / self._means
        classes = cumulated(bursts)
        times = arrival_times(
            per_second * float(bursts.sum()),
            self._batch.cycle,
            epoch,
            self._streams["gaps"],
            self._streams["kept"],
            chunk,
        )
        waiting: list[Arrival] = []
        number = 0
        for starts in times:
            if not len(starts):
                continue
            waiting += self._jobs(starts, classes, number)
            number += len(starts)
            waiting.sort(key=_TIME)
            # Later bursts begin after this, so nothing can come before it any more.
            due = bisect_right(waiting, float(starts[-1]), key=_TIME)
            yield from waiting[:due]
            del waiting[:due]

    def _jobs(self, starts: Floats, classes: Floats, first: int) -> list[Arrival]:
        draw = self._streams.uniform
        bursts = len(starts)
        kinds = np.searchsorted(classes, draw("class", bursts), side="right")
        users = self._crowd.draw(draw("user", bursts))
        counts = _counts(_by_class(kinds, draw("burst", bursts), [row.burst for row in self._rows]))
        likeness = self._streams["alike"].standard_normal(bursts)
        burst = np.repeat(np.arange(bursts), counts)
        size = len(burst)
        begins = np.cumsum(counts) - counts
        index = np.arange(size) - np.repeat(begins, counts)
        gaps = self._batch.submission_gap.quantiles(draw("gap", size))
        gaps[begins] = 0.0
        # Exact to the same bit in whatever chunk: sums restart with each burst.
        offsets = np.concatenate([np.cumsum(part) for part in np.split(gaps, begins[1:])])
        submitted = np.maximum(starts[burst] + offsets, starts[burst])
        kind = kinds[burst]
        rho = self._batch.similarity
        scores = rho**0.5 * likeness[burst] + (1 - rho) ** 0.5 * self._streams["run"].standard_normal(size)
        runs = _by_class(kind, _normal_cdf(scores), [row.run for row in self._rows])
        sizes = draw("size", bursts)[burst]
        flexible = draw("flexible", bursts)[burst]
        busy = self._batch.busy.quantiles(draw("busy", size))
        memory = self._batch.memory.quantiles(draw("memory", size))
        estimated = self._estimated(runs, draw("estimate", bursts)[burst])
        fails = draw("fails", size) < self._batch.fails
        patience = _maybe(self._batch.patience, draw("patience", size))
        deadline = self._batch.deadline
        found: list[Arrival] = []
        for n in range(size):
            row, name = self._rows[kind[n]], self._names[kind[n]]
            cores, ram_gib = _size(row, sizes[n])
            request = limit = Resources.of(cores, ram_gib)
            if flexible[n] < self._share_of_flexible(row) and _may_be(self._flexible, cores, ram_gib):
                request, limit = _flexible(self._flexible)
            user = users[burst[n]]
            arrival = Arrival(
                number=0,
                submit_time=float(submitted[n]),
                request=request,
                limit=limit,
                run_seconds=min(float(runs[n]), deadline),
                requested_seconds=estimated[n],
                name=f"{name}-{first + int(burst[n])}-{int(index[n])}",
                user=self._crowd.users[user],
                group=self._crowd.groups[user],
                job_class=name,
                cores_used=cores * float(busy[n]),
                ram_used_gib=ram_gib * float(memory[n]),
                patience_seconds=patience[n],
                completes=not fails[n],
                deadline_seconds=deadline,
            )
            found.append(arrival)
        return found

    def _share_of_flexible(self, row: BatchClassSettings) -> float:
        return row.flexible if self._flexible_share is None else self._flexible_share

    def _estimated(self, runs: Floats, uniform: Floats) -> list[float | None]:
        if self._estimates is None:
            return [None] * len(runs)
        wanted = runs * np.maximum(self._estimates.quantiles(uniform), 1.0)
        index = np.minimum(np.searchsorted(ASKED_TIMES, wanted, side="left"), len(ASKED_TIMES) - 1)
        return [max(ASKED_TIMES[i], float(run)) for i, run in zip(index, runs, strict=True)]


class _Interactive:
    """Sessions that people work in."""

    def __init__(self, parameters: CanfarParameters, crowd: Crowd, seed: int) -> None:
        self._settings: InteractiveSettings = parameters.interactive
        self._flexible = parameters.flexible
        self._crowd = crowd
        self._streams = Streams(seed, "interactive")
        self._names = list(self._settings.kinds)
        self._kinds = list(self._settings.kinds.values())

    def arrivals(self, per_second: float, epoch: Epoch, chunk: int) -> Iterator[Arrival]:
        """Sessions at a mean rate of ``per_second``, in the order of submission."""
        kinds = cumulated(np.array([kind.share for kind in self._kinds]))
        streams = self._streams
        times = arrival_times(
            per_second, self._settings.cycle, epoch, streams["gaps"], streams["kept"], chunk
        )
        number = 0
        for starts in times:
            yield from self._sessions(starts, kinds, number)
            number += len(starts)

    def _sessions(self, starts: Floats, kinds: Floats, first: int) -> Iterator[Arrival]:
        draw = self._streams.uniform
        size = len(starts)
        kind = np.searchsorted(kinds, draw("kind", size), side="right")
        users = self._crowd.draw(draw("user", size))
        activity = _by_class(kind, draw("activity", size), [k.activity for k in self._kinds])
        busy = _by_class(kind, draw("busy", size), [k.busy for k in self._kinds])
        memory = _by_class(kind, draw("memory", size), [k.ram_gib for k in self._kinds])
        flexible, which, within = draw("flexible", size), draw("which", size), draw("size", size)
        forgotten = draw("forgotten", size) < self._settings.forgotten
        renewals = _geometric(draw("renewals", size), self._settings.renewals)
        patience = _maybe(self._settings.patience, draw("patience", size))
        expiry = self._settings.expiry
        for n in range(size):
            settings = self._kinds[kind[n]]
            request, limit = self._resources(settings, flexible[n], which[n], within[n])
            stays = expiry * (1 + int(renewals[n]))
            user = users[n]
            yield Arrival(
                number=0,
                submit_time=float(starts[n]),
                request=request,
                limit=limit,
                run_seconds=None if forgotten[n] else float(activity[n]),
                name=f"{self._names[kind[n]]}-{first + n}",
                user=self._crowd.users[user],
                group=self._crowd.groups[user],
                kind=self._names[kind[n]],
                job_class=self._names[kind[n]],
                cores_used=min(float(busy[n]), limit.cores),
                ram_used_gib=min(float(memory[n]), _MEMORY_OF_LIMIT * limit.ram_gib),
                patience_seconds=patience[n],
                # Who works longer than the session would last renews it.
                deadline_seconds=stays if forgotten[n] else max(expiry, float(activity[n]) + expiry),
            )

    def _resources(
        self, kind: InteractiveKindSettings, flexible: float, which: float, within: float
    ) -> tuple[Resources, Resources]:
        if kind.request is not None and kind.limit is not None:
            return Resources.of(*kind.request), Resources.of(*kind.limit)
        if flexible < kind.flexible:
            return _flexible(self._flexible)
        asked = Resources.of(*_size(kind.sizes[int(which * len(kind.sizes))], within))
        return asked, asked


def _by_class(kind: Integers, uniform: Floats, distributions: list[DurationSettings]) -> Floats:
    """For each item the quantile of the distribution of its class."""
    values = np.empty(len(kind))
    for index, distribution in enumerate(distributions):
        mask = kind == index
        values[mask] = distribution.quantiles(uniform[mask])
    return values


def _counts(values: Floats) -> Integers:
    return np.maximum(np.rint(values), 1).astype(np.intp)


def _mean_count(distribution: DurationSettings) -> float:
    """Mean of whole numbers drawn from ``distribution``, at least 1."""
    grid: Floats = (np.arange(20_000) + 0.5) / 20_000
    return float(_counts(distribution.quantiles(grid)).mean())


def _normal_cdf(scores: Floats) -> Floats:
    from scipy.special import ndtr

    below_one: Floats = np.minimum(ndtr(scores), np.nextafter(1.0, 0.0))
    return below_one


def _maybe(distribution: DurationSettings | None, uniform: Floats) -> list[float | None]:
    if distribution is None:
        return [None] * len(uniform)
    return [float(value) for value in distribution.quantiles(uniform)]


def _geometric(uniform: Floats, again: float) -> Integers:
    """How often something happens that happens again with probability ``again``."""
    if again <= 0:
        return np.zeros(len(uniform), dtype=np.intp)
    if again >= 1:
        return np.full(len(uniform), MOST_RENEWALS, dtype=np.intp)
    times: Integers = np.minimum(np.floor(np.log1p(-uniform) / np.log(again)), MOST_RENEWALS).astype(np.intp)
    return times


def _size(size: SizeSettings, uniform: float) -> tuple[float, float]:
    """Cores and GiB: whole cores in the range, each equally likely, and the memory that goes with them."""
    low, high = size.cores
    choices = round(high - low) + 1
    step = min(int(uniform * choices), choices - 1)
    part = step / (choices - 1) if choices > 1 else 0.0
    return low + step, round(size.ram_gib[0] + part * (size.ram_gib[1] - size.ram_gib[0]), 3)


def _may_be(settings: FlexibleSettings, cores: float, ram_gib: float) -> bool:
    return cores <= settings.limit_cores and ram_gib <= settings.limit_ram_gib


def _flexible(settings: FlexibleSettings) -> tuple[Resources, Resources]:
    return (
        Resources.of(settings.request_cores, settings.request_ram_gib),
        Resources.of(settings.limit_cores, settings.limit_ram_gib),
    )
