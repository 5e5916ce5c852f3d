"""Kubernetes quantities (``28800m``, ``241Gi``, ``9``) and the whole units in which quotas are counted."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from types import MappingProxyType

CPU = "cpu"
MILLI = 1000
_SUFFIXES = MappingProxyType(
    {"n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 10**3), "": Fraction(1)}
    | {suffix: Fraction(10 ** (3 * power)) for power, suffix in enumerate("kMGTPE", 1)}
    | {f"{suffix}i": Fraction(2 ** (10 * power)) for power, suffix in enumerate("KMGTPE", 1)}
)
_QUANTITY = re.compile(
    r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?:[eE]([+-]?[0-9]{1,3})|([numkMGTPE]|[KMGTPE]i)?)"
)
_BYTES = frozenset({"memory", "ephemeral-storage", "storage"})
_BINARY = (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10))
_HUGE = (("Ei", 2**60), ("Pi", 2**50), ("Ti", 2**40), *_BINARY)


def quantity(value: object) -> Fraction:
    """The exact value of a Kubernetes quantity, written as text or as a YAML number.

    Raises ``ValueError``. Grammar: Kubernetes API conventions, resource quantities.
    """
    if isinstance(value, Fraction):
        return value
    number = isinstance(value, int | float) and not isinstance(value, bool)
    found = _QUANTITY.fullmatch(repr(value) if number else value if isinstance(value, str) else "")
    if found is None:
        raise ValueError(f"{str(value)[:40]!r} is not a Kubernetes quantity, such as 2, 28800m or 241Gi")
    digits, exponent, suffix = found.groups()
    scale = Fraction(10) ** int(exponent) if exponent else _SUFFIXES[suffix or ""]
    return Fraction(digits.removesuffix(".")) * scale


def amount(resource: str, value: Fraction) -> int:
    """``value`` in the unit in which Kueue counts ``resource``: millicores of CPU, else whole ones, rounded up."""
    return math.ceil(value * MILLI if resource == CPU else value)


def written(resource: str, units: int) -> str:
    """The shortest quantity that means ``units`` of ``resource``; :func:`amount` of it gives them back."""
    if resource == CPU:
        return f"{units}m" if units % MILLI else str(units // MILLI)
    if resource in _BYTES and units:
        # Not 1Ti for 1024Gi: people write memory in Gi.
        for suffix, size in _HUGE if units >= 2**60 else _BINARY:
            if not units % size:
                return f"{units // size}{suffix}"
    return str(units)
