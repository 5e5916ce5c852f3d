"""Little's law on a finite run, where it is an identity: a check of whatever keeps the books."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from skahasim.study.run import Run

TOLERANCE = 1e-9


class Law(NamedTuple):
    """L = lambda W, times the length of the run: an integral over time and the same as a sum over jobs."""

    name: str
    integral: float
    """L x T, job seconds."""
    jobs: float
    """Sum of what each job contributes, job seconds."""

    @property
    def error(self) -> float:
        """Relative to the larger of both."""
        scale = max(abs(self.integral), abs(self.jobs))
        return abs(self.integral - self.jobs) / scale if scale else 0.0

    def holds(self, tolerance: float = TOLERANCE) -> bool:
        return self.error <= tolerance


def check_littles_law(run: Run) -> tuple[Law, ...]:
    """Little's law (Little, Oper. Res. 9(3), 1961; on sample paths: Stidham 1974, Little & Graves 2008): for the jobs
    that ``running`` and, where jobs start in the moment they are bound, also ``waiting`` and ``in system``.

    Compares ``run.integrals`` with the sum over ``run.jobs`` of the time each ran, waited, or was submitted and not
    ended, within ``[0, end_time]``. Where starting takes time, a job that starts neither waits nor runs, and what an
    evicted job ran before is not in the table: then only what is an identity is returned, maybe nothing.
    """
    jobs, end = run.jobs, run.end_time
    submit, start, finish, admission, lost = (
        pd.to_numeric(jobs[name], errors="coerce").to_numpy(dtype=float)
        for name in ("submission_time", "starting_time", "finish_time", "admission_time", "lost_seconds")
    )
    over = np.minimum(np.where(np.isnan(finish), end, finish), end)
    begun = ~np.isnan(start) & (jobs["final_state"] != "SUBMITTED").to_numpy(dtype=bool)
    instant = _is_instant(run) or bool((admission[begun] == start[begun]).all())
    queued, running = float(run.integrals["queued_jobs"]), float(run.integrals["running_jobs"])
    ran = np.where(begun, over - start, 0.0)
    laws = []
    if instant:
        # What was lost was spent on nodes, running.
        laws.append(Law("running", running, float((ran + lost).sum())))
        laws.append(Law("waiting", queued, float((over - submit - ran - lost).sum())))
        laws.append(Law("in system", queued + running, float((over - submit).sum())))
    elif not (jobs["evictions"].to_numpy(dtype=float) > 0).any():
        laws.append(Law("running", running, float(ran.sum())))
    return tuple(laws)


def _is_instant(run: Run) -> bool:
    """Whether the run's own description says that its profile has no delays."""
    described = run.facts.get("configuration", run.facts.get("config"))
    return isinstance(described, dict) and described.get("profile") == "instant"
