"""What users or groups have used, forgotten by half in every half-life."""

from __future__ import annotations

from math import inf, log
from typing import Literal

from pydantic import Field, PositiveFloat

from skahasim.job import Job
from skahasim.policies.parameters import Parameters
from skahasim.resources import MIB_PER_GIB, Resources

HOUR = 3600.0


class UsageParameters(Parameters):
    """How use of the cluster is counted and forgotten."""

    by: Literal["user", "group"] = "user"
    """Whose use counts together. A job of no group counts for its user."""
    half_life_hours: float | None = Field(default=168.0, gt=0)
    """Use so many hours ago counts half; ``null``: nothing is forgotten. A week, as Slurm's manual suggests."""
    gib_per_core: float = Field(default=241 / 64, gt=0)
    """So much memory counts as much as a core; what counts is the larger. The ratio of a production node."""
    cores_per_gpu: float = Field(default=64 / 3, ge=0)
    """A GPU counts as so many cores. The ratio of a production node with GPUs."""
    weights: dict[str, PositiveFloat] = Field(default_factory=dict)
    """User or group -> its share, where it is not 1: with weight 2, one may use twice as much."""


class Usage:
    """Decayed use of each account, in core seconds.

    An account that keeps c cores busy for dt seconds goes from u to u d + c (1 - d) h / ln 2, with d = 2^(-dt/h) for
    half-life h: the exact integral, so it does not matter how often somebody looks.
    """

    def __init__(self, parameters: UsageParameters) -> None:
        hours = parameters.half_life_hours
        self._half_life = inf if hours is None else hours * HOUR
        self._by_group = parameters.by == "group"
        self._mib_per_core = parameters.gib_per_core * MIB_PER_GIB
        self._millicores_per_gpu = parameters.cores_per_gpu * 1000
        self._weights = dict(parameters.weights)
        self._accounts: dict[str, tuple[float, int, float]] = {}
        """Account -> core seconds, millicores in use, as of when."""

    def account(self, job: Job) -> str:
        """Who answers for ``job``; a group and a user of the same name are two."""
        return f"group {job.group}" if self._by_group and job.group else f"user {job.user}"

    def weight(self, account: str) -> float:
        return self._weights.get(account.partition(" ")[2], 1.0)

    @property
    def accounts(self) -> tuple[str, ...]:
        """All that ever used something."""
        return tuple(self._accounts)

    def millicores(self, request: Resources) -> int:
        """What holding ``request`` costs: its dominant resource, in thousandths of a core."""
        memory = round(1000 * request.ram_mib / self._mib_per_core)
        return max(request.millicores, memory, round(request.gpus * self._millicores_per_gpu))

    def change(self, account: str, millicores: int, now: float) -> None:
        """From ``now`` on ``account`` holds ``millicores`` more, or less."""
        held = self._accounts.get(account, (0.0, 0, now))
        self._accounts[account] = (self.at(account, now), held[1] + millicores, now)

    def at(self, account: str, now: float) -> float:
        """Core seconds that ``account`` used up to ``now``, older ones counting less."""
        used, millicores, since = self._accounts.get(account, (0.0, 0, now))
        seconds = now - since
        if self._half_life == inf:
            return used + millicores / 1000 * seconds
        kept: float = 2.0 ** (-seconds / self._half_life)
        return used * kept + millicores / 1000 * (1.0 - kept) * self._half_life / log(2)
