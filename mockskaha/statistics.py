"""The platform's capacity and use: ``view=stats``, and the metrics API it is taken from (skaha-contract §2.8, §7)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mockskaha.errors import TemporarilyUnavailable
from mockskaha.java import cluster_ram, double_text
from mockskaha.session import DESKTOP_APP, HEADLESS, RUNNING
from mockskaha.wire import PlatformMetricsView
from skahasim.resources import Resources

if TYPE_CHECKING:
    from mockskaha.platform import Platform

_INSTANCES = {DESKTOP_APP: "desktopApp", HEADLESS: "headless"}


def stats_text(platform: Platform) -> str:
    """The body of ``view=stats``: pretty, with Java's doubles. Raises :class:`TemporarilyUnavailable`."""
    era = platform.era
    if era.stats_from_metrics and not platform.settings.metrics.enabled:
        raise TemporarilyUnavailable("Platform statistics unavailable")
    cluster = platform.model.cluster
    amount = cluster_ram if era.stats_ram == "gb" else _gib
    if era.stats_most == "session":
        max_cores, max_ram = _most_of_a_session(platform)
        with_cores, with_ram = max_cores, max_ram
    else:
        widest, largest = _largest_nodes(platform)
        max_cores, with_ram = widest.cores, amount(widest.ram_gib)
        with_cores, max_ram = largest.cores, amount(largest.ram_gib)
    sections = [
        (
            "cores",
            f'    "requestedCPUCores": {double_text(cluster.allocated.cores)},\n'
            f'    "cpuCoresAvailable": {double_text(cluster.capacity.cores)},\n'
            f'    "maxCPUCores": {{\n      "cpuCores": {double_text(max_cores)},\n'
            f'      "withRam": "{with_ram}"\n    }}',
        ),
        (
            "ram",
            f'    "requestedRAM": "{amount(cluster.allocated.ram_gib)}",\n'
            f'    "ramAvailable": "{amount(cluster.capacity.ram_gib)}",\n'
            f'    "maxRAM": {{\n      "ram": "{max_ram}",\n      "withCPUCores": {double_text(with_cores)}\n    }}',
        ),
    ]
    if platform.settings.quirks.stats_gpu:
        sections.append(
            (
                "gpu",
                f'    "requestedGPU": {double_text(cluster.allocated.gpus)},\n'
                f'    "gpuAvailable": {double_text(cluster.capacity.gpus)}',
            )
        )
    if era.stats_instances:
        counts = _instances(platform)
        sections.insert(0, ("instances", ",\n".join(f'    "{name}": {counts[name]}' for name in counts)))
    body = ",\n".join(f'  "{name}": {{\n{fields}\n  }}' for name, fields in sections)
    return f"{{\n{body}\n}}"


def _most_of_a_session(platform: Platform) -> tuple[float, str]:
    """Cores and memory that a session gets when it does not ask."""
    limit_range = platform.settings.resources.limit_range
    if limit_range is None:
        limit = platform.rules.default_limit
        return limit.cores, f"{limit.ram_gib:g}Gi"
    return float(limit_range.max.cores), f"{limit_range.max.memory_gib}G"


def _largest_nodes(platform: Platform) -> tuple[Resources, Resources]:
    """What the node with the most cores has, and what the one with the most memory has (skaha-contract §10)."""
    nodes = [node.capacity for node in platform.model.cluster.nodes] or [Resources()]
    return (
        max(nodes, key=lambda node: (node.cores, node.ram_gib)),
        max(nodes, key=lambda node: (node.ram_gib, node.cores)),
    )


def _instances(platform: Platform) -> dict[str, int]:
    """How many sessions run, by what they are (skaha-contract §10)."""
    counts = {"session": 0, "desktopApp": 0, "headless": 0, "total": 0}
    for session in platform.inventory:
        if platform.views.status(platform, session) == RUNNING:
            counts[_INSTANCES.get(session.kind, "session")] += 1
            counts["total"] += 1
    return counts


def _gib(ram_gib: float) -> str:
    """GiB, called ``G``."""
    return f"{ram_gib:.3f}".rstrip("0").rstrip(".") + "G"


def platform_metrics(platform: Platform, created: float) -> PlatformMetricsView:
    """The envelope of ``GET /api/v1/metrics/platform``; ``created`` is Unix time."""
    cluster, storage = platform.model.cluster, platform.settings.ephemeral_storage_gib
    return {
        "version": "metrics.canfar.net/v1",
        "kind": "PlatformMetrics",
        "metadata": {"created": _microseconds(created)},
        "status": "Success",
        "data": {
            "scope": "platform",
            "cluster": platform.settings.metrics.cluster,
            "capacity": _quantities(cluster.capacity, storage),
            "allocated": _quantities(cluster.allocated, 0.0),
        },
    }


def _quantities(amount: Resources, storage_gib: float) -> dict[str, str]:
    return {
        "cpu": _decimal(amount.cores),
        "ephemeral-storage": f"{_decimal(storage_gib)}Gi",
        "memory": f"{_decimal(amount.ram_gib)}Gi",
        "nvidia.com/gpu": _decimal(amount.gpus),
    }


def _decimal(value: float) -> str:
    """At most six decimals, zeros stripped."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _microseconds(created: float) -> str:
    return datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
