"""Who is treated how, compared with the others."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from skahasim.metrics.system import ratio

if TYPE_CHECKING:
    from skahasim.study.run import Run

STARVED_AFTER = 86_400.0
"""A job that waits longer than this, in seconds, is starved."""
MOST_SHAPES = 1_000
USER_COLUMNS = ("user", "group", "n", "wait_time", "wait_time_p95", "bounded_slowdown", "core_seconds", "evicted",
                "not_started", "dominant_resource", "dominant_share")  # fmt: skip


def jain(values: ArrayLike) -> float:
    """Jain's index (sum x)^2 / (n sum x^2): 1 when all are equal, 1/n when one has all (Jain, Chiu, Hawe, DEC
    TR-301, 1984). NaN for no values."""
    data = np.asarray(values, dtype=float)
    data = data[np.isfinite(data)]
    square = float((data**2).sum())
    if not len(data):
        return nan
    return float(data.sum()) ** 2 / (len(data) * square) if square else 1.0


def users(run: Run, table: pd.DataFrame, since: float, until: float) -> pd.DataFrame:
    """``USER_COLUMNS``, one row for each user, by name.

    ``dominant_share``: the largest of the user's shares of all cores, memory and GPUs of the cluster, each averaged
    over ``[since, until]`` (Ghodsi et al., "Dominant Resource Fairness", NSDI 2011), ``dominant_resource`` which.
    Only the last run of an evicted job counts.
    """
    finish = table["finish_time"].fillna(until).clip(upper=until)
    held = (finish - table["starting_time"]).where(table["started"]).clip(lower=0.0).fillna(0.0)
    totals = {"cores": run.capacity.cores, "ram": run.capacity.ram_gib, "gpus": float(run.capacity.gpus)}
    shares = pd.DataFrame(
        {
            name: held * table[column] / (totals[name] * (until - since)) if totals[name] else 0.0 * held
            for name, column in (("cores", "requested_cores"), ("ram", "requested_ram_gib"), ("gpus", "requested_gpus"))
        }
    )  # fmt: skip
    if not len(table):
        return pd.DataFrame(columns=list(USER_COLUMNS))
    by_user = table["user"]
    grouped = table.groupby(by_user, sort=True)
    share = shares.groupby(by_user, sort=True).sum()
    result = pd.DataFrame(
        {
            "group": grouped["group"].first(),
            "n": grouped.size(),
            "wait_time": grouped["wait_time"].mean(),
            "wait_time_p95": grouped["wait_time"].quantile(0.95),
            "bounded_slowdown": grouped["bounded_slowdown"].mean(),
            "core_seconds": (held * table["requested_cores"]).groupby(by_user, sort=True).sum(),
            "evicted": grouped["evicted"].sum(),
            "not_started": grouped.size() - grouped["started"].sum(),
            "dominant_resource": share.idxmax(axis=1),
            "dominant_share": share.max(axis=1),
        }
    )
    return result.reset_index(names="user")[list(USER_COLUMNS)]


def unfair_starts(table: pd.DataFrame) -> Any:
    """Which started jobs were overtaken by a job that was no easier to place.

    A start is unfair when a job that was submitted later (at the same instant: comes later in the workload), and
    asks for at least as much of each of cores, memory and GPUs, started before it. Nothing the later job fitted
    into was too small for this one, so only the policy's preference explains it. This is the part of the
    "fair start time" comparison (Sabin, Kochhar, Sadayappan, ICPP 2004) that can be seen in one schedule. With
    more than 1,000 different requests only cores are compared.
    """
    started = table["started"].to_numpy(dtype=bool)
    starts = np.where(started, table["starting_time"].to_numpy(dtype=float), np.inf)
    requests = table[["requested_cores", "requested_ram_gib", "requested_gpus"]].to_numpy(dtype=float)
    shapes, which = np.unique(requests, axis=0, return_inverse=True)
    if len(shapes) > MOST_SHAPES:
        shapes, which = np.unique(requests[:, :1], axis=0, return_inverse=True)
        requests = requests[:, :1]
    which = which.reshape(-1)
    unfair = np.zeros(len(table), dtype=bool)
    earliest = np.full(len(table) + 1, np.inf)
    for index, shape in enumerate(shapes):
        as_large = (shapes >= shape).all(axis=1)[which]
        candidates = np.where(as_large, starts, np.inf)
        earliest[:-1] = np.minimum.accumulate(candidates[::-1])[::-1]
        mine = np.flatnonzero(which == index)
        unfair[mine] = earliest[mine + 1] < starts[mine]
    return unfair & started


def fairness(
    run: Run, table: pd.DataFrame, per_user: pd.DataFrame, starved_after: float = STARVED_AFTER
) -> dict[str, float]:
    """``FAIRNESS_METRICS``. ``table`` is in the order of submission; ``per_user`` of :func:`users`."""
    n = len(table)
    starved = int((table["wait_time"] > starved_after).sum())
    return {
        "jain_index": jain(per_user["bounded_slowdown"].to_numpy(dtype=float)),
        "jain_dominant_share": jain(per_user["dominant_share"].to_numpy(dtype=float)),
        "largest_dominant_share": float(per_user["dominant_share"].max()) if len(per_user) else nan,
        "unfair_start_share": ratio(float(unfair_starts(table).sum()), float(table["started"].sum())),
        "starved": starved,
        "starved_share": ratio(starved, n),
    }
