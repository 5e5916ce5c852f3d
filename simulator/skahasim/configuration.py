"""The sections of a YAML file that describe a cluster and its queue.

The live service and a what-if study read the same two sections, ``cluster:`` and ``queue:``. Whatever is left
out has the value of the CANFAR production deployment. Names of policies are plain text here; the model knows
which exist.
"""

from __future__ import annotations

from typing import Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

Passes: TypeAlias = Literal["each-instant", "each-event"]
DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"


class Section(BaseModel):
    """A part of a configuration file: immutable, without unknown keys; may be left empty (``cluster:``)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _empty(cls, data: Any) -> Any:
        return {} if data is None else data


class NodeGroup(Section):
    """Worker nodes that are all alike."""

    name: str = Field(pattern=DNS_LABEL, max_length=50)
    """Their nodes are called ``<name>-01``, ``<name>-02``, …"""
    count: int = Field(ge=1, le=100_000)
    """How many nodes."""
    cores: float = Field(gt=0)
    """Cores of one node that sessions can use."""
    ram_gib: float = Field(gt=0)
    """Memory of one node that sessions can use, in GiB."""
    gpus: int = Field(default=0, ge=0)
    """GPUs of one node."""

    def node_names(self) -> tuple[str, ...]:
        """The names of the nodes, in order, numbered from 1 with at least two digits."""
        width = max(2, len(str(self.count)))
        return tuple(f"{self.name}-{number:0{width}d}" for number in range(1, self.count + 1))


class ClusterSettings(Section):
    """What the cluster is made of. Production has 9 GPUs; its nodes have 64 cores (skaha-contract §6)."""

    name: str = Field(default="keel-prod", min_length=1)
    nodes: tuple[NodeGroup, ...] = Field(
        default=(
            NodeGroup(name="keel-prod-k8s-node", count=40, cores=64, ram_gib=241),
            NodeGroup(name="keel-prod-k8s-gpu", count=3, cores=64, ram_gib=241, gpus=3),
        ),
        min_length=1,
    )
    """Groups of nodes; no two nodes may have the same name."""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [group.name for group in self.nodes]
        if again := repeated(names):
            raise ValueError(f"two groups of nodes are called {again!r}")
        return self

    @property
    def node_count(self) -> int:
        """How many nodes there are in all."""
        return sum(group.count for group in self.nodes)


class SmallBound(Section):
    """A job strictly below both bounds is small."""

    cores: float = Field(default=4, gt=0)
    ram_gib: float = Field(default=16, gt=0)


class LargeBound(Section):
    """A job at or above either bound is large."""

    cores: float = Field(default=16, gt=0)
    ram_gib: float = Field(default=64, gt=0)


class SizeClassSettings(Section):
    """Where small, medium and large jobs part; what is neither small nor large is medium."""

    small: SmallBound = Field(default_factory=SmallBound)
    large: LargeBound = Field(default_factory=LargeBound)

    @model_validator(mode="after")
    def _small_is_below_large(self) -> Self:
        if self.small.cores > self.large.cores or self.small.ram_gib > self.large.ram_gib:
            raise ValueError("the bounds of small must not be above those of large")
        return self


class OrderingSettings(Section):
    """In which order waiting jobs are considered."""

    policy: str = Field(default="size-priority", min_length=1)
    size_classes: SizeClassSettings = Field(default_factory=SizeClassSettings)


class LimitSettings(Section):
    """What one user, or one group, may hold at a time; no limit where nothing is given."""

    jobs: int | None = Field(default=None, ge=0)
    """Jobs admitted at the same time."""
    cores: float | None = Field(default=None, ge=0)
    ram_gib: float | None = Field(default=None, ge=0)
    gpus: int | None = Field(default=None, ge=0)


class AdmissionSettings(Section):
    """Which of the waiting jobs may start."""

    policy: str = Field(default="open", min_length=1)
    suspend: bool = False
    """A job above a limit is suspended, as Kueue does it: it has no start time. Otherwise it has one, and no pod."""
    per_user: LimitSettings = Field(default_factory=LimitSettings)
    per_group: LimitSettings = Field(default_factory=LimitSettings)


class PlacementSettings(Section):
    """On which node an admitted job runs."""

    policy: str = Field(default="spread", min_length=1)


class BackfillSettings(Section):
    """Whether a job may go before one that has an earlier turn and must wait."""

    policy: str = Field(default="any-fit", min_length=1)
    estimates: Literal["requested", "perfect"] = "requested"
    """Plan with the requested times, or with the run times themselves (clairvoyant)."""
    passes: Passes = "each-instant"
    """One scheduling pass over all that an instant changed; or one after each event, as the classic simulators
    do it."""


class PreemptionSettings(Section):
    """Whether a running job must make room for one that is more important."""

    policy: str = Field(default="none", min_length=1)


class QueueSettings(Section):
    """How jobs wait: their order, who is let in, who may go before whom, and where they go."""

    ordering: OrderingSettings = Field(default_factory=OrderingSettings)
    admission: AdmissionSettings = Field(default_factory=AdmissionSettings)
    placement: PlacementSettings = Field(default_factory=PlacementSettings)
    backfill: BackfillSettings = Field(default_factory=BackfillSettings)
    preemption: PreemptionSettings = Field(default_factory=PreemptionSettings)


def repeated(names: list[str]) -> str | None:
    """The first name that is in the list more than once."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
