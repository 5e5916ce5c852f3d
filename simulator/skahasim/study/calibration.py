"""How far the model's waits are from those a trace tells: with the trace's own jobs, and with jobs of the fitted model.

The first says how well cluster and queue are described (the workload is the real one), the second what the
workload model adds to that. A trace tells waits if its jobs have ``recorded_wait``.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp

from skahasim.study.execution import run_all
from skahasim.study.simulation import simulate
from skahasim.workload.calibration import Calibration, fit

if TYPE_CHECKING:
    from skahasim.scenario import Scenario

WAIT_COLUMNS = (
    "size_class", "waits", "n", "mean", "p50", "p95", "share_waiting", "mean_error", "ks_distance",
)  # fmt: skip
"""``waits``: ``observed`` in the trace, ``replayed`` with the trace's jobs, ``modelled`` with the fitted model's.
``share_waiting``: of the jobs, those that waited a minute or longer. ``mean_error``: (mean - observed) / observed.
``ks_distance``: of the distributions of waits, to the observed ones. Seconds."""
ALL = "all"
WAITS_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Task:
    scenario: Scenario
    seed: int


def calibrate(scenario: Scenario, *, seed: int = 0) -> tuple[Calibration, float]:
    """The CANFAR model fitted to the scenario's workload, and the trace's length in days.

    Raises ``ValueError`` for a trace too short to say anything.
    """
    workload = scenario.workload(seed)
    last = 0.0

    def watched() -> Any:
        nonlocal last
        for arrival in workload.arrivals:
            last = arrival.submit_time
            yield arrival

    return fit(watched(), epoch=workload.epoch), last / 86400.0


def waits(
    scenario: Scenario,
    calibration: Calibration,
    days: float,
    *,
    replications: int,
    executor: Executor,
    seed: int = 0,
    done: Callable[[int], None] | None = None,
) -> pd.DataFrame:
    """``WAIT_COLUMNS``: the waits of the trace beside those of the model, by size class.

    The trace is replayed once; the fitted model is simulated for as many days, ``replications`` times. Of the trace
    those jobs count whose wait it tells: others may have been waiting when it ended. Without any, all count, and errors
    and distances are NaN.
    """
    fitted = scenario.settings.model_copy(
        update={"workload": calibration.workload(days=max(days, 1.0)), "oversized": "drop"}
    )
    tasks = [_Task(scenario, seed)]
    tasks += [_Task(replace(scenario, settings=fitted), seed + index) for index in range(replications)]
    found: dict[int, pd.DataFrame] = {}

    def take(index: int, table: pd.DataFrame) -> None:
        found[index] = table
        if done is not None:
            done(len(found))

    run_all(executor, _simulated, tasks, take)
    replayed = found[0]
    modelled = pd.concat([found[index] for index in range(1, len(tasks))], ignore_index=True)
    known = replayed[replayed["recorded_wait"].notna()]
    observed = known[["size_class", "recorded_wait"]].rename(columns={"recorded_wait": "waiting_time"})
    return _table(observed, {"replayed": known if len(known) else replayed, "modelled": modelled})


def _simulated(task: _Task) -> pd.DataFrame:
    jobs = simulate(task.scenario, seed=task.seed).jobs
    return jobs[["size_class", "waiting_time", "recorded_wait"]].astype({"recorded_wait": float})


def _table(observed: pd.DataFrame, simulated: dict[str, pd.DataFrame]) -> pd.DataFrame:
    sizes = [ALL, *sorted({str(size) for table in simulated.values() for size in table["size_class"]})]
    rows = []
    for size in sizes:
        seen = _of(observed, size)
        if len(seen):
            rows.append((size, "observed", *_described(seen), np.nan, np.nan))
        for name, table in simulated.items():
            values = _of(table, size)
            if not len(values):
                continue
            error = distance = np.nan
            if len(seen):
                mean = float(seen.mean())
                error = (float(values.mean()) - mean) / mean if mean else np.nan
                distance = float(ks_2samp(values, seen, method="asymp").statistic)
            rows.append((size, name, *_described(values), error, distance))
    return pd.DataFrame(rows, columns=list(WAIT_COLUMNS))


def _of(table: pd.DataFrame, size: str) -> Any:
    chosen = table if size == ALL else table[table["size_class"] == size]
    return chosen["waiting_time"].dropna().to_numpy(dtype=float)


def _described(values: Any) -> tuple[int, float, float, float, float]:
    return (
        len(values),
        float(values.mean()),
        float(np.percentile(values, 50)),
        float(np.percentile(values, 95)),
        float((values >= WAITS_SECONDS).mean()),
    )
