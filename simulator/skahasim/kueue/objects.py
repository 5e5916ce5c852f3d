"""Kueue's objects as the admission core needs them: no names of files, no text quantities, no clock.

Amounts are integers: cpu in millicores, every other resource in base units (bytes, counts). Names of fields and
values are those of ``kueue.x-k8s.io/v1beta2``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from skahasim.kueue.affinity import Requirement, Taint, Toleration
from skahasim.kueue.strategy import FairSharingStrategy as FairSharingStrategy

FlavorResource: TypeAlias = tuple[str, str]
"""(flavor, resource): what quota is counted by."""
Usage: TypeAlias = Mapping[FlavorResource, int]
PODS = "pods"
"""The resource that counts pods; a workload uses it only where its ClusterQueue covers it."""

_NO_LABELS: Mapping[str, str] = MappingProxyType({})


class QueueingStrategy(StrEnum):
    STRICT_FIFO = "StrictFIFO"
    """A head that does not fit holds up the queue."""
    BEST_EFFORT_FIFO = "BestEffortFIFO"
    """A head that does not fit is set aside until something changes, and the next is tried."""


class StopPolicy(StrEnum):
    NONE = "None"
    HOLD = "Hold"
    """Nothing new is admitted."""
    HOLD_AND_DRAIN = "HoldAndDrain"
    """Nothing new is admitted, and what is admitted is evicted."""


class PreemptionPolicy(StrEnum):
    NEVER = "Never"
    LOWER_PRIORITY = "LowerPriority"
    LOWER_OR_NEWER_EQUAL_PRIORITY = "LowerOrNewerEqualPriority"
    ANY = "Any"


class FungibilityPolicy(StrEnum):
    """What to do when a flavor would do by borrowing (or preempting): stop there, or look further."""

    MAY_STOP_SEARCH = "MayStopSearch"
    TRY_NEXT_FLAVOR = "TryNextFlavor"


class FungibilityPreference(StrEnum):
    BORROWING_OVER_PREEMPTION = "BorrowingOverPreemption"
    PREEMPTION_OVER_BORROWING = "PreemptionOverBorrowing"


class EvictionReason(StrEnum):
    """Why a workload lost its quota, in Kueue's words."""

    IN_CLUSTER_QUEUE = "InClusterQueue"
    IN_COHORT_RECLAMATION = "InCohortReclamation"
    IN_COHORT_FAIR_SHARING = "InCohortFairSharing"
    IN_COHORT_RECLAIM_WHILE_BORROWING = "InCohortReclaimWhileBorrowing"
    CLUSTER_QUEUE_STOPPED = "ClusterQueueStopped"
    PREEMPTED = "Preempted"


class Quota(NamedTuple):
    """What a queue or cohort has of one resource in one flavor; a limit of ``None`` is no limit."""

    nominal: int
    borrowing_limit: int | None = None
    lending_limit: int | None = None


@dataclass(frozen=True, slots=True)
class FlavorQuotas:
    """The quotas of one flavor, by resource."""

    name: str
    quotas: Mapping[str, Quota]


@dataclass(frozen=True, slots=True)
class ResourceGroup:
    """Resources that take their flavor together, and the flavors in the order they are tried."""

    resources: tuple[str, ...]
    flavors: tuple[FlavorQuotas, ...]


@dataclass(frozen=True, slots=True)
class BorrowWithinCohort:
    policy: PreemptionPolicy = PreemptionPolicy.NEVER
    """``NEVER`` or ``LOWER_PRIORITY``."""
    max_priority_threshold: int | None = None


@dataclass(frozen=True, slots=True)
class Preemption:
    within_cluster_queue: PreemptionPolicy = PreemptionPolicy.NEVER
    reclaim_within_cohort: PreemptionPolicy = PreemptionPolicy.NEVER
    borrow_within_cohort: BorrowWithinCohort | None = None


@dataclass(frozen=True, slots=True)
class FlavorFungibility:
    when_can_borrow: FungibilityPolicy = FungibilityPolicy.MAY_STOP_SEARCH
    when_can_preempt: FungibilityPolicy = FungibilityPolicy.TRY_NEXT_FLAVOR
    preference: FungibilityPreference = FungibilityPreference.BORROWING_OVER_PREEMPTION


@dataclass(frozen=True, slots=True)
class ResourceFlavor:
    name: str
    node_labels: Mapping[str, str] = field(default_factory=lambda: _NO_LABELS)
    taints: tuple[Taint, ...] = ()
    tolerations: tuple[Toleration, ...] = ()


@dataclass(frozen=True, slots=True)
class Cohort:
    """A node of the tree of quotas. One that a queue or cohort names but nobody declares has no quota and no
    parent."""

    name: str
    parent: str = ""
    resource_groups: tuple[ResourceGroup, ...] = ()
    fair_weight: float = 1.0


@dataclass(frozen=True, slots=True)
class ClusterQueue:
    name: str
    resource_groups: tuple[ResourceGroup, ...] = ()
    cohort: str = ""
    queueing_strategy: QueueingStrategy = QueueingStrategy.BEST_EFFORT_FIFO
    preemption: Preemption = Preemption()
    flavor_fungibility: FlavorFungibility = FlavorFungibility()
    fair_weight: float = 1.0
    stop_policy: StopPolicy = StopPolicy.NONE
    namespace_selector: Mapping[str, object] | None = field(default=None, hash=False)
    """A Kubernetes label selector: which namespaces may use the queue. ``{}`` selects all; ``None`` does so here
    too (in Kueue: none). Asked only of workloads that tell their namespace's labels."""


@dataclass(frozen=True, slots=True)
class LocalQueue:
    name: str
    cluster_queue: str
    namespace: str = "default"
    stop_policy: StopPolicy = StopPolicy.NONE


@dataclass(frozen=True, slots=True)
class WorkloadPriorityClass:
    name: str
    value: int
    description: str = ""


@dataclass(frozen=True, slots=True)
class FairSharing:
    """Fair sharing is on, with these preemption strategies, tried in order."""

    strategies: tuple[FairSharingStrategy, ...] = (
        FairSharingStrategy.FINAL_SHARE,
        FairSharingStrategy.INITIAL_SHARE,
    )


@dataclass(frozen=True, slots=True)
class PodSet:
    """``count`` pods that ask for the same. ``requests`` is for one pod."""

    name: str = "main"
    count: int = 1
    requests: Mapping[str, int] = field(default_factory=dict)
    min_count: int | None = None
    """Fewest pods it can start with (partial admission); ``None``: all."""
    node_selector: Mapping[str, str] = field(default_factory=lambda: _NO_LABELS)
    required_affinity: tuple[tuple[Requirement, ...], ...] = ()
    """Node selector terms of the required node affinity: any of them, all requirements of it."""
    tolerations: tuple[Toleration, ...] = ()


@dataclass(slots=True, eq=False)
class Workload:
    """What asks for quota. Fixed once submitted; equal only to itself."""

    name: str
    cluster_queue: str
    podsets: tuple[PodSet, ...]
    priority: int = 0
    created: float = 0.0
    """Creation time in seconds; kept through evictions."""
    uid: str | int = ""
    """Breaks ties of creation time: all of one kind (text or numbers) within a scheduler. Empty: the name."""
    owner: object = field(default=None, repr=False)
    """Whatever whoever submits it wants to find by it."""
    namespace_labels: Mapping[str, str] | None = field(default=None, repr=False)
    """Labels of its namespace; ``None`` where namespaces do not matter."""

    def __post_init__(self) -> None:
        if self.uid == "":
            self.uid = self.name


class PodSetAssignment(NamedTuple):
    """The flavors one pod set was admitted with, and what it uses of each resource, for all its pods."""

    name: str
    pods: int
    flavors: Mapping[str, str]
    usage: Mapping[str, int]


class Admission(NamedTuple):
    """Quota reserved for a workload."""

    workload: Workload
    podsets: tuple[PodSetAssignment, ...]


class Eviction(NamedTuple):
    """A workload must give its quota back. It holds it until ``Scheduler.evicted``."""

    workload: Workload
    reason: str
    """One of :class:`EvictionReason`."""
    by: Workload | None
    """The workload that needs the room; ``None`` for a stopped queue."""


class Pending(NamedTuple):
    """A workload that was looked at and not admitted."""

    workload: Workload
    reason: str
    """In Kueue's words."""
    parked: bool
    """Set aside as inadmissible; otherwise it is still in line."""


class Cycle(NamedTuple):
    """What one scheduling cycle did."""

    admitted: tuple[Admission, ...]
    preempted: tuple[Eviction, ...]
    pending: tuple[Pending, ...]
    changed: bool
    """Whether another cycle may do more: something was admitted or preempted, or the heads of the queues are
    others than before."""
