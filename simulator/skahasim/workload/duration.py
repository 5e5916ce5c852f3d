"""Distributions of times and of factors, as a configuration file has them."""

from __future__ import annotations

import re
from math import exp, inf, log
from statistics import NormalDist
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from skahasim.configuration import Section

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])", re.ASCII)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_GRID = 20_000


def _seconds(value: Any) -> Any:
    if isinstance(value, str) and (match := _TIME.fullmatch(value.strip())):
        return float(match[1]) * _UNITS[match[2]]
    return value


SecondsField = Annotated[float, BeforeValidator(_seconds), Field(ge=0)]
"""Seconds, or a text such as ``30m``, ``4h``, ``1.5d``, ``2w``."""


class DurationSettings(Section):
    """A distribution of positive numbers, by default of seconds.

    ``{low, high}`` is uniform, ``{median, sigma}`` log-normal, ``{mean}`` exponential, a single number fixed.
    ``{low, high, spread}`` is the log-normal that has the share ``spread`` between ``low`` and ``high`` and as much
    below as above, a way to read a table's "5-30 min". ``least`` and ``most`` bound all of them: what is drawn
    outside becomes the bound.
    """

    low: SecondsField | None = None
    high: SecondsField | None = None
    spread: float | None = Field(default=None, gt=0, lt=1)
    median: SecondsField | None = None
    sigma: float | None = Field(default=None, ge=0)
    mean: SecondsField | None = None
    least: SecondsField = 0.0
    most: SecondsField | None = None

    @model_validator(mode="after")
    def _one_distribution(self) -> Self:
        uniform = self.low is not None or self.high is not None
        if uniform + (self.median is not None) + (self.mean is not None) != 1:
            raise ValueError("give low and high, or median and sigma, or mean")
        if uniform and (self.low is None or self.high is None or self.low > self.high):
            raise ValueError("low and high go together, and low must not exceed high")
        if self.spread is not None and not (uniform and 0 < (self.low or 0) < (self.high or 0)):
            raise ValueError("spread goes with low and high, 0 < low < high")
        if self.median is not None and self.median <= 0:
            raise ValueError("median must be above 0")
        if self.sigma is not None and self.median is None:
            raise ValueError("sigma goes with median")
        if self.most is not None and self.most < self.least:
            raise ValueError("least must not exceed most")
        return self

    @property
    def log_normal(self) -> tuple[float, float] | None:
        """Mean and standard deviation of the logarithm, for a log-normal."""
        if self.median is not None:
            return log(self.median), self.sigma or 0.0
        if self.spread is not None and self.low and self.high:
            width = 2 * NormalDist().inv_cdf((1 + self.spread) / 2)
            return (log(self.low) + log(self.high)) / 2, (log(self.high) - log(self.low)) / width
        return None

    def quantiles(self, uniform: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values at cumulative probabilities ``uniform``, each in [0, 1)."""
        import numpy as np

        if (normal := self.log_normal) is not None:
            from scipy.special import ndtri

            mu, sigma = normal
            values = np.exp(mu + sigma * ndtri(uniform)) if sigma else np.full(uniform.shape, exp(mu))
        elif self.mean is not None:
            values = -self.mean * np.log1p(-uniform)
        else:
            low, high = self.low or 0.0, self.high or 0.0
            values = low + (high - low) * uniform
        return np.clip(values, self.least, inf if self.most is None else self.most)

    def average(self) -> float:
        """The mean of what is drawn, to about four digits."""
        import numpy as np

        grid: NDArray[np.float64] = (np.arange(_GRID) + 0.5) / _GRID
        return float(self.quantiles(grid).mean())


def _from_number(value: Any) -> Any:
    value = _seconds(value)
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return {"low": value, "high": value} if plain else value


DurationField = Annotated[DurationSettings, BeforeValidator(_from_number)]
"""A distribution, or one number (or text such as ``30m``) that is always drawn."""
