"""Laws of how a node's cores are shared, for whatever its jobs asked for and want."""

from math import inf, isclose

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skahasim.contention.sharing import Claim, shares

LAW = hypothesis.settings(deadline=None)
NODE = 64.0
WANTS = st.integers(0, 80_000).map(lambda millicores: millicores / 1000)


@st.composite
def claims(draw: st.DrawFn) -> list[Claim]:
    """Requests that fit on the node together, and any wish."""
    found: list[Claim] = []
    left = int(NODE * 1000)
    for _ in range(draw(st.integers(1, 9))):
        request = draw(st.integers(0, left))
        left -= request
        fixed = draw(st.booleans())
        most = min(draw(WANTS), request / 1000) if fixed else min(draw(WANTS), NODE)
        found.append(Claim(request / 1000, most))
    return found


@LAW
@given(claims())
def test_no_more_is_given_than_there_is_and_nobody_more_than_it_wants(asked: list[Claim]) -> None:
    got = shares(NODE, asked)
    assert sum(got) <= NODE * (1 + 1e-12)
    assert all(0 <= cores <= claim.most for cores, claim in zip(got, asked, strict=True))


@LAW
@given(claims())
def test_everybody_may_have_what_it_asked_for(asked: list[Claim]) -> None:
    for cores, (request, most) in zip(shares(NODE, asked), asked, strict=True):
        assert cores >= min(most, request) * (1 - 1e-9)


@LAW
@given(claims())
def test_who_never_wants_more_than_it_asked_for_gets_exactly_what_it_wants(asked: list[Claim]) -> None:
    for cores, (request, most) in zip(shares(NODE, asked), asked, strict=True):
        if most <= request:
            assert cores == most


@LAW
@given(claims())
def test_no_core_is_idle_while_somebody_wants_more(asked: list[Claim]) -> None:
    got = shares(NODE, asked)
    if any(cores < claim.most * (1 - 1e-9) for cores, claim in zip(got, asked, strict=True)):
        assert isclose(sum(got), NODE)


@LAW
@given(claims())
def test_those_who_want_more_have_shares_in_proportion_to_their_requests(asked: list[Claim]) -> None:
    """And nobody who is content has a larger share, by its request, than they."""
    got = shares(NODE, asked)
    levels = [
        inf if not claim.request else cores / claim.request for cores, claim in zip(got, asked, strict=True)
    ]
    hungry = [
        level
        for level, cores, claim in zip(levels, got, asked, strict=True)
        if claim.request and cores < claim.most * (1 - 1e-9)
    ]
    for level in hungry:
        assert isclose(level, hungry[0])
        assert all(
            other <= level * (1 + 1e-9) for other, claim in zip(levels, asked, strict=True) if claim.request
        )


@LAW
@given(claims(), st.randoms(use_true_random=False))
def test_the_order_of_the_claims_decides_nothing(asked: list[Claim], chance: object) -> None:
    order = list(range(len(asked)))
    chance.shuffle(order)  # type: ignore[attr-defined]
    got, mixed = shares(NODE, asked), shares(NODE, [asked[index] for index in order])
    for place, index in enumerate(order):
        assert isclose(mixed[place], got[index], rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        # Alone, or with room for all: what it wants.
        ([(1, 16)], [16]),
        ([(1, 8), (2, 8)], [8, 8]),
        # 16 cores, weights 1 : 3.
        ([(1, 16), (3, 16)], [4, 12]),
        # The first is content with 2: the other two share 14 as 1 : 1.
        ([(2, 2), (1, 16), (1, 16)], [2, 7, 7]),
        # Nobody uses the 8 that the first asked for but 1: they are shared as 2 : 6.
        ([(8, 1), (2, 16), (6, 16)], [1, 3.75, 11.25]),
        # The level rises twice: 16/8 = 2 serves the first (3 <= 2 x 2), then 13/6 the others.
        ([(2, 3), (2, 16), (4, 16)], [3, 13 / 3, 26 / 3]),
        # Without a request: what the others leave, in equal parts.
        ([(15, 15), (0, 4), (0, 0.25)], [15, 0.75, 0.25]),
        ([(15, 16), (0, 4)], [16, 0]),
    ],
)
def test_examples_on_a_node_of_16(asked: list[tuple[float, float]], expected: list[float]) -> None:
    assert shares(16.0, [Claim(*claim) for claim in asked]) == pytest.approx(expected)


def test_not_even_rounding_reaches_who_wants_no_more_than_it_asked_for() -> None:
    """Here the level, computed, is a bit below 1; who wants what it asked for is not asked for the difference."""
    fixed = [(10.8, 10.8), (4.0, 4.0), (0.8, 0.8), (0.3, 0.3)]
    got = shares(16.0, [Claim(*claim) for claim in [*fixed, (0.1, 16.0)]])
    assert got[:4] == [10.8, 4.0, 0.8, 0.3]
