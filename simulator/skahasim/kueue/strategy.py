"""The one word of Kueue's that settings have before any of its objects is read."""

from __future__ import annotations

from enum import StrEnum


class FairSharingStrategy(StrEnum):
    """Rule by which fair sharing may preempt (S2-a and S2-b of the design)."""

    FINAL_SHARE = "LessThanOrEqualToFinalShare"
    INITIAL_SHARE = "LessThanInitialShare"
