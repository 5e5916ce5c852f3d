"""How sure a number is: warm-up, confidence intervals, differences under common random numbers, sample sizes.

Textbook: Law, *Simulation Modeling and Analysis*, 5th ed., chapters 9 and 10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, inf, isfinite, nan, sqrt
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special  # not scipy.stats: every worker of a comparison would wait a second for it

from skahasim.randomness import generator

Floats: TypeAlias = NDArray[np.float64]

CONFIDENCE = 0.95
POWER = 0.8
MSER_BATCH = 5
MINIMUM_BATCH = 2
"""Fewest observations that make a batch."""


class Interval(NamedTuple):
    """An estimate and its two-sided confidence interval; the bounds are NaN where the data say nothing of them."""

    mean: float
    low: float
    high: float
    n: int
    """Independent observations (replications, batches) behind it."""
    confidence: float = CONFIDENCE

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2

    @property
    def precision(self) -> float:
        """Half-width relative to the estimate; infinite where that is zero and the half-width is not."""
        half = self.half_width
        if half == 0:
            return 0.0
        return abs(half / self.mean) if self.mean else (nan if half != half else inf)

    def covers(self, value: float) -> bool:
        """Whether ``value`` lies inside, but for rounding."""
        slack = 1e-12 * max(abs(value), abs(self.low), abs(self.high))
        return self.low - slack <= value <= self.high + slack


class Warmup(NamedTuple):
    """Where a run has forgotten how it began."""

    observations: int
    """How many of the first observations to drop."""
    settled: bool
    """False when the rule points past the middle of the data: the run is too short, or its load grows."""


def mser(observations: ArrayLike, batch: int = MSER_BATCH) -> Warmup:
    """How much of the beginning to drop, by MSER-5: the cut that minimises the squared standard error of what is left.

    Only cuts in the first half count (White, "An effective truncation heuristic for bias reduction in simulation
    output", Simulation 69(6), 1997; White, Cobb & Spratt, WSC 2000).
    """
    data = np.asarray(observations, dtype=float)
    groups = len(data) // batch
    if groups < 4:
        return Warmup(0, settled=False)
    means = data[: groups * batch].reshape(groups, batch).mean(axis=1)
    centred = means - means.mean()  # the variance is the same, and sums of squares do not cancel
    left = np.arange(groups, 0, -1)
    sums = np.cumsum(centred[::-1])[::-1]
    squares = np.cumsum(centred[::-1] ** 2)[::-1]
    errors = np.maximum(squares - sums**2 / left, 0.0) / left**2
    # The last few batches always look steady.
    candidates = errors[: max(1, groups - 4)]
    cut = int(np.argmin(candidates))
    if cut > groups // 2:
        return Warmup(int(np.argmin(errors[: groups // 2 + 1])) * batch, settled=False)
    return Warmup(cut * batch, settled=True)


def student(observations: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """Mean and Student interval of independent observations, e.g. one of each replication."""
    data = np.asarray(observations, dtype=float)
    n = len(data)
    if n == 0:
        return Interval(nan, nan, nan, 0, confidence)
    mean = float(data.mean())
    if n == 1:
        return Interval(mean, nan, nan, 1, confidence)
    half = student_quantile(confidence, n - 1) * float(data.std(ddof=1)) / sqrt(n)
    return Interval(mean, mean - half, mean + half, n, confidence)


def student_quantile(confidence: float, degrees: int) -> float:
    """The two-sided quantile of Student's t."""
    return float(special.stdtrit(degrees, (1 + confidence) / 2))


def batches(observations: ArrayLike, count: int = 20) -> Floats:
    """Means of ``count`` consecutive batches, as equal as can be; fewer for little data, none below 4 values."""
    data = np.asarray(observations, dtype=float)
    count = min(count, len(data) // MINIMUM_BATCH)
    if count < 2:
        return np.empty(0)
    edges = np.linspace(0, len(data), count + 1).astype(int)
    sums = np.add.reduceat(data, edges[:-1])
    return np.asarray(sums / np.diff(edges), dtype=float)


def batch_means(observations: ArrayLike, count: int = 20, confidence: float = CONFIDENCE) -> Interval:
    """Mean and interval from one run whose observations depend on their neighbours (Law, section 9.5.3).

    Sound when a batch is much longer than the queue's memory; with few observations it is too narrow.
    """
    data = np.asarray(observations, dtype=float)
    if not len(data):
        return Interval(nan, nan, nan, 0, confidence)
    means = batches(data, count)
    if len(means) < 2:
        return Interval(float(data.mean()), nan, nan, len(means), confidence)
    mean = float(data.mean())
    half = student_quantile(confidence, len(means) - 1) * float(means.std(ddof=1)) / sqrt(len(means))
    return Interval(mean, mean - half, mean + half, len(means), confidence)


class Paired(NamedTuple):
    """The difference ``other - baseline`` over replications that share their random numbers."""

    difference: Interval
    ratio: Interval
    """``other / baseline - 1`` of the means; bounds by Fieller's theorem, NaN where the baseline may be zero."""
    p_value: float
    """Two-sided, of no difference (paired t test); NaN with fewer than two pairs."""
    detectable: float
    """The smallest absolute difference that as many pairs would have shown with power 0.8."""
    varies: bool
    """False when all pairs differ by the same, so that there is no chance to be confident about."""


def paired(
    baseline: ArrayLike, other: ArrayLike, confidence: float = CONFIDENCE, power: float = POWER
) -> Paired:
    """Compare pair by pair (Law, section 10.2.1); pairs with a NaN are left out."""
    a, b = np.asarray(baseline, dtype=float), np.asarray(other, dtype=float)
    if a.shape != b.shape:
        raise ValueError(f"{len(a)} observations cannot be paired with {len(b)}")
    known = np.isfinite(a) & np.isfinite(b)
    a, b = a[known], b[known]
    gaps = b - a
    difference = student(gaps, confidence)
    ratio = ratio_of_means(a, b, confidence)
    ratio = ratio._replace(mean=ratio.mean - 1, low=ratio.low - 1, high=ratio.high - 1)
    n = len(gaps)
    if n < 2:
        return Paired(difference, ratio, nan, nan, varies=False)
    spread = float(gaps.std(ddof=1))
    scale = float(np.abs(gaps).max())
    if spread <= 1e-12 * max(scale, float(np.abs(a).max())):
        return Paired(difference, ratio, 1.0 if difference.mean == 0 else 0.0, 0.0, varies=False)
    p_value = float(2 * special.stdtr(n - 1, -abs(difference.mean) / (spread / sqrt(n))))
    return Paired(
        difference, ratio, p_value, minimum_detectable_effect(spread, n, 1 - confidence, power), varies=True
    )


def ratio_of_means(baseline: ArrayLike, other: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """``mean(other) / mean(baseline)`` of pairs, with Fieller's interval (Fieller, JRSS B 16(2), 1954)."""
    a, b = np.asarray(baseline, dtype=float), np.asarray(other, dtype=float)
    n = len(a)
    mean_a, mean_b = (float(a.mean()), float(b.mean())) if n else (nan, nan)
    ratio = mean_b / mean_a if n and mean_a else nan
    if n < 2 or not mean_a:
        return Interval(ratio, nan, nan, n, confidence)
    var_a, var_b = float(a.var(ddof=1)) / n, float(b.var(ddof=1)) / n
    shared = float(((a - mean_a) * (b - mean_b)).sum()) / (n - 1) / n
    t2 = student_quantile(confidence, n - 1) ** 2
    # Roots of (b - r a)^2 = t^2 var(b - r a).
    square, half, rest = mean_a**2 - t2 * var_a, mean_a * mean_b - t2 * shared, mean_b**2 - t2 * var_b
    if square <= 0:  # the baseline may be zero: every ratio is possible
        return Interval(ratio, nan, nan, n, confidence)
    root = sqrt(max(half**2 - square * rest, 0.0))
    return Interval(ratio, (half - root) / square, (half + root) / square, n, confidence)


def minimum_detectable_effect(
    spread: float, n: int, alpha: float = 1 - CONFIDENCE, power: float = POWER
) -> float:
    """The smallest true difference that a two-sided t test at ``alpha`` finds with probability ``power``.

    ``spread``: standard deviation of one (paired) observation, of which there are ``n``. Solved on the noncentral t
    distribution. NaN with fewer than two observations.
    """
    if n < 2 or not isfinite(spread):
        return nan
    if spread == 0:
        return 0.0
    critical = float(special.stdtrit(n - 1, 1 - alpha / 2))
    # Of the two tails the near one has all the power that matters; the far one is below alpha / 2.
    shift = float(special.nctdtrinc(n - 1, 1 - power, critical))
    if not isfinite(shift):  # beyond what the noncentral t is computed for
        shift = critical + float(special.stdtrit(n - 1, power))
    return shift * spread / sqrt(n)


def replications_needed(
    spread: float, half_width: float, confidence: float = CONFIDENCE, most: int = 1_000_000
) -> int:
    """How many replications give an interval of ``half_width``, with a standard deviation of ``spread`` between them.

    The smallest n with t(n-1) x spread / sqrt(n) <= half_width (Law, section 9.4.1); ``most`` at most.
    """
    if half_width <= 0:
        return 2 if spread == 0 else most

    def enough(n: int) -> bool:
        return student_quantile(confidence, n - 1) * spread / sqrt(n) <= half_width

    low = max(2, ceil((float(special.ndtri((1 + confidence) / 2)) * spread / half_width) ** 2))
    if low >= most:
        return most
    while not enough(low) and low < most:
        low += 1
    return low


def tight(interval: Interval, precision: float) -> bool:
    """Whether a sequence of replications may stop: the half-width is at most ``precision`` times the estimate."""
    return interval.n >= 2 and interval.precision <= precision


def holm(p_values: Sequence[float]) -> list[float]:
    """P values of tests judged together (Holm, Scand. J. Statist. 6(2), 1979), in the order given; NaN stays."""
    known = sorted((p, index) for index, p in enumerate(p_values) if p == p)
    adjusted = [nan] * len(p_values)
    floor = 0.0
    for rank, (p, index) in enumerate(known):
        floor = max(floor, min(1.0, p * (len(known) - rank)))
        adjusted[index] = floor
    return adjusted


def bootstrap(
    observations: ArrayLike,
    statistic: Callable[..., Any],
    *,
    seed: int = 0,
    confidence: float = CONFIDENCE,
    resamples: int = 2000,
    block: int = 1,
) -> Interval:
    """Percentile bootstrap of ``statistic(values, axis=-1)`` (a quantile, a ratio...); ``n`` counts blocks.

    ``block`` > 1 draws runs of that many neighbours, for observations that depend on each other (moving blocks:
    Künsch, Ann. Statist. 17(3), 1989). Rows of a two-dimensional input are drawn as they are, so a ratio of two
    columns may be asked for: the statistic then sees shape (..., rows, columns) and ``axis=-2``.
    """
    data = np.asarray(observations, dtype=float)
    axis = -1 if data.ndim == 1 else -2
    n = len(data)
    if n == 0:
        return Interval(nan, nan, nan, 0, confidence)
    estimate = float(statistic(data, axis=axis))
    block = max(1, min(block, n))
    if n < 2 or block == n:
        return Interval(estimate, nan, nan, n // block, confidence)
    random = generator(seed, "bootstrap")
    per_sample = ceil(n / block)
    values = np.empty(resamples)
    chunk = max(1, 2_000_000 // (per_sample * block))
    for begin in range(0, resamples, chunk):
        size = min(chunk, resamples - begin)
        starts = random.integers(0, n - block + 1, size=(size, per_sample))
        picked = (starts[..., None] + np.arange(block)).reshape(size, -1)[:, :n]
        values[begin : begin + size] = statistic(data[picked], axis=axis)
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(estimate, float(low), float(high), n // block, confidence)


def quantile_interval(
    observations: ArrayLike,
    probability: float,
    *,
    seed: int = 0,
    confidence: float = CONFIDENCE,
    block: int = 1,
) -> Interval:
    """A quantile and its bootstrap interval."""

    def statistic(values: Floats, axis: int) -> Any:
        return np.quantile(values, probability, axis=axis)

    return bootstrap(observations, statistic, seed=seed, confidence=confidence, block=block)
