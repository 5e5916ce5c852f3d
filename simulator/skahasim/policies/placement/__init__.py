"""Placements: which node a job goes to. All look at cores, memory and GPUs, and at the request, not at use."""

from skahasim.policies.placement.avoid_gpu import AvoidGpuNodes
from skahasim.policies.placement.first_fit import FirstFit
from skahasim.policies.placement.fit import BestFit, WorstFit
from skahasim.policies.placement.kubernetes import MostAllocated, Spread
from skahasim.policies.placement.packing import DominantResource

__all__ = [
    "AvoidGpuNodes",
    "BestFit",
    "DominantResource",
    "FirstFit",
    "MostAllocated",
    "Spread",
    "WorstFit",
]
