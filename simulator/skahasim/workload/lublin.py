"""The workload model of Lublin and Feitelson for rigid jobs (JPDC 63(11), 2003).

Sizes: 1 with a fixed probability, else 2**x with x from a uniform distribution in two stages, rounded to a power of
two with a fixed probability. Run times: their logarithm is a mixture of two gammas, the weight of the first falling
with the size. Arrivals: the logarithm of a gap in the rush hour is gamma; over the day the same gaps are stretched by
the share of arrivals in each of 48 half hours, a gamma distribution on the hour. Parameters are data
(``lublin.yaml``).

Gammas are drawn by their inverse distribution function, so each job takes one number of each stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from heapq import merge
from importlib import resources
from math import log2
from operator import attrgetter
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from scipy.special import gammainc, gammaincinv

from skahasim.configuration import Section
from skahasim.randomness import Generator, generator
from skahasim.resources import Resources
from skahasim.workload.arrival import Arrival
from skahasim.workload.cycle import CHUNK, Floats
from skahasim.workload.settings import LublinWorkload
from skahasim.workload.source import Epoch, Workload
from skahasim.yamlfile import load_model

HALF_HOURS = 48
HALF_HOUR = 1800.0


class SizeParameters(Section):
    """Binary logarithms of sizes: uniform in [low, middle] with probability ``low_share``, else in [middle, high]."""

    serial: float
    power_of_two: float
    low: float
    middle: float
    high: float
    low_share: float


class RunParameters(Section):
    """ln(seconds): gamma(a1, b1) with probability pa x size + pb, else gamma(a2, b2); shape, scale."""

    a1: float
    b1: float
    a2: float
    b2: float
    pa: float
    pb: float


class ArrivalParameters(Section):
    """ln(seconds between arrivals in the rush hour): gamma(shape x to_rush_hour, scale); half hour of the day:
    gamma(day_shape, day_scale)."""

    shape: float
    scale: float
    day_shape: float
    day_scale: float
    to_rush_hour: float


class TypeParameters(Section):
    """One type of job."""

    size: SizeParameters
    run: RunParameters
    arrival: ArrivalParameters


class LublinParameters(Section):
    """The published parameters."""

    processors: int
    longest_log_run: float
    longest_log_gap: float
    day_begins: int
    batch: TypeParameters
    interactive: TypeParameters
    all: TypeParameters


@cache
def published() -> LublinParameters:
    """The parameters that ship with the package."""
    return load_model(Path(str(resources.files("skahasim") / "workload" / "lublin.yaml")), LublinParameters)


def open_source(settings: LublinWorkload, seed: int, base: Path, epoch: Epoch) -> Workload:
    """The generator of ``settings``."""
    return Workload(generate(settings, seed, epoch), epoch, processors=settings.processors)


def generate(settings: LublinWorkload, seed: int, epoch: Epoch, chunk: int = CHUNK) -> Iterator[Arrival]:
    """The arrivals, for ever. ``chunk`` (how many are drawn at a time) does not change them."""
    local = datetime.fromtimestamp(epoch.unix, UTC).astimezone(ZoneInfo(epoch.time_zone))
    hour = local.hour + local.minute / 60 if settings.start_hour is None else settings.start_hour
    types = ("batch", "interactive") if settings.types == "both" else (settings.types,)
    streams = (_Type(name, settings, seed, hour).arrivals(chunk) for name in types)
    return merge(*streams, key=attrgetter("submit_time"))


def day_weights(parameters: ArrivalParameters, day_begins: int) -> Floats:
    """Relative arrival rate in each half hour from midnight; their mean is 1."""
    points = np.arange(day_begins, day_begins + HALF_HOURS)
    edges = np.append(points - 0.5, points[-1] + 0.5) / parameters.day_scale
    weights = np.empty(HALF_HOURS)
    weights[(points - 1) % HALF_HOURS] = np.diff(gammainc(parameters.day_shape, edges))
    weights /= weights.mean()
    return weights


def sizes(
    parameters: SizeParameters, processors: int, uniform: Floats, stage: Floats, within: Floats
) -> Floats:
    """Sizes of jobs on a machine of ``processors``, whose logarithms are shifted by that of the machine."""
    shift = log2(processors / published().processors)
    middle, high = parameters.middle + shift, parameters.high + shift
    low = min(parameters.low, middle)
    exponent = np.where(
        stage <= parameters.low_share, low + (middle - low) * within, middle + (high - middle) * within
    )
    exponent = np.where(
        uniform <= parameters.serial + parameters.power_of_two, np.floor(exponent + 0.5), exponent
    )
    found = np.floor(2.0**exponent + 0.5)
    return np.where(uniform <= parameters.serial, 1.0, np.clip(found, 1.0, processors))


def log_runs(parameters: RunParameters, size: Floats, which: Floats, uniform: Floats) -> Floats:
    """Logarithms of run times in seconds, none above the longest."""
    longest = published().longest_log_run
    first = which <= np.clip(parameters.pa * size + parameters.pb, 0.0, 1.0)
    found = np.empty(len(size))
    for mask, shape, scale in (
        (first, parameters.a1, parameters.b1),
        (~first, parameters.a2, parameters.b2),
    ):
        found[mask] = _gamma_below(shape, scale, longest, uniform[mask])
    return found


def _gamma_below(shape: float, scale: float, most: float, uniform: Floats) -> Floats:
    """Quantiles of the gamma distribution, cut at ``most`` (what lies above is drawn again)."""
    below = float(gammainc(shape, most / scale))
    quantiles = np.asarray(gammaincinv(shape, uniform * below), dtype=np.float64)
    return quantiles * scale


class _Type:
    """Jobs of one type."""

    def __init__(self, name: str, settings: LublinWorkload, seed: int, hour: float) -> None:
        parameters = published()
        self._name = name
        self._settings = settings
        self._parameters: TypeParameters = getattr(parameters, name)
        self._seed = seed
        weights = day_weights(self._parameters.arrival, parameters.day_begins)
        # Points are seconds of the rush hour; half hours with few arrivals give few points for their time.
        self._points = np.append(0.0, np.cumsum(weights)) * HALF_HOUR
        self._times = np.arange(HALF_HOURS + 1) * HALF_HOUR
        self._start = hour * 3600.0

    def _stream(self, purpose: str) -> Generator:
        return generator(self._seed, "workload", "lublin", self._name, purpose)

    def _submit_times(self, points: Floats) -> Floats:
        """When so many points are used up, counted from the start."""
        day = HALF_HOURS * HALF_HOUR
        begun = np.interp(self._start, self._times, self._points)
        days, rest = np.divmod(points + begun, day)
        times: Floats = days * day + np.interp(rest, self._points, self._times) - self._start
        return times

    def arrivals(self, chunk: int) -> Iterator[Arrival]:
        """In the order of submission."""
        names = ("gap", "type", "stage", "size", "run", "which", "factor", "user")
        gap, kind, stage, within, run, which, factor, user = map(self._stream, names)
        settings, of = self._settings, self._parameters
        shape = of.arrival.shape * of.arrival.to_rush_hour
        longest = published().longest_log_gap
        points = 0.0
        number = 0
        digits = len(str(settings.users))
        per_core = settings.ram_gib_per_core
        while True:
            gaps: Floats = (
                np.exp(_gamma_below(shape, of.arrival.scale, longest, gap.random(chunk))) / settings.scale
            )
            gaps[0] += points
            used: Floats = np.cumsum(gaps)
            points = float(used[-1])
            times = np.maximum(self._submit_times(used), 0.0)
            size = sizes(
                of.size, settings.processors, kind.random(chunk), stage.random(chunk), within.random(chunk)
            )
            runs = np.floor(np.exp(log_runs(of.run, size, which.random(chunk), run.random(chunk))))
            users = (user.random(chunk) * settings.users).astype(np.intp) + 1
            asked = factor.random(chunk)
            requested = (
                None if settings.requested_factor is None else settings.requested_factor.quantiles(asked)
            )
            for n in range(chunk):
                request = Resources.of(float(size[n]), float(size[n]) * per_core)
                seconds = max(float(runs[n]), 1.0)
                yield Arrival(
                    number=number,
                    submit_time=float(times[n]),
                    request=request,
                    limit=request,
                    run_seconds=seconds,
                    requested_seconds=None if requested is None else seconds * float(requested[n]),
                    name=f"{self._name}-{number}",
                    user=f"user{users[n]:0{digits}d}",
                    job_class="" if self._name == "all" else self._name,
                )
                number += 1
