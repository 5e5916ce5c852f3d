"""``MOCKSKAHA_…`` environment variables of a launch: what this one session shall do, said through the real API.

A differing service ignores them; this one obeys. They reach the container's environment like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf
from typing import Any

from mockskaha.errors import InvalidRequest
from skahasim.amounts import duration, memory_gib
from skahasim.job import PullOutcome

PREFIX = "MOCKSKAHA_"
_PULLS = {
    "ok": PullOutcome.OK,
    "fail": PullOutcome.NOT_FOUND,
    "not-found": PullOutcome.NOT_FOUND,
    "unauthorized": PullOutcome.UNAUTHORIZED,
}


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a launch asks of the mock; ``None`` where it asks nothing."""

    runtime: float | None = None
    """``MOCKSKAHA_RUNTIME``: run time in seconds (``90s``, ``1h30m``, ``forever``)."""
    exit_code: int | None = None
    """``MOCKSKAHA_EXIT``: exit code, 0 to 255."""
    memory_gib: float | None = None
    """``MOCKSKAHA_MEMORY``: memory the process grows to (``40Gi``)."""
    cores: float | None = None
    """``MOCKSKAHA_CORES``: cores the process keeps busy."""
    ready: float | None = None
    """``MOCKSKAHA_READY``: seconds from start to ready; ``never`` stays Pending."""
    pull: PullOutcome | None = None
    """``MOCKSKAHA_PULL``: ``ok``, ``fail`` or ``not-found`` (no such image), or ``unauthorized``."""
    pull_for: float | None = None
    """``MOCKSKAHA_PULL_FOR``: seconds from launch after which the image can be pulled all the same; ``forever``."""
    hold: float | None = None
    """``MOCKSKAHA_HOLD``: seconds that no node takes its pod; ``forever``."""
    suspend: float | None = None
    """``MOCKSKAHA_SUSPEND``: seconds that it is suspended, as by Kueue: no start time, no pod; ``forever``."""
    crash: float | None = None
    """``MOCKSKAHA_CRASH``: seconds after each start at which it exits, with ``MOCKSKAHA_EXIT`` or else 1."""
    oom: float | None = None
    """``MOCKSKAHA_OOM``: seconds after each start at which it is killed for its memory."""
    evict: float | None = None
    """``MOCKSKAHA_EVICT``: seconds after its first start at which its node evicts it."""
    node_lost: float | None = None
    """``MOCKSKAHA_NODE_LOST``: seconds after its first start at which its pod is lost with its node."""
    preempt: float | None = None
    """``MOCKSKAHA_PREEMPT``: seconds after its first start at which it makes room for a higher priority class."""
    preempt_for: float | None = None
    """``MOCKSKAHA_PREEMPT_FOR``: seconds it then waits before it may start again; ``forever``."""
    expire: float | None = None
    """``MOCKSKAHA_EXPIRE``: its lifetime in seconds, until it is renewed."""
    stop: float | None = None
    """``MOCKSKAHA_STOP``: seconds its pod takes to stop, in which it is listed as Terminating, also once deleted."""


def _or_infinite(word: str) -> Callable[[str], float]:
    return lambda text: inf if text.strip().lower() == word else duration(text)


def _exit_code(text: str) -> int:
    code = int(text)
    if not 0 <= code <= 255:
        raise ValueError(text)
    return code


def _cores(text: str) -> float:
    cores = float(text)
    if not 0 <= cores < inf:
        raise ValueError(text)
    return cores


_DURATION_TEXT = "a duration such as 30s"
_FIELDS: dict[str, tuple[str, Callable[[str], Any], str]] = {
    "RUNTIME": ("runtime", _or_infinite("forever"), "a duration such as 90s, 1h30m or forever"),
    "EXIT": ("exit_code", _exit_code, "an exit code from 0 to 255"),
    "MEMORY": ("memory_gib", memory_gib, "an amount of memory such as 40Gi"),
    "CORES": ("cores", _cores, "a number of cores"),
    "READY": ("ready", _or_infinite("never"), f"{_DURATION_TEXT}, or never"),
    "PULL": ("pull", lambda text: _PULLS[text.strip().lower()], "ok, fail, not-found or unauthorized"),
    "PULL_FOR": ("pull_for", _or_infinite("forever"), f"{_DURATION_TEXT}, or forever"),
    "HOLD": ("hold", _or_infinite("forever"), f"{_DURATION_TEXT}, or forever"),
    "SUSPEND": ("suspend", _or_infinite("forever"), f"{_DURATION_TEXT}, or forever"),
    "CRASH": ("crash", duration, _DURATION_TEXT),
    "OOM": ("oom", duration, _DURATION_TEXT),
    "EVICT": ("evict", duration, _DURATION_TEXT),
    "NODE_LOST": ("node_lost", duration, _DURATION_TEXT),
    "PREEMPT": ("preempt", duration, _DURATION_TEXT),
    "PREEMPT_FOR": ("preempt_for", _or_infinite("forever"), f"{_DURATION_TEXT}, or forever"),
    "EXPIRE": ("expire", duration, _DURATION_TEXT),
    "STOP": ("stop", duration, _DURATION_TEXT),
}
NONE = Overrides()


def overrides_in(env: Iterable[tuple[str, str]]) -> Overrides:
    """The overrides among a launch's environment. Raises :class:`InvalidRequest` for one that means nothing."""
    found: dict[str, Any] = {}
    for name, value in env:
        if not name.startswith(PREFIX):
            continue
        known = _FIELDS.get(name[len(PREFIX) :])
        if known is None:
            names = ", ".join(PREFIX + field for field in _FIELDS)
            raise InvalidRequest(f"unknown override {name}; known: {names}")
        field, parse, expected = known
        try:
            found[field] = parse(value)
        except (ValueError, KeyError, OverflowError):
            raise InvalidRequest(f"Invalid value for '{name}': {value} (expected {expected})") from None
    return Overrides(**found) if found else NONE
