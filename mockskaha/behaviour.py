"""What a session's main container will do, decided once, when it is created."""

from __future__ import annotations

from math import inf

from mockskaha.overrides import Overrides
from mockskaha.program import Outcome
from mockskaha.session import DESKTOP_APP, HEADLESS
from skahasim.draws import Draws
from skahasim.job import Work
from skahasim.lifecycle import OUT_OF_MEMORY_EXIT
from skahasim.mishap import Hold, Mishap
from skahasim.profile import Profile
from skahasim.resources import Resources
from skahasim.transition import Step

_IDLE_CORES = 0.002
_IDLE_GIB = 0.004
_INTERACTIVE_CORES = (0.01, 0.6)
_INTERACTIVE_GIB = (0.2, 1.6)
_BATCH_CORES = (0.55, 0.98)
_BATCH_MEMORY = (0.2, 0.85)
LOW_ON_MEMORY = "The node was low on resource: memory."
NODE_NOT_READY = "Node is not ready"
PREEMPTED = "Preempted by a pod of a higher priority class"


def work_of(
    kind: str,
    known: Outcome,
    overrides: Overrides,
    limit: Resources,
    profile: Profile,
    draws: Draws,
    number: int,
    *,
    suspends: bool = False,
) -> Work:
    """The work of job ``number``: what is known of its command, else the profile's, and overrides above both.

    An unknown batch command keeps part of its limit busy and uses part of that memory; a known one idles.
    Interactive sessions use little and run until deleted or expired. How much is drawn from (seed, number).
    ``suspends``: the queue suspends those who wait.
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
        mishap=_mishap(overrides, suspends),
        stop_seconds=overrides.stop,
    )


def hold_of(overrides: Overrides, nodes: int, request: Resources) -> Hold | None:
    """What keeps the job from the queue: in the words of Kueue, or of a scheduler of so many ``nodes``."""
    if overrides.suspend is not None:
        return Hold(
            overrides.suspend,
            "couldn't assign flavors to pod set main: insufficient unused quota for cpu in flavor default, "
            f"{request.cores:g} more needed",
            suspended=True,
        )
    if overrides.hold is None:
        return None
    return Hold(
        overrides.hold,
        f"0/{nodes} nodes are available: {nodes} Insufficient cpu. preemption: 0/{nodes} nodes are available: "
        f"{nodes} No preemption victims found for incoming pod.",
    )


def _mishap(overrides: Overrides, suspends: bool) -> Mishap | None:
    """The first of those that are laid down; a preempted job waits as the queue lets it."""
    oom, evict, lost, preempt = overrides.oom, overrides.evict, overrides.node_lost, overrides.preempt
    found: list[Mishap] = []
    if overrides.crash is not None:
        found.append(Mishap(Step.EXITED, overrides.crash, overrides.exit_code or 1))
    if oom is not None:
        found.append(Mishap(Step.OOM_KILLED, oom, OUT_OF_MEMORY_EXIT))
    if evict is not None:
        found.append(Mishap(Step.EVICTED, evict, message=LOW_ON_MEMORY))
    if lost is not None:
        found.append(Mishap(Step.EVICTED, lost, message=NODE_NOT_READY, reason="NodeLost"))
    if preempt is not None:
        waits = overrides.preempt_for
        hold = None if waits is None else Hold(waits, PREEMPTED, suspended=suspends)
        found.append(Mishap(Step.PREEMPTED, preempt, message=PREEMPTED, hold=hold))
    return min(found, key=lambda mishap: mishap.seconds) if found else None


def _between(bounds: tuple[float, float], uniform: float) -> float:
    low, high = bounds
    return low + (high - low) * uniform
