"""Which Skaha is stood in for: what its versions answer differently, as data (skaha-contract §10).

The table is ``mockskaha/data/eras.yaml``; an :class:`Era` is its column for one version, with a field for each row.
Whoever answers asks the field by its name, and nobody compares versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, Literal

RELEASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "0.29": "0.29.2",
        "1.0": "1.0.4",
        "1.1": "1.1.5",
        "1.2": "1.2.1",
        "2026.1": "1.2.0",
        "1.4": "1.4.0",
    }
)
"""Each version that can be stood in for, oldest first, and the release of Skaha its name stands for."""

VERSIONS: Final = tuple(RELEASES)
"""The names of the versions, oldest first."""

DEFAULT: Final = "1.4"


class UnknownVersion(ValueError):
    """No version of Skaha that can be stood in for; the text names those that can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Era:
    """One version of Skaha. What each field means, and from which release on, says the table."""

    version: str
    release: str
    base_path: Literal["v0", "v1"]
    platform_capabilities: bool
    status_of: Literal["pod", "job"]
    completed_name: Literal["Succeeded", "Completed"]
    deletion_is_shown: bool
    missing_as_none_text: bool
    requested_is_always_told: bool
    session_ram: Literal["gib", "gb"]
    fixed_is_told: bool
    start_time_of: Literal["pod", "job"]
    seconds_are_always_told: bool
    no_connect_url: str
    home: str
    carta_path: str
    carta_socket_url: bool
    interactive_view: bool
    image_types_are_checked: bool
    type_from_image: bool
    decimal_resources: bool
    limit_counts: Literal["unfinished", "active"]
    headless_group_is_checked: bool
    labels_are_checked: bool
    unknown_deletion_is_refused: bool
    stats_instances: bool
    stats_ram: Literal["gib", "gb"]
    stats_most: Literal["node", "session"]
    stats_from_metrics: bool
    context_as_file: bool
    anonymous_is_401: bool
    availability_note: str

    @property
    def is_default(self) -> bool:
        return self.version == DEFAULT


def version_named(text: str) -> str:
    """The version called ``text``: its name, or the release it stands for. Raises :class:`UnknownVersion`."""
    if text in RELEASES:
        return text
    named = next((name for name, release in RELEASES.items() if release == text), None)
    if named is None:
        raise UnknownVersion(f"unknown version of Skaha {text!r}; known: {', '.join(VERSIONS)}")
    return named


@cache
def era(version: str = DEFAULT) -> Era:
    """The era of ``version``. Raises :class:`UnknownVersion`."""
    name = version_named(version)
    release = RELEASES[name]
    answers = {row["name"]: _answer(row["values"], release) for row in table()["differences"]}
    return Era(version=name, release=release, **answers)


@cache
def table() -> Mapping[str, Any]:
    """``mockskaha/data/eras.yaml``, parsed. Not to be changed."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = (files("mockskaha") / "data" / "eras.yaml").read_bytes()
    parsed: dict[str, Any] = yaml.load(text, loader)  # noqa: S506 - both loaders are safe
    return parsed


def questions() -> tuple[str, ...]:
    """The names of the differences: the fields of :class:`Era`."""
    return tuple(field.name for field in fields(Era) if field.name not in ("version", "release"))


def is_before(release: str, other: str) -> bool:
    """Whether ``release`` (``1.1.5``) is older than ``other``."""
    return _ordered(release) < _ordered(other)


def _answer(values: Mapping[str, Any], release: str) -> Any:
    """The last of ``values`` that is not later than ``release``."""
    since = max((start for start in values if not is_before(release, start)), key=_ordered)
    return values[since]


def _ordered(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))
