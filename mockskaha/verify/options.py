"""Options of ``pytest --pyargs mockskaha.contract``: a pytest plugin, because a package's conftest is read too late."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

_OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "url": ("CANFAR_URL", {"metavar": "URL", "help": "The Skaha server to check."}),
    "token": ("CANFAR_TOKEN", {"metavar": "TOKEN", "help": "Bearer token of a user."}),
    "user2-token": ("CANFAR_TOKEN2", {"metavar": "TOKEN", "help": "Of another user, who must see nothing."}),
    "write": ("", {"action": "store_true", "default": False, "help": "Launch sessions too, and remove them."}),
    "version": ("", {"metavar": "VERSION", "default": "auto", "help": "What it should answer like. [auto]"}),
    "profile": ("", {"choices": ["ci", "deep"], "help": "Explore with Schemathesis, too."}),
    "rate": ("", {"type": float, "metavar": "N", "help": "At most N requests a second."}),
    "wait": ("", {"type": float, "default": 180.0, "metavar": "SECONDS", "help": "For a session to run. [180]"}),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """The server that is checked, and how."""

    url: str | None
    token: str | None
    user2_token: str | None
    write: bool
    version: str
    profile: str | None
    rate: float | None
    wait: float


def pytest_addoption(parser: Any) -> None:
    """Add ``--skaha-url`` and its like."""
    group = parser.getgroup("skaha", "checking a Skaha server (--pyargs mockskaha.contract)")
    for name, (variable, options) in _OPTIONS.items():
        told = f"{options['help']} [${variable}]" if variable else options["help"]
        group.addoption(f"--skaha-{name}", **{**options, "help": told})


def target(config: Any) -> Target:
    """What the options say, or without this plugin the environment."""
    values: dict[str, Any] = {}
    for name, (variable, options) in _OPTIONS.items():
        value = config.getoption(f"--skaha-{name}", default=options.get("default"))
        if value is None and variable:
            value = os.environ.get(variable)
        values[name.replace("-", "_")] = value
    return Target(**values)
