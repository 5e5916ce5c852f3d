"""First come, first served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skahasim.policies.protocol import Ordering

if TYPE_CHECKING:
    from skahasim.job import Job


class FirstComeFirstServed(Ordering):
    """In the order of submission."""

    def key(self, job: Job) -> float:
        return 0.0
