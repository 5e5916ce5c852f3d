"""The facts of ``schedule.json``, under the names Batsim gives them."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import TYPE_CHECKING, Any

from skahasim.study.rows import (
    FAILED,
    KILLED,
    STILL_RUNNING,
    SUBMITTED,
    SUCCESSFUL,
    WALLTIME_REACHED,
    Totals,
)

if TYPE_CHECKING:
    from skahasim.resources import Resources


def schedule_facts(
    totals: Totals, integrals: Mapping[str, float], end: float, capacity: Resources, rejected: int
) -> dict[str, Any]:
    """Batsim's ``schedule.json`` (its "Schedule-centric output"): times in seconds, machine times in core seconds.

    Means and maxima are over jobs that started and ended. ``time_computing``: cores allocated, times seconds;
    ``time_idle``: the others of the nodes that were up; ``time_unavailable``: those of nodes that were not. What a
    simulation without energy and machine states cannot tell (``consumed_joules``, switches) is left out.
    """
    states, finished = totals.by_state, totals.finished
    succeeded = states.get(SUCCESSFUL, 0)
    killed = states.get(KILLED, 0) + states.get(WALLTIME_REACHED, 0)
    ended = totals.jobs - states.get(SUBMITTED, 0) - states.get(STILL_RUNNING, 0)
    available = integrals["capacity_cores"]
    return {
        "makespan": totals.last_finish,
        "simulation_time": end,
        "mean_waiting_time": _mean(totals.waits, finished),
        "max_waiting_time": totals.longest_wait,
        "mean_turnaround_time": _mean(totals.turnarounds, finished),
        "max_turnaround_time": totals.longest_turnaround,
        "mean_slowdown": _mean(totals.slowdowns, totals.stretch_count),
        "max_slowdown": totals.worst_slowdown,
        "nb_jobs": totals.jobs + rejected,
        "nb_jobs_finished": ended,
        "nb_jobs_success": succeeded,
        "nb_jobs_killed": killed,
        "nb_jobs_failed": states.get(FAILED, 0),
        "nb_jobs_rejected": rejected,
        "success_rate": succeeded / ended if ended else 0.0,
        "nb_computing_machines": ceil(capacity.cores),
        "time_computing": integrals["allocated_cores"],
        "time_idle": available - integrals["allocated_cores"],
        "time_unavailable": capacity.cores * end - available,
    }


def _mean(total: float, count: int) -> float:
    return total / count if count else 0.0
