"""Times as Java prints them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockskaha.java import instant, offset_datetime

pytestmark = pytest.mark.evidence("skaha-contract §4.3")

SECONDS = st.integers(-62_135_596_800, 253_402_300_799)
"""Of the years 1 to 9999."""


@pytest.mark.parametrize(
    ("seconds", "offset", "exact"),
    [
        (1_786_055_100, "2026-08-06T22:25Z", "2026-08-06T22:25:00Z"),
        (1_786_055_131, "2026-08-06T22:25:31Z", "2026-08-06T22:25:31Z"),
        (0, "1970-01-01T00:00Z", "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"),
        (-62_135_596_800, "0001-01-01T00:00Z", "0001-01-01T00:00:00Z"),
        (951_782_400, "2000-02-29T00:00Z", "2000-02-29T00:00:00Z"),
    ],
)
def test_start_times_lose_zero_seconds_and_expiry_times_do_not(seconds: int, offset: str, exact: str) -> None:
    assert offset_datetime(seconds) == offset
    assert instant(seconds) == exact


@given(SECONDS)
def test_an_instant_reads_back(seconds: int) -> None:
    text = instant(seconds)
    assert len(text) == 20
    assert (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() == seconds


@given(SECONDS)
def test_the_two_forms_differ_once_a_minute(seconds: int) -> None:
    assert offset_datetime(seconds) == (
        instant(seconds)[:-4] + "Z" if seconds % 60 == 0 else instant(seconds)
    )


def test_a_year_of_five_digits_is_refused() -> None:
    with pytest.raises(OverflowError):
        instant(253_402_300_800)
