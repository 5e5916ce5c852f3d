"""Orderings: who is served first. One a file; each has the formula of its key."""

from skahasim.policies.ordering.aging import Aging, AgingParameters
from skahasim.policies.ordering.arrival import FirstComeFirstServed
from skahasim.policies.ordering.fair_share import FairShare, FairShareParameters
from skahasim.policies.ordering.priority_class import PriorityClass
from skahasim.policies.ordering.requested_time import (
    LongestFirst,
    RequestedTimeParameters,
    ShortestFirst,
    requested_time,
)
from skahasim.policies.ordering.size_priority import LARGE, SMALL, SizeClass, SizePriority
from skahasim.policies.ordering.weighted_sum import WeightedSum, WeightedSumParameters

__all__ = [
    "LARGE",
    "SMALL",
    "Aging",
    "AgingParameters",
    "FairShare",
    "FairShareParameters",
    "FirstComeFirstServed",
    "LongestFirst",
    "PriorityClass",
    "RequestedTimeParameters",
    "ShortestFirst",
    "SizeClass",
    "SizePriority",
    "WeightedSum",
    "WeightedSumParameters",
    "requested_time",
]
