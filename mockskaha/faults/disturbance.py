"""What can befall a session that is there: checked here, done by the command ``Disturb``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, get_args

from mockskaha.commands import Disturb, Disturbance
from mockskaha.faults.refusals import nearest
from skahasim.job import State

if TYPE_CHECKING:
    from mockskaha.platform import Platform
    from mockskaha.session import Session

DISTURBANCES: tuple[Disturbance, ...] = get_args(Disturbance)
TEXTS: Mapping[Disturbance, str] = MappingProxyType(
    {
        "evict": "Its node evicts it: a batch session has failed, any other starts again if it has restarts left.",
        "preempt": "It makes room for a higher priority class at once, waits, and starts anew.",
        "oom": "Its container is killed for its memory.",
        "exit": "Its container exits, with a code.",
        "expire": "Its lifetime is over.",
        "stall": "It gets no further by itself: it waits, starts or runs for ever.",
        "node-lost": "Its node is lost, and with it all that runs there. The node is down until it is restored.",
    }
)
"""What each does."""
_ON_A_NODE = frozenset({State.STARTING, State.RUNNING})
_ACTIVE = frozenset({State.QUEUED}) | _ON_A_NODE
_POSSIBLE: Mapping[Disturbance, frozenset[State]] = MappingProxyType(
    {
        "evict": _ON_A_NODE,
        "preempt": _ON_A_NODE,
        "oom": frozenset({State.RUNNING}),
        "exit": frozenset({State.RUNNING}),
        "expire": _ACTIVE,
        "stall": _ACTIVE,
        "node-lost": _ON_A_NODE,
    }
)
_WHERE = {_ON_A_NODE: "on a node", frozenset({State.RUNNING}): "running", _ACTIVE: "active"}


class CannotDisturb(ValueError):
    """What should befall a session cannot; the text says why."""

    def __init__(self, text: str, *, in_this_state: bool = False) -> None:
        super().__init__(text)
        self.in_this_state = in_this_state
        """It makes sense, but not for a session that stands where this one does."""


class NoSuchSession(LookupError):
    """There is no session, or app, of this id."""


def disturb(
    platform: Platform,
    session_id: str,
    what: str,
    *,
    app_id: str = "",
    exit_code: int = 1,
    seconds: float | None = None,
) -> Session:
    """Let ``what`` befall the session now, or its app. ``exit_code`` is for ``exit``; ``seconds`` for how long
    ``preempt`` and ``stall`` keep it waiting. Returns the session as it is then.

    Raises :class:`NoSuchSession` or :class:`CannotDisturb`; then nothing has happened.
    """
    kind = next((known for known in DISTURBANCES if known == what), None)
    if kind is None:
        raise CannotDisturb(f"there is no {what!r}; {nearest(what, DISTURBANCES)}")
    if not 0 <= exit_code <= 255:
        raise CannotDisturb("exit_code: should be from 0 to 255")
    if seconds is not None and kind not in ("preempt", "stall"):
        raise CannotDisturb(f"seconds is for preempt and stall, not for {kind}")
    if seconds is not None and not 0 <= seconds < float("inf"):
        raise CannotDisturb("seconds: should be a number, not negative")
    platform.catch_up()
    session = platform.inventory.session(session_id)
    if session is not None and app_id:
        session = (session.apps or {}).get(app_id)
    if session is None:
        raise NoSuchSession(f"there is no {'app' if app_id else 'session'} {app_id or session_id}")
    state, possible = session.job.state, _POSSIBLE[kind]
    if state not in possible:
        raise CannotDisturb(
            f"{kind}: {app_id or session_id} is {state}, and not {_WHERE[possible]}", in_this_state=True
        )
    platform.execute(Disturb(session_id, kind, app_id, exit_code, seconds))
    platform.catch_up()
    return session
