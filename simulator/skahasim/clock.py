"""Where model time comes from when somebody outside drives the model. A what-if study needs none: it drains
the event list (virtual time)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Model time in seconds since the model's epoch; never goes back."""

    def now(self) -> float: ...


class WallClock:
    """Wall time from ``start`` on, ``speed`` model seconds for each wall second (3600: an hour a second)."""

    __slots__ = ("_anchor", "_source", "_start", "speed")

    def __init__(
        self, speed: float = 1.0, start: float = 0.0, source: Callable[[], float] = time.monotonic
    ) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be positive, not {speed}")
        self.speed = speed
        self._start = start
        self._source = source
        self._anchor = source()

    def now(self) -> float:
        return self._start + (self._source() - self._anchor) * self.speed


class ManualClock:
    """Stands still until told to move."""

    __slots__ = ("_now",)

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Move ``seconds`` on; a negative or non-finite step is refused."""
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"a clock advances by a finite, non-negative number of seconds, not {seconds}")
        self._now += seconds


def wall_time() -> float:
    """Unix time in seconds: the one place that asks what time it is."""
    return time.time()
