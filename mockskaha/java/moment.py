"""Times as ``java.time`` prints them, UTC, whole seconds, years 1 to 9999."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=4096)
def offset_datetime(epoch_seconds: int) -> str:
    """``OffsetDateTime.toString``: zero seconds are left out, ``2026-08-06T22:25Z`` (skaha-contract §4.3).

    Raises:
        OverflowError: the time is outside the years 1 to 9999.
    """
    text = (_EPOCH + timedelta(0, epoch_seconds)).isoformat()
    return f"{text[:16] if text[17:19] == '00' else text[:19]}Z"


@lru_cache(maxsize=4096)
def instant(epoch_seconds: int) -> str:
    """``Instant.toString``: always with seconds, ``2026-08-06T22:25:00Z`` (skaha-contract §4.3).

    Raises:
        OverflowError: the time is outside the years 1 to 9999.
    """
    return f"{(_EPOCH + timedelta(0, epoch_seconds)).isoformat()[:19]}Z"
