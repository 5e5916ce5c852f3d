"""A trace as the CANFAR model sees it: batch jobs by class and burst, interactive sessions by kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
import pandas as pd

from skahasim.workload.arrival import Arrival
from skahasim.workload.canfar_settings import BatchClassSettings
from skahasim.workload.duration import DurationSettings
from skahasim.workload.skaha import HEADLESS

BURST_GAP = 120.0
"""Jobs that one user submits no further apart than this, in seconds, and of one class, are one burst."""
_COLUMNS = (
    "submit", "run", "requested", "cores", "ram_gib", "flexible", "user", "group", "kind", "job_class",
    "cores_used", "ram_used", "patience", "completes", "wait",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Observed:
    """A trace, sorted out."""

    batch: pd.DataFrame
    """One row for each headless job: ``submit``, ``run``, ``requested`` (seconds), ``cores`` (those it wants),
    ``held`` (those it asked for), ``ram_gib``, ``flexible``, ``user``, ``row`` (its class), ``burst`` (number)."""
    interactive: pd.DataFrame
    """One row for each other session."""
    seconds: float
    """From time 0 to the last submission."""


def observe(arrivals: Iterable[Arrival], classes: Mapping[str, BatchClassSettings]) -> Observed:
    """Sort a trace out by the boxes of ``classes``. Jobs without run time are left out of batch.

    :raises ValueError: fewer than two arrivals, or no time between them.
    """
    rows = [
        (
            arrival.submit_time,
            np.nan if arrival.run_seconds is None else arrival.run_seconds,
            np.nan if arrival.requested_seconds is None else arrival.requested_seconds,
            arrival.request.cores,
            arrival.request.ram_gib,
            arrival.request != arrival.limit,
            arrival.user,
            arrival.group,
            arrival.kind,
            arrival.job_class,
            np.nan if arrival.cores_used is None else arrival.cores_used,
            np.nan if arrival.ram_used_gib is None else arrival.ram_used_gib,
            np.nan if arrival.patience_seconds is None else arrival.patience_seconds,
            arrival.completes,
            np.nan if arrival.recorded_wait is None else arrival.recorded_wait,
        )
        for arrival in arrivals
    ]
    table = pd.DataFrame.from_records(rows, columns=list(_COLUMNS))
    seconds = float(table["submit"].max()) if len(table) else 0.0
    if len(table) < 2 or seconds <= 0:
        raise ValueError("a trace to fit needs at least two jobs, submitted at different times")
    headless = table["kind"] == HEADLESS
    batch = table[headless & (table["run"] > 0)].reset_index(drop=True)
    batch["held"] = batch["cores"]
    wanted = batch["cores_used"].where(batch["flexible"]).clip(lower=batch["cores"])
    batch["cores"] = wanted.fillna(batch["cores"]).clip(lower=0.001)
    batch["row"] = _rows(batch, classes)
    batch["burst"] = _bursts(batch)
    return Observed(batch, table[~headless].reset_index(drop=True), seconds)


def box(run: DurationSettings) -> tuple[float, float]:
    """Where nine in ten of the run times lie."""
    low, high = run.quantiles(np.array([0.05, 0.95]))
    return float(low), float(high)


def _rows(batch: pd.DataFrame, classes: Mapping[str, BatchClassSettings]) -> Any:
    """For each job the class it says it has, or whose box of cores, memory and run time it lies in, or next to:
    nearest in logarithms; of several the one whose middle is nearest."""
    names = list(classes)
    distances = np.empty((len(batch), len(names)))
    for index, row in enumerate(classes.values()):
        outside, off_centre = np.zeros(len(batch)), np.zeros(len(batch))
        for column, (low, high) in (("cores", row.cores), ("ram_gib", row.ram_gib), ("run", box(row.run))):
            values = batch[column].to_numpy(dtype=float)
            # Memory of a flexible job is what it was given, and 0 is unknown: neither tells its class.
            known = values > 0
            if column == "ram_gib":
                known &= ~batch["flexible"].to_numpy(dtype=bool)
            logs = np.log(np.where(known, values, 1.0))
            beyond = np.maximum(np.maximum(log(low) - logs, logs - log(high)), 0.0)
            outside += np.where(known, beyond**2, 0.0)
            off_centre += np.where(known, (logs - (log(low) + log(high)) / 2) ** 2, 0.0)
        distances[:, index] = outside + 1e-3 * off_centre
    nearest = np.array(names, dtype=object)[distances.argmin(axis=1)]
    said = batch["job_class"].to_numpy(dtype=object)
    return np.where(batch["job_class"].isin(names), said, nearest)


def _bursts(batch: pd.DataFrame) -> Any:
    """A number for each run of jobs of one user and class that follow each other closely."""
    if batch.empty:
        return pd.Series([], dtype="int64")
    gaps = batch.groupby(["user", "row"], sort=False)["submit"].diff()
    first = gaps.isna() | (gaps > BURST_GAP)
    place = first.groupby([batch["user"], batch["row"]], sort=False).cumsum()
    return pd.Series(
        list(zip(batch["user"], batch["row"], place, strict=True)), index=batch.index
    ).factorize()[0]
