"""``GET /v1/context``: the choices a launch form offers (skaha-contract §2.13)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from mockskaha.config import Settings
from mockskaha.java import hash_set_order


def context_body(settings: Settings, *, as_file: bool = False) -> bytes:
    """Compact JSON, from the resource file or from a limit range, keys in the order of Java's hash map; or
    ``as_file``, as it is written there (skaha-contract §10)."""
    most: Any = settings.sessions.max_interactive
    bounds = settings.resources.limit_range
    if bounds is None:
        cores, memory = settings.resources.cores, settings.resources.memory_gib
        view: dict[str, Any] = {
            "cores": _choices(cores.default, cores.default_request, cores.default_limit, cores.options),
            "memoryGB": _choices(
                memory.default, memory.default_request, memory.default_limit, memory.options
            ),
            "gpus": {"options": list(settings.resources.gpus.options)},
        }
        if settings.sessions.max_interactive_as_string:
            most = str(most)
    else:
        request, limit, largest = bounds.default_request, bounds.default, bounds.max
        view = {
            "cores": _choices(request.cores, request.cores, limit.cores, range(1, largest.cores + 1)),
            "memoryGB": _choices(
                request.memory_gib, request.memory_gib, limit.memory_gib, range(1, largest.memory_gib + 1)
            ),
            "gpus": {"options": list(range(1, largest.gpus + 1))},
        }
    view["maxInteractiveSessions"] = most
    if as_file:
        return orjson.dumps(view, option=orjson.OPT_INDENT_2)
    return orjson.dumps(_hashed(view) if settings.quirks.hash_order else view)


def _choices(default: int, request: int, limit: int, options: Sequence[int]) -> dict[str, Any]:
    return {
        "default": default,
        "defaultRequest": request,
        "defaultLimit": limit,
        "options": list(options),
    }


def _hashed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _hashed(value[key]) for key in hash_set_order(value)}
