"""``/v1/session`` (skaha-contract §2.1 to §2.10, §3.3, §3.4)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from mockskaha.commands import DeleteSession, RenewSession
from mockskaha.errors import Forbidden, InvalidRequest, NotFound
from mockskaha.events import event_rows
from mockskaha.http.exchange import JSON, TEXT, Answer, Call
from mockskaha.kubectl import events_body
from mockskaha.launch import session_command
from mockskaha.logs import log_text
from mockskaha.session import DESKTOP_APP, HEADLESS, Session, is_label
from mockskaha.statistics import stats_text

if TYPE_CHECKING:
    from mockskaha.platform import Platform

DONE = Answer()
"""200 with neither body nor Content-Type."""
_LONGEST_LABEL = 63


def pretty(value: object) -> Answer:
    """A JSON answer as Gson prints it: two spaces, no newline at the end."""
    return Answer(orjson.dumps(value, option=orjson.OPT_INDENT_2), JSON)


def list_sessions(platform: Platform, call: Call) -> Answer:
    view, views = call.parameters.get("view"), platform.views
    if view == "stats":
        return Answer(stats_text(platform).encode(), JSON)
    status = call.parameters.get("status")
    if view is not None and view.lower() == "interactive" and platform.era.interactive_view:
        found = [item for item in platform.inventory.of(call.user.username) if item.kind != HEADLESS]
        return pretty([views.session(platform, item) for item in _with_status(platform, found, status)])
    sessions = platform.inventory if view == "all" else platform.inventory.of(call.user.username)
    kind = call.parameters.get("type")
    if kind is None:
        found = [item for item in sessions if not item.app_id]
    else:
        wanted = kind.lower()
        found = [item for item in sessions if item.kind == wanted]
    found = _with_status(platform, found, status)
    if view == "all":
        return pretty([views.anybody(platform, item) for item in found])
    return pretty([views.session(platform, item) for item in found])


def listed_apps(platform: Platform, call: Call) -> Answer:
    """The caller's desktop apps of all sessions (skaha-contract §2.11)."""
    everybody = call.parameters.get("view") == "all"
    sessions = platform.inventory if everybody else platform.inventory.of(call.user.username)
    found = _with_status(
        platform, [item for item in sessions if item.kind == DESKTOP_APP], call.parameters.get("status")
    )
    view = platform.views.anybody if everybody else platform.views.session
    return pretty([view(platform, item) for item in found])


def _with_status(platform: Platform, sessions: list[Session], status: str | None) -> list[Session]:
    if status is None:
        return sessions
    wanted, status_of = status.lower(), platform.views.status
    return [session for session in sessions if status_of(platform, session).lower() == wanted]


def get_session(platform: Platform, call: Call) -> Answer:
    session_id = call.segments[0]
    view = call.parameters.get("view")
    check_id(platform, session_id)
    session = _own(platform, call, session_id)
    if view == "logs":
        return Answer(log_text(platform, session).encode() if session else b"", TEXT)
    if view == "events":
        return _events(platform, session, session_id)
    if session is None:
        raise NotFound(f"session {session_id} not found")
    return pretty(platform.views.session(platform, session))


def _own(platform: Platform, call: Call, session_id: str) -> Session | None:
    """The caller's session; with an empty id, the first of the caller's sessions (skaha-contract §1.1)."""
    if session_id:
        return platform.inventory.find(call.user.username, session_id)
    return next((item for item in platform.inventory.of(call.user.username) if not item.app_id), None)


def _events(platform: Platform, session: Session | None, session_id: str) -> Answer:
    if session is None or not session.has_pod:
        raise NotFound(f"session {session_id} not found.")
    many = session.failed_pods > 0 or bool(session.apps)
    if many and platform.settings.quirks.many_pods_hide_events:
        return Answer(events_body(()), TEXT)
    return Answer(events_body(event_rows(platform, session)), TEXT)


def create_session(platform: Platform, call: Call) -> Answer:
    command = session_command(platform, call.user, call.parameters, call.headers.get("x-skaha-registry-auth"))
    if call.fate:
        command = replace(command, fate=call.fate)
    return Answer(f"{platform.execute(command)}\n".encode(), TEXT)


def renew_session(platform: Platform, call: Call) -> Answer:
    session_id, user = call.segments[0], call.user
    action = call.parameters.get("action")
    if action is None:
        raise InvalidRequest("Cannot modify an existing session")
    if action.lower() != "renew":
        raise InvalidRequest("unrecognized action")
    session = platform.inventory.find(user.username, session_id)
    if session is None or not session.is_active:
        principal = f"PosixPrincipal [uidNumber={user.uid},{user.gid},{user.username}]"
        raise InvalidRequest(f"No active job for user {principal} with session {session_id}")
    platform.execute(RenewSession(session_id))
    return DONE


def delete_session(platform: Platform, call: Call) -> Answer:
    """200 whatever the id, known or not; in some eras one has to know it (skaha-contract §3.4, §10)."""
    session_id = call.segments[0]
    if platform.inventory.find(call.user.username, session_id) is not None:
        platform.execute(DeleteSession(session_id))
    elif platform.era.unknown_deletion_is_refused:
        if platform.inventory.session(session_id) is None:
            raise NotFound(session_id)
        raise Forbidden("forbidden")
    return DONE


def delete_all_sessions(platform: Platform, call: Call) -> Answer:
    raise InvalidRequest("Cannot kill all sessions.")


def check_id(platform: Platform, session_id: str) -> None:
    """Refuse an id that is no label value, in the eras that look (skaha-contract §3.4)."""
    if platform.era.labels_are_checked:
        check_label("canfar.net/id", session_id)


def check_label(label: str, value: str) -> None:
    """Refuse what is no label value (skaha-contract §3.4)."""
    if len(value) > _LONGEST_LABEL:
        raise InvalidRequest(f"{label} label value exceeds {_LONGEST_LABEL} characters")
    if not is_label(value):
        raise InvalidRequest(f"{label} label value must match Kubernetes label value syntax")
