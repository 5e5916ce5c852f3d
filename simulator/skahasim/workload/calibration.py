"""Fit the CANFAR workload model to a trace, and say how well it fits.

Shares, sizes and cycles are those of the trace, log-normals have the mean and the standard deviation of its logarithms
(maximum likelihood), the activity of users is the Zipf exponent of highest likelihood. What a trace cannot tell (how a
user's patience is, who renews) keeps the packaged value. Goodness is told by the Kolmogorov-Smirnov distance, the
largest difference of the two distribution functions: 0.05 is close, 0.3 is another distribution.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import yaml
from scipy.optimize import minimize_scalar

from skahasim.workload.arrival import Arrival
from skahasim.workload.canfar import mean_batch_work, mean_interactive_work
from skahasim.workload.canfar_settings import CanfarParameters, packaged_parameters
from skahasim.workload.cycle import Floats
from skahasim.workload.duration import DurationSettings
from skahasim.workload.observed import Observed, observe
from skahasim.workload.settings import CanfarWorkload
from skahasim.workload.source import DAY, Epoch, default_epoch

GOODNESS_COLUMNS = ("part", "quantity", "n", "observed_median", "model_median", "ks_distance")
FEWEST = 8
"""Fewer values than these are no basis for a distribution: the packaged one stays."""
_TAILS = (0.02, 0.98)
_COUNT_GRID = 4000
_SIZES = 4


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted model."""

    parameters: CanfarParameters
    jobs_per_day: float
    """Sessions a day in the trace, batch and interactive."""
    offered_cores: float
    """Mean cores that the model's jobs ask for: ``load`` times ``capacity_cores``."""
    time_zone: str
    """IANA name: the hours of the cycles are its."""
    goodness: pd.DataFrame
    """``GOODNESS_COLUMNS``, one row for each distribution that was fitted."""

    def workload(self, **changes: Any) -> CanfarWorkload:
        """The workload that comes as often as the trace's; ``changes`` are keys of its settings."""
        settings: dict[str, Any] = {
            "jobs_per_day": self.jobs_per_day,
            "time_zone": self.time_zone,
            "parameters": self.parameters,
        }
        return CanfarWorkload.model_validate(settings | changes)


def fit(
    arrivals: Iterable[Arrival], *, epoch: Epoch | None = None, start_from: CanfarParameters | None = None
) -> Calibration:
    """The CANFAR model whose parameters suit ``arrivals`` best; ``epoch`` tells their hours and weekdays.

    Jobs belong to the class they name, or else to the row of the sizing table they are nearest to. What cannot be
    told keeps its value in ``start_from`` (the packaged parameters).

    :raises ValueError: too few arrivals to say anything.
    """
    base = start_from or packaged_parameters()
    epoch = epoch or default_epoch()
    seen = observe(arrivals, base.batch.classes)
    goodness = _Goodness()
    data = base.model_dump(mode="python")
    if len(seen.batch):
        _fit_batch(data["batch"], base, seen, epoch, goodness)
    if len(seen.interactive):
        _fit_interactive(data["interactive"], base, seen, epoch, goodness)
    _fit_people(data["people"], seen, goodness)
    parameters = CanfarParameters.model_validate(data)
    jobs, sessions = len(seen.batch), len(seen.interactive)
    days = seen.seconds / DAY
    batch_rate, session_rate = jobs / seen.seconds, sessions / seen.seconds
    work = batch_rate * mean_batch_work(parameters.batch) if jobs else 0.0
    held = session_rate * mean_interactive_work(parameters) if sessions else 0.0
    # One share serves both ways of asking; here it is that of the jobs a day.
    data["batch"]["share"] = jobs / (jobs + sessions)
    return Calibration(
        CanfarParameters.model_validate(data),
        (jobs + sessions) / days,
        work + held,
        epoch.time_zone,
        goodness.table(),
    )


def describe(calibration: Calibration) -> pd.DataFrame:
    """The goodness of fit as a table for people: numbers rounded, the worst first."""
    table = calibration.goodness.sort_values("ks_distance", ascending=False, kind="stable", ignore_index=True)
    return table.round({"observed_median": 3, "model_median": 3, "ks_distance": 4})


def to_yaml(calibration: Calibration) -> str:
    """A file for ``workload.parameters_file``; comments at its top say how well it fits."""
    lines = [
        "# CANFAR workload model, fitted to a trace.",
        f"# Sessions a day: {calibration.jobs_per_day:.6g}; mean cores asked for: {calibration.offered_cores:.6g}.",
        f"# Hours and weekdays are those of {calibration.time_zone}.",
        "# batch.share is of the sessions a day (use it with jobs_per_day, not with load).",
        "# Kolmogorov-Smirnov distances of the fitted distributions:",
    ]
    lines += [
        f"#   {row.part} {row.quantity}: {row.ks_distance:.3f} (n = {row.n})"
        for row in calibration.goodness.itertuples(index=False)
    ]
    data = calibration.parameters.model_dump(mode="json", exclude_none=True)
    return (
        "\n".join(lines) + "\n\n" + yaml.safe_dump(data, sort_keys=False, width=110, default_flow_style=None)
    )


class _Goodness:
    def __init__(self) -> None:
        self._rows: list[tuple[str, str, int, float, float, float]] = []

    def add(self, part: str, quantity: str, observed: Floats, model: Floats) -> None:
        """``model`` is a sample of the model's, or its quantiles on an even grid."""
        if len(observed) and len(model):
            distance = _distance(np.sort(observed), np.sort(model))
            medians = float(np.median(observed)), float(np.median(model))
            self._rows.append((part, quantity, len(observed), *medians, distance))

    def table(self) -> pd.DataFrame:
        return pd.DataFrame.from_records(self._rows, columns=list(GOODNESS_COLUMNS))


def _distance(first: Floats, second: Floats) -> float:
    """Largest difference of two empirical distribution functions, of sorted values."""
    points = np.concatenate([first, second])
    difference = np.searchsorted(first, points, side="right") / len(first) - np.searchsorted(
        second, points, side="right"
    ) / len(second)
    return float(np.abs(difference).max())


def _grid(distribution: DurationSettings, size: int = _COUNT_GRID) -> Floats:
    uniform: Floats = (np.arange(size) + 0.5) / size
    return distribution.quantiles(uniform)


def _log_normal(values: Floats, **bounds: float) -> DurationSettings:
    """The log-normal of highest likelihood for positive values."""
    logs = np.log(values)
    return DurationSettings(
        median=_short(float(np.exp(logs.mean()))), sigma=_short(float(logs.std())), **bounds
    )


def _short(value: float) -> float:
    """Six digits: more are noise, and would fill the file."""
    return float(f"{value:.6g}")


def _known(column: pd.Series[Any]) -> Floats:
    values: Floats = column.to_numpy(dtype=float)
    return values[np.isfinite(values) & (values > 0)]


def _plain(distribution: DurationSettings) -> dict[str, Any]:
    return distribution.model_dump(exclude_none=True)


def _fit_batch(
    data: dict[str, Any], base: CanfarParameters, seen: Observed, epoch: Epoch, goodness: _Goodness
) -> None:
    batch = seen.batch
    for name in base.batch.classes:
        jobs = batch[batch["row"] == name]
        target = data["classes"][name]
        target["share"] = _short(len(jobs) / len(batch))
        if len(jobs) < FEWEST:
            continue
        runs = _known(jobs["run"])
        model = _log_normal(runs, least=_short(float(runs.min())), most=_short(float(runs.max())))
        target["run"] = _plain(model)
        goodness.add(name, "run_seconds", runs, _grid(model))
        fixed = jobs[~jobs["flexible"]]
        target["flexible"] = _flexible_share(jobs, fixed, base)
        if len(fixed) >= FEWEST:
            low, high = np.quantile(fixed["cores"], _TAILS, method="nearest")
            low, high = max(1.0, np.floor(low)), max(1.0, np.ceil(high))
            target["cores"] = (float(low), float(high))
            memory = fixed["ram_gib"].to_numpy(dtype=float)
            if (memory > 0).any():
                ends = np.quantile(memory[memory > 0], _TAILS, method="nearest")
                target["ram_gib"] = (_short(float(ends[0])), _short(float(ends[1])))
            choices = np.arange(low, high + 1)
            goodness.add(name, "cores", _known(fixed["cores"]), choices)
        bursts: Floats = np.asarray(jobs.groupby("burst").size(), dtype=np.float64)
        if len(bursts) >= FEWEST:
            distribution = _log_normal(bursts, least=1.0, most=float(max(bursts.max(), 2.0)))
            target["burst"] = _plain(distribution)
            goodness.add(name, "burst", bursts, np.maximum(np.rint(_grid(distribution)), 1))
    gaps = batch.groupby("burst")["submit"].diff()
    if len(between := _known(gaps)) >= FEWEST:
        distribution = _log_normal(between, most=_short(float(between.max())))
        data["submission_gap"] = _plain(distribution)
        goodness.add("batch", "submission_gap", between, _grid(distribution))
    data["similarity"] = _similarity(batch, data["similarity"])
    starts = batch.groupby("burst")["submit"].min().to_numpy(dtype=float)
    data["cycle"] = _cycle(starts, seen.seconds, epoch, goodness, "batch")
    factors = _known(batch["requested"] / batch["run"])
    if len(factors) >= FEWEST:
        distribution = _log_normal(
            np.maximum(factors, 1.0), least=1.0, most=_short(float(max(factors.max(), 1.0)))
        )
        data["estimates"] = _plain(distribution)
        goodness.add("batch", "requested_over_run", factors, _grid(distribution))
    else:
        data["estimates"] = None
    fixed = batch[~batch["flexible"]]
    for column, over, key in (("cores_used", "cores", "busy"), ("ram_used", "ram_gib", "memory")):
        part = _known(fixed[column] / fixed[over].where(fixed[over] > 0))
        if len(part) >= FEWEST:
            distribution = _log_normal(part, most=_short(float(part.max())))
            data[key] = _plain(distribution)
            goodness.add("batch", key, part, _grid(distribution))
    data["fails"] = _short(float(1 - batch["completes"].mean()))


def _flexible_share(jobs: pd.DataFrame, fixed: pd.DataFrame, base: CanfarParameters) -> float:
    """Of the jobs that could be flexible: those that are, and the fixed ones within a flexible session's limits."""
    given = base.flexible
    could = int(((fixed["cores"] <= given.limit_cores) & (fixed["ram_gib"] <= given.limit_ram_gib)).sum())
    flexible = len(jobs) - len(fixed)
    return _short(flexible / (flexible + could)) if flexible else 0.0


def _similarity(batch: pd.DataFrame, otherwise: float) -> float:
    """Intraclass correlation of the logarithms of run times in bursts of two jobs and more, within each class."""
    logs = np.log(batch["run"])
    spread = logs - logs.groupby(batch["row"]).transform("mean")
    sizes = batch.groupby("burst")["run"].transform("size")
    spread, burst = spread[sizes > 1], batch["burst"][sizes > 1]
    count, bursts = len(spread), burst.nunique()
    if count - bursts < FEWEST:
        return otherwise
    means = spread.groupby(burst).transform("mean")
    within = float(((spread - means) ** 2).sum()) / (count - bursts)
    total = float((spread**2).mean())
    return _short(min(1.0, max(0.0, 1.0 - within / total))) if total > 0 else otherwise


def _cycle(starts: Floats, seconds: float, epoch: Epoch, goodness: _Goodness, part: str) -> dict[str, Any]:
    """Rates by hour and by weekday over the mean rate; hours and days the trace has more of do not count more."""
    zone = ZoneInfo(epoch.time_zone)

    def local(times: Floats) -> pd.DatetimeIndex:
        return pd.DatetimeIndex(pd.to_datetime(times + epoch.unix, unit="s", utc=True)).tz_convert(zone)

    came = local(starts)
    watched = local(np.arange(0.0, seconds + 1.0, 1800.0))
    hours = _relative(came.hour.to_numpy(), watched.hour.to_numpy(), 24)
    weekdays = _relative(came.day_of_week.to_numpy(), watched.day_of_week.to_numpy(), 7)
    of_week = came.day_of_week.to_numpy() * 24 + came.hour.to_numpy()
    weights = np.outer(weekdays, hours).ravel()
    coverage = np.bincount(watched.day_of_week.to_numpy() * 24 + watched.hour.to_numpy(), minlength=168)
    expected = np.cumsum(weights * coverage)
    if expected[-1] > 0 and len(starts):
        model = np.searchsorted(expected / expected[-1], (np.arange(_COUNT_GRID) + 0.5) / _COUNT_GRID)
        goodness.add(part, "hour_of_week", of_week.astype(float), model.astype(float))
    return {"hours": tuple(map(_short, hours)), "weekdays": tuple(map(_short, weekdays))}


def _relative(came: Any, watched: Any, size: int) -> list[float]:
    counts = np.bincount(came, minlength=size).astype(float)
    time = np.bincount(watched, minlength=size).astype(float)
    rates = np.divide(counts, time, out=np.zeros(size), where=time > 0)
    mean = counts.sum() / max(time.sum(), 1.0)
    # A weekday the trace has nothing of is taken for an average one.
    rates = np.where(time > 0, rates / mean if mean else 1.0, 1.0)
    return [float(rate) for rate in rates]


def _fit_interactive(
    data: dict[str, Any], base: CanfarParameters, seen: Observed, epoch: Epoch, goodness: _Goodness
) -> None:
    sessions = seen.interactive
    for name, kind in base.interactive.kinds.items():
        part = sessions[sessions["kind"] == name]
        target = data["kinds"][name]
        target["share"] = _short(len(part) / len(sessions))
        if len(part) < FEWEST:
            continue
        for column, key in (("run", "activity"), ("cores_used", "busy"), ("ram_used", "ram_gib")):
            values = _known(part[column])
            if len(values) >= FEWEST:
                most = _short(float(values.max()))
                distribution = _log_normal(values, least=_short(float(values.min())), most=most)
                target[key] = _plain(distribution)
                goodness.add(name, column, values, _grid(distribution))
        if kind.request is None:
            target["flexible"] = _short(float(part["flexible"].mean()))
            asked = part[~part["flexible"] & (part["cores"] > 0) & (part["ram_gib"] > 0)]
            common = asked.groupby(["cores", "ram_gib"]).size().nlargest(_SIZES)
            if len(common):
                target["sizes"] = tuple(
                    {"cores": (float(cores), float(cores)), "ram_gib": (float(ram), float(ram))}
                    for cores, ram in common.index
                )
    others = set(sessions["kind"]) - set(base.interactive.kinds)
    if len(others) and not sessions["kind"].isin(list(base.interactive.kinds)).any():
        raise ValueError(f"no session is of a kind the model has: {', '.join(sorted(others))}")
    data["forgotten"] = _short(float(sessions["run"].isna().mean()))
    data["cycle"] = _cycle(
        sessions["submit"].to_numpy(dtype=float), seen.seconds, epoch, goodness, "interactive"
    )


def _fit_people(data: dict[str, Any], seen: Observed, goodness: _Goodness) -> None:
    """Activity is counted in bursts and sessions: a sweep of 500 jobs is one decision."""
    firsts = seen.batch.drop_duplicates("burst")["user"]
    counts = pd.concat([firsts, seen.interactive["user"]]).value_counts().to_numpy(dtype=float)
    data["users"] = len(counts)
    groups = pd.concat([seen.batch["group"], seen.interactive["group"]])
    data["groups"] = max(1, int(groups[groups != ""].nunique()))
    if len(counts) < 2:
        return
    ranks = np.arange(1, len(counts) + 1, dtype=float)

    def unlikely(exponent: float) -> float:
        weights = ranks**-exponent
        return -float((counts * np.log(weights / weights.sum())).sum())

    data["activity"] = _short(float(minimize_scalar(unlikely, bounds=(0.0, 4.0), method="bounded").x))
    weights = np.cumsum(ranks ** -data["activity"])
    model = ranks[np.searchsorted(weights / weights[-1], (np.arange(_COUNT_GRID) + 0.5) / _COUNT_GRID)]
    goodness.add("people", "user_rank", np.repeat(ranks, counts.astype(int)), model)
