"""What is laid down for one job beforehand: that it is kept from the queue, and what befalls its run."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from skahasim.transition import Step


class Hold(NamedTuple):
    """Keeps a job from the queue, which does not see it until then."""

    seconds: float = inf
    """For so long; infinite: until the job ends."""
    reason: str = ""
    """What it is said to wait for."""
    suspended: bool = False
    """As if admission held it: it has no pod, has not started, and its deadline does not run. Otherwise it has a pod
    that fits on no node."""


class Mishap(NamedTuple):
    """Befalls the run of a job's main container, in place of the profile's troubles."""

    step: Step
    """``OOM_KILLED`` and ``EXITED`` befall every run; ``EVICTED`` and ``PREEMPTED`` the first pod only."""
    seconds: float
    """After the start of the main container."""
    exit_code: int = 0
    message: str = ""
    """What an eviction or a preemption says of itself."""
    reason: str = "Evicted"
    """Why a job has failed that may not start again after an eviction."""
    hold: Hold | None = None
    """Keeps a preempted job waiting."""

    @property
    def ends_the_pod(self) -> bool:
        """It takes the pod away, and not only the container."""
        return self.step in (Step.EVICTED, Step.PREEMPTED)
