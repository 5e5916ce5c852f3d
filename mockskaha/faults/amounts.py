"""Seconds as people write them: a number, ``1h30m``, a word for never ending, or a distribution to draw from."""

from __future__ import annotations

from datetime import UTC, datetime
from math import inf
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, PlainValidator

from skahasim.amounts import LONGEST_SECONDS, duration
from skahasim.delay import Delay

FOREVER = Delay(median=inf)
_AMOUNT = "should be seconds, a duration such as 90s, or a distribution such as {low: 60, high: 90}"
_DISTRIBUTIONS = (("low", "high"), ("mean",), ("median",), ("median", "sigma"))
_MOST_SIGMA = 10.0


def _seconds(value: Any) -> float:
    if isinstance(value, str):
        try:
            return duration(value)
        except ValueError:
            value = _number(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST_SECONDS:
        raise ValueError(f"{_AMOUNT}; at most ten years")
    return float(value)


def _number(text: str) -> float:
    """JSON may write ``1e-05``, which YAML takes for text."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(_AMOUNT) from None


def _some(value: Any) -> Delay:
    if isinstance(value, Delay):
        return value
    if not isinstance(value, dict):
        seconds = _seconds(value)
        return Delay(seconds, seconds)
    if not any(set(value) == set(keys) for keys in _DISTRIBUTIONS):
        raise ValueError("a distribution has low and high, or mean, or median and sigma")
    sigma = value.get("sigma", 0.0)
    if isinstance(sigma, bool) or not isinstance(sigma, int | float) or not 0 <= sigma <= _MOST_SIGMA:
        raise ValueError(f"sigma should be a number from 0 to {_MOST_SIGMA:g}")
    amounts = {key: _seconds(amount) for key, amount in value.items() if key != "sigma"}
    if amounts.get("low", 0.0) > amounts.get("high", 0.0):
        raise ValueError("low must not exceed high")
    return Delay(**amounts, sigma=float(sigma))


def _some_or_never(value: Any) -> Delay:
    if value is True or (isinstance(value, str) and value.strip().lower() in ("forever", "never")):
        return FOREVER
    return _some(value)


def _plain(value: Delay) -> Any:
    if value == FOREVER:
        return "forever"
    if value.median:
        return {"median": value.median, "sigma": value.sigma}
    if value.mean:
        return {"mean": value.mean}
    return value.high if value.low == value.high else {"low": value.low, "high": value.high}


SomeSeconds = Annotated[Delay, PlainValidator(_some), PlainSerializer(_plain)]
"""A fixed amount, or one that is drawn: uniform ``{low, high}``, exponential ``{mean}``, log-normal
``{median, sigma}``."""
EndlessSeconds = Annotated[Delay, PlainValidator(_some_or_never), PlainSerializer(_plain)]
"""The same, or ``forever``."""


def draw(amount: Delay, uniform: float) -> float:
    """The quantile at ``uniform``, a number in [0, 1): infinite, or at most ten years."""
    return inf if amount == FOREVER else min(amount.sample(uniform), LONGEST_SECONDS)


def _instant(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return duration(value)
        except ValueError:
            pass
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(_INSTANT) from None
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST_SECONDS:
        raise ValueError(_INSTANT)
    return float(value)


_INSTANT = (
    "should be seconds after the fault is set, a duration such as 1h, or a time such as 2026-01-01T00:30:00Z"
)
Instant = Annotated[Any, BeforeValidator(_instant)]
"""A time of the model: so long after the fault is set (a float), or absolute (a datetime in UTC)."""


def model_time(instant: float | datetime, set_at: float, epoch: float) -> float:
    """Seconds of model time. ``epoch`` is the Unix time of zero."""
    if isinstance(instant, datetime):
        return instant.timestamp() - epoch
    return set_at + instant


def written(seconds: float) -> str:
    """As an override takes it."""
    return "forever" if seconds == inf else f"{round(seconds, 3):.3f}".rstrip("0").rstrip(".") + "s"
