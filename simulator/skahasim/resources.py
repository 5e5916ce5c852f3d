"""Amounts of cores, memory and GPUs, in whole Kubernetes units so that sums are exact."""

from __future__ import annotations

from typing import NamedTuple

MIB_PER_GIB = 1024


class Resources(NamedTuple):
    """An amount of each resource: millicores, MiB of memory, whole GPUs."""

    millicores: int = 0
    ram_mib: int = 0
    gpus: int = 0

    @classmethod
    def of(cls, cores: float = 0.0, ram_gib: float = 0.0, gpus: int = 0) -> Resources:
        """From cores and GiB, rounded to a millicore and a MiB."""
        return cls(round(cores * 1000), round(ram_gib * MIB_PER_GIB), gpus)

    @property
    def cores(self) -> float:
        return self.millicores / 1000

    @property
    def ram_gib(self) -> float:
        return self.ram_mib / MIB_PER_GIB

    def plus(self, other: Resources) -> Resources:
        return Resources(
            self.millicores + other.millicores, self.ram_mib + other.ram_mib, self.gpus + other.gpus
        )

    def minus(self, other: Resources) -> Resources:
        return Resources(
            self.millicores - other.millicores, self.ram_mib - other.ram_mib, self.gpus - other.gpus
        )

    def fits(self, free: Resources) -> bool:
        """Whether ``free`` holds this much of every resource."""
        return self.millicores <= free.millicores and self.ram_mib <= free.ram_mib and self.gpus <= free.gpus


NOTHING = Resources()
