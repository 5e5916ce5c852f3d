"""Letting time pass until a session has a status, or cannot come to it any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mockskaha.platform import GONE
from mockskaha.session import COMPLETED, FAILED, TERMINATING

if TYPE_CHECKING:
    from mockskaha.platform import Platform

_CAN_FOLLOW = {
    COMPLETED: frozenset({COMPLETED, "Succeeded", GONE, "Deleted"}),
    FAILED: frozenset({FAILED, GONE, "Deleted"}),
    TERMINATING: frozenset({TERMINATING, FAILED, GONE, "Deleted"}),
    GONE: frozenset({GONE, "Deleted"}),
}


class Arrival(NamedTuple):
    """What came of the wait."""

    reached: bool
    status: str
    """The session's, in the end."""
    seconds: float
    """How much time passed."""
    hopeless: bool
    """It cannot come to that status any more."""


def advance_until(platform: Platform, session_id: str, status: str, within: float) -> Arrival:
    """Move the clock on until the session has ``status`` (in the words of any version of Skaha), but at most ``within``
    seconds, and no further once it cannot come to that."""
    began = platform.catch_up()
    wanted = status.capitalize()

    def hopeless() -> bool:
        following = _CAN_FOLLOW.get(platform.status_of(session_id))
        return following is not None and wanted not in following

    platform.advance_until(lambda: platform.has_status(session_id, status) or hopeless(), within)
    return Arrival(
        platform.has_status(session_id, status),
        platform.status_of(session_id),
        platform.time - began,
        hopeless(),
    )
