"""What Skaha tells about the platform: its load, what a session may ask for, and the images."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from skahaclient.models.quantity import GB_PER_GIB, cores, whole
from skahaclient.models.record import Record

_RAM = re.compile(r"([0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)\s*(Gi|G|)")


def _part(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _ram(value: Any, *, decimal: bool) -> float | None:
    match = _RAM.fullmatch(str(value).strip())
    if match is None:
        return None
    number = float(match[1])
    return round(number / GB_PER_GIB, 3) if decimal and match[2] != "Gi" else number


class PlatformStats(Record):
    """The load of the platform. Amounts of memory are GiB, whatever the service calls them (skaha-contract §2.8)."""

    wording: ClassVar[str] = "the load of the platform"

    requested_cores: float | None = None
    """What is allocated to all sessions."""
    capacity_cores: float | None = None
    """All there are, free or not."""
    requested_ram: float | None = None
    capacity_ram: float | None = None
    requested_gpus: float | None = None
    """Only what is newer than Skaha 1.4 tells of GPUs."""
    capacity_gpus: float | None = None
    most_cores: float | None = None
    """The most that one session gets without asking for it; before Skaha 1.4, of the largest node."""
    most_ram: float | None = None
    sessions: int | None = None
    """How many there are; no version since 1.1.5 tells."""

    @model_validator(mode="before")
    @classmethod
    def _read(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "raw" not in values:
            return values
        raw = values["raw"]
        processors, memory, instances = _part(raw.get("cores")), _part(raw.get("ram")), raw.get("instances")
        graphics = _part(raw.get("gpu"))
        # Up to 1.1.4, which told the instances, G was written for Gi.
        decimal = instances is None
        most = str(_part(memory.get("maxRAM")).get("ram"))
        return {
            "raw": raw,
            "requested_cores": cores(processors.get("requestedCPUCores")),
            "capacity_cores": cores(processors.get("cpuCoresAvailable")),
            "requested_ram": _ram(memory.get("requestedRAM"), decimal=decimal),
            "capacity_ram": _ram(memory.get("ramAvailable"), decimal=decimal),
            "requested_gpus": cores(graphics.get("requestedGPU")),
            "capacity_gpus": cores(graphics.get("gpuAvailable")),
            "most_cores": cores(_part(processors.get("maxCPUCores")).get("cpuCores")),
            # A LimitRange's whole GiB are called G; a node's are decimal, and never whole.
            "most_ram": _ram(most, decimal=decimal and "." in most),
            "sessions": whole(_part(instances).get("total")),
        }

    @classmethod
    def _may_have(cls) -> set[str]:
        return {"cores", "ram", "gpu", "instances"}


def _options(value: Any) -> tuple[int, ...]:
    listed = value if isinstance(value, list | tuple) else []
    return tuple(number for each in listed if (number := whole(each)) is not None)


Count = Annotated[int | None, BeforeValidator(whole)]


class Choices(BaseModel):
    """What a session may ask for of one resource; in cores, GiB, or GPUs."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    options: Annotated[tuple[int, ...], BeforeValidator(_options)] = ()
    default: Count = None
    """A suggestion for a form."""
    flexible_request: Count = Field(default=None, alias="defaultRequest")
    """What a session that does not ask is sure to get."""
    flexible_limit: Count = Field(default=None, alias="defaultLimit")
    """What a session that does not ask may use at most."""


def _choices(value: Any) -> Any:
    return value if isinstance(value, dict | Choices) else {}


class Resources(Record):
    """What sessions may ask for (skaha-contract §2.13)."""

    wording: ClassVar[str] = "what sessions may ask for"

    cores: Annotated[Choices, BeforeValidator(_choices)] = Choices()
    ram: Annotated[Choices, BeforeValidator(_choices)] = Field(default=Choices(), alias="memoryGB")
    gpus: Annotated[Choices, BeforeValidator(_choices)] = Choices()
    max_interactive_sessions: Count = Field(default=None, alias="maxInteractiveSessions")


def _types(value: Any) -> list[str]:
    listed = value if isinstance(value, list | tuple) else []
    return [str(each) for each in listed]


class Image(Record):
    """A public image: its whole name, the kinds of session it can be, and its digest."""

    wording: ClassVar[str] = "an image"

    id: str = Field(min_length=1)
    types: Annotated[list[str], BeforeValidator(_types)] = Field(default_factory=list)
    digest: Annotated[str, BeforeValidator(lambda value: "" if value is None else str(value))] = ""
