"""Kueue's manifests as the API server takes them: fields, words and defaults of ``kueue.x-k8s.io``.

A key that no version has is an error, as it is for ``kubectl apply``; what decides nothing here (labels, status,
admission checks) is taken as it comes. Source: Kueue's API reference for ``v1beta1`` and ``v1beta2``, and
``v1alpha1`` for Cohort.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, model_validator
from pydantic.alias_generators import to_camel

from skahasim.kueue.quantity import quantity
from skahasim.section import Section

GROUP = "kueue.x-k8s.io"


def _not_negative(value: object) -> Fraction:
    found = quantity(value)
    if found < 0:
        raise ValueError(f"must not be negative, not {str(value)[:40]!r}")
    return found


NonNegative = Annotated[Fraction, PlainValidator(_not_negative)]
Word: TypeAlias = Literal["Never", "LowerPriority", "Any"]


class Part(Section):
    """A part of a manifest; keys in camel case, and a key without a value is as good as absent."""

    model_config = ConfigDict(alias_generator=to_camel)

    @model_validator(mode="before")
    @classmethod
    def _absent(cls, data: Any) -> Any:
        return {k: v for k, v in data.items() if v is not None} if isinstance(data, dict) else data


class Metadata(BaseModel):
    """What is read of an object's metadata."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(min_length=1)
    namespace: str = ""
    labels: Mapping[str, Any] = Field(default_factory=dict)


class ResourceQuota(Part):
    name: str = Field(min_length=1)
    nominal_quota: NonNegative
    borrowing_limit: NonNegative | None = None
    lending_limit: NonNegative | None = None


class FlavorQuotas(Part):
    name: str = Field(min_length=1)
    resources: tuple[ResourceQuota, ...] = Field(min_length=1)


class ResourceGroup(Part):
    covered_resources: tuple[str, ...] = Field(min_length=1)
    flavors: tuple[FlavorQuotas, ...] = Field(min_length=1)


class BorrowWithinCohort(Part):
    policy: Literal["Never", "LowerPriority"] = "Never"
    max_priority_threshold: int | None = None


class Preemption(Part):
    reclaim_within_cohort: Word = "Never"
    borrow_within_cohort: BorrowWithinCohort = Field(default_factory=BorrowWithinCohort)
    within_cluster_queue: Literal["Never", "LowerPriority", "LowerOrNewerEqualPriority"] = "Never"


class FlavorFungibility(Part):
    when_can_borrow: Literal["MayStopSearch", "TryNextFlavor"] = "MayStopSearch"
    when_can_preempt: Literal["MayStopSearch", "TryNextFlavor"] = "TryNextFlavor"
    preference: Literal["BorrowingOverPreemption", "PreemptionOverBorrowing"] = "BorrowingOverPreemption"


class FlavorFungibilityV1Beta1(FlavorFungibility):
    """With the words it had first, ``Borrow`` and ``Preempt``."""

    when_can_borrow: Literal["Borrow", "MayStopSearch", "TryNextFlavor"] = "MayStopSearch"  # type: ignore[assignment]
    when_can_preempt: Literal["Preempt", "MayStopSearch", "TryNextFlavor"] = "TryNextFlavor"  # type: ignore[assignment]


class FairWeight(Part):
    weight: NonNegative = Fraction(1)


class AdmissionScope(Part):
    admission_mode: Literal["UsageBasedAdmissionFairSharing", "NoAdmissionFairSharing"]


class _ClusterQueueSpec(Part):
    resource_groups: tuple[ResourceGroup, ...] = ()
    queueing_strategy: Literal["StrictFIFO", "BestEffortFIFO"] = "BestEffortFIFO"
    namespace_selector: Any = None
    preemption: Preemption = Field(default_factory=Preemption)
    fair_sharing: FairWeight = Field(default_factory=FairWeight)
    stop_policy: Literal["None", "Hold", "HoldAndDrain"] = "None"
    admission_scope: AdmissionScope | None = None
    admission_checks_strategy: Any = None
    concurrent_admission_policy: Any = None


class ClusterQueueSpecV1Beta1(_ClusterQueueSpec):
    cohort: str = ""
    flavor_fungibility: FlavorFungibilityV1Beta1 = Field(default_factory=FlavorFungibilityV1Beta1)
    admission_checks: Any = None


class ClusterQueueSpecV1Beta2(_ClusterQueueSpec):
    cohort_name: str = ""
    flavor_fungibility: FlavorFungibility = Field(default_factory=FlavorFungibility)


class CohortSpecV1Alpha1(Part):
    parent: str = ""
    resource_groups: tuple[ResourceGroup, ...] = ()
    fair_sharing: FairWeight = Field(default_factory=FairWeight)


class CohortSpec(Part):
    parent_name: str = ""
    resource_groups: tuple[ResourceGroup, ...] = ()
    fair_sharing: FairWeight = Field(default_factory=FairWeight)


class LocalQueueSpec(Part):
    cluster_queue: str = Field(min_length=1)
    stop_policy: Literal["None", "Hold", "HoldAndDrain"] = "None"
    fair_sharing: FairWeight = Field(default_factory=FairWeight)


class TaintManifest(Part):
    key: str = Field(min_length=1)
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]
    time_added: Any = None


class TolerationManifest(Part):
    key: str = ""
    operator: Literal["Equal", "Exists"] = "Equal"
    value: str = ""
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = ""
    toleration_seconds: int | None = None


class ResourceFlavorSpec(Part):
    node_labels: Mapping[str, str] = Field(default_factory=dict)
    node_taints: tuple[TaintManifest, ...] = ()
    tolerations: tuple[TolerationManifest, ...] = ()
    topology_name: str | None = None


class _Object(Part):
    api_version: str
    kind: str
    metadata: Metadata
    status: Any = None


class ClusterQueueV1Beta1(_Object):
    spec: ClusterQueueSpecV1Beta1 = Field(default_factory=ClusterQueueSpecV1Beta1)


class ClusterQueueV1Beta2(_Object):
    spec: ClusterQueueSpecV1Beta2 = Field(default_factory=ClusterQueueSpecV1Beta2)


class CohortV1Alpha1(_Object):
    spec: CohortSpecV1Alpha1 = Field(default_factory=CohortSpecV1Alpha1)


class CohortManifest(_Object):
    spec: CohortSpec = Field(default_factory=CohortSpec)


class LocalQueueManifest(_Object):
    spec: LocalQueueSpec


class ResourceFlavorManifest(_Object):
    spec: ResourceFlavorSpec = Field(default_factory=ResourceFlavorSpec)


class PriorityClassManifest(_Object):
    value: int = Field(ge=-(2**31), lt=2**31)
    description: str = ""


MANIFESTS: Mapping[str, Mapping[str, type[_Object]]] = MappingProxyType(
    {
        "ClusterQueue": {"v1beta1": ClusterQueueV1Beta1, "v1beta2": ClusterQueueV1Beta2},
        "Cohort": {"v1alpha1": CohortV1Alpha1, "v1beta1": CohortManifest, "v1beta2": CohortManifest},
        "LocalQueue": {"v1beta1": LocalQueueManifest, "v1beta2": LocalQueueManifest},
        "ResourceFlavor": {"v1beta1": ResourceFlavorManifest, "v1beta2": ResourceFlavorManifest},
        "WorkloadPriorityClass": {"v1beta1": PriorityClassManifest, "v1beta2": PriorityClassManifest},
    }
)
"""Kind -> version -> its fields."""
