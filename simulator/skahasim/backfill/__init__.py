"""Backfilling: who may go before a job that has an earlier turn and must wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from skahasim.backfill.conservative import ConservativeQueue
from skahasim.backfill.easy import EasyQueue
from skahasim.backfill.estimate import Estimate, Estimates, estimate, perfect, requested
from skahasim.backfill.queue import BackfillQueue
from skahasim.backfill.strict import StrictQueue

if TYPE_CHECKING:
    from skahasim.cluster import Cluster
    from skahasim.policies.protocol import Policies

_QUEUES: Mapping[str, Callable[..., BackfillQueue]] = MappingProxyType(
    {
        "none": StrictQueue,
        "easy": EasyQueue,
        "easy-sjbf": partial(EasyQueue, shortest_first=True),
        "conservative": ConservativeQueue,
    }
)


def discipline(name: str, estimates: Estimates = "requested") -> Callable[[Cluster, Policies], BackfillQueue]:
    """``none``, ``easy``, ``easy-sjbf`` or ``conservative``, planning with ``estimates``.

    Raises ``KeyError`` for another name.
    """
    return partial(_QUEUES[name], estimate=estimate(estimates))


__all__ = [
    "BackfillQueue",
    "ConservativeQueue",
    "EasyQueue",
    "Estimate",
    "Estimates",
    "StrictQueue",
    "discipline",
    "estimate",
    "perfect",
    "requested",
]
