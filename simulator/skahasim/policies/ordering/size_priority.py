"""Priority by job size."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from skahasim.policies.protocol import Ordering

if TYPE_CHECKING:
    from skahasim.configuration import OrderingSettings
    from skahasim.job import Job


class SizeClass(NamedTuple):
    """A threshold in cores and GiB."""

    cores: float
    ram_gib: float


SMALL = SizeClass(4, 16)
LARGE = SizeClass(16, 64)


class SizePriority(Ordering):
    """Priority by job size, CANFAR's rule: small jobs first, large ones last, FIFO inside a class.

    Small: below *both* thresholds of ``small``. Large: at or above *either* threshold of ``large``.
    """

    def __init__(self, small: SizeClass = SMALL, large: SizeClass = LARGE) -> None:
        self.small = small
        self.large = large

    @classmethod
    def of(cls, settings: OrderingSettings) -> SizePriority:
        classes = settings.size_classes
        return cls(
            small=SizeClass(classes.small.cores, classes.small.ram_gib),
            large=SizeClass(classes.large.cores, classes.large.ram_gib),
        )

    def key(self, job: Job) -> float:
        cores, ram_gib = job.request.cores, job.request.ram_gib
        if cores < self.small.cores and ram_gib < self.small.ram_gib:
            return 0.0
        if cores >= self.large.cores or ram_gib >= self.large.ram_gib:
            return 2.0
        return 1.0
