"""Times and amounts of memory as people write them for a session: ``1h30m``, ``40Gi``."""

from __future__ import annotations

import re

LONGEST_SECONDS = 10.0 * 365 * 86400
_MOST_GIB = 2.0**30
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?", re.ASCII)
_UNITS = (86400, 3600, 60, 1)
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|M|G|T)?", re.ASCII)
_BYTES = {
    None: 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
}  # fmt: skip


def duration(text: str) -> float:
    """Seconds of ``90``, ``90s``, ``1h30m``, ``4d``; at most ten years. Raises ``ValueError``."""
    match = _DURATION.fullmatch(text.strip())
    if not match or not any(match.groups()):
        raise ValueError(text)
    seconds = sum(float(value) * unit for value, unit in zip(match.groups(), _UNITS, strict=True) if value)
    if seconds > LONGEST_SECONDS:
        raise ValueError(text)
    return seconds


def memory_gib(text: str) -> float:
    """GiB of a Kubernetes quantity; at most an exbibyte. Raises ``ValueError``."""
    match = _QUANTITY.fullmatch(text.strip())
    if not match:
        raise ValueError(text)
    gib = float(match[1]) * _BYTES[match[2]] / 2**30
    if gib > _MOST_GIB:
        raise ValueError(text)
    return gib
