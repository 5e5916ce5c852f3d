"""Who gets how many cores of a node that is asked for more than it has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Claim(NamedTuple):
    """What one running job asks of its node's cores."""

    request: float
    """Cores it asked for: its weight, and what it may have whenever it wants it."""
    most: float
    """Cores it would keep busy if nobody else were there, no more than its limit."""


def shares(cores: float, claims: Sequence[Claim]) -> list[float]:
    """Cores each of ``claims`` gets of a node of ``cores``; the requests together are no more than ``cores``.

    As the kernel's fair scheduler gives them under the weights Kubernetes sets (``cpu.shares``, ``cpu.weight``:
    in proportion to requests): nobody more than it wants, and what one leaves is shared among the others in
    proportion to their requests, until nobody wants more or all cores are busy. Those who asked for nothing
    share equally what the others leave.
    """
    if sum(claim.most for claim in claims) <= cores:
        return [claim.most for claim in claims]
    got = [0.0] * len(claims)
    left, weights = cores, 0.0
    hungry: list[tuple[float, int]] = []
    idle: list[tuple[float, int]] = []
    for index, (request, most) in enumerate(claims):
        if most <= request:  # exactly what it wants, whatever the others do
            got[index] = most
            left -= most
        elif request > 0.0:
            hungry.append((most / request, index))
            weights += request
        else:
            idle.append((most, index))
    # Lowest first: whoever is content with the level water has reached is served, and the level rises.
    hungry.sort()
    for position, (ratio, index) in enumerate(hungry):
        level = max(left, 0.0) / weights
        if ratio > level:
            for _, other in hungry[position:]:
                got[other] = level * claims[other].request
            return got
        most = claims[index].most
        got[index] = most
        left -= most
        weights -= claims[index].request
        if weights <= 0.0:
            break
    idle.sort()
    for position, (most, index) in enumerate(idle):
        got[index] = min(most, max(left, 0.0) / (len(idle) - position))
        left -= got[index]
    return got
