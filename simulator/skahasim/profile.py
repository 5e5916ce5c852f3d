"""Lifecycle profiles: how long each step of a job's life takes, as data (``profiles/*.yaml``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from skahasim.delay import Delay

Seconds = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
PositiveSeconds = Annotated[float, Field(ge=0.001, le=1e9, allow_inf_nan=False)]
"""What fails for ever is tried again: not so often that nothing else gets done."""
Probability = Annotated[float, Field(ge=0, le=1)]


class UnknownProfile(ValueError):
    """Neither a packaged profile nor a readable file."""

    def __init__(self, name: str) -> None:
        known = ", ".join(profile_names())
        super().__init__(f"unknown profile {name!r}; known: {known}; or the path of a YAML file")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DelaySettings(_Section):
    """A number of seconds; or ``{low, high}``; or ``{median, sigma}``; or ``{mean}``."""

    low: Seconds = 0.0
    high: Seconds = 0.0
    median: Seconds = 0.0
    sigma: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = 0.0
    mean: Seconds = 0.0

    @model_validator(mode="after")
    def _one_distribution(self) -> Self:
        if self.low > self.high:
            raise ValueError("low must not exceed high")
        if sum(bool(value) for value in (self.high, self.median, self.mean)) > 1:
            raise ValueError("give low and high, or median and sigma, or mean")
        if self.sigma and not self.median:
            raise ValueError("sigma goes with median")
        return self

    def delay(self) -> Delay:
        return Delay(self.low, self.high, self.median, self.sigma, self.mean)


def _from_number(value: Any) -> Any:
    return {"low": value, "high": value} if isinstance(value, (int, float)) else value


DelayField = Annotated[DelaySettings, BeforeValidator(_from_number)]
_NOTHING = DelaySettings()


class PullSettings(_Section):
    check: DelayField = _NOTHING
    """Asking the registry about an image the node has."""
    first: DelayField = _NOTHING
    """What a pull takes besides the transfer."""
    mib_per_second: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Transfer rate of an image the node lacks; without it the transfer takes no time."""


class TroubleSettings(_Section):
    """Share of jobs that meet a trouble of their own making."""

    pull_fails: Probability = 0.0
    crashes: Probability = 0.0
    out_of_memory: Probability = 0.0
    evicted: Probability = 0.0
    unhealthy: Probability = 0.0
    """Share of jobs whose probes fail once before they are ready."""


class BackoffSettings(_Section):
    """Never zero, or what fails for ever would fail for ever in one instant."""

    initial: PositiveSeconds = 10.0
    longest: PositiveSeconds = 300.0


class ProfileSettings(_Section):
    """One profile file."""

    description: str
    enqueue: DelayField = _NOTHING
    """From submission until the scheduler looks at the job."""
    pull: PullSettings = PullSettings()
    create: DelayField = _NOTHING
    """From image at hand to container created."""
    start: DelayField = _NOTHING
    """From created to started."""
    init: DelayField = _NOTHING
    """Run time of each init container."""
    ready: dict[str, DelayField] = Field(default_factory=dict)
    """From started to ready, by session type; ``default`` for the others."""
    work: DelayField = _NOTHING
    """Run time of a batch command nothing is known of."""
    stop: DelayField = _NOTHING
    """From deletion until the pod has given back what it held."""
    metrics: Seconds = 0.0
    """Age at which the metrics server knows a container, and how often it looks."""
    backoff: BackoffSettings = BackoffSettings()
    trouble: TroubleSettings = TroubleSettings()


@dataclass(frozen=True, slots=True)
class Profile:
    """Delays in seconds, ready to be sampled."""

    name: str
    description: str
    enqueue: Delay
    pull_check: Delay
    pull_first: Delay
    bytes_per_second: float | None
    create: Delay
    start: Delay
    init: Delay
    work: Delay
    stop: Delay
    metrics_seconds: float
    backoff_initial: float
    backoff_longest: float
    trouble: TroubleSettings
    ready_by_kind: Mapping[str, Delay] = field(default_factory=dict)
    settings: ProfileSettings | None = field(default=None, compare=False, repr=False)
    """What it was made of, if it was."""

    def ready(self, kind: str) -> Delay:
        """From started to ready for a session of type ``kind``."""
        found = self.ready_by_kind.get(kind)
        return self.ready_by_kind["default"] if found is None else found

    @classmethod
    def of(cls, name: str, settings: ProfileSettings) -> Profile:
        ready = {kind: value.delay() for kind, value in settings.ready.items()}
        ready.setdefault("default", Delay())
        rate = settings.pull.mib_per_second
        return cls(
            name=name,
            description=settings.description,
            enqueue=settings.enqueue.delay(),
            pull_check=settings.pull.check.delay(),
            pull_first=settings.pull.first.delay(),
            bytes_per_second=None if rate is None else rate * 2**20,
            create=settings.create.delay(),
            start=settings.start.delay(),
            init=settings.init.delay(),
            work=settings.work.delay(),
            stop=settings.stop.delay(),
            metrics_seconds=settings.metrics,
            backoff_initial=settings.backoff.initial,
            backoff_longest=settings.backoff.longest,
            trouble=settings.trouble,
            ready_by_kind=ready,
            settings=settings,
        )


def _packaged() -> Mapping[str, Any]:
    folder = resources.files("skahasim") / "profiles"
    return {Path(entry.name).stem: entry for entry in folder.iterdir() if entry.name.endswith(".yaml")}


@cache
def profile_names() -> tuple[str, ...]:
    """Names of the packaged profiles, sorted."""
    return tuple(sorted(_packaged()))


def load_profile(name: str) -> Profile:
    """A packaged profile by name, or one from a YAML file by path.

    Raises :class:`UnknownProfile`, or ``ConfigurationError`` for a file that says something wrong.
    """
    from skahasim.yamlfile import load_model

    packaged = _packaged().get(name)
    path = Path(str(packaged)) if packaged is not None else Path(name)
    if packaged is None and not path.is_file():
        raise UnknownProfile(name)
    return Profile.of(path.stem, load_model(path, ProfileSettings))
