"""Whether a fault meets a call."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from re import Pattern
from re import compile as compiled
from typing import TYPE_CHECKING, NamedTuple

from mockskaha.faults.refusals import REFUSALS
from mockskaha.faults.rule import FaultRule
from mockskaha.http.exchange import Call
from mockskaha.session import DESKTOP_APP, HEADLESS

if TYPE_CHECKING:
    from mockskaha.platform import Platform


class Subject(NamedTuple):
    """The session that a call is about; all empty for none."""

    session_id: str = ""
    name: str = ""
    kind: str = ""


NOBODY = Subject()


def subject_of(operation: str, call: Call, platform: Platform) -> Subject:
    """The session ``call`` launches, or that of the caller whose id it has. Changes no state."""
    if operation == "createSession":
        kind = (call.parameters.get("type") or "").strip().lower()
        return Subject("", call.parameters.get("name") or "", kind or HEADLESS)
    if operation == "openSession":
        session_id = call.segments[1]
        session = platform.inventory.session(session_id)
    elif call.segments and call.identity is not None:
        session_id = call.segments[0]
        session = platform.inventory.find(call.identity.username, session_id)
    else:
        return NOBODY
    if session is None:
        return Subject(session_id)
    return Subject(session_id, session.name, DESKTOP_APP if operation == "createApp" else session.kind)


def meets(rule: FaultRule, operation: str, call: Call, subject: Callable[[], Subject]) -> bool:
    """Whether ``rule``, which can strike ``operation``, is for this call. ``subject`` is asked when it matters."""
    if rule.method is not None and rule.method != call.method:
        return False
    if rule.user is not None and (
        call.identity is None or not _like(rule.user).fullmatch(call.identity.username)
    ):
        return False
    if rule.path is not None and not _like(rule.path).fullmatch(call.path):
        return False
    for name, pattern in rule.parameters.items():
        if not any(_like(pattern).fullmatch(value) for value in call.parameters.values(name)):
            return False
    if rule.error is not None:
        view = REFUSALS[rule.error].views.get(operation)
        if view is not None and call.parameters.get("view") != view:
            return False
    if rule.name is None and rule.session is None and not rule.kind:
        return True
    session_id, name, kind = subject()
    return (
        (rule.session is None or bool(_like(rule.session).fullmatch(session_id)))
        and (rule.name is None or (bool(name) and bool(_like(rule.name.lower()).fullmatch(name.lower()))))
        and (not rule.kind or kind in rule.kind)
    )


@lru_cache(maxsize=4096)
def _like(pattern: str) -> Pattern[str]:
    from fnmatch import translate

    return compiled(translate(pattern))
