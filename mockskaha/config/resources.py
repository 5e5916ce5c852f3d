"""What a session may ask for: the choices of ``GET /v1/context`` (skaha-contract §2.13, §4.7)."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AliasChoices, Field, model_validator

from skahasim.configuration import Section

Count = Annotated[int, Field(ge=1)]

MEMORY_GIB = (
    *(1, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 26, 28, 30, 32, 36, 40, 44, 48, 56, 64),
    *(80, 92, 112, 128, 140, 170, 192),
)


class CoreOptions(Section):
    """Cores. Also reads the spelling of a deployment's own ``k8s-resources.json``."""

    default: Count = 2
    """A suggestion for forms; the service itself never uses it."""
    default_request: Count = Field(
        default=1, validation_alias=AliasChoices("default_request", "defaultRequest")
    )
    """Reserved for a session that asks for nothing (§2.3)."""
    default_limit: Count = Field(default=8, validation_alias=AliasChoices("default_limit", "defaultLimit"))
    """Upper bound of a session that asks for nothing (§2.3)."""
    options: tuple[Count, ...] = Field(default=tuple(range(1, 17)), min_length=1)
    """What may be asked for."""


class MemoryOptions(Section):
    """Memory in GiB, otherwise like cores."""

    default: Count = 8
    default_request: Count = Field(
        default=4, validation_alias=AliasChoices("default_request", "defaultRequest")
    )
    default_limit: Count = Field(default=32, validation_alias=AliasChoices("default_limit", "defaultLimit"))
    options: tuple[Count, ...] = Field(default=MEMORY_GIB, min_length=1)


class GpuOptions(Section):
    """GPUs. There is no default, and 0 is not a choice (§3.3, step 10)."""

    options: tuple[Count, ...] = tuple(range(1, 29))


class LimitRangeMax(Section):
    """Most a container may have."""

    cores: Count = 16
    memory_gib: Count = 192
    gpus: int = Field(default=0, ge=0)


class LimitRangeDefault(Section):
    """Limit of a container that names none."""

    cores: Count = 8
    memory_gib: Count = 32


class LimitRangeDefaultRequest(Section):
    """Request of a container that names none."""

    cores: Count = 1
    memory_gib: Count = 4


class LimitRangeSettings(Section):
    """A LimitRange replaces the choices above and changes how they are reported (§2.8, §2.13, §4.7)."""

    max: LimitRangeMax = Field(default_factory=LimitRangeMax)
    default: LimitRangeDefault = Field(default_factory=LimitRangeDefault)
    default_request: LimitRangeDefaultRequest = Field(default_factory=LimitRangeDefaultRequest)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for resource in ("cores", "memory_gib"):
            bounds = [getattr(part, resource) for part in (self.default_request, self.default, self.max)]
            if bounds != sorted(bounds):
                raise ValueError(
                    f"{resource}: default_request, default and max must not decrease, not {bounds}"
                )
        return self


class ResourceSettings(Section):
    """Choices and defaults of the deployment's resource file."""

    cores: CoreOptions = Field(default_factory=CoreOptions)
    memory_gib: MemoryOptions = Field(
        default_factory=MemoryOptions, validation_alias=AliasChoices("memory_gib", "memoryGB")
    )
    gpus: GpuOptions = Field(default_factory=GpuOptions)
    limit_range: LimitRangeSettings | None = None
    """The service's other mode. ``limit_range: {}`` takes its defaults; nothing above counts then."""
