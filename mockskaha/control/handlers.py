"""Which function answers which operation of ``openapi/control.yaml``."""

from __future__ import annotations

from types import MappingProxyType

from mockskaha.control import (
    clock,
    events,
    metrics,
    namespaces,
    nodes,
    profiles,
    requests,
    reset,
    server,
    sessions,
    snapshots,
    state,
)
from mockskaha.control.scope import Handlers

HANDLERS: Handlers = MappingProxyType(
    {
        **server.HANDLERS,
        **namespaces.HANDLERS,
        **reset.HANDLERS,
        **clock.HANDLERS,
        **state.HANDLERS,
        **snapshots.HANDLERS,
        **requests.HANDLERS,
        **profiles.HANDLERS,
        **sessions.HANDLERS,
        **nodes.HANDLERS,
        **events.HANDLERS,
        **metrics.HANDLERS,
    }
)
