"""Arrival times: a Poisson process whose rate follows the hour and the weekday."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from skahasim.randomness import Generator
from skahasim.workload.cycle_settings import CycleSettings
from skahasim.workload.source import Epoch

HOUR = 3600.0
CHUNK = 4096
Floats: TypeAlias = NDArray[np.float64]


class Cycle:
    """The weights of a cycle over model time; exact in local time, daylight saving included."""

    def __init__(self, settings: CycleSettings, epoch: Epoch) -> None:
        self._settings = settings
        self._epoch = epoch
        self._zone = ZoneInfo(epoch.time_zone)
        self._bounds: list[float] = []
        self._weights: list[float] = []
        self._end = 0.0
        self._arrays: tuple[Floats, Floats] = (np.empty(0), np.empty(0))

    def weights(self, times: Floats) -> Floats:
        """The weight at each of the ascending ``times``, in seconds since time 0."""
        if len(times) and self._end <= times[-1]:
            # Doubling, so that asking often for a little more stays cheap.
            self._extend(max(float(times[-1]), 2 * self._end))
        bounds, weights = self._arrays
        found: Floats = weights[np.searchsorted(bounds, times, side="right") - 1]
        return found

    def _extend(self, until: float) -> None:
        hours, weekdays = self._settings.hours, self._settings.weekdays
        while self._end <= until:
            local = datetime.fromtimestamp(self._epoch.unix + self._end, UTC).astimezone(self._zone)
            self._bounds.append(self._end)
            self._weights.append(hours[local.hour] * weekdays[local.weekday()])
            into = local.minute * 60 + local.second + local.microsecond / 1e6
            self._end += HOUR - into
        self._arrays = np.array(self._bounds), np.array(self._weights)


def arrival_times(
    per_second: float,
    settings: CycleSettings,
    epoch: Epoch,
    gaps: Generator,
    kept: Generator,
    chunk: int = CHUNK,
) -> Iterator[Floats]:
    """Chunks of ascending arrival times, for ever; ``per_second`` is the mean rate over a week.

    Thinning (Lewis and Shedler, Naval Research Logistics Quarterly 26, 1979): candidates come at the highest rate,
    and each is kept with the probability weight/highest. ``gaps`` and ``kept`` are streams of their own, so the
    times do not depend on the size of a chunk.
    """
    cycle = Cycle(settings, epoch)
    highest = settings.highest
    gap = settings.mean / highest / per_second
    flat = settings.mean == highest
    time = 0.0
    while True:
        steps = gaps.standard_exponential(chunk) * gap
        steps[0] += time
        candidates = np.cumsum(steps)
        time = float(candidates[-1])
        if flat:
            yield candidates
        else:
            yield candidates[kept.random(chunk) * highest < cycle.weights(candidates)]
