"""Shortest and longest job first."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Literal

from skahasim.policies.parameters import Parameters
from skahasim.policies.protocol import Ordering

if TYPE_CHECKING:
    from skahasim.job import Job


class RequestedTimeParameters(Parameters):
    """What short and long mean."""

    by: Literal["time", "area"] = "time"
    """``time``: requested seconds. ``area``: requested seconds x requested cores."""


def requested_time(job: Job) -> float:
    """Requested seconds; of a job that names none, its deadline; infinite without either."""
    if job.requested_seconds is not None:
        return job.requested_seconds
    return inf if job.deadline_seconds is None else job.deadline_seconds


def _area(job: Job) -> float:
    seconds = requested_time(job)
    return inf if seconds == inf else seconds * job.request.cores


class ShortestFirst(Ordering):
    """The job of the shortest requested time first (SJF; known as SPF or SJBF when only backfilling uses it). A job
    that says nothing counts as the longest. Long jobs may starve."""

    def __init__(self, by: Literal["time", "area"] = "time") -> None:
        self._measure = requested_time if by == "time" else _area

    def key(self, job: Job) -> float:
        return self._measure(job)


class LongestFirst(Ordering):
    """The job of the longest requested time first (LJF); by area, the largest first. A job that says nothing counts
    as the longest."""

    def __init__(self, by: Literal["time", "area"] = "time") -> None:
        self._measure = requested_time if by == "time" else _area

    def key(self, job: Job) -> float:
        return -self._measure(job)
