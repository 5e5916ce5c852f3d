"""What Skaha gives a session, and for how long: the rules of the service that live workloads are read by."""

from __future__ import annotations

from types import MappingProxyType

from skahasim.resources import Resources

HEADLESS = "headless"
DESKTOP_APP = "desktop-app"
DAY = 86400.0
DEADLINES = MappingProxyType({HEADLESS: 14 * DAY})
INTERACTIVE_DEADLINE = 4 * DAY
"""Active deadline of every type but headless, and what a renewal grants (skaha-contract §4.3, §4.4)."""
_FLEXIBLE = (Resources.of(1, 4), Resources.of(8, 32))
_BY_KIND = MappingProxyType(
    {
        "desktop": (Resources.of(0.25, 1), Resources.of(1, 4)),
        "firefly": (Resources.of(0.1, 4), Resources.of(1, 4)),
    }
)


def allotment(
    kind: str, cores: float | None, ram_gib: float | None, gpus: int
) -> tuple[Resources, Resources]:
    """Request and limit of a session that asks for so much; ``None`` asks for nothing (skaha-contract §2.3)."""
    if kind in _BY_KIND:
        request, limit = _BY_KIND[kind]
    else:
        asked = Resources.of(cores or 0.0, ram_gib or 0.0)
        request, limit = (
            Resources(
                given.millicores if cores is None else asked.millicores,
                given.ram_mib if ram_gib is None else asked.ram_mib,
            )
            for given in _FLEXIBLE
        )
    return request._replace(gpus=gpus), limit._replace(gpus=gpus)


def deadline(kind: str) -> float:
    """Seconds after which the service ends a session of that type."""
    return DEADLINES.get(kind, INTERACTIVE_DEADLINE)
