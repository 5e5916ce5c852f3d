"""Intervals that cover, p values that hold, and cuts where they belong."""

from math import inf, isnan, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from skahasim.metrics.statistics import (
    Interval,
    batch_means,
    batches,
    bootstrap,
    holm,
    minimum_detectable_effect,
    mser,
    paired,
    quantile_interval,
    ratio_of_means,
    replications_needed,
    student,
    tight,
)
from skahasim.randomness import generator


def test_student_agrees_with_scipy() -> None:
    data = [4.1, 5.2, 3.9, 6.0, 5.5]
    expected = stats.t.interval(0.95, 4, loc=np.mean(data), scale=stats.sem(data))
    assert student(data)[:3] == pytest.approx((np.mean(data), *expected))


def test_no_interval_from_one_number_and_nothing_from_none() -> None:
    assert student([3.0]).mean == 3.0
    assert isnan(student([3.0]).half_width)
    assert isnan(student([]).mean)
    assert isnan(batch_means([]).mean)
    assert not tight(student([3.0]), 0.5)


def test_student_intervals_cover_as_often_as_they_say() -> None:
    random = generator(1, "coverage")
    samples = random.normal(10.0, 3.0, size=(2000, 8))
    covered = sum(student(sample).covers(10.0) for sample in samples)
    # 2000 trials at 95 %: a standard deviation is 9.7.
    assert abs(covered - 1900) < 40


def test_batch_means_are_honest_where_neighbours_depend_on_each_other() -> None:
    random = generator(2, "ar1")
    covered_naive = covered = 0
    for _ in range(200):
        noise = random.normal(size=4000)
        series = np.empty(4000)
        series[0] = noise[0] / np.sqrt(1 - 0.81)
        for index in range(1, 4000):
            series[index] = 0.9 * series[index - 1] + noise[index]
        covered_naive += student(series).covers(0.0)
        covered += batch_means(series).covers(0.0)
    assert covered_naive < 120
    assert covered > 178  # 95 % of 200 is 190, with a standard deviation of 3.1


@settings(max_examples=40)
@given(st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=300), st.integers(2, 40))
def test_batches_weigh_up_to_all_of_the_data(values: list[float], count: int) -> None:
    means = batches(values, count)
    assert 2 <= len(means) <= count
    edges = np.linspace(0, len(values), len(means) + 1).astype(int)
    assert float(means @ np.diff(edges)) == pytest.approx(sum(values), abs=1e-3)


def test_mser_finds_where_a_transient_ends() -> None:
    random = generator(3, "transient")
    data = random.normal(10.0, 1.0, 2000)
    data[:300] += np.linspace(40.0, 0.0, 300)
    cut = mser(data)
    assert cut.settled
    assert 200 <= cut.observations <= 320


def test_mser_drops_little_of_a_steady_run_and_doubts_one_that_only_grows() -> None:
    random = generator(4, "steady")
    steady = mser(random.normal(5.0, 1.0, 2000))
    assert steady.settled
    assert steady.observations < 1000
    assert not mser(np.linspace(0.0, 100.0, 1000)).settled
    assert not mser([1.0, 2.0]).settled


def test_pairing_takes_out_what_both_share() -> None:
    random = generator(5, "pairs")
    shared = random.normal(100.0, 30.0, 12)
    a, b = shared + random.normal(0, 1, 12), shared - 10 + random.normal(0, 1, 12)
    together = paired(a, b)
    assert together.difference.covers(-10)
    assert together.difference.half_width < 2
    assert together.p_value == pytest.approx(stats.ttest_rel(b, a).pvalue)
    assert stats.ttest_ind(a, b).pvalue > 0.1  # unpaired, nobody would see it
    assert together.detectable < 3
    assert together.varies


def test_a_difference_that_never_varies_is_said_to_be_no_matter_of_chance() -> None:
    same = paired([1.0, 2.0, 3.0], [2.0, 3.0, 4.0])
    assert (same.difference.mean, same.varies) == (1.0, False)
    none = paired([1.0, 2.0], [1.0, 2.0])
    assert (none.difference.mean, none.p_value, none.varies) == (0.0, 1.0, False)
    assert isnan(paired([1.0], [2.0]).p_value)
    assert paired([1.0, nan, 5.0], [2.0, 3.0, 5.5]).difference.n == 2
    with pytest.raises(ValueError, match="cannot be paired"):
        paired([1.0], [1.0, 2.0])


def test_fiellers_interval_covers_the_ratio() -> None:
    random = generator(6, "fieller")
    covered = 0
    for _ in range(1000):
        a = random.normal(10.0, 2.0, 10)
        covered += ratio_of_means(a, 0.6 * a + random.normal(0, 1, 10)).covers(0.6)
    assert abs(covered - 950) < 30
    assert isnan(ratio_of_means([-1.0, 1.1, 0.2], [1.0, 2.0, 3.0]).low)  # the baseline may be zero


@pytest.mark.parametrize("n", [3, 8, 40])
def test_the_detectable_effect_is_detected_four_times_in_five(n: int) -> None:
    effect = minimum_detectable_effect(2.0, n)
    random = generator(7, "power", n)
    trials = random.normal(effect, 2.0, size=(2000, n))
    p_values = stats.ttest_1samp(trials, 0.0, axis=1).pvalue
    assert abs(float((p_values < 0.05).mean()) - 0.8) < 0.03


def test_the_number_of_replications_is_the_smallest_that_is_enough() -> None:
    for spread, width in ((1.0, 0.5), (3.0, 0.2), (0.1, 10.0)):
        n = replications_needed(spread, width)

        def half(count: int, spread: float = spread) -> float:
            return float(stats.t.ppf(0.975, count - 1)) * spread / count**0.5

        assert half(n) <= width
        assert n == 2 or half(n - 1) > width
    assert replications_needed(1.0, 0.0, most=50) == 50


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, nan]) == pytest.approx([0.03, 0.06, 0.06, nan], nan_ok=True)
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@settings(max_examples=40)
@given(st.lists(st.floats(0, 1), max_size=30))
def test_holm_never_lowers_and_keeps_the_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(p <= q <= 1 for p, q in zip(p_values, adjusted, strict=True))
    ranked = sorted(range(len(p_values)), key=p_values.__getitem__)
    assert [adjusted[i] for i in ranked] == sorted(adjusted)


def test_bootstrap_intervals_of_a_quantile_cover() -> None:
    random = generator(8, "bootstrap")
    truth = -np.log(0.1)
    samples = (random.exponential(1.0, 100) for _ in range(100))

    def upper(values: Any, axis: int) -> Any:
        return np.quantile(values, 0.9, axis=axis)

    covered = sum(
        bootstrap(sample, upper, seed=trial, resamples=300).covers(truth)
        for trial, sample in enumerate(samples)
    )
    assert covered >= 85
    one = quantile_interval(random.exponential(1.0, 200), 0.9, seed=5)
    again = quantile_interval([1.0, 2.0, 3.0], 0.5, seed=5)
    assert again == quantile_interval([1.0, 2.0, 3.0], 0.5, seed=5)
    assert one.n == 200


def test_bootstrap_of_a_ratio_keeps_rows_together() -> None:
    random = generator(9, "ratio")
    base = random.uniform(1, 2, 300)
    table = np.column_stack([base, 3 * base])
    found = bootstrap(table, lambda rows, axis: rows.sum(axis=axis)[..., 1] / rows.sum(axis=axis)[..., 0])
    assert found[:3] == pytest.approx((3.0, 3.0, 3.0))


def test_precision_of_nothing() -> None:
    assert Interval(0.0, -1.0, 1.0, 5).precision == inf
    assert Interval(0.0, 0.0, 0.0, 5).precision == 0.0
    assert Interval(10.0, 9.0, 11.0, 5).precision == pytest.approx(0.1)
