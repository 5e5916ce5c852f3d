"""The platform's capacity and use: ``view=stats``, and the metrics API it is taken from (skaha-contract §2.8, §7)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mockskaha.errors import TemporarilyUnavailable
from mockskaha.java import cluster_ram, double_text
from mockskaha.wire import PlatformMetricsView
from skahasim.resources import Resources

if TYPE_CHECKING:
    from mockskaha.platform import Platform


def stats_text(platform: Platform) -> str:
    """The body of ``view=stats``: pretty, with Java's doubles. Raises :class:`TemporarilyUnavailable`."""
    if not platform.settings.metrics.enabled:
        raise TemporarilyUnavailable("Platform statistics unavailable")
    cluster, limit = platform.model.cluster, platform.rules.default_limit
    limit_range = platform.settings.resources.limit_range
    if limit_range is None:
        max_cores, max_ram = limit.cores, f"{limit.ram_gib:g}Gi"
    else:
        max_cores, max_ram = float(limit_range.max.cores), f"{limit_range.max.memory_gib}G"
    sections = [
        (
            "cores",
            f'    "requestedCPUCores": {double_text(cluster.allocated.cores)},\n'
            f'    "cpuCoresAvailable": {double_text(cluster.capacity.cores)},\n'
            f'    "maxCPUCores": {{\n      "cpuCores": {double_text(max_cores)},\n      "withRam": "{max_ram}"\n    }}',
        ),
        (
            "ram",
            f'    "requestedRAM": "{cluster_ram(cluster.allocated.ram_gib)}",\n'
            f'    "ramAvailable": "{cluster_ram(cluster.capacity.ram_gib)}",\n'
            f'    "maxRAM": {{\n      "ram": "{max_ram}",\n      "withCPUCores": {double_text(max_cores)}\n    }}',
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
    body = ",\n".join(f'  "{name}": {{\n{fields}\n  }}' for name, fields in sections)
    return f"{{\n{body}\n}}"


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
