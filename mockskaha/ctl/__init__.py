"""``mockskaha ctl``: the control API from the shell."""

from __future__ import annotations

from mockskaha.ctl import clock, events, namespaces, nodes, profile, requests, sessions, state
from mockskaha.ctl.command import app, command, group
from mockskaha.ctl.remote import Remote

__all__ = [
    "Remote",
    "app",
    "clock",
    "command",
    "events",
    "group",
    "namespaces",
    "nodes",
    "profile",
    "requests",
    "sessions",
    "state",
]
