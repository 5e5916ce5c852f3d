"""How long something takes: a distribution sampled by inverting its CDF, so one uniform gives one delay."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log1p
from statistics import NormalDist

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Delay:
    """Seconds. Either uniform on [low, high], or log-normal (median, sigma), or exponential (mean)."""

    low: float = 0.0
    high: float = 0.0
    median: float = 0.0
    sigma: float = 0.0
    mean: float = 0.0

    @property
    def is_zero(self) -> bool:
        return not (self.high or self.median or self.mean)

    def sample(self, uniform: float) -> float:
        """The quantile at ``uniform``, a number in [0, 1)."""
        if self.median:
            return self.median * exp(self.sigma * _NORMAL.inv_cdf(max(uniform, 1e-12)))
        if self.mean:
            return -self.mean * log1p(-uniform)
        return self.low + (self.high - self.low) * uniform


ZERO = Delay()
