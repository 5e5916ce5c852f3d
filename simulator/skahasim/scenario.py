"""A scenario: what arrives, where it runs, how it waits, and for how long it is watched. One YAML file.

``extends: other.yaml`` takes everything from another scenario and changes what is said here, so that a variant to
compare with is a few lines long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from json import dumps
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from skahasim import calendar, contention, failures
from skahasim.calendar import CalendarSettings
from skahasim.cluster import Cluster
from skahasim.configuration import ClusterSettings, QueueSettings, Section
from skahasim.contention import ContentionSettings
from skahasim.failures import FailuresSettings
from skahasim.kueue.installation import UnknownObject
from skahasim.kueue.settings import anchored
from skahasim.model import Model
from skahasim.policies import Policies, UnknownPolicy, policies_from
from skahasim.profile import Profile, UnknownProfile, load_profile
from skahasim.resources import Resources
from skahasim.variant import PATHS, extended, is_path, overridden
from skahasim.workload.arrival import Arrival
from skahasim.workload.settings import CanfarWorkload, JournalWorkload, WorkloadSettings
from skahasim.workload.source import Epoch, Workload, is_generated, open_workload
from skahasim.yamlfile import ConfigurationError, Document, KeyPath, Origin, Problem, validate

DISTRIBUTION = "mockskaha"
RAM_GIB_PER_PROCESSOR = 1024
"""Memory of a cluster given as a number of processors: more than anybody asks for."""
DEFAULT_START = datetime(2026, 1, 5)  # noqa: DTZ001 - local, in the scenario's time zone
"""A Monday."""
MANIFESTS: KeyPath = ("queue", "kueue", "manifests")
"""Paths that hold from the working directory once a file is loaded."""


class StudyCluster(ClusterSettings):
    """A cluster, or just ``processors: 128``."""

    processors: int | None = Field(default=None, ge=1, le=10_000_000)
    """Instead of nodes: one node with so many cores and memory for everybody."""

    @model_validator(mode="before")
    @classmethod
    def _of_processors(cls, data: Any) -> Any:
        if not isinstance(data, dict) or type(data.get("processors")) is not int or data["processors"] < 1:
            return data
        count = data["processors"]
        nodes = [{"name": "processors", "count": 1, "cores": count, "ram_gib": count * RAM_GIB_PER_PROCESSOR}]
        if data.get("nodes", nodes) not in (nodes, ()):
            given = [dict(node) if isinstance(node, Mapping) else node for node in data["nodes"]]
            if len(given) != 1 or not isinstance(given[0], dict) or given[0].get("name") != "processors":
                raise ValueError("give processors or nodes, not both")
        return data | {"nodes": nodes, "name": data.get("name", "processors")}


class HorizonSettings(Section):
    """How long is simulated, and what of it counts."""

    warm_up_hours: float | None = Field(default=None, ge=0)
    """Jobs submitted before are left out of the metrics; without it, as the comparison decides."""
    hours: float | None = Field(default=None, gt=0)
    """Stop then, whatever still waits or runs; without it, when all jobs have ended."""
    drain: bool = True
    """Run on after the last arrival until all jobs have ended (or ``hours`` are over)."""


class ImageSettings(Section):
    """The image that every pod pulls."""

    name: str = Field(default="images.canfar.net/skaha/session:1", min_length=1)
    gib: float = Field(default=0.0, ge=0)
    """What a node without it has to transfer."""


class ScenarioSettings(Section):
    """One scenario file. Everything left out is as on CANFAR."""

    name: str = ""
    """In tables and figures; without it the name of the file."""
    description: str = ""
    workload: WorkloadSettings = Field(default_factory=CanfarWorkload, validate_default=False)
    cluster: StudyCluster = Field(default_factory=StudyCluster)
    queue: QueueSettings = Field(default_factory=QueueSettings)
    profile: str = Field(default="instant", min_length=1)
    """How long the steps of a session take: a packaged profile, or a YAML file."""
    image: ImageSettings | None = None
    """Pods are as Skaha makes them: two init containers and the main one, of this image; the profile says how long
    they take. Without it a pod is one container whose image is at hand."""
    contention: ContentionSettings | None = None
    calendar: CalendarSettings = ()
    failures: FailuresSettings | None = None
    horizon: HorizonSettings = Field(default_factory=HorizonSettings)
    seed: int = Field(default=0, ge=0)
    start: datetime | None = None
    """Local date and time of time 0; without it that of the log, or Monday 2026-01-05 00:00."""
    time_zone: str = "America/Vancouver"
    """IANA name."""
    arrivals: Literal["before-events", "after-events"] = "before-events"
    """Where in its instant a job arrives: before everything else that is due, or after, as requests to a live
    service do."""
    oversized: Literal["error", "drop"] = "error"
    """What is done with a job that no node can hold even when empty."""
    restarts: int | None = Field(default=None, ge=0)
    """How often a job that failed or was evicted starts again; without it as Skaha does: headless never, others 6
    times. Preemption is not counted: a preempted job always starts again."""
    priority_classes: dict[str, int] = Field(
        default_factory=lambda: {"low": 10_000, "medium": 100_000, "high": 1_000_000}
    )
    """Value of each priority class that jobs name; the larger, the more important. Under Kueue its manifests say."""

    @field_validator("time_zone")
    @classmethod
    def _time_zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (OSError, ValueError, KeyError):
            raise ValueError(f"unknown time zone {value!r}; IANA names are like America/Vancouver") from None
        return value

    @field_validator("start")
    @classmethod
    def _start_is_local(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is not None:
            raise ValueError("should be local, without an offset; the time zone is in time_zone")
        return value


@dataclass(frozen=True, slots=True)
class Scenario:
    """Checked settings, the folder their paths are relative to, and where each was written."""

    settings: ScenarioSettings
    folder: Path
    document: Document

    @property
    def name(self) -> str:
        return self.settings.name or Path(self.document.name).stem

    @property
    def start(self) -> float:
        """Seconds since 1970-01-01T00:00Z of time 0, unless the workload's log knows better."""
        local = self.settings.start or DEFAULT_START
        return local.replace(tzinfo=ZoneInfo(self.settings.time_zone)).timestamp()

    def cluster(self) -> Cluster:
        """A new cluster with nothing on it."""
        settings = self.settings.cluster
        return Cluster(
            settings.name,
            (
                (name, Resources.of(group.cores, group.ram_gib, group.gpus))
                for group in settings.nodes
                for name in group.node_names()
            ),
        )

    def policies(self) -> Policies:
        """New policies. Policies may remember, so each simulation has its own."""
        queue = self.settings.queue
        return calendar.prepare(policies_from(queue), queue, self.settings.calendar)

    def profile(self) -> Profile:
        """The profile; a path is relative to the scenario's folder."""
        name = self.settings.profile
        path = self.folder / name
        return load_profile(str(path) if is_path(name) and path.is_file() else name)

    def model(self, seed: int = 0, start: float | None = None, time_zone: str = "") -> Model:
        """A new model whose time 0 is ``start`` (seconds since 1970-01-01T00:00Z), with all that the calendar, failing
        nodes and contention do to it. Raises ``ConfigurationError``."""
        settings = self.settings
        arguments: dict[str, Any] = {
            "start": self.start if start is None else start,
            "time_zone": time_zone or settings.time_zone,
            "seed": seed,
        }
        try:
            model = Model(self.cluster(), self.policies(), self.profile(), seed)
            if settings.contention is not None:
                contention.install(model, settings.contention, **arguments)
            if settings.calendar:
                calendar.install(model, settings.calendar, **arguments)
            if settings.failures is not None:
                failures.install(model, settings.failures, **arguments)
        except UnknownPolicy as error:
            raise self.refusal(error.explanation, _key_path(error.key)) from None
        except UnknownProfile as error:
            raise self.refusal(str(error), ("profile",)) from None
        except calendar.CalendarError as error:
            key = ("calendar", error.entry, *_key_path(error.key))
            raise self.refusal(error.explanation, key) from None
        except failures.UnknownNode as error:
            raise self.refusal(error.explanation, ("failures", *_key_path(error.key))) from None
        except UnknownObject as error:
            raise self.refusal(error.explanation, ("queue", "kueue", *_key_path(error.key))) from None
        return model

    def workload(self, seed: int) -> Workload:
        """The workload, opened. Raises ``ConfigurationError``; so may its arrivals."""
        settings = self.settings.workload
        endless = is_generated(settings) and settings.jobs is None and settings.days is None
        if endless:
            if self.settings.horizon.hours is None:
                key = ("workload", "days")
                message = (
                    "a generated workload goes on for ever: give workload.days or jobs, or horizon.hours"
                )
                raise ConfigurationError([Problem(self.document.origin(("workload",)), key, message)])
            settings = settings.model_copy(update={"days": self.settings.horizon.hours / 24 + 1})
        epoch = Epoch(self.start, self.settings.time_zone)
        if isinstance(settings, CanfarWorkload) and settings.capacity_cores is None:
            settings = settings.model_copy(update={"capacity_cores": self.cluster().capacity.cores})
        workload = open_workload(settings, seed=seed, base=self.folder, epoch=epoch)
        if self.settings.start is not None:
            workload.epoch = epoch
        return workload

    def arrivals(self, seed: int) -> Iterator[Arrival]:
        """The jobs to come, sorted by submit time."""
        return self.workload(seed).arrivals

    def refusal(self, message: str, key: KeyPath = ("workload",)) -> ConfigurationError:
        """``message`` as an error at the line of ``key``, or of its file."""
        return ConfigurationError([Problem(self.document.origin(key), key, message)])

    # -- what it is --------------------------------------------------------------------------------------

    def inputs(self) -> tuple[Path, ...]:
        """Files whose content decides what is simulated, beside the scenario itself."""
        found = [
            self.folder / item
            for key in PATHS
            for item in _paths(self.settings, key)
            if key != ("profile",) or is_path(str(item))
        ]
        found.extend(_paths(self.settings, MANIFESTS))
        if isinstance(
            self.settings.workload, JournalWorkload
        ):  # what its server has not moved into the file yet
            found.append(self.folder / f"{self.settings.workload.file}-wal")
        return tuple(path for path in found if path.is_file())

    def configuration(self) -> dict[str, Any]:
        """All settings, defaults included, as plain data."""
        return self.settings.model_dump(mode="json", exclude={"seed"})

    def identity(self, seed: int) -> str:
        """SHA-256 over configuration, seed, version and the content of the input files: equal runs have equal ones.
        Names of files and what the scenario is called do not matter."""
        exclude: dict[str, Any] = {"name": True, "description": True, "seed": True}
        exclude |= {"workload": {"file", "parameters_file"}, "queue": {"kueue": {"manifests"}}}
        if is_path(self.settings.profile):
            exclude["profile"] = True
        configuration = self.settings.model_dump(mode="json", exclude=exclude)
        digest = sha256()
        for path in self.inputs():
            digest.update(sha256(path.read_bytes()).digest())
        digest.update(dumps([configuration, seed, distribution_version()], sort_keys=True).encode())
        return digest.hexdigest()

    def facts(self, seed: int) -> dict[str, Any]:
        """What ``run.json`` says of the scenario."""
        kueue = self.settings.queue.kueue
        quotas: dict[str, Any] = {}
        if kueue is not None:
            from skahasim.kueue.installation import install
            from skahasim.study.quota import quota_facts

            quotas = {"quotas": quota_facts(install(kueue))}
        return {
            "scenario": self.name,
            "description": self.settings.description,
            "seed": seed,
            "version": distribution_version(),
            "hash": self.identity(seed),
            "configuration": self.configuration(),
            **quotas,
        }


def load_scenario(path: Path, overrides: Mapping[str, Any] | None = None) -> Scenario:
    """The scenario in the file at ``path``. ``overrides`` has dotted keys and wins:
    ``{"queue.ordering.policy": "fifo", "cluster.nodes.0.count": 48}``.

    :raises ConfigurationError: with everything that is wrong, each with file, line and key.
    """
    return _checked(overridden(extended(path, ()), overrides or {}), path.parent)


def scenario_of(
    data: Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    *,
    folder: Path = Path(),
    name: str = "scenario",
) -> Scenario:
    """A scenario from Python. Paths are relative to ``folder``; messages call it ``name``.

    :raises ConfigurationError: see :func:`load_scenario`.
    """
    document = Document(name, dict(data), {(): Origin(name)})
    return _checked(overridden(document, overrides or {}), folder)


def distribution_version() -> str:
    """Version of the distribution, ``unknown`` when it is not installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"


def _checked(document: Document, folder: Path) -> Scenario:
    if not isinstance(document.data, dict):
        raise ConfigurationError([Problem(document.origin(()), (), "should be a mapping of keys to values")])
    document = anchored(document)
    scenario = Scenario(validate(ScenarioSettings, document), folder, document)
    problems: list[Problem] = []
    try:
        scenario.model()
    except ConfigurationError as error:
        problems.extend(error.problems)
    for name in ("file", "parameters_file"):
        file = getattr(scenario.settings.workload, name, None)
        if file is not None and not (folder / file).is_file():
            key: KeyPath = ("workload", name)
            problems.append(Problem(document.origin(key), key, f"no such file: {file}"))
    if problems:
        raise ConfigurationError(problems)
    return scenario


def _paths(settings: ScenarioSettings, key: KeyPath) -> list[Path]:
    held: Any = settings
    for part in key:
        held = getattr(held, str(part), None)
    items = held if isinstance(held, tuple | list) else (held,)
    return [Path(item) for item in items if isinstance(item, str | Path)]


def _key_path(key: str) -> KeyPath:
    """``outages[0].node`` as a path."""
    return tuple(int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", key))


__all__ = [
    "HorizonSettings",
    "Scenario",
    "ScenarioSettings",
    "StudyCluster",
    "distribution_version",
    "load_scenario",
    "scenario_of",
]
