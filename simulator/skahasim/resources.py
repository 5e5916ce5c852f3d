"""Amounts of cores, memory and GPUs, in whole Kubernetes units so that sums are exact."""

from __future__ import annotations

from typing import NamedTuple

MIB_PER_GIB = 1024
_new = tuple.__new__
"""Makes a named tuple without the call in between."""


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
        millicores, ram_mib, gpus = self
        return _new(Resources, (millicores + other[0], ram_mib + other[1], gpus + other[2]))

    def minus(self, other: Resources) -> Resources:
        millicores, ram_mib, gpus = self
        return _new(Resources, (millicores - other[0], ram_mib - other[1], gpus - other[2]))

    def fits(self, free: Resources) -> bool:
        """Whether ``free`` holds this much of every resource."""
        return self[0] <= free[0] and self[1] <= free[1] and self[2] <= free[2]


NOTHING = Resources()
