"""What running jobs do to one another on a node: shared cores, scarce memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skahasim.contention.neighbours import Neighbours
from skahasim.contention.settings import ContentionSettings

if TYPE_CHECKING:
    from skahasim.model import Model

__all__ = ["ContentionSettings", "Neighbours", "install"]


def install(
    model: Model, settings: ContentionSettings, *, start: float = 0.0, time_zone: str = "UTC", seed: int = 0
) -> None:
    """Let the jobs of ``model`` share their nodes as ``settings`` say; before its first job.

    The same as ``Model(…, contention=settings)``. Nothing here depends on the date or on chance.
    """
    model.share_nodes(settings)
