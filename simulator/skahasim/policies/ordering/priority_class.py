"""Priority by class, as Kubernetes and Kueue have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skahasim.policies.protocol import Ordering

if TYPE_CHECKING:
    from skahasim.job import Job


class PriorityClass(Ordering):
    """The job of the highest ``priority`` first, FIFO inside a class: the order of a Kueue ClusterQueue."""

    def key(self, job: Job) -> float:
        return -float(job.priority)
