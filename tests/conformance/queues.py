"""Queues with one line and c servers, computed without an event list: what the model is compared with, job for job.

Each takes the times of arrival and the service times of all jobs and returns waits and responses in the order of
arrival (NaN for a job that is turned away).
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush, heapreplace
from math import inf
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Outcome: TypeAlias = tuple[Floats, Floats]


def single_server(arrivals: Floats, services: Floats) -> Outcome:
    """First come, first served by one: Lindley's recursion (1952), W' = max(0, W + S - A)."""
    steps = np.empty(len(arrivals))
    steps[0] = 0.0
    np.cumsum(services[:-1] - np.diff(arrivals), out=steps[1:])
    waits = steps - np.minimum.accumulate(steps)
    return waits, waits + services


def servers(arrivals: Floats, services: Floats, count: int, places: int | None = None) -> Outcome:
    """First come, first served by ``count``; one that finds ``places`` jobs in the system is turned away."""
    free = [0.0] * count
    departures: list[float] = []
    waits = np.full(len(arrivals), np.nan)
    for index, (now, service) in enumerate(zip(arrivals.tolist(), services.tolist(), strict=True)):
        if places is not None:
            while departures and departures[0] <= now:
                heappop(departures)
            if len(departures) >= places:
                continue
        begin = max(now, free[0])
        heapreplace(free, begin + service)
        waits[index] = begin - now
        if places is not None:
            heappush(departures, begin + service)
    return waits, waits + services


def priority_servers(arrivals: Floats, services: Floats, classes: Sequence[int] | Any, count: int) -> Outcome:
    """Class 0 first, then 1...; a job that is served is not disturbed."""
    free = [0.0] * count
    heapify(free)
    line: list[tuple[int, int]] = []
    times, work = arrivals.tolist(), services.tolist()
    begun = [0.0] * len(times)

    def serve(until: float) -> None:
        while line and free[0] <= until:
            _, index = heappop(line)
            begin = max(free[0], times[index])
            begun[index] = begin
            heapreplace(free, begin + work[index])

    for index, (now, rank) in enumerate(zip(times, list(classes), strict=True)):
        serve(now)
        heappush(line, (rank, index))
        serve(now)
    serve(inf)
    waits = np.asarray(begun) - arrivals
    return waits, waits + services


def preemptive_resume(arrivals: Floats, services: Floats, classes: Sequence[int] | Any) -> Outcome:
    """One server; an arrival of a more important class interrupts, and the interrupted job goes on where it was.

    The wait includes interruptions.
    """
    times, left = arrivals.tolist(), services.tolist()
    ended = [0.0] * len(times)
    line: list[tuple[int, int]] = []
    serving: tuple[int, int] | None = None
    clock = 0.0
    for index, (now, rank) in enumerate([*zip(times, list(classes), strict=True), (inf, 0)]):
        while serving is not None:
            end = clock + left[serving[1]]
            if end > now:
                left[serving[1]] -= now - clock
                break
            ended[serving[1]] = clock = end
            serving = heappop(line) if line else None
        clock = now
        if now == inf:
            break
        if serving is None or rank < serving[0]:
            if serving is not None:
                heappush(line, serving)
            serving = (rank, index)
        else:
            heappush(line, (rank, index))
    responses = np.asarray(ended) - arrivals
    return responses - services, responses
