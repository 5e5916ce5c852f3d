"""Poisson arrivals of jobs of a few classes, with a daily and weekly cycle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from skahasim.randomness import Generator, generator
from skahasim.resources import Resources
from skahasim.workload.arrival import Arrival
from skahasim.workload.cycle import CHUNK, Floats, arrival_times
from skahasim.workload.settings import JobMixSettings, PoissonWorkload
from skahasim.workload.source import Epoch, Workload

_HOUR = 3600.0


def open_source(settings: PoissonWorkload, seed: int, base: Path, epoch: Epoch) -> Workload:
    """The generator of ``settings``."""
    return Workload(generate(settings, seed, epoch), epoch)


def generate(settings: PoissonWorkload, seed: int, epoch: Epoch, chunk: int = CHUNK) -> Iterator[Arrival]:
    """The arrivals, for ever. ``chunk`` (how many are drawn at a time) does not change them."""

    def stream(purpose: str) -> Generator:
        return generator(seed, "workload", "poisson", purpose)

    rate = settings.per_hour * settings.scale / _HOUR
    mix = settings.mix
    ends = np.cumsum([part.share for part in mix])
    ends /= ends[-1]
    ends[-1] = 1.0
    digits = len(str(settings.users))
    chosen, sizes, runs, factors, users = map(stream, ("class", "size", "run", "factor", "user"))
    number = 0
    for times in arrival_times(rate, settings.cycle, epoch, stream("gaps"), stream("kept"), chunk):
        size = len(times)
        kinds = np.searchsorted(ends, chosen.random(size), side="right")
        within, run, factor = sizes.random(size), runs.random(size), factors.random(size)
        user = (users.random(size) * settings.users).astype(np.intp) + 1
        seconds, requested = np.empty(size), np.full(size, np.nan)
        for index, part in enumerate(mix):
            mask = kinds == index
            seconds[mask] = part.run.quantiles(run[mask])
            if part.requested_factor is not None:
                requested[mask] = seconds[mask] * part.requested_factor.quantiles(factor[mask])
        for n in range(size):
            part = mix[kinds[n]]
            request, limit = _resources(part, within, n)
            yield Arrival(
                number=number,
                submit_time=float(times[n]),
                request=request,
                limit=limit,
                run_seconds=float(seconds[n]),
                requested_seconds=None if part.requested_factor is None else float(requested[n]),
                name=f"{part.name or 'job'}-{number}",
                user=f"user{user[n]:0{digits}d}",
                kind=part.kind,
                job_class=part.name,
                priority_class=part.priority_class,
                queue=part.queue,
            )
            number += 1


def _resources(part: JobMixSettings, within: Floats, index: int) -> tuple[Resources, Resources]:
    low, high = part.cores
    cores, ram_gib = low, part.ram_gib[0]
    if low != high:
        step = int(within[index] * (high - low + 1))
        cores += step
        ram_gib += step / (high - low) * (part.ram_gib[1] - ram_gib)
    elif part.ram_gib[0] != part.ram_gib[1]:
        ram_gib += float(within[index]) * (part.ram_gib[1] - ram_gib)
    request = Resources.of(cores, ram_gib, part.gpus)
    if part.limit_cores is None and part.limit_ram_gib is None:
        return request, request
    return request, Resources.of(part.limit_cores or cores, part.limit_ram_gib or ram_gib, part.gpus)
