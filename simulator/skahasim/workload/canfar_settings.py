"""The parameters of the CANFAR workload model. Their values are data: ``canfar.yaml`` beside this file."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from skahasim.configuration import Section
from skahasim.workload.cycle_settings import CycleSettings
from skahasim.workload.duration import DurationField, SecondsField
from skahasim.yamlfile import Document, read, validate

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
_DISTRIBUTION = frozenset({"low", "median", "mean"})


class SizeSettings(Section):
    """A range of requested cores with the memory that goes with its ends; between them, in proportion."""

    cores: tuple[Positive, Positive]
    ram_gib: tuple[Positive, Positive]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.cores[0] > self.cores[1] or self.ram_gib[0] > self.ram_gib[1]:
            raise ValueError("the first of two bounds must not exceed the second")
        return self


class FlexibleSettings(Section):
    """What a session is given that asks for neither cores nor memory (skaha-contract §2.3)."""

    request_cores: Positive = 1
    request_ram_gib: Positive = 4
    limit_cores: Positive = 8
    limit_ram_gib: Positive = 32


class BatchClassSettings(SizeSettings):
    """One row of the job-sizing table."""

    share: Annotated[float, Field(ge=0)]
    """Of the jobs; shares need not sum to 1."""
    run: DurationField
    """Run time on the cores it wants."""
    flexible: Share = 0.0
    """Share of its jobs that run in flexible sessions. They want the cores of the row all the same."""
    burst: DurationField
    """Jobs a user submits at a time (a parameter sweep), at least one; the mean counts."""


class BatchSettings(Section):
    """Headless jobs."""

    share: Share = 0.9
    """Of the load (the core hours), or of the jobs a day where those are given."""
    cycle: CycleSettings
    classes: dict[str, BatchClassSettings] = Field(min_length=1)
    submission_gap: DurationField
    """Between two jobs of a burst."""
    similarity: Share = 0.8
    """How alike the run times of a burst are: the correlation of their quantiles' normal scores."""
    busy: DurationField
    """Part of the cores it wants that a job keeps busy (a factor, not seconds)."""
    memory: DurationField
    """Part of its memory limit that a job grows to; above 1 it is killed for it."""
    estimates: DurationField | None = None
    """Requested time over run time, rounded up to times people ask for; none are requested without it."""
    fails: Share = 0.0
    """Share of jobs that end with an error."""
    patience: DurationField | None = None
    """How long a user waits before deleting what has not started; for ever without it."""
    deadline: SecondsField = 1_209_600
    """Skaha ends a headless session after that long (skaha-contract §4.3)."""

    @model_validator(mode="after")
    def _some_class(self) -> Self:
        if not any(row.share for row in self.classes.values()):
            raise ValueError("all shares of classes are 0")
        return self


class InteractiveKindSettings(Section):
    """One type of interactive session."""

    share: Annotated[float, Field(ge=0)]
    """Of the interactive sessions; shares need not sum to 1."""
    flexible: Share = 0.0
    """Share of sessions that ask for neither cores nor memory."""
    sizes: tuple[SizeSettings, ...] = ()
    """What fixed sessions ask for, each equally likely."""
    request: tuple[Positive, Positive] | None = None
    """Cores and GiB that the service gives this type whatever is asked for (desktop, firefly)."""
    limit: tuple[Positive, Positive] | None = None
    activity: DurationField
    """How long its user works with it before closing it."""
    busy: DurationField
    """Cores it keeps busy on average, thinking and idle time included (cores, not seconds)."""
    ram_gib: DurationField
    """Memory it grows to (GiB, not seconds), at most nine tenths of its limit."""

    @model_validator(mode="after")
    def _has_sizes(self) -> Self:
        if (self.request is None) != (self.limit is None):
            raise ValueError("request and limit go together")
        if self.request is None and self.flexible < 1 and not self.sizes:
            raise ValueError("sizes are missing: not all sessions are flexible")
        return self


class InteractiveSettings(Section):
    """Sessions that people sit in front of."""

    cycle: CycleSettings
    kinds: dict[str, InteractiveKindSettings] = Field(min_length=1)
    forgotten: Share = 0.0
    """Share of sessions nobody closes: they stay until they expire."""
    renewals: Share = 0.0
    """Probability that a session which would expire is renewed, each time anew."""
    expiry: SecondsField = 345_600
    """Skaha ends an interactive session after that long (skaha-contract §4.3); a renewal grants as much again."""
    patience: DurationField | None = None

    @model_validator(mode="after")
    def _some_kind(self) -> Self:
        if not any(kind.share for kind in self.kinds.values()):
            raise ValueError("all shares of kinds are 0")
        return self


class PeopleSettings(Section):
    """Who submits. The n-th most active user submits in proportion to n**-activity (Zipf)."""

    users: int = Field(default=120, ge=1)
    activity: float = Field(default=1.0, ge=0)
    groups: int = Field(default=25, ge=1)
    """Each user belongs to one of them; the first groups are the largest, by the same law."""


class CanfarParameters(Section):
    """The model: :mod:`skahasim.workload.canfar` says what is done with it."""

    capacity_cores: Positive = 2189
    """Cores that ``load`` is a share of: CANFAR's production quota (skaha-contract §6)."""
    flexible: FlexibleSettings = Field(default_factory=FlexibleSettings)
    people: PeopleSettings = Field(default_factory=PeopleSettings)
    batch: BatchSettings
    interactive: InteractiveSettings


@cache
def _packaged() -> Document:
    return read(Path(str(resources.files("skahasim") / "workload" / "canfar.yaml")))


@cache
def packaged_parameters() -> CanfarParameters:
    """The values that ship with the package."""
    return validate(CanfarParameters, _packaged())


def over_packaged(data: Any) -> Any:
    """``data`` with what it leaves out as the packaged values have it; a distribution is replaced as a whole."""
    return _laid_over(_packaged().data, data) if isinstance(data, dict) else data


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = below.get(key)
        if isinstance(under, dict) and isinstance(value, dict) and not _DISTRIBUTION & under.keys():
            value = _laid_over(under, value)
        merged[key] = value
    return merged
