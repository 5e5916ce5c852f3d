"""The section ``workload:`` of a scenario: which jobs come, from a file or from a model.

``source`` says which; the other keys are the parameters of that source and those every source has
(:class:`CommonSettings`). A key that belongs to another source is an error, as any unknown one.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self, TypeAlias, get_args
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from skahasim.configuration import Section
from skahasim.workload.canfar_settings import CanfarParameters, over_packaged
from skahasim.workload.cycle_settings import CycleSettings
from skahasim.workload.duration import DurationField, DurationSettings
from skahasim.yamlfile import nested

Action: TypeAlias = Literal["error", "drop"]
Names: TypeAlias = tuple[str, ...]
Positive = Annotated[float, Field(gt=0)]


def _pair(value: Any) -> Any:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return (value, value) if plain else value


Range = Annotated[tuple[float, float], BeforeValidator(_pair)]
"""``[low, high]``, or one number."""


class FilterSettings(Section):
    """Which jobs of the source are taken; empty lists take all. What is not taken is not counted by ``jobs``."""

    users: Names = ()
    groups: Names = ()
    kinds: Names = ()
    """Session types."""
    job_classes: Names = ()
    queues: Names = ()
    min_cores: float = Field(default=0, ge=0)
    """Requested cores, both bounds included."""
    max_cores: Positive | None = None


class CommonSettings(Section):
    """What every source understands."""

    jobs: int | None = Field(default=None, ge=1)
    """At most that many jobs."""
    days: Positive | None = None
    """Only what is submitted in the first so many days (after ``skip_days``)."""
    skip_days: float = Field(default=0, ge=0)
    """Leave out what is submitted in the first so many days; time 0 moves there."""
    scale: Positive = 1.0
    """Arrival rate factor: 1.2 is 20 % more jobs in the same time. Of a file, the gaps between submissions shrink."""
    filter: FilterSettings = Field(default_factory=FilterSettings)


class CleaningSettings(Section):
    """What is done with jobs of a log that cannot be run. What is dropped is counted.

    ``cleaning: sc15`` is short for the rules of Gaussier et al., SC'15: drop jobs without run time or
    processors and those larger than the machine; a run ends at its requested time.
    """

    malformed: Action = "error"
    """Lines with the wrong number of fields, or words where numbers belong."""
    negative: Action = "error"
    """Negative numbers other than -1, which means unknown."""
    unsorted: Action = "error"
    """Submitted before the job above."""
    oversized: Action = "error"
    """More processors than the machine has."""
    no_processors: Action = "drop"
    """Neither requested nor allocated processors are known, or they are 0."""
    no_run_time: Literal["error", "drop", "keep"] = "drop"
    """Run time 0 or unknown; ``keep`` runs those of 0 s, and refuses unknown ones."""
    cut_at_requested: bool = True
    """A run time above the requested time becomes the requested time."""


SC15: Mapping[str, Any] = MappingProxyType(
    {"oversized": "drop", "no_processors": "drop", "no_run_time": "drop", "cut_at_requested": True}
)


def _cleaning(value: Any) -> Any:
    return dict(SC15) if value == "sc15" else value


class SwfWorkload(CommonSettings):
    """A log in the Standard Workload Format 2.2, plain or gzip."""

    source: Literal["swf"] = "swf"
    file: Path
    """Relative to the scenario's folder."""
    memory: Literal["swf", "bytes-per-node", "bytes-per-job", "ignore"] = "swf"
    """What the memory fields hold: ``swf`` kilobytes for each processor, as the standard has it; ``bytes-per-node``
    for each node of the node specification, as CERIT-SC's logs; ``bytes-per-job`` for the whole job."""
    ram_gib_per_core: float | None = Field(default=None, ge=0)
    """Memory of jobs whose memory the log does not tell; without it they ask for none."""
    processors: int | None = Field(default=None, ge=1)
    """Of the machine; without it the header's ``MaxProcs``, or ``MaxNodes``."""
    size: Literal["requested", "allocated"] = "requested"
    """Which number of processors is taken where both are known."""
    cleaning: Annotated[CleaningSettings, BeforeValidator(_cleaning)] = Field(
        default_factory=CleaningSettings
    )


class TableWorkload(CommonSettings):
    """A CSV (also gzip) or Parquet table; its columns are those of :mod:`skahasim.workload.table`."""

    source: Literal["table"] = "table"
    file: Path


class SessionsWorkload(CommonSettings):
    """Live sessions: the JSON that ``GET /v1/session`` of a Skaha service answers."""

    source: Literal["sessions"] = "sessions"
    file: Path
    run: DurationField | None = None
    """How long batch sessions run, which the export does not tell; without it until they expire."""


class JournalWorkload(CommonSettings):
    """The sessions a mockskaha server was asked for: its state file."""

    source: Literal["journal"] = "journal"
    file: Path
    run: DurationField | None = None
    """How long batch sessions run whose command says nothing of it; without it they are refused."""


class JobMixSettings(Section):
    """One class of jobs of the Poisson workload."""

    name: str = ""
    """Job class."""
    share: Positive = 1.0
    """Of the jobs; shares need not sum to 1."""
    cores: Range = (1.0, 1.0)
    """Requested cores: one number, or whole numbers drawn uniformly from a range."""
    ram_gib: Range = (0.0, 0.0)
    """Requested memory, in proportion to the cores: the least with the fewest."""
    gpus: int = Field(default=0, ge=0)
    limit_cores: Positive | None = None
    limit_ram_gib: Positive | None = None
    """Limits of flexible jobs; equal to the requests where not given."""
    run: DurationField = Field(default_factory=lambda: DurationSettings(mean=3600.0))
    requested_factor: DurationField | None = None
    """Requested time over run time; below 1 the run is cut. None is requested without it."""
    kind: str = "headless"
    priority_class: str = ""
    queue: str = ""

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        if not (0 <= self.cores[0] <= self.cores[1] and 0 <= self.ram_gib[0] <= self.ram_gib[1]):
            raise ValueError("a range goes from low to high")
        if self.cores[0] != self.cores[1] and not all(bound.is_integer() for bound in self.cores):
            raise ValueError("a range of cores is of whole numbers")
        for limit, most in ((self.limit_cores, self.cores[1]), (self.limit_ram_gib, self.ram_gib[1])):
            if limit is not None and limit < most:
                raise ValueError("a limit must not be below the request")
        return self


class PoissonWorkload(CommonSettings):
    """Poisson arrivals at a rate that may go up and down with the hour and the weekday."""

    source: Literal["poisson"] = "poisson"
    per_hour: Positive = 60.0
    """Mean arrivals in an hour, over a whole week."""
    cycle: CycleSettings = Field(default_factory=CycleSettings)
    mix: tuple[JobMixSettings, ...] = Field(default=(JobMixSettings(),), min_length=1)
    users: int = Field(default=1, ge=1)
    """Drawn uniformly from so many."""


class LublinWorkload(CommonSettings):
    """The model of Lublin and Feitelson for rigid jobs on a parallel machine."""

    source: Literal["lublin"] = "lublin"
    processors: int = Field(default=128, ge=2)
    """Of the machine: the model scales its sizes to it."""
    types: Literal["batch", "interactive", "both", "all"] = "all"
    """``batch`` and ``interactive`` are the model's two kinds of jobs, ``both`` the two side by side, ``all`` the
    parameters the authors fitted to both together."""
    start_hour: float | None = Field(default=None, ge=0, lt=24)
    """Hour of the day at time 0; without it that of the scenario's start."""
    ram_gib_per_core: float = Field(default=0, ge=0)
    requested_factor: DurationField | None = None
    """Requested time over run time; below 1 the run is cut. None is requested without it."""
    users: int = Field(default=1, ge=1)


class CanfarWorkload(CommonSettings):
    """Batch and interactive sessions as on the CANFAR Science Platform."""

    source: Literal["canfar"] = "canfar"
    load: float | None = Field(default=None, gt=0)
    """Offered load: core hours asked for, as a share of ``capacity_cores``; 0.9 without ``jobs_per_day``. A flexible
    job counts with the cores it wants, so that the same jobs come whatever ``flexible`` is."""
    jobs_per_day: Positive | None = None
    """Instead of ``load``: sessions a day, batch and interactive."""
    capacity_cores: Positive | None = None
    batch_share: float | None = Field(default=None, ge=0, le=1)
    """Of the load (or of the jobs a day); the rest is interactive."""
    flexible: float | None = Field(default=None, ge=0, le=1)
    """Share of batch jobs that could be flexible which are so, in place of each class's own share: 0 makes all
    fixed; 1 flexible by default. Those of more than the limits of a flexible session stay fixed."""
    estimates: bool = True
    """Whether batch jobs have requested times."""
    users: int | None = Field(default=None, ge=1)
    time_zone: str | None = None
    """IANA name; the scenario's without it."""
    parameters: Annotated[CanfarParameters, BeforeValidator(over_packaged)] | None = None
    """Any other parameter, laid over the packaged ones: ``{people: {users: 30}}``."""
    parameters_file: Path | None = None
    """A file of parameters, as ``skahasim calibrate`` writes it, in place of ``parameters``."""

    @field_validator("time_zone")
    @classmethod
    def _time_zone_exists(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (ValueError, LookupError, OSError):
                message = f"unknown time zone {value!r}; IANA names are like America/Vancouver"
                raise ValueError(message) from None
        return value

    @model_validator(mode="after")
    def _load_or_rate(self) -> Self:
        if self.load is not None and self.jobs_per_day is not None:
            raise ValueError("give load or jobs_per_day, not both")
        if self.parameters is not None and self.parameters_file is not None:
            raise ValueError("give parameters or parameters_file, not both")
        return self


AnyWorkload: TypeAlias = (
    CanfarWorkload
    | SwfWorkload
    | TableWorkload
    | SessionsWorkload
    | JournalWorkload
    | PoissonWorkload
    | LublinWorkload
)
SOURCES: Mapping[str, type[AnyWorkload]] = MappingProxyType(
    {kind.model_fields["source"].default: kind for kind in get_args(AnyWorkload)}
)


def _by_source(data: Any, _: Any) -> AnyWorkload:
    if isinstance(data, CommonSettings):
        return data  # type: ignore[return-value]
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise _refusal((), "model_type", "should be a mapping of keys to values")
    source = data.get("source", "canfar")
    kind = SOURCES.get(source) if isinstance(source, str) else None
    if kind is None:
        raise _refusal(("source",), "unknown_source", f"unknown source; known: {', '.join(SOURCES)}")
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise _worded(kind, error) from None


WorkloadSettings: TypeAlias = Annotated[AnyWorkload, WrapValidator(_by_source)]
"""The type of a scenario's field ``workload``. An empty one is the CANFAR workload."""


def workload_settings(source: str, /, **parameters: Any) -> AnyWorkload:
    """The settings of one source, from Python or the command line.

    :raises ValidationError: a parameter that the source lacks, or a value that it does not take.
    :raises KeyError: no such source.
    """
    return SOURCES[source].model_validate({"source": source, **parameters})


def _refusal(loc: tuple[str | int, ...], kind: str, message: str) -> ValidationError:
    detail = InitErrorDetails(
        type=PydanticCustomError(kind, "{message}", {"message": message}), loc=loc, input=None
    )
    return ValidationError.from_exception_data("workload", [detail])


def _worded(kind: type[BaseModel], error: ValidationError) -> ValidationError:
    """``error`` with the unknown keys explained by the keys of this very source: which one was meant."""
    details: list[InitErrorDetails] = []
    errors = error.errors(include_url=False)
    for found in errors:
        loc: tuple[int | str, ...] = found["loc"]
        if found["type"] == "too_short" and any(
            len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in errors
        ):
            continue  # it only counts without the items that are wrong
        message = found["msg"].removeprefix("Value error, ").replace("Input should", "should", 1)
        if found["type"] == "extra_forbidden":
            holder = _holder(kind, loc[:-1])
            known = [] if holder is None else list(holder.model_fields)
            close = difflib.get_close_matches(str(loc[-1]), known, n=1)
            meant = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
            message = f"unknown key; {meant}"
        elif found["type"] == "missing":
            message = "missing, and has no default"
        type_ = PydanticCustomError("value_error", "{message}", {"message": message})
        details.append(InitErrorDetails(type=type_, loc=loc, input=found["input"]))
    return ValidationError.from_exception_data("workload", details, hide_input=True)


def _holder(kind: type[BaseModel], key: tuple[int | str, ...]) -> type[BaseModel] | None:
    holder: type[BaseModel] | None = kind
    for part in key:
        if holder is None:
            return None
        if isinstance(part, str) and part in holder.model_fields:
            holder = nested(holder.model_fields[part].annotation)
    return holder
