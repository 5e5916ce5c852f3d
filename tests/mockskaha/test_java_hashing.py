"""The order Java's hash tables give to strings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockskaha.java import hash_set_order, string_hash

pytestmark = pytest.mark.evidence("skaha-contract §2.12")

TYPES = ["notebook", "desktop", "carta", "contributed", "firefly", "headless", "desktop-app"]
# "Aa" and "BB" have one hash, so these sixteen do.
COLLIDING = [
    a + b + c + d for a in ("Aa", "BB") for b in ("Aa", "BB") for c in ("Aa", "BB") for d in ("Aa", "BB")
]


@pytest.mark.parametrize(
    ("text", "value"),
    [("", 0), ("a", 97), ("Aa", 2112), ("BB", 2112), ("notebook", 1581556187), ("\U0001f600", 1772899)],
)
def test_string_hash_is_javas(text: str, value: int) -> None:
    assert string_hash(text) == value


@given(st.text(st.characters()))
def test_string_hash_is_a_signed_polynomial_over_utf16_units(text: str) -> None:
    encoded = text.encode("utf-16-be", "surrogatepass")
    units = [int.from_bytes(encoded[at : at + 2], "big") for at in range(0, len(encoded), 2)]
    polynomial = sum(unit * 31 ** (len(units) - 1 - at) for at, unit in enumerate(units))
    assert string_hash(text) == (polynomial + 2**31) % 2**32 - 2**31


def test_image_types_come_in_bucket_order_with_ties_as_inserted() -> None:
    assert hash_set_order(TYPES) == [
        "headless",
        "carta",
        "desktop",
        "firefly",
        "desktop-app",
        "notebook",
        "contributed",
    ]
    assert hash_set_order(["firefly", "contributed", "notebook", "desktop"]) == [
        "firefly",
        "desktop",
        "contributed",
        "notebook",
    ]


@pytest.mark.evidence("skaha-contract §2.13")
def test_context_keys_come_in_bucket_order() -> None:
    keys = ["cores", "memoryGB", "gpus", "maxInteractiveSessions"]
    assert hash_set_order(keys) == ["cores", "gpus", "memoryGB", "maxInteractiveSessions"]
    assert hash_set_order(["options", "default", "defaultRequest", "defaultLimit"]) == [
        "default",
        "defaultLimit",
        "options",
        "defaultRequest",
    ]


def test_the_table_doubles_beyond_three_quarters() -> None:
    # One letter hashes to its code: "p" (112) is in bucket 0 of 16 and 16 of 32, "a" (97) in 1 of both.
    twelve = [*"ponmlkjihgfa"]
    assert hash_set_order(twelve) == [*"pafghijklmno"]
    assert hash_set_order([*twelve, "e"]) == [*"aefghijklmnop"]


def test_nine_in_one_bucket_double_a_small_table() -> None:
    # "q" (113) shares bucket 1 of 16 with "a" (97) and not of 32; what collides is elsewhere.
    crowd = COLLIDING[:8]
    assert hash_set_order(["q", "a", *crowd])[:2] == ["q", "a"]
    assert hash_set_order(["q", "a", *COLLIDING[:9]])[0] == "a"
    assert hash_set_order(COLLIDING[:9]) == COLLIDING[:9]


@given(st.lists(st.text(), max_size=40))
def test_every_string_comes_once(strings: list[str]) -> None:
    ordered = hash_set_order(strings)
    assert sorted(ordered) == sorted(set(strings))


@given(st.lists(st.sampled_from(TYPES), unique=True))
def test_equal_buckets_keep_the_order_of_insertion(types: list[str]) -> None:
    ordered = hash_set_order(types)
    for pair in ({"desktop", "firefly"}, {"contributed", "notebook"}):
        assert [kind for kind in ordered if kind in pair] == [kind for kind in types if kind in pair]
