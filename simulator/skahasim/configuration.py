"""The sections of a YAML file that describe a cluster and its queue.

The live service and a what-if study read the same two sections, ``cluster:`` and ``queue:``. Whatever is left
out has the value of the CANFAR production deployment. Names of policies are plain text here; the model knows
which exist.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self, TypeAlias

from pydantic import ConfigDict, Field, PrivateAttr, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from skahasim.kueue.settings import KueueSettings
from skahasim.section import Section as Section

Passes: TypeAlias = Literal["each-instant", "each-event"]
DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"


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


class PolicySettings(Section):
    """A part of the queue for which there are several policies; each may add keys of its own."""

    model_config = ConfigDict(extra="allow")
    kind: ClassVar[Literal["ordering", "admission", "placement", "backfill", "preemption"]]

    policy: str
    _parameters: Any = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _own_keys(self) -> Self:
        from skahasim.policies import (
            parameters_of,
        )  # the policies know their keys, and are built on this module

        parameters = parameters_of(self.kind, self.policy)
        if parameters is None:  # whoever builds the policies says so
            return self
        try:
            self._parameters = parameters.model_validate(self.model_extra)
        except ValidationError as error:
            details = error.errors(include_url=False)
            problems = [self._explained(detail, list(parameters.model_fields)) for detail in details]
        else:
            return self
        raise ValidationError.from_exception_data(type(self).__name__, problems)

    @property
    def parameters(self) -> Any:
        """The policy's own keys, an instance of the class it has for them."""
        return self._parameters

    def _explained(self, detail: Any, known: list[str]) -> InitErrorDetails:
        """What is wrong with one of the policy's keys. A key of no policy is left to the section to explain."""
        kind, where = detail["type"], detail["loc"]
        if kind in ("extra_forbidden", "missing"):
            text = self._unknown(str(where[-1]), known) if kind != "missing" and len(where) == 1 else ""
        else:
            text = detail["msg"]
        problem = PydanticCustomError(kind if kind != "extra_forbidden" else "key", "{text}", {"text": text})
        return InitErrorDetails(type=problem if text else kind, loc=where, input=detail["input"])

    def _unknown(self, key: str, known: list[str]) -> str:
        from difflib import get_close_matches  # wanted only when something is wrong

        from skahasim.policies import BUILT_IN, shadowed

        if self.policy in BUILT_IN[self.kind] and (package := shadowed(self.kind, self.policy)):
            return f"no key of the built-in policy {self.policy!r}; that of {package} has the same name and is not used"
        if close := get_close_matches(key, known, n=1):
            return f"unknown key; did you mean {close[0]!r}?"
        return f"no key of policy {self.policy!r}; known: {', '.join(known)}" if known else ""


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


class OrderingSettings(PolicySettings):
    """In which order waiting jobs are considered."""

    kind = "ordering"

    policy: str = Field(default="size-priority", min_length=1)
    size_classes: SizeClassSettings = Field(default_factory=SizeClassSettings)


class LimitSettings(Section):
    """What one user, or one group, may hold at a time; no limit where nothing is given."""

    jobs: int | None = Field(default=None, ge=0)
    """Jobs admitted at the same time."""
    cores: float | None = Field(default=None, ge=0)
    ram_gib: float | None = Field(default=None, ge=0)
    gpus: int | None = Field(default=None, ge=0)


class AdmissionSettings(PolicySettings):
    """Which of the waiting jobs may start."""

    kind = "admission"

    policy: str = Field(default="open", min_length=1)
    suspend: bool = False
    """A job above a limit is suspended, as Kueue does it: it has no start time. Otherwise it has one, and no pod."""
    per_user: LimitSettings = Field(default_factory=LimitSettings)
    per_group: LimitSettings = Field(default_factory=LimitSettings)


class PlacementSettings(PolicySettings):
    """On which node an admitted job runs."""

    kind = "placement"

    policy: str = Field(default="spread", min_length=1)
    avoid_gpu_nodes: bool = False
    """A job without GPU takes a node with GPUs only when no other fits."""


class BackfillSettings(PolicySettings):
    """Whether a job may go before one that has an earlier turn and must wait."""

    kind = "backfill"

    policy: str = Field(default="any-fit", min_length=1)
    estimates: Literal["requested", "perfect"] = "requested"
    """Plan with the requested times, or with the run times themselves (clairvoyant)."""
    passes: Passes = "each-instant"
    """One scheduling pass over all that an instant changed; or one after each event, as the classic simulators
    do it."""


class PreemptionSettings(PolicySettings):
    """Whether a running job must make room for one that is more important."""

    kind = "preemption"

    policy: str = Field(default="none", min_length=1)


class QueueSettings(Section):
    """How jobs wait: their order, who is let in, who may go before whom, and where they go."""

    ordering: OrderingSettings = Field(default_factory=OrderingSettings)
    admission: AdmissionSettings = Field(default_factory=AdmissionSettings)
    placement: PlacementSettings = Field(default_factory=PlacementSettings)
    backfill: BackfillSettings = Field(default_factory=BackfillSettings)
    preemption: PreemptionSettings = Field(default_factory=PreemptionSettings)
    kueue: KueueSettings | None = None


def repeated(names: list[str]) -> str | None:
    """The first name that is in the list more than once."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
