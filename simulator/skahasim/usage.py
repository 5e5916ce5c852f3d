"""What a running job uses, as the metrics server would see it: a function of the job and of time.

Memory grows linearly to what the work needs, then stays. Cores: a job may always have its request; what nobody
asked for on its node is shared among the jobs there whose limit is above their request, in proportion to their
requests (CFS weights), each up to its limit. A limit of zero is none.
"""

from __future__ import annotations

from math import floor

from skahasim.draws import Draws
from skahasim.job import Job, State, Work

_RAMP_SHARE = 0.5
_LONGEST_RAMP = 60.0
_BASE_GIB = 0.02
_WOBBLE = 0.04


def ramp_seconds(work: Work) -> float:
    """How long memory takes to grow to ``work.ram_gib``."""
    return _LONGEST_RAMP if work.seconds is None else min(work.seconds * _RAMP_SHARE, _LONGEST_RAMP)


def base_gib(work: Work) -> float:
    """Memory of a main container that has just started."""
    return min(_BASE_GIB, work.ram_gib)


def memory_gib(work: Work, age: float) -> float:
    """Memory of a main container ``age`` seconds after its start, in GiB."""
    ramp = ramp_seconds(work)
    share = 1.0 if age >= ramp else age / ramp
    return base_gib(work) + max(0.0, work.ram_gib - _BASE_GIB) * share


def exceeds_after(work: Work, limit_gib: float) -> float | None:
    """Age at which memory passes ``limit_gib``; ``None`` when it never does."""
    if work.ram_gib <= limit_gib:
        return None
    if limit_gib <= _BASE_GIB:
        return 0.0
    return ramp_seconds(work) * (limit_gib - _BASE_GIB) / (work.ram_gib - _BASE_GIB)


def core_share(job: Job) -> float:
    """Cores ``job`` gets on its node if it asks for all it can use."""
    node = job.node
    if node is None:
        return 0.0
    wanted = min(job.work.cores, job.limit.cores) if job.limit.millicores else job.work.cores
    if wanted <= job.request.cores or not node.flexible_millicores:
        return min(wanted, job.request.cores)
    idle = node.idle.cores * job.request.millicores / node.flexible_millicores
    return min(wanted, job.request.cores + idle)


def sample(job: Job, now: float, period: float, draws: Draws) -> tuple[float, float] | None:
    """(cores, GiB) in use at the last look of the metrics server, every ``period`` seconds from the container's
    start; ``None`` before its first look, and for a job whose main container does not run."""
    if job.state is not State.RUNNING or job.run_time is None:
        return None
    looks = floor((now - job.run_time) / period) if period > 0 else 0
    if period > 0 and looks < 1:
        return None
    age = looks * period if period > 0 else now - job.run_time
    wobble = 1.0 + _WOBBLE * (2.0 * draws.uniform("usage", job.number, looks) - 1.0)
    cores = min(core_share(job) * wobble, job.limit.cores or core_share(job))
    return cores, min(memory_gib(job.work, age), job.limit.ram_gib or job.work.ram_gib)
