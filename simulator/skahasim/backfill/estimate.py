"""How long a job is expected to run: what backfilling plans with."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from skahasim.job import Job

Estimates: TypeAlias = Literal["requested", "perfect"]
Estimate: TypeAlias = "Callable[[Job], float]"
"""Seconds from a job's start to its expected end; infinite when nothing is known."""


def requested(job: Job) -> float:
    """The requested time, else the deadline, else infinite."""
    if job.requested_seconds is not None:
        return job.requested_seconds
    return inf if job.deadline_seconds is None else job.deadline_seconds


def perfect(job: Job) -> float:
    """The work's own length (clairvoyant), infinite for what runs until it is ended."""
    return inf if job.work.seconds is None else job.work.seconds


def estimate(name: Estimates) -> Estimate:
    """By the name a configuration gives."""
    return perfect if name == "perfect" else requested
