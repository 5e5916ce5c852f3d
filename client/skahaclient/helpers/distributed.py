"""A replica's share of the work: every item goes to exactly one of them.

Replicas count from 1. Which one this is, and of how many, is in ``REPLICA_ID`` and ``REPLICA_COUNT``, which
`Session.create` gives to every session.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def chunk(iterable: Iterable[T], replica: int | None = None, total: int | None = None) -> Iterator[T]:
    """The neighbours among the items: the first replica has the first ones, and so on.

    Each has as many, and the last one the remainder in addition, as `canfar` has it; with fewer items than replicas,
    the first have one each. For even shares, see `stripe`. Raises ValueError for a replica that is not one of them.
    """
    number, count = _share(replica, total)
    items = list(iterable)
    size = len(items) // count
    if size == 0:
        return iter(items[number - 1 : number])
    end = number * size if number < count else len(items)
    return iter(items[(number - 1) * size : end])


def stripe(iterable: Iterable[T], replica: int | None = None, total: int | None = None) -> Iterator[T]:
    """Every ``total``-th item: the shares differ by one item at most, and nothing is held in memory.

    Raises ValueError for a replica that is not one of them.
    """
    number, count = _share(replica, total)
    return islice(iterable, number - 1, None, count)


def _share(replica: int | None, total: int | None) -> tuple[int, int]:
    number = _variable("REPLICA_ID") if replica is None else replica
    count = _variable("REPLICA_COUNT") if total is None else total
    if count < 1:
        raise ValueError(f"there are {count} replicas (total, or REPLICA_COUNT); at least 1 is needed")
    if not 1 <= number <= count:
        raise ValueError(
            f"there is no replica {number} of {count} (REPLICA_ID of REPLICA_COUNT); they count from 1"
        )
    return number, count


def _variable(name: str) -> int:
    text = os.environ.get(name, "1")
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{name} is {text!r}, and not a number") from None
