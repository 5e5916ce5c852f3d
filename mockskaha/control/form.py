"""What bodies, and the values in them, have in common."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from skahasim.amounts import duration

MOST_SECONDS = 1461 * 86400.0
"""The longest stretch of time that one request passes over: four years."""
DURATION = r"^([0-9]{1,3}d)?([0-9]{1,3}h)?([0-9]{1,4}m)?([0-9]{1,7}(\.[0-9]{1,3})?s?)?$"


class Form(BaseModel):
    """What is sent: no unknown keys, no text for a number."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Query(BaseModel):
    """What is asked for in a query string."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class View(BaseModel):
    """What is answered."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _seconds(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not value or re.fullmatch(DURATION, value, re.ASCII) is None:
        raise ValueError(f"is no duration: {value[:40]!r} (90, 90s, 1h30m or 4d, at most 999d)")
    return duration(value)


Span = Annotated[
    float,
    BeforeValidator(_seconds),
    Field(ge=0, le=MOST_SECONDS),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": MOST_SECONDS},
                {"type": "string", "minLength": 1, "pattern": DURATION},
            ]
        }
    ),
]
"""Seconds, or a duration such as ``1h30m``."""


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]
"""An integer, which JSON may write ``2.0``."""


def iso(unix: float) -> str:
    """A Unix time as ``2026-01-01T00:00:00.250Z``."""
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
