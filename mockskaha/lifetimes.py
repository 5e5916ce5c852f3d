"""How long sessions live: deadlines, time to live after the end, restarts, renewal (skaha-contract §4.3, §4.4)."""

from __future__ import annotations

from math import floor

from mockskaha.session import HEADLESS, Session

BACKOFF_LIMIT = 6


def restarts_allowed(kind: str) -> int:
    """Batch jobs run once; everything else is restarted when it fails."""
    return 0 if kind == HEADLESS else BACKOFF_LIMIT


def renewed_deadline(session: Session, now: float, grant_seconds: float) -> float | None:
    """The active deadline after a renewal at ``now``; ``None`` when a renewal changes nothing.

    Less than ``grant_seconds`` must be left; then that much is left again.
    """
    job = session.job
    if not session.is_active or job.start_time is None or job.deadline_seconds is None:
        return None
    elapsed = floor(now) - floor(job.start_time)
    if grant_seconds <= job.deadline_seconds - elapsed:
        return None
    return elapsed + grant_seconds
