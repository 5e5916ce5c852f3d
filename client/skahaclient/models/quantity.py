"""Numbers as Skaha's versions write them: ``"2"``, ``2.0``, ``"1980u"``, ``"16G"``, ``"17.18"``, ``"<none>"``."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

GB_PER_GIB = 2**30 / 1e9
NOTHING = frozenset({"", "<none>", "<nil>", "none", "null"})
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)\s*([A-Za-z]*)")
_SCALES = {"": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3}
_BYTES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 1e3, "K": 1e3, "M": 1e6, "T": 1e12}


def present(value: Any) -> Any:
    """The value; None for every way of saying that there is none."""
    return None if isinstance(value, str) and value.strip().lower() in NOTHING else value


def cores(value: Any) -> float | None:
    """Cores, of a number or a Kubernetes quantity (skaha-contract §2.2); None for none, and for anything else."""
    number, unit = _split(value)
    if number is None or unit not in _SCALES:
        return None
    return _tidy(number * _SCALES[unit])


def gib(value: Any) -> float | None:
    """GiB of an amount of memory of a session.

    Without a unit it is in decimal GB, as all versions since 1.0 say it; ``G`` is what older ones wrote for Gi
    (skaha-contract §2.2, part 10).
    """
    number, unit = _split(value)
    if number is None:
        return None
    if unit == "":
        return round(number / GB_PER_GIB, 2)
    if unit == "G":
        return _tidy(number)
    return _tidy(number * _BYTES[unit] / 2**30) if unit in _BYTES else None


def whole(value: Any) -> int | None:
    """A count; None for none, and for what is no such thing."""
    number, unit = _split(value)
    if number is None or unit != "":
        return None
    # The text is a number, as _split found; a float would not hold every digit of it.
    return int(Decimal(value.strip() if isinstance(value, str) else value))


def _split(value: Any) -> tuple[float | None, str]:
    if isinstance(value, bool):
        return None, ""
    if isinstance(value, int | float):
        return (float(value) if math.isfinite(value) and value >= 0 else None), ""
    match = _QUANTITY.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None, ""
    number = float(match[1])
    return (number if math.isfinite(number) else None), match[2]


def _tidy(number: float) -> float:
    return float(f"{number:.12g}")
