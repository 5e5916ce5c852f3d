"""The order in which Java's hash tables hand out strings (OpenJDK ``String.hashCode`` and ``HashMap``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

Text = TypeVar("Text", bound=str)
_FIRST_CAPACITY = 16
_TREE_CAPACITY = 64
_CROWDED_BIN = 9


def string_hash(text: str) -> int:
    """``String.hashCode``: signed, 32 bits, over UTF-16 units."""
    value = 0
    for unit in text.encode("ascii") if text.isascii() else _utf16_units(text):
        value = (31 * value + unit) & 0xFFFFFFFF
    return value - 0x1_0000_0000 if value & 0x8000_0000 else value


def hash_set_order(strings: Iterable[Text]) -> list[Text]:
    """The different strings, in the order a ``HashSet`` (or ``HashMap``) filled in this order hands them out.

    The table starts with 16 buckets and doubles when three quarters full, and when a bucket of a small table
    holds nine; within a bucket the first inserted comes first (skaha-contract §2.12). Nine or more strings in
    one bucket of a table of 64 and more become a tree in Java; its order is not reproduced.
    """
    spread = {text: _spread(text) for text in strings}
    mask = _capacity(list(spread.values())) - 1
    return sorted(spread, key=lambda text: spread[text] & mask)


def _utf16_units(text: str) -> list[int]:
    encoded = text.encode("utf-16-be", "surrogatepass")
    return [high << 8 | low for high, low in zip(encoded[::2], encoded[1::2], strict=True)]


def _spread(text: str) -> int:
    value = string_hash(text) & 0xFFFFFFFF
    return value ^ (value >> 16)


def _capacity(spreads: list[int]) -> int:
    capacity = _FIRST_CAPACITY
    if len(spreads) < _CROWDED_BIN:
        return capacity
    for size in range(1, len(spreads) + 1):
        if capacity < _TREE_CAPACITY:
            bins = Counter(spread & (capacity - 1) for spread in spreads[:size])
            if bins[spreads[size - 1] & (capacity - 1)] >= _CROWDED_BIN:
                capacity *= 2
        if size * 4 > capacity * 3:
            capacity *= 2
    return capacity
