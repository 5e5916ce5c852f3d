"""Ordering, admission and placement: independent choices, each a small class behind a protocol; backfilling and
preemption, which decide how they are combined.

``ORDERINGS``, ``ADMISSIONS``, ``PLACEMENTS``, ``BACKFILLS`` and ``PREEMPTIONS`` name those a configuration can ask
for; other packages may add to them (:mod:`skahasim.policies.registry`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

from skahasim.cluster import Cluster
from skahasim.configuration import (
    AdmissionSettings,
    BackfillSettings,
    OrderingSettings,
    PlacementSettings,
    PolicySettings,
    PreemptionSettings,
    QueueSettings,
)
from skahasim.kueue.settings import KueueSettings
from skahasim.policies.admission import Limits, OpenAdmission
from skahasim.policies.ordering import (
    Aging,
    AgingParameters,
    FairShare,
    FairShareParameters,
    FirstComeFirstServed,
    LongestFirst,
    PriorityClass,
    RequestedTimeParameters,
    ShortestFirst,
    SizeClass,
    SizePriority,
    WeightedSum,
    WeightedSumParameters,
)
from skahasim.policies.parameters import Parameters
from skahasim.policies.placement import (
    AvoidGpuNodes,
    BestFit,
    DominantResource,
    FirstFit,
    MostAllocated,
    Spread,
    WorstFit,
)
from skahasim.policies.preemption import PriorityPreemption
from skahasim.policies.protocol import Admission, Ordering, Placement, Policies, Preemption, Queue
from skahasim.policies.registry import (
    Kind,
    Offer,
    UnknownPolicy,
    UnusablePolicy,
    build,
    find,
    setting,
    shadowed,
)
from skahasim.section import Section

T = TypeVar("T")

ORDERINGS: Mapping[str, Callable[[OrderingSettings], Ordering]] = MappingProxyType(
    {
        "aging": Offer("ordering", Aging.of, AgingParameters),
        "fair-share": Offer("ordering", lambda s: FairShare(s.parameters), FairShareParameters),
        "fifo": Offer("ordering", lambda _: FirstComeFirstServed()),
        "ljf": Offer("ordering", lambda s: LongestFirst(s.parameters.by), RequestedTimeParameters),
        "priority-class": Offer("ordering", lambda _: PriorityClass()),
        "size-priority": Offer("ordering", SizePriority.of),
        "sjf": Offer("ordering", lambda s: ShortestFirst(s.parameters.by), RequestedTimeParameters),
        "weighted-sum": Offer("ordering", lambda s: WeightedSum(s.parameters), WeightedSumParameters),
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
    {
        "best-fit": lambda _: BestFit(),
        "dominant-resource": lambda _: DominantResource(),
        "first-fit": lambda _: FirstFit(),
        "most-allocated": lambda _: MostAllocated(),
        "spread": lambda _: Spread(),
        "worst-fit": lambda _: WorstFit(),
    }
)
Discipline: TypeAlias = Callable[[Cluster, Policies], Queue]


def _backfill(name: str, settings: BackfillSettings) -> Discipline:
    from skahasim.backfill import discipline  # it builds on this package

    return discipline(name, settings.estimates)


BACKFILLS: Mapping[str, Callable[[BackfillSettings], Discipline | None]] = MappingProxyType(
    {"any-fit": lambda _: None}
    | {name: partial(_backfill, name) for name in ("none", "easy", "easy-sjbf", "conservative")}
)
PREEMPTIONS: Mapping[str, Callable[[PreemptionSettings], Preemption | None]] = MappingProxyType(
    {"none": lambda _: None, "priority": lambda _: PriorityPreemption()}
)
BUILT_IN: Mapping[Kind, Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "ordering": ORDERINGS,
        "admission": ADMISSIONS,
        "placement": PLACEMENTS,
        "backfill": BACKFILLS,
        "preemption": PREEMPTIONS,
    }
)


def policies_from(settings: QueueSettings) -> Policies:
    """The policies a configuration names.

    :raises UnknownPolicy: there is no policy of that name, or (``UnusablePolicy``) it cannot be used here.
    """
    preemption = _made(PREEMPTIONS, settings.preemption)
    discipline = _made(BACKFILLS, settings.backfill)
    if preemption is not None:
        if discipline is not None:
            text = f"{settings.preemption.policy!r} works with queue.backfill.policy 'any-fit' only"
            raise UnusablePolicy(setting("preemption"), text)
        discipline = _preempting
    if settings.kueue is not None:
        if preemption is not None:
            raise UnusablePolicy(
                setting("preemption"), "under Kueue each ClusterQueue has a preemption of its own"
            )
        if discipline is not None:
            raise UnusablePolicy(setting("backfill"), "Kueue has no backfilling; leave it at 'any-fit'")
        discipline = _kueue(settings.kueue)
    return Policies(
        ordering=ordering_from(settings.ordering),
        admission=_made(ADMISSIONS, settings.admission),
        placement=placement_from(settings.placement),
        discipline=discipline,
        passes=settings.backfill.passes,
        preemption=preemption,
    )


def _kueue(settings: KueueSettings) -> Discipline:
    from skahasim.kueue.discipline import discipline  # few have it, and it takes time to load
    from skahasim.kueue.installation import UnknownObject

    try:
        return discipline(settings)
    except UnknownObject as error:
        raise UnusablePolicy(f"queue.kueue.{error.key}", error.explanation) from None


def ordering_from(settings: OrderingSettings) -> Ordering:
    """The ordering a configuration names. Raises :class:`UnknownPolicy`."""
    return _made(ORDERINGS, settings)


def placement_from(settings: PlacementSettings) -> Placement:
    """The placement a configuration names. Raises :class:`UnknownPolicy`."""
    placement = _made(PLACEMENTS, settings)
    return AvoidGpuNodes(placement) if settings.avoid_gpu_nodes else placement


def parameters_of(kind: Kind, name: str) -> type[Section] | None:
    """The class of the keys that policy ``name`` adds to its section; ``None`` when there is no such policy."""
    try:
        offer = find(kind, name, BUILT_IN[kind])
    except UnknownPolicy:
        return None
    return offer.parameters if isinstance(offer, Offer) else Parameters


def _made(known: Mapping[str, Callable[[Any], T]], settings: PolicySettings) -> T:
    kind, name = settings.kind, settings.policy
    made: T = build(kind, name, find(kind, name, known), settings, foreign=name not in known)
    return made


def _preempting(cluster: Cluster, policies: Policies) -> Queue:
    from skahasim.policies.preemption.queue import (
        PreemptingQueue,
    )  # it is built on the protocol of this package

    return PreemptingQueue(cluster, policies)


__all__ = [
    "ADMISSIONS",
    "BACKFILLS",
    "BUILT_IN",
    "ORDERINGS",
    "PLACEMENTS",
    "PREEMPTIONS",
    "Admission",
    "Aging",
    "AvoidGpuNodes",
    "BestFit",
    "Discipline",
    "DominantResource",
    "FairShare",
    "FairShareParameters",
    "FirstComeFirstServed",
    "FirstFit",
    "Kind",
    "Limits",
    "LongestFirst",
    "MostAllocated",
    "Offer",
    "OpenAdmission",
    "Ordering",
    "Parameters",
    "Placement",
    "Policies",
    "Preemption",
    "PriorityClass",
    "PriorityPreemption",
    "Queue",
    "ShortestFirst",
    "SizeClass",
    "SizePriority",
    "Spread",
    "UnknownPolicy",
    "UnusablePolicy",
    "WeightedSum",
    "WorstFit",
    "ordering_from",
    "parameters_of",
    "placement_from",
    "policies_from",
    "shadowed",
]
