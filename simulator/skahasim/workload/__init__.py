"""Workloads: what arrives, from a file, from a live service, or from a model."""

from skahasim.workload.arrival import Arrival
from skahasim.workload.settings import AnyWorkload, WorkloadSettings, workload_settings
from skahasim.workload.source import Workload, arrivals, open_workload

__all__ = [
    "AnyWorkload",
    "Arrival",
    "Workload",
    "WorkloadSettings",
    "arrivals",
    "open_workload",
    "workload_settings",
]
