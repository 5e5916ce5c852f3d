"""A weighted sum of factors, as Slurm's multifactor priority has it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from pydantic import Field

from skahasim.policies.ordering.requested_time import requested_time
from skahasim.policies.ordering.usage import HOUR, Usage, UsageParameters
from skahasim.policies.parameters import Parameters
from skahasim.policies.protocol import Ordering

if TYPE_CHECKING:
    from skahasim.job import Job


class FactorWeights(Parameters):
    """What each factor, a number from 0 to 1, is worth."""

    age: float = Field(default=1000.0, ge=0)
    """Time waited over ``age_hours``, at most 1."""
    size: float = 0.0
    """Cores over ``size_cores`` or memory over ``size_ram_gib``, the larger, at most 1. Below zero: small first."""
    estimate: float = 0.0
    """Requested time over ``estimate_hours``, at most 1; 1 without any. Below zero: short jobs first."""
    area: float = 0.0
    """Requested core hours over ``size_cores`` x ``estimate_hours``, at most 1; 1 without a requested time."""
    priority: float = 0.0
    """Value of the priority class over ``highest_priority``, from 0 to 1."""
    fair_share: float = Field(default=0.0, ge=0)
    """2^(-U/S): U the account's part of all decayed use, S its part of all weights; 1 before any use."""


class WeightedSumParameters(UsageParameters):
    """Weights, and where each factor reaches 1."""

    factors: FactorWeights = Field(default_factory=FactorWeights)
    age_hours: float = Field(default=168.0, gt=0)
    age_capped: bool = True
    """Whether the factor of age stops at 1. Without that, and without fair share, the order among waiting jobs never
    changes, and very long queues are much faster to serve."""
    size_cores: float = Field(default=64.0, gt=0)
    size_ram_gib: float = Field(default=241.0, gt=0)
    estimate_hours: float = Field(default=168.0, gt=0)
    highest_priority: float = Field(default=1_000_000.0, gt=0)


class WeightedSum(Ordering):
    """The job of the largest sum of weight x factor first (Slurm, Multifactor Priority Plugin)."""

    def __init__(self, parameters: WeightedSumParameters | None = None) -> None:
        self._parameters = parameters or WeightedSumParameters()
        self.weights = self._parameters.factors
        self.usage = Usage(self._parameters)
        capped = bool(self.weights.age) and self._parameters.age_capped
        self.moves_with_time = capped or bool(self.weights.fair_share)
        self._constants: dict[int, float] = {}
        """Number of a waiting job -> its constant part, once asked for."""
        self._now = 0.0
        self._shares: dict[str, float] = {}

    def key(self, job: Job) -> float:
        if not self.moves_with_time:
            return job.submit_time / (self._parameters.age_hours * HOUR) * self.weights.age - self._constant(
                job
            )
        score = self._constants.get(job.number)
        if score is None:
            score = self._constants[job.number] = self._constant(job)
        if self.weights.age:
            age = max(0.0, self._now - job.submit_time) / (self._parameters.age_hours * HOUR)
            score += self.weights.age * (min(1.0, age) if self._parameters.age_capped else age)
        if self.weights.fair_share:
            score += self.weights.fair_share * self._fair_share(self.usage.account(job))
        return -score

    def lane(self, job: Job) -> Hashable:
        return self._constant(job), self.usage.account(job) if self.weights.fair_share else ""

    def rank(self, job: Job) -> float:
        """The older job of a lane never has the smaller sum."""
        return job.submit_time if self.moves_with_time else self.key(job)

    def advance(self, now: float) -> None:
        self._now = now
        self._shares.clear()

    def started(self, job: Job, now: float) -> None:
        self._constants.pop(job.number, None)
        self.usage.change(self.usage.account(job), self.usage.millicores(job.request), now)

    def ended(self, job: Job, now: float) -> None:
        self.usage.change(self.usage.account(job), -self.usage.millicores(job.request), now)

    def _constant(self, job: Job) -> float:
        """The part of the sum that does not change while the job waits."""
        weights, scale, request = self.weights, self._parameters, job.request
        hours = requested_time(job) / HOUR
        size = max(request.cores / scale.size_cores, request.ram_gib / scale.size_ram_gib)
        area = (
            hours * request.cores / (scale.size_cores * scale.estimate_hours) if request.millicores else 0.0
        )
        return (
            weights.size * min(1.0, size)
            + weights.estimate * min(1.0, hours / scale.estimate_hours)
            + weights.area * min(1.0, area)
            + weights.priority * min(1.0, max(0.0, job.priority / scale.highest_priority))
        )

    def _fair_share(self, account: str) -> float:
        if not self._shares:
            used = {name: self.usage.at(name, self._now) for name in self.usage.accounts}
            total = sum(used.values())
            weights = sum(map(self.usage.weight, used))
            for name, amount in used.items():
                part = amount / total if total > 0.0 else 0.0
                self._shares[name] = 2.0 ** -(part * weights / self.usage.weight(name))
        return self._shares.get(account, 1.0)
