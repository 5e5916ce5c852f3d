"""Ordering, admission and placement: three independent choices, each a small class behind a protocol.

``ORDERINGS``, ``ADMISSIONS`` and ``PLACEMENTS`` name those a configuration can ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias, TypeVar

from skahasim.cluster import Cluster
from skahasim.configuration import (
    AdmissionSettings,
    BackfillSettings,
    OrderingSettings,
    PlacementSettings,
    QueueSettings,
)
from skahasim.policies.admission import Limits, OpenAdmission
from skahasim.policies.ordering import FirstComeFirstServed, SizeClass, SizePriority
from skahasim.policies.placement import FirstFit, Spread
from skahasim.policies.protocol import Admission, Ordering, Placement, Policies, Queue

T = TypeVar("T")

ORDERINGS: Mapping[str, Callable[[OrderingSettings], Ordering]] = MappingProxyType(
    {
        "fifo": lambda _: FirstComeFirstServed(),
        "size-priority": lambda settings: SizePriority(
            small=SizeClass(settings.size_classes.small.cores, settings.size_classes.small.ram_gib),
            large=SizeClass(settings.size_classes.large.cores, settings.size_classes.large.ram_gib),
        ),
    }
)
ADMISSIONS: Mapping[str, Callable[[AdmissionSettings], Admission]] = MappingProxyType(
    {
        "open": lambda settings: OpenAdmission(
            per_user=Limits.of(settings.per_user),
            per_group=Limits.of(settings.per_group),
            suspends=settings.suspend,
        )
    }
)
PLACEMENTS: Mapping[str, Callable[[PlacementSettings], Placement]] = MappingProxyType(
    {"first-fit": lambda _: FirstFit(), "spread": lambda _: Spread()}
)
Discipline: TypeAlias = Callable[[Cluster, Policies], Queue]
BACKFILLS: Mapping[str, Callable[[BackfillSettings], Discipline | None]] = MappingProxyType(
    {"any-fit": lambda _: None}
)


class UnknownPolicy(ValueError):
    """A configuration names a policy that does not exist."""

    def __init__(self, key: str, name: str, known: Mapping[str, object]) -> None:
        self.key = key
        """The setting, e.g. ``queue.ordering.policy``."""
        self.explanation = f"unknown policy {name!r}; known: {', '.join(sorted(known))}"
        super().__init__(f"{key}: {self.explanation}")


def policies_from(settings: QueueSettings) -> Policies:
    """The three policies a configuration names. Raises :class:`UnknownPolicy`."""
    return Policies(
        ordering=_named("queue.ordering.policy", settings.ordering.policy, ORDERINGS)(settings.ordering),
        admission=_named("queue.admission.policy", settings.admission.policy, ADMISSIONS)(settings.admission),
        placement=_named("queue.placement.policy", settings.placement.policy, PLACEMENTS)(settings.placement),
        discipline=_named("queue.backfill.policy", settings.backfill.policy, BACKFILLS)(settings.backfill),
        passes=settings.backfill.passes,
    )


def _named(key: str, name: str, known: Mapping[str, T]) -> T:
    try:
        return known[name]
    except KeyError:
        raise UnknownPolicy(key, name, known) from None


__all__ = [
    "ADMISSIONS",
    "BACKFILLS",
    "ORDERINGS",
    "PLACEMENTS",
    "Admission",
    "Discipline",
    "FirstComeFirstServed",
    "FirstFit",
    "Limits",
    "OpenAdmission",
    "Ordering",
    "Placement",
    "Policies",
    "SizeClass",
    "SizePriority",
    "Spread",
    "UnknownPolicy",
    "policies_from",
]
