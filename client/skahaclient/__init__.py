"""skahaclient: the reference client of the Skaha service.

What stands in ``__all__`` is imported when it is first asked for, so that importing the package waits for nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skahaclient.auth import login
    from skahaclient.context import Context
    from skahaclient.errors import LaunchError, SessionRequestError, SkahaError, WaitTimeout
    from skahaclient.helpers.distributed import chunk, stripe
    from skahaclient.images import Images
    from skahaclient.models.session import SessionInfo
    from skahaclient.overview import Overview
    from skahaclient.sessions import AsyncSession, Session

__all__ = [
    "AsyncSession",
    "Context",
    "Images",
    "LaunchError",
    "Overview",
    "Session",
    "SessionInfo",
    "SessionRequestError",
    "SkahaError",
    "WaitTimeout",
    "chunk",
    "login",
    "stripe",
]
_HOMES = {
    "AsyncSession": "sessions",
    "Context": "context",
    "Images": "images",
    "LaunchError": "errors",
    "Overview": "overview",
    "Session": "sessions",
    "SessionInfo": "models.session",
    "SessionRequestError": "errors",
    "SkahaError": "errors",
    "WaitTimeout": "errors",
    "chunk": "helpers.distributed",
    "login": "auth",
    "stripe": "helpers.distributed",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
