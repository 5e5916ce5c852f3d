"""Why a session is what it is, in words for somebody whose test has just failed."""

from __future__ import annotations

from typing import Final

from mockskaha.platform import Platform
from mockskaha.session import PENDING, Session
from mockskaha.stream import Happening
from skahasim.job import State

_SHOWN: Final = 12
"""Steps of a timeline that a message lists at most."""


def why(platform: Platform, session_id: str) -> str:
    """Why the session has the status it has, on one line: what a pending one waits for, how one ended."""
    session = platform.inventory.session(session_id)
    if session is None:
        last = platform.stream.of(session_id)
        if not last:
            return f"there never was a session {session_id!r}, or it is too long ago"
        return f"it is gone: {told(last[-1])}"
    return f"{session.status}: {_reason(platform, session)}"


def _reason(platform: Platform, session: Session) -> str:
    job = session.job
    if session.status != PENDING:
        return job.reason or (f"on {job.node.name}" if job.node is not None else "it has just begun")
    if job.held:
        return f"held back by the queue: {job.waiting_for}"
    if job.state is State.QUEUED:
        return f"waits for a node: {job.waiting_for}" if job.waiting_for else "queued, and not looked at yet"
    last = next((item for item in reversed(platform.stream.of(session.session_id)) if not item.app_id), None)
    where = f"on {job.node.name}" if job.node is not None else "on its way to a node"
    return f"{where}, after: {told(last)}" if last is not None else where


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
        f"{item.session_id}  {item.owner.username}  {item.kind} {item.name}  {_reason(platform, item)}"
        for item in waiting[:most]
    ]
    return lines + ([f"… {len(waiting) - most} more"] if len(waiting) > most else [])
