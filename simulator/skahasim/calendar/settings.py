"""The scenario section ``calendar:``, a list of entries: when, and what is different then."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, field_validator, model_validator

from skahasim.configuration import LimitSettings, OrderingSettings, Section
from skahasim.kueue.quantity import quantity

Day: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY = 24 * 60


def _time_of_day(value: Any) -> Any:
    """YAML 1.1 reads ``18:00`` without quotes as a number of base 60: 1080, the minutes of the day."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MINUTES_A_DAY:
        return f"{value // 60:02d}:{value % 60:02d}"
    return value


TimeOfDay: TypeAlias = Annotated[
    str, BeforeValidator(_time_of_day), Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")
]


class WhenSettings(Section):
    """A window of every week (``days``, ``from``, ``to`` or ``hours``) or a single one (``start``, ``end`` or
    ``hours``), by the clock on the wall of the scenario's time zone."""

    days: tuple[Day, ...] = Field(default=DAYS, min_length=1)
    """Days of the week on which the window begins."""
    from_: TimeOfDay = Field(default="00:00", alias="from")
    """Time of day at which it begins, e.g. ``18:00``."""
    to: TimeOfDay | None = None
    """Time of day at which it ends: the next day, when not after ``from``. Without it and ``hours``: 24:00."""
    hours: float | None = Field(default=None, gt=0, le=24 * 366)
    """How long it lasts instead, in hours that pass (a day that changes the clock has 23 or 25)."""
    start: datetime | None = None
    """Begin of a single window, e.g. ``2026-01-10T08:00``; local unless it says otherwise."""
    end: datetime | None = None
    """End of a single window."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = self.model_fields_set
        if self.start is None:
            if self.end is not None:
                raise ValueError("end needs a start")
            if not given:
                raise ValueError("give days, from and to; or start and end")
            if self.to is not None and self.hours is not None:
                raise ValueError("give to or hours, not both")
            if self.from_ == "24:00":
                raise ValueError("from must be before 24:00")
            if self.to is not None and self.to == "00:00" == self.from_:
                raise ValueError('a whole day is from "00:00" to "24:00"')
            return self
        if given & {"days", "from_", "to"}:
            raise ValueError("a window with a start has no days, from and to")
        if (self.end is None) == (self.hours is None):
            raise ValueError("give end or hours")
        if self.end is not None:
            if (self.end.tzinfo is None) != (self.start.tzinfo is None):
                raise ValueError("start and end must both have an offset, or none")
            if self.end <= self.start:
                raise ValueError("end must be after start")
        return self


class NodesSettings(Section):
    """Some nodes: by name, or of a group; the first ``count`` of them."""

    names: tuple[str, ...] = ()
    """Names of nodes."""
    group: str = ""
    """Name of a group of nodes (``cluster.nodes[].name``); without names and group, all nodes."""
    count: int | None = Field(default=None, ge=1)
    """Only so many, in the cluster's order."""

    @model_validator(mode="after")
    def _names_or_group(self) -> Self:
        if self.names and (self.group or self.count is not None):
            raise ValueError("give names; or group and count")
        return self


class DrainSettings(NodesSettings):
    """Nodes take nothing new in the window."""

    lead_hours: float = Field(default=0.0, ge=0, le=24 * 366)
    """They take nothing new already this long before."""
    evict: bool = True
    """What still runs there when the window begins is evicted; otherwise it may end."""
    requeue: bool = False
    """Evicted jobs wait again whatever restarts they have left; otherwise as an eviction goes."""


class DownSettings(NodesSettings):
    """Nodes are off in the window; what ran there is lost when it begins."""

    requeue: bool = False


class LimitsSettings(Section):
    """Limits in the window instead of those of ``queue.admission``; what is left out stays as it is there."""

    per_user: LimitSettings | None = None
    per_group: LimitSettings | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.per_user is None and self.per_group is None:
            raise ValueError("give per_user or per_group")
        return self


class QuotaSettings(Section):
    """Kueue's nominal quota of one resource in the window."""

    cluster_queue: str = Field(min_length=1)
    flavor: str = Field(min_length=1)
    resource: str = Field(min_length=1)
    """E.g. ``cpu``."""
    nominal: str | int | float
    """A Kubernetes quantity, e.g. ``3000`` or ``9063Gi``."""

    @field_validator("nominal")
    @classmethod
    def _is_a_quantity(cls, value: object) -> object:
        if quantity(value) < 0:
            raise ValueError("must not be negative")
        return value


class StopSettings(Section):
    """A queue admits nothing in the window (Kueue's ``stopPolicy``)."""

    queue: str = Field(min_length=1)
    """A ClusterQueue; without Kueue the queue that jobs name, or ``*`` for all."""
    policy: Literal["Hold", "HoldAndDrain"] = "Hold"
    """``HoldAndDrain`` evicts also what was admitted."""


class CalendarEntry(Section):
    """One line of the calendar. Windows of the same entry that touch are one."""

    name: str = ""
    when: WhenSettings
    limits: LimitsSettings | None = None
    ordering: OrderingSettings | None = None
    """The ordering of waiting jobs in the window instead of ``queue.ordering``."""
    quota: tuple[QuotaSettings, ...] = ()
    drain: DrainSettings | None = None
    down: DownSettings | None = None
    stop: StopSettings | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        what = (self.limits, self.ordering, self.drain, self.down, self.stop)
        if not self.quota and all(item is None for item in what):
            raise ValueError("says when, but not what: give limits, ordering, quota, drain, down or stop")
        return self


CalendarSettings: TypeAlias = tuple[CalendarEntry, ...]
