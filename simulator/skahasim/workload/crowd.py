"""Who submits: users in a Zipf law of activity, each in one group; and the streams of random numbers they draw from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skahasim.randomness import Generator, generator
from skahasim.workload.canfar_settings import PeopleSettings
from skahasim.workload.cycle import Floats

Integers = NDArray[np.intp]


class Crowd:
    """Users and their groups."""

    def __init__(self, settings: PeopleSettings, seed: int) -> None:
        self._cumulated = cumulated(zipf(settings.users, settings.activity))
        groups = cumulated(zipf(settings.groups, settings.activity))
        drawn = generator(seed, "workload", "canfar", "groups").random(settings.users)
        digits, group_digits = len(str(settings.users)), len(str(settings.groups))
        self.users = [f"user{n:0{digits}d}" for n in range(1, settings.users + 1)]
        self.groups = [f"group{n + 1:0{group_digits}d}" for n in np.searchsorted(groups, drawn, side="right")]

    def draw(self, uniform: Floats) -> Integers:
        found: Integers = np.searchsorted(self._cumulated, uniform, side="right")
        return found


class Streams:
    """A stream of random numbers for each purpose."""

    def __init__(self, seed: int, part: str) -> None:
        self._seed, self._part = seed, part
        self._open: dict[str, Generator] = {}

    def __getitem__(self, purpose: str) -> Generator:
        found = self._open.get(purpose)
        if found is None:
            found = self._open[purpose] = generator(self._seed, "workload", "canfar", self._part, purpose)
        return found

    def uniform(self, purpose: str, size: int) -> Floats:
        return self[purpose].random(size)


def zipf(size: int, exponent: float) -> Floats:
    weights: Floats = np.arange(1, size + 1, dtype=np.float64) ** -exponent
    return weights


def cumulated(weights: Floats) -> Floats:
    """Upper ends of each one's part of [0, 1)."""
    ends: Floats = np.cumsum(weights) / weights.sum()
    ends[-1] = 1.0
    return ends
