"""Shares of the work: every item goes to exactly one replica."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skahaclient.helpers.distributed import chunk, stripe

ITEMS = st.lists(st.integers(), max_size=60)
TOTALS = st.integers(1, 20)


@given(ITEMS, TOTALS)
def test_chunks_in_a_row_are_the_whole(items: list[int], total: int) -> None:
    shares = [list(chunk(items, replica, total)) for replica in range(1, total + 1)]
    assert [item for share in shares for item in share] == items
    assert len({len(share) for share in shares[:-1]}) <= (1 if len(items) >= total else 2)


@given(ITEMS, TOTALS)
def test_stripes_woven_together_are_the_whole(items: list[int], total: int) -> None:
    shares = [list(stripe(iter(items), replica, total)) for replica in range(1, total + 1)]
    assert [shares[at % total][at // total] for at in range(len(items))] == items
    assert sum(map(len, shares)) == len(items)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_the_shares_are_those_of_canfar() -> None:
    assert [list(chunk(range(10), replica, 4)) for replica in (1, 2, 3, 4)] == [
        [0, 1],
        [2, 3],
        [4, 5],
        [6, 7, 8, 9],
    ]
    assert [list(chunk([1, 2, 3], replica, 5)) for replica in (1, 2, 3, 4, 5)] == [[1], [2], [3], [], []]
    assert [list(stripe(range(10), replica, 3)) for replica in (1, 2, 3)] == [
        [0, 3, 6, 9],
        [1, 4, 7],
        [2, 5, 8],
    ]


def test_a_session_knows_which_replica_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(chunk("abc")) == list(stripe("abc")) == ["a", "b", "c"]
    monkeypatch.setenv("REPLICA_ID", "2")
    monkeypatch.setenv("REPLICA_COUNT", "3")
    assert (list(chunk("abcdef")), list(stripe("abcdef"))) == (["c", "d"], ["b", "e"])


@pytest.mark.parametrize("share", [chunk, stripe])
@pytest.mark.parametrize(("replica", "total"), [(0, 3), (4, 3), (-1, 3), (1, 0), (1, -2)])
def test_who_is_no_replica_has_no_share(share: object, replica: int, total: int) -> None:
    with pytest.raises(ValueError, match="replica"):
        share([1, 2, 3], replica, total)  # type: ignore[operator]


def test_a_variable_that_is_no_number_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICA_ID", "first")
    with pytest.raises(ValueError, match="REPLICA_ID is 'first'"):
        chunk([1])
