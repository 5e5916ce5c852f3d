"""Every behaviour that is checked, in the order in which a run goes through them."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from mockskaha.verify.check import Check

# Launches come before the lists, which then have something in them.
_ROOMS = (
    "service", "access", "methods", "platform", "refusals", "launches", "sessions", "lifecycle", "apps", "isolation",
)  # fmt: skip


@cache
def all_checks() -> tuple[Check, ...]:
    """The checks of every module of this package."""
    found: list[Check] = []
    for room in _ROOMS:
        module = import_module(f"{__name__}.{room}")
        found += [item.__check__ for item in vars(module).values() if hasattr(item, "__check__")]
    return tuple(found)
