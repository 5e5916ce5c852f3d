"""The event table, byte for byte."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockskaha.kubectl import ABSENT, HEADER, NULL, custom_columns, events_body

pytestmark = pytest.mark.evidence("skaha-contract §2.10")

POD = "skaha-headless-alice-gvfusmzo-kdqkz"
ROWS = [
    ("Normal", "Scheduled", f"Successfully assigned skaha-workload/{POD} to node-x04", NULL, NULL),
    (
        "Normal",
        "Pulled",
        'Container image "redis:7.4.2-alpine3.21" already present on machine',
        "2025-05-27T22:02:11Z",
        "2025-05-27T22:02:11Z",
    ),
    ("Warning", "Failed", "Error: ErrImagePull", "2025-05-27T22:02:14Z", "2025-05-27T22:03:00Z"),
]
HEADER_LINE = f"TYPE      REASON      {'MESSAGE':87}FIRST-TIME             LAST-TIME\n"
TABLE = (
    HEADER_LINE
    + f"Normal    Scheduled   Successfully assigned skaha-workload/{POD} to node-x04   "
    + "<nil>                  <nil>\n"
    + f"Normal    Pulled      {ROWS[1][2]:87}2025-05-27T22:02:11Z   2025-05-27T22:02:11Z\n"
    + f"Warning   Failed      {'Error: ErrImagePull':87}2025-05-27T22:02:14Z   2025-05-27T22:03:00Z\n"
)

CELL = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=30)
CONTROLS = "".join(map(chr, range(0x21)))
TIME = st.sampled_from(["2025-05-27T22:02:11Z", NULL, ABSENT])


def test_columns_are_three_spaces_wider_than_their_widest_cell() -> None:
    assert custom_columns(ROWS) == TABLE


def test_a_table_without_rows_is_its_header() -> None:
    assert custom_columns([]) == "TYPE   REASON   MESSAGE   FIRST-TIME   LAST-TIME\n"


def test_the_body_is_the_table_or_none() -> None:
    assert events_body(ROWS) == TABLE.encode()
    assert events_body([]) == b"<none>\n"


def test_the_body_is_trimmed_and_ends_in_one_newline() -> None:
    row = ("Normal", "Killing", "Stopping container é", NULL, " ")
    assert (
        events_body([row])
        == (
            "TYPE     REASON    MESSAGE                FIRST-TIME   LAST-TIME\n"
            "Normal   Killing   Stopping container é   <nil>\n"
        ).encode()
    )


def test_a_message_of_several_lines_breaks_the_columns() -> None:
    message = "MountVolume failed: exit 32\nMounting command: mount\nOutput:\tdenied"
    mount = ("Warning", "FailedMount", message, "2025-05-27T22:02:14Z", NULL)
    assert custom_columns([mount, ROWS[2]]) == (
        "TYPE      REASON        MESSAGE   FIRST-TIME   LAST-TIME\n"
        "Warning   FailedMount   MountVolume failed: exit 32\n"
        "Mounting command: mount\n"
        "Output:   denied        2025-05-27T22:02:14Z   <nil>\n"
        "Warning   Failed        Error: ErrImagePull    2025-05-27T22:02:14Z   2025-05-27T22:03:00Z\n"
    )


def test_terminal_controls_are_shown() -> None:
    row = ("Normal", "Odd", "red \x1b[31m\r", NULL, NULL)
    assert custom_columns([row]).splitlines()[1] == "Normal   Odd      red ^[[31m\\r   <nil>        <nil>"


@given(st.lists(st.tuples(CELL, CELL, CELL, TIME, TIME), max_size=12))
def test_every_column_starts_where_its_header_starts(rows: list[tuple[str, ...]]) -> None:
    header, *lines = custom_columns(rows).removesuffix("\n").split("\n")
    starts = [header.index(title) for title in HEADER]
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        for start, end, cell in zip(starts, [*starts[1:], None], row, strict=True):
            assert line[start:end].rstrip(" ") == cell
    for column, (start, end) in enumerate(pairwise(starts)):
        assert end - start == 3 + max(len(row[column]) for row in [HEADER, *rows])


@given(st.lists(st.tuples(*[st.text(max_size=8)] * 5), min_size=1, max_size=6))
def test_any_text_stays_in_the_body(rows: list[tuple[str, ...]]) -> None:
    body = events_body(rows).decode("utf-8", "surrogatepass")
    assert body.startswith("TYPE")
    assert body.endswith("\n")
    assert not body.endswith("\n\n")
    for row in rows:
        for word in " ".join(row).replace("\x1b", "^[").replace("\r", "\\r").split():
            assert word.strip(CONTROLS) in body
