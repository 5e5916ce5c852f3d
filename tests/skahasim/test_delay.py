from math import exp, inf, log

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skahasim.delay import ZERO, Delay

UNIFORM = Delay(low=2.0, high=6.0)
LOG_NORMAL = Delay(median=600.0, sigma=0.8)
EXPONENTIAL = Delay(mean=5.0)
SECONDS = st.floats(0.001, 1e6)
DELAYS = st.one_of(
    st.builds(lambda low, width: Delay(low=low, high=low + width), SECONDS, SECONDS),
    st.builds(lambda median, sigma: Delay(median=median, sigma=sigma), SECONDS, st.floats(0, 3)),
    st.builds(lambda mean: Delay(mean=mean), SECONDS),
)


@pytest.mark.parametrize(
    ("delay", "uniform", "seconds"),
    [
        (UNIFORM, 0.0, 2.0),
        (UNIFORM, 0.25, 3.0),
        (UNIFORM, 0.5, 4.0),
        (LOG_NORMAL, 0.5, 600.0),
        (LOG_NORMAL, 0.8413447460685429, 600.0 * exp(0.8)),
        (LOG_NORMAL, 0.15865525393145707, 600.0 / exp(0.8)),
        (EXPONENTIAL, 0.0, 0.0),
        (EXPONENTIAL, 0.5, 5.0 * log(2)),
        (EXPONENTIAL, 1 - exp(-1), 5.0),
        (Delay(low=3.0, high=3.0), 0.7, 3.0),
        (Delay(median=3.0), 0.7, 3.0),
        (ZERO, 0.7, 0.0),
    ],
)
def test_quantiles(delay: Delay, uniform: float, seconds: float) -> None:
    assert delay.sample(uniform) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("delay", "mean"), [(UNIFORM, 4.0), (LOG_NORMAL, 600.0 * exp(0.8**2 / 2)), (EXPONENTIAL, 5.0)]
)
def test_means(delay: Delay, mean: float) -> None:
    count = 20_000
    assert sum(delay.sample((n + 0.5) / count) for n in range(count)) / count == pytest.approx(mean, rel=1e-3)


@hypothesis.settings(deadline=None)
@given(DELAYS, st.lists(st.floats(0, 1, exclude_max=True), min_size=2, max_size=2))
def test_a_larger_uniform_never_gives_a_shorter_delay(delay: Delay, uniforms: list[float]) -> None:
    less, more = (delay.sample(uniform) for uniform in sorted(uniforms))
    assert 0 <= less <= more < inf


@pytest.mark.parametrize("delay", [UNIFORM, LOG_NORMAL, EXPONENTIAL])
def test_only_nothing_is_zero(delay: Delay) -> None:
    assert not delay.is_zero
    assert ZERO.is_zero
    assert Delay() == ZERO
