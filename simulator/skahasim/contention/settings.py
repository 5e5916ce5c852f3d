"""The scenario section ``contention:``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from skahasim.configuration import Section


class ContentionSettings(Section):
    """What running jobs do to one another on a node. Left out, they do nothing: run times are as given."""

    cpu: Literal["none", "cfs"] = "none"
    """``cfs``: the cores of a node are shared in proportion to requests, so run times stretch when it is full."""
    memory: Literal["none", "pressure"] = "none"
    """``pressure``: a node whose memory in use passes its capacity evicts jobs, in Kubernetes' order."""
    eviction_threshold_gib: float = Field(default=0.0, ge=0)
    """Memory of a node that must stay unused, of what sessions can use. The capacity of our nodes is what
    Kubernetes calls allocatable, from which the kubelet's own threshold is taken off already."""
    minimum_reclaim_gib: float = Field(default=0.0, ge=0)
    """Once it evicts, the kubelet goes on until this much more is free (``evictionMinimumReclaim``)."""

    @property
    def is_off(self) -> bool:
        return self.cpu == "none" and self.memory == "none"
