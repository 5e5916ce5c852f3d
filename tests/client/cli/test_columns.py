"""Tables: whole without a terminal, fitted to one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skahaclient.cli.columns import Column, rows_of, table

COLUMNS = (
    Column("ID"),
    Column("NAME", shrinks_to=6),
    Column("CORES", right=True, goes=2),
    Column("IMAGE", shrinks_to=10, goes=1),
)
ROWS = [
    ("kx3w9q2d", "reduction-of-the-night", "2", "images.canfar.net/skaha/astroml:latest"),
    ("b", "c", "16", "d"),
]


def fitted(width: int | None) -> list[str]:
    return list(table(COLUMNS, ROWS, width))


def test_without_a_terminal_nothing_is_cut() -> None:
    assert fitted(None) == [
        "ID        NAME                    CORES  IMAGE",
        "kx3w9q2d  reduction-of-the-night      2  images.canfar.net/skaha/astroml:latest",
        "b         c                          16  d",
    ]


@pytest.mark.parametrize(
    ("width", "row"),
    [
        (80, "kx3w9q2d  reduction-of-the-night      2  images.canfar.net/skaha/astroml:latest"),
        (60, "kx3w9q2d  reduction-of-the-ni…      2  images.canfar.net/sk…"),
        (35, "kx3w9q2d  reduc…      2  images.ca…"),
        (34, "kx3w9q2d  reduction-of-the…      2"),
        (20, "kx3w9q2d  reduction…"),
        (10, "kx3w9q2d  reduc…"),
    ],
)  # fmt: skip
def test_a_terminal_cuts_the_longest_and_leaves_out_what_may_go(width: int, row: str) -> None:
    assert fitted(width)[1] == row


@given(st.integers(26, 200), st.lists(st.tuples(*[st.text("abc", max_size=30)] * 4), max_size=5))
def test_no_line_is_wider_than_the_terminal(width: int, rows: list[tuple[str, ...]]) -> None:
    rows = [(first[:8], *others) for first, *others in rows]
    assert all(len(line) <= width for line in table(COLUMNS, rows, width))


def test_a_last_column_that_folds_is_not_cut() -> None:
    columns = (Column("ID"), Column("MESSAGE", shrinks_to=5, folds=True))
    rows = [("a", "one two three four"), ("b", "short"), ("c", "")]
    assert list(table(columns, rows, 13)) == [
        "ID  MESSAGE",
        "a   one two",
        "    three",
        "    four",
        "b   short",
        "c",
    ]
    assert list(table(columns, rows, None))[1] == "a   one two three four"


def test_colour_follows_the_whole_cell() -> None:
    columns = (Column("S", shrinks_to=2, colour=lambda text: "red" if text == "Failed" else None),)
    assert list(table(columns, [("Failed",), ("ok",)], 3, lambda text, style: f"<{style}>{text}</>")) == [
        "<bold>S</>",
        "<red>Fa…</>",
        "ok",
    ]


def test_events_are_read_by_their_columns() -> None:
    text = (
        "TYPE      REASON    MESSAGE                   FIRST-TIME             LAST-TIME\n"
        "Normal    Pulled    Image  present            2025-05-27T22:02:08Z   <nil>\n"
        "Warning   BackOff                             <nil>                  <nil>\n"
        "Normal   Scheduled   Assigned to a node far too long to fit   <nil>   <nil>\n"
        "Error from server, which knows no columns whatever it is asked for\n"
    )
    names = ("TYPE", "REASON", "MESSAGE", "FIRST-TIME", "LAST-TIME")
    rows = [
        ("Normal", "Pulled", "Image  present", "2025-05-27T22:02:08Z", "<nil>"),
        ("Warning", "BackOff", "", "<nil>", "<nil>"),
        ("Normal", "Scheduled", "Assigned to a node far too long to fit", "<nil>", "<nil>"),
    ]
    other = {"MESSAGE": "Error from server, which knows no columns whatever it is asked for"}
    assert rows_of(text) == [*(dict(zip(names, row, strict=True)) for row in rows), other]
    assert rows_of("<none>\n") == []
    assert rows_of("") == []
