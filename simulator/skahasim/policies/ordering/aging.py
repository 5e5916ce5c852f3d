"""Aging: who waits long enough is served, whatever his class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from skahasim.policies.ordering.priority_class import PriorityClass
from skahasim.policies.ordering.size_priority import SizePriority
from skahasim.policies.parameters import Parameters
from skahasim.policies.protocol import Ordering

if TYPE_CHECKING:
    from skahasim.configuration import OrderingSettings
    from skahasim.job import Job


class AgingParameters(Parameters):
    """What a job's class is worth in hours of waiting."""

    base: Literal["size-priority", "priority-class"] = "size-priority"
    """The ordering that waiting wears down."""
    hours_per_class: float = Field(default=24.0, gt=0)
    """A job goes before one of the next better class that was submitted so many hours later. A class is a size class,
    or ``priority_step`` of priority."""
    priority_step: float = Field(default=100_000.0, gt=0)
    """With ``base: priority-class``, the difference of priority that counts as a class."""


class Aging(Ordering):
    """Priority that grows linearly with the wait: with w the time waited and c the class (small is good), the job of
    the largest w - c x ``hours_per_class`` first.

    All jobs age alike, so their order among each other does not change, and the key is constant: submission time +
    c x ``hours_per_class``. A job is passed only by jobs submitted at most (classes between them) x
    ``hours_per_class`` after it, which bounds starvation.
    """

    def __init__(self, base: Ordering, seconds_per_unit: float) -> None:
        self._base = base
        self._seconds_per_unit = seconds_per_unit

    @classmethod
    def of(cls, settings: OrderingSettings) -> Aging:
        parameters: AgingParameters = settings.parameters
        seconds = parameters.hours_per_class * 3600.0
        if parameters.base == "size-priority":
            return cls(SizePriority.of(settings), seconds)
        return cls(PriorityClass(), seconds / parameters.priority_step)

    def key(self, job: Job) -> float:
        return job.submit_time + self._base.key(job) * self._seconds_per_unit
