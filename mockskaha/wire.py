"""The JSON objects of the service, fields in the order in which they are sent.

A field that may be missing is left out, never ``null`` (skaha-contract §2). The components of the contract
say more about each, and ``tests/contract/test_wire.py`` keeps both the same.
"""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

SessionType = Literal["carta", "contributed", "desktop", "notebook", "headless", "firefly", "desktop-app"]
SessionStatus = Literal["Pending", "Running", "Completed", "Failed", "Terminating"]


class SessionView(TypedDict):
    """A session or a desktop app, to its owner (skaha-contract §2.1)."""

    id: str
    userid: str
    runAsUID: str
    runAsGID: str
    supplementalGroups: list[int]
    appid: NotRequired[str]
    image: str
    type: SessionType
    status: SessionStatus
    name: str
    startTime: NotRequired[str]
    expiryTime: NotRequired[str]
    connectURL: str
    requestedRAM: NotRequired[str]
    requestedCPUCores: NotRequired[str]
    requestedGPUCores: str
    ramInUse: NotRequired[str]
    gpuRAMInUse: NotRequired[str]
    cpuCoresInUse: NotRequired[str]
    gpuUtilization: NotRequired[str]
    isFixedResources: bool


class PlatformSessionView(TypedDict):
    """A session, to everybody: ``view=all`` (skaha-contract §2.5)."""

    userid: str
    type: SessionType
    status: SessionStatus
    startTime: NotRequired[str]


class MaxCoresView(TypedDict):
    """Cores one session gets when it does not ask (skaha-contract §2.8)."""

    cpuCores: float
    withRam: str


class CoreStatsView(TypedDict):
    """Cores of the platform; what is called available is all of them (skaha-contract §2.8)."""

    requestedCPUCores: float
    cpuCoresAvailable: float
    maxCPUCores: MaxCoresView


class MaxRamView(TypedDict):
    """Memory one session gets when it does not ask (skaha-contract §2.8)."""

    ram: str
    withCPUCores: float


class RamStatsView(TypedDict):
    """Memory of the platform, decimal gigabytes ``137.439G`` (skaha-contract §2.8)."""

    requestedRAM: str
    ramAvailable: str
    maxRAM: MaxRamView


class StatsView(TypedDict):
    """``view=stats`` (skaha-contract §2.8)."""

    cores: CoreStatsView
    ram: RamStatsView


class ImageView(TypedDict):
    """A public image (skaha-contract §2.12)."""

    id: str
    types: list[SessionType]
    digest: str


class ResourceOptionsView(TypedDict):
    """What one may ask for of one resource; cores or GiB (skaha-contract §2.13)."""

    default: int
    defaultLimit: int
    options: list[int]
    defaultRequest: int


class GpuOptionsView(TypedDict):
    """How many GPUs one may ask for (skaha-contract §2.13)."""

    options: list[int]


class ContextView(TypedDict):
    """What one may ask for when launching (skaha-contract §2.13)."""

    cores: ResourceOptionsView
    gpus: GpuOptionsView
    memoryGB: ResourceOptionsView
    maxInteractiveSessions: str | int


class MetricsMetadataView(TypedDict):
    """About the figures: when they were taken (skaha-contract §7)."""

    created: str


class PlatformMetricsDataView(TypedDict):
    """Amounts by resource name, names sorted, the same in both (skaha-contract §7)."""

    scope: Literal["platform"]
    cluster: str
    capacity: dict[str, str]
    allocated: dict[str, str]


class PlatformMetricsView(TypedDict):
    """What the metrics backend answers (skaha-contract §7)."""

    version: Literal["metrics.canfar.net/v1"]
    kind: Literal["PlatformMetrics"]
    metadata: MetricsMetadataView
    status: Literal["Success"]
    data: PlatformMetricsDataView


class MetricsErrorDetailView(TypedDict):
    """What went wrong in the metrics backend (skaha-contract §7)."""

    code: Literal["platform_metrics_unavailable", "platform_metrics_error", "internal_error"]
    message: str


class MetricsErrorView(TypedDict):
    """What the metrics backend answers when it cannot (skaha-contract §7)."""

    version: Literal["metrics.canfar.net/v1"]
    kind: Literal["Status"]
    metadata: MetricsMetadataView
    status: Literal["Error"]
    error: MetricsErrorDetailView


class HealthView(TypedDict):
    """A sign of life of the metrics backend (skaha-contract §7)."""

    status: Literal["ok"]


# XML put into JSON has names that are no Python names: the functional form of TypedDict knows them
# (skaha-contract §8.6).
TextNodeView = TypedDict("TextNodeView", {"$": str | int})
IdentityNodeView = TypedDict("IdentityNodeView", {"@type": str, "$": str})


class IdentityItemView(TypedDict):
    """One of the names a user goes by (skaha-contract §8.6)."""

    identity: IdentityNodeView


IdentitiesView = TypedDict("IdentitiesView", {"$": list[IdentityItemView]})


class InternalIDView(TypedDict):
    """The name of the entry itself (skaha-contract §8.6)."""

    uri: TextNodeView


class UserEntryView(TypedDict):
    """A user; which parts there are depends on who asks (skaha-contract §8.6)."""

    internalID: NotRequired[InternalIDView]
    identities: IdentitiesView
    personalDetails: NotRequired[dict[str, TextNodeView]]
    posixDetails: NotRequired[dict[str, TextNodeView]]


class UserView(TypedDict):
    """A user, asked for as JSON (skaha-contract §8.6)."""

    user: UserEntryView
