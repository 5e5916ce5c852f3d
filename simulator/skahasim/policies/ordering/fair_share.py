"""Fair share: who used least lately goes first."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from skahasim.policies.ordering.usage import Usage, UsageParameters
from skahasim.policies.protocol import Ordering

if TYPE_CHECKING:
    from skahasim.job import Job


class FairShareParameters(UsageParameters):
    """Whose use counts, and for how long."""


class FairShare(Ordering):
    """The job of the user (or group) with the least decayed use over weight first, FIFO for the same user.

    Use counts from the moment a job is bound until its resources are free again. A user who starts many jobs in one
    pass is not slowed down inside it: use is counted over time (J. Kay, P. Lauder, A fair share scheduler, CACM 1988).
    """

    moves_with_time = True

    def __init__(self, parameters: UsageParameters | None = None) -> None:
        self.usage = Usage(parameters or FairShareParameters())
        self._now = 0.0
        self._keys: dict[str, float] = {}

    def key(self, job: Job) -> float:
        account = self.usage.account(job)
        key = self._keys.get(account)
        if key is None:
            key = self._keys[account] = self.usage.at(account, self._now) / self.usage.weight(account)
        return key

    def lane(self, job: Job) -> Hashable:
        return self.usage.account(job)

    def rank(self, job: Job) -> float:
        return 0.0

    def advance(self, now: float) -> None:
        if now != self._now:
            self._now = now
            self._keys.clear()

    def started(self, job: Job, now: float) -> None:
        self.usage.change(self.usage.account(job), self.usage.millicores(job.request), now)

    def ended(self, job: Job, now: float) -> None:
        self.usage.change(self.usage.account(job), -self.usage.millicores(job.request), now)
