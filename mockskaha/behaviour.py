"""What a session's main container will do, decided once, when it is created."""

from __future__ import annotations

from math import inf

from mockskaha.overrides import Overrides
from mockskaha.program import Outcome
from mockskaha.session import DESKTOP_APP, HEADLESS
from skahasim.draws import Draws
from skahasim.job import Work
from skahasim.profile import Profile
from skahasim.resources import Resources

_IDLE_CORES = 0.002
_IDLE_GIB = 0.004
_INTERACTIVE_CORES = (0.01, 0.6)
_INTERACTIVE_GIB = (0.2, 1.6)
_BATCH_CORES = (0.55, 0.98)
_BATCH_MEMORY = (0.2, 0.85)


def work_of(
    kind: str,
    known: Outcome,
    overrides: Overrides,
    limit: Resources,
    profile: Profile,
    draws: Draws,
    number: int,
) -> Work:
    """The work of job ``number``: what is known of its command, else the profile's, and overrides above both.

    An unknown batch command keeps part of its limit busy and uses part of that memory; a known one idles.
    Interactive sessions use little and run until deleted or expired. How much is drawn from (seed, number).
    """
    seconds = known.seconds
    if kind not in (HEADLESS, DESKTOP_APP):
        seconds = inf
        cores = _between(_INTERACTIVE_CORES, draws.uniform("cores", number))
        ram_gib = _between(_INTERACTIVE_GIB, draws.uniform("memory", number))
    elif seconds is None and kind == HEADLESS:
        seconds = profile.work.sample(draws.uniform("work", number))
        cores = limit.cores * _between(_BATCH_CORES, draws.uniform("cores", number))
        ram_gib = limit.ram_gib * _between(_BATCH_MEMORY, draws.uniform("memory", number))
    else:
        seconds = inf if seconds is None else seconds
        cores, ram_gib = _IDLE_CORES, _IDLE_GIB
    if overrides.runtime is not None:
        seconds = overrides.runtime
    return Work(
        seconds=None if seconds == inf else seconds,
        exit_code=known.exit_code if overrides.exit_code is None else overrides.exit_code,
        cores=cores if overrides.cores is None else overrides.cores,
        ram_gib=ram_gib if overrides.memory_gib is None else overrides.memory_gib,
        start_error=known.start_error,
        ready_seconds=overrides.ready,
    )


def _between(bounds: tuple[float, float], uniform: float) -> float:
    low, high = bounds
    return low + (high - low) * uniform
