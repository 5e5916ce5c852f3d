"""What a session is given: Skaha's rules from ``cores``, ``ram`` and ``gpus`` to requests and limits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from mockskaha.config.resources import ResourceSettings
from mockskaha.errors import InvalidRequest
from mockskaha.java import parse_double, parse_int, truncated_int
from mockskaha.session import DESKTOP
from skahasim.resources import Resources

FIREFLY = "firefly"


@dataclass(frozen=True, slots=True)
class Allotment:
    """What is guaranteed, and how far a session may burst."""

    request: Resources
    limit: Resources


@dataclass(frozen=True, slots=True)
class ResourceRules:
    """Choices and defaults, from the resource file or from a limit range (skaha-contract §2.13, §4.7)."""

    core_options: frozenset[int]
    ram_options: frozenset[int]
    gpu_options: frozenset[int]
    default_request: Resources
    default_limit: Resources
    gpu_enabled: bool = True
    decimal: bool = True
    """Whether ``cores`` and ``ram`` may have a fraction."""

    @classmethod
    def of(cls, settings: ResourceSettings, *, gpu_enabled: bool, decimal: bool = True) -> ResourceRules:
        bounds = settings.limit_range
        if bounds is None:
            cores, memory = settings.cores, settings.memory_gib
            return cls(
                frozenset(cores.options),
                frozenset(memory.options),
                frozenset(settings.gpus.options),
                Resources.of(cores.default_request, memory.default_request),
                Resources.of(cores.default_limit, memory.default_limit),
                gpu_enabled,
                decimal,
            )
        return cls(
            frozenset(range(1, bounds.max.cores + 1)),
            frozenset(range(1, bounds.max.memory_gib + 1)),
            frozenset(range(1, bounds.max.gpus + 1)),
            Resources.of(bounds.default_request.cores, bounds.default_request.memory_gib),
            Resources.of(bounds.default.cores, bounds.default.memory_gib),
            gpu_enabled,
            decimal,
        )

    def cores(self, text: str | None) -> float | None:
        """The cores asked for; ``None`` when not given. Raises :class:`InvalidRequest` (§3.3, step 7)."""
        return _choice("cores", text, self.core_options, decimal=self.decimal)

    def ram_gib(self, text: str | None) -> float | None:
        """The memory asked for. Raises :class:`InvalidRequest` (§3.3, step 7)."""
        return _choice("ram", text, self.ram_options, decimal=self.decimal)

    def gpus(self, text: str | None) -> int:
        """The GPUs asked for, 0 when not given. Raises :class:`InvalidRequest` (§3.3, step 10)."""
        if text is None or not text.strip():
            return 0
        try:
            gpus = parse_int(text)
        except ValueError:
            gpus = 0
        if gpus not in self.gpu_options:
            raise InvalidRequest(f"Invalid value for 'gpus': {text}")
        return gpus

    def allot(self, kind: str, cores: float | None, ram_gib: float | None, gpus: int) -> Allotment:
        """Requests and limits of a session (skaha-contract §2.3)."""
        return _allot(self, kind, cores, ram_gib, gpus if self.gpu_enabled else 0)


@lru_cache(maxsize=1024)
def _allot(
    rules: ResourceRules, kind: str, cores: float | None, ram_gib: float | None, gpus: int
) -> Allotment:
    if kind == DESKTOP:
        return Allotment(Resources(250, 1024, gpus), Resources(1000, 4096, gpus))
    if kind == FIREFLY:
        return Allotment(Resources(100, 4096, gpus), Resources(1000, 4096, gpus))
    asked = Resources.of(cores or 0, ram_gib or 0)
    request, limit = (
        Resources(
            default.millicores if cores is None else asked.millicores,
            default.ram_mib if ram_gib is None else asked.ram_mib,
            gpus,
        )
        for default in (rules.default_request, rules.default_limit)
    )
    return Allotment(request, limit)


def _choice(parameter: str, text: str | None, options: frozenset[int], *, decimal: bool) -> float | None:
    if text is None or not text.strip():
        return None
    try:
        value = parse_double(text) if decimal else float(parse_int(text))
    except ValueError:
        value = 0.0
    if truncated_int(value) not in options:
        raise InvalidRequest(f"Invalid value for '{parameter}': {text}")
    return value
