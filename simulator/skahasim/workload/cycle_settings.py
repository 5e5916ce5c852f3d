"""How the arrival rate goes up and down with the hour and the day, as data."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from skahasim.configuration import Section

Weight = Annotated[float, Field(ge=0)]


class CycleSettings(Section):
    """Relative arrival rates in local time: weight of the hour times weight of the weekday.

    Only ratios matter; over a week the mean rate is that of the workload.
    """

    hours: tuple[Weight, ...] = Field(default=(1.0,) * 24, min_length=24, max_length=24)
    """From 0-1 h to 23-24 h."""
    weekdays: tuple[Weight, ...] = Field(default=(1.0,) * 7, min_length=7, max_length=7)
    """Monday to Sunday."""

    @model_validator(mode="after")
    def _something_arrives(self) -> Self:
        if not (any(self.hours) and any(self.weekdays)):
            raise ValueError("all weights are 0")
        return self

    @property
    def mean(self) -> float:
        """Mean weight over a week."""
        return sum(self.hours) / 24 * sum(self.weekdays) / 7

    @property
    def highest(self) -> float:
        return max(self.hours) * max(self.weekdays)
