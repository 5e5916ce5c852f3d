"""``/v1/session/{id}/app`` (skaha-contract §2.11, §3.4)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mockskaha.commands import DeleteApp
from mockskaha.errors import InvalidRequest, NotFound
from mockskaha.http.exchange import TEXT, Answer, Call
from mockskaha.http.handlers.sessions import DONE, check_id, listed_apps, pretty
from mockskaha.launch import app_command
from mockskaha.session import app_name, is_app_name

if TYPE_CHECKING:
    from mockskaha.platform import Platform


def list_apps(platform: Platform, call: Call) -> Answer:
    return listed_apps(platform, call)


def create_app(platform: Platform, call: Call) -> Answer:
    check_id(platform, call.segments[0])
    command = app_command(platform, call.user, call.segments[0], call.parameters)
    if call.fate:
        command = replace(command, fate=call.fate)
    if not is_app_name(app_name(command.image)):
        # Kubernetes refuses such a container, and the service does not notice (skaha-contract §3.4).
        return Answer(f"{platform.idle_app_id(command)}\n".encode(), TEXT)
    return Answer(f"{platform.execute(command)}\n".encode(), TEXT)


def delete_all_apps(platform: Platform, call: Call) -> Answer:
    raise InvalidRequest("Missing app ID")


def get_app(platform: Platform, call: Call) -> Answer:
    session_id, _, app_id = call.segments
    check_id(platform, session_id)
    app = platform.inventory.app(call.user.username, session_id, app_id)
    if app is None:
        raise NotFound(f"desktop app with session {session_id} and app ID {app_id} was not found")
    return pretty(platform.views.session(platform, app))


def modify_app(platform: Platform, call: Call) -> Answer:
    raise InvalidRequest("Cannot modify an existing app.")


def delete_app(platform: Platform, call: Call) -> Answer:
    """200 for an app that is not there, too (skaha-contract §3.4)."""
    session_id, _, app_id = call.segments
    check_id(platform, session_id)
    if platform.inventory.app(call.user.username, session_id, app_id) is not None:
        platform.execute(DeleteApp(session_id, app_id))
    return DONE
