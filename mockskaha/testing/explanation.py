"""Why a session is what it is, in words for somebody whose test has just failed."""

from __future__ import annotations

from typing import Final

from mockskaha.platform import Platform
from mockskaha.session import PENDING
from mockskaha.stream import Happening
from mockskaha.why import why as reasons

_SHOWN: Final = 12
"""Steps of a timeline that a message lists at most."""


def why(platform: Platform, session_id: str) -> str:
    """Why the session has the status it has, on one line: what a pending one waits for, how one ended; in brackets the
    platform's own words."""
    found = reasons(platform, session_id)
    if found is None:
        return f"there never was a session {session_id!r}, or it is too long ago"
    session = platform.inventory.session(session_id)
    own = found.waiting_for or (session.job.reason if session is not None else "")
    words = f" [{own}]" if own and own != found.status and own.rstrip(".") not in found.text else ""
    return f"{found.status}: {found.text}{words}"


def told(item: Happening) -> str:
    """One step of a timeline."""
    about = " ".join(part for part in (item.app_id and f"app {item.app_id}", item.container) if part)
    text = f"{item.time:.1f} s  {item.step}"
    text += f" {about}" if about else ""
    return text + (f": {item.reason}" if item.reason else "")


def explained(platform: Platform, session_id: str) -> str:
    """:func:`why`, and below it the last steps of the session's timeline."""
    steps = platform.stream.of(session_id)
    left_out = [f"    … {len(steps) - _SHOWN} earlier steps"] if len(steps) > _SHOWN else []
    lines = [f"    {told(item)}" for item in steps[-_SHOWN:]]
    return "\n".join([f"  why: {why(platform, session_id)}", *left_out, *lines])


def pending(platform: Platform, most: int = 10) -> list[str]:
    """A line for each of the first sessions that wait."""
    waiting = [item for item in platform.inventory if item.status == PENDING and not item.is_app]
    lines = [
        f"{item.session_id}  {item.owner.username}  {item.kind} {item.name}  {why(platform, item.session_id)}"
        for item in waiting[:most]
    ]
    return lines + ([f"… {len(waiting) - most} more"] if len(waiting) > most else [])
