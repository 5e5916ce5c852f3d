from collections import Counter

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skahasim.draws import Draws

KEYS = st.lists(st.one_of(st.text(max_size=8), st.integers()), max_size=4).map(tuple)
BINS = 100
# Chi-square with 99 degrees of freedom: 1 in 100,000 on either side.
LEAST, MOST = 50.0, 170.0


def chi_square(bins: list[int], count: int) -> float:
    counted = Counter(bins)
    expected = count / BINS
    return sum((counted[n] - expected) ** 2 / expected for n in range(BINS))


@pytest.mark.parametrize("seed", [0, 1, 2**63])
@pytest.mark.parametrize("what", ["pull", "work"])
def test_draws_of_following_jobs_are_uniform(seed: int, what: str) -> None:
    draws, count = Draws(seed), 10_000
    bins = [int(draws.uniform(what, number) * BINS) for number in range(count)]
    assert LEAST < chi_square(bins, count) < MOST


@pytest.mark.parametrize(
    ("first", "second"),
    [(("pull", 0), ("work", 0)), (("pull", 0), ("pull", 1))],
    ids=["by purpose", "by job"],
)
def test_draws_of_different_keys_know_nothing_of_each_other(
    first: tuple[str, int], second: tuple[str, int]
) -> None:
    draws, count = Draws(7), 10_000
    bins = [
        10 * int(draws.uniform(first[0], first[1] + number) * 10)
        + int(draws.uniform(second[0], second[1] + number) * 10)
        for number in range(count)
    ]
    assert LEAST < chi_square(bins, count) < MOST


def test_seeds_know_nothing_of_each_other() -> None:
    count = 10_000
    bins = [
        10 * int(Draws(seed).uniform("pull", 0) * 10) + int(Draws(seed + 1).uniform("pull", 0) * 10)
        for seed in range(count)
    ]
    assert LEAST < chi_square(bins, count) < MOST


@hypothesis.settings(deadline=None)
@given(
    st.integers(), st.lists(KEYS, min_size=1, max_size=6, unique_by=repr), st.randoms(use_true_random=False)
)
def test_a_draw_depends_on_seed_and_key_alone(
    seed: int, keys: list[tuple[str | int, ...]], order: object
) -> None:
    draws = Draws(seed)
    first = {repr(key): draws.uniform(*key) for key in keys}
    shuffled = list(keys)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert {repr(key): draws.uniform(*key) for key in shuffled} == first
    assert {repr(key): Draws(seed).uniform(*key) for key in keys} == first
    assert len(set(first.values())) == len(keys)
    assert all(0.0 <= value < 1.0 for value in first.values())


def test_the_numbers_are_those_of_every_platform_and_release() -> None:
    draws = Draws(20)
    assert draws.uniform("pull", 0) == 0.38552998712023434
    assert draws.text(8, "abc", "abcdef0123456789", "id", 0) == "c5642e1c"


@hypothesis.settings(deadline=None)
@given(st.integers(1, 16), KEYS)
def test_text_is_made_of_the_letters_given(length: int, key: tuple[str | int, ...]) -> None:
    text = Draws(0).text(length, "ab", "0123", *key)
    assert len(text) == length
    assert text[0] in "ab"
    assert set(text[1:]) <= set("0123")
