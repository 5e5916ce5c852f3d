"""How facts are worded in tables."""

from __future__ import annotations

from datetime import timedelta

import pytest

from skahaclient.cli.words import number, ranges, share, short, span


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0s"), (0, "0s"), (59.9, "59s"), (60, "1m"), (61, "1m1s"), (601, "10m"), (3600, "1h"), (5400, "1h30m"),
        (36000, "10h"), (86400, "1d"), (277200, "3d5h"), (1209600, "14d"), (1209599, "13d"),
    ],
)  # fmt: skip
def test_lengths_of_time(seconds: float, words: str) -> None:
    assert span(timedelta(seconds=seconds)) == words


def test_what_is_not_known_is_a_dash() -> None:
    assert (span(None), number(None), share(None, 1), share(1, None), share(1, 0)) == ("-",) * 5


def test_numbers_say_no_more_than_they_know() -> None:
    assert [number(value) for value in (0, 2.0, 1.5, 0.25, 100)] == ["0", "2", "1.5", "0.2", "100"]
    assert number(0.4567, 2) == "0.46"
    assert share(3, 4) == "75%"


def test_images_lose_the_usual_host() -> None:
    assert short("images.canfar.net/skaha/astroml:latest") == "skaha/astroml:latest"
    assert short("other.host/skaha/astroml:latest") == "other.host/skaha/astroml:latest"


def test_numbers_in_a_row_are_told_in_ranges() -> None:
    assert ranges([1, 2, 3, 4, 6, 7, 16]) == "1-4, 6, 7, 16"
    assert ranges([]) == "none"
