"""Times as Skaha writes them (skaha-contract §4.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

_NANOSECONDS = re.compile(r"(\.[0-9]{6})[0-9]+")


def moment(value: Any) -> datetime | None:
    """A time with its zone, in UTC: also ``2026-08-06T22:25Z``, whose seconds are zero. What has no zone is UTC.

    None for none, and for what is no time.
    """
    if isinstance(value, datetime):
        found = value
    elif isinstance(value, str):
        try:
            found = datetime.fromisoformat(_NANOSECONDS.sub(r"\1", value.strip()))
        except ValueError:
            return None
    else:
        return None
    try:
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError:
        return None
