"""What a platform for a test is made with. Loads nothing until there is something to check."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from mockskaha.config import ConfigurationError, Settings
    from mockskaha.seed import SeedState

PathText = str | os.PathLike[str]
_DOCUMENTS = (".yaml", ".yml", ".json")


class Options(TypedDict, total=False):
    """Keywords of ``skaha()``, ``serve()``, the pytest marker and ``skaha_options``. All may be left out."""

    profile: PathText
    """How long the steps of a session take: ``fast``, ``instant``, ``realistic``, ``chaos``, or a YAML file."""
    version: str
    """Which Skaha to be: one of ``mockskaha.testing.VERSIONS``."""
    cluster: Mapping[str, Any] | Sequence[Mapping[str, Any]]
    """The section ``cluster:`` of a configuration file, or its groups of nodes alone."""
    seed: int
    """What all chance follows from."""
    clock: Literal["manual", "wall"]
    """Time stands still until told to move, or follows the wall clock."""
    speed: float
    """Seconds of model time in a second of wall time."""
    epoch: str | datetime
    """When time begins."""
    faults: str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]]
    """What goes wrong from the start: names of presets, faults as in a configuration file, or several of either."""
    settings: Mapping[str, Any] | PathText
    """Any keys of a configuration file, or the path of one; the other options win over it."""
    state: Mapping[str, Any] | PathText
    """Users, images, nodes and sessions that are there from the beginning: parsed, as YAML, or a file of it."""


NAMES = tuple(Options.__annotations__)


class BadOptions(ValueError):
    """Options no platform can be made with; the text says which, and what would do."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a platform begins with."""

    settings: Settings
    state: SeedState | None = None


def check_names(given: Mapping[str, Any]) -> None:
    """Raise :class:`BadOptions` for a keyword that there is not."""
    for name in given:
        if name not in NAMES:
            close = get_close_matches(name, NAMES, 1)
            meant = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(NAMES)}"
            raise BadOptions(f"unknown option {name!r}; {meant}")


def beginning(given: Mapping[str, Any], *, clock: Literal["manual", "wall"] = "manual") -> Beginning:
    """What ``given`` describes; ``clock`` holds where it says nothing of it. Raises :class:`BadOptions`."""
    check_names(given)
    if isinstance(given.get("seed"), Mapping):
        raise BadOptions("seed: a number that chance follows from; what is there at first is state=")
    from mockskaha.config import ConfigurationError

    try:
        settings = _settings(given, clock)
    except ConfigurationError as error:
        raise refused(error) from None
    return Beginning(settings, state_of(given.get("state")))


def _settings(given: Mapping[str, Any], clock: str) -> Settings:
    from pathlib import Path

    from mockskaha.config import load_settings

    base = given.get("settings")
    config: Path | None = None
    values: dict[str, Any] = {"clock": clock}
    if isinstance(base, str | os.PathLike):
        config = Path(base)
        values = {}  # the file may say it
    elif base is not None:
        _require_mapping("settings", base)
        values |= base
    for name in ("profile", "seed", "clock", "speed", "epoch"):
        if name in given:
            value = given[name]
            values[name] = os.fspath(value) if isinstance(value, os.PathLike) else value
    if "version" in given:
        values["skaha_version"] = _version(given["version"])
    cluster = given.get("cluster")
    if isinstance(cluster, Mapping):
        values["cluster"] = dict(cluster)
    elif cluster is not None:
        if isinstance(cluster, str) or not isinstance(cluster, Sequence):
            raise BadOptions(
                "cluster: should be the section 'cluster' of a configuration file, or a list of groups of nodes: "
                "[{'name': 'node', 'count': 2, 'cores': 8, 'ram_gib': 32}]"
            )
        values["cluster.nodes"] = list(cluster)
    if (faults := given.get("faults")) is not None:
        values["faults"] = [faults] if isinstance(faults, str | Mapping) else list(faults)
    settings = load_settings(config, None, values)
    if config is not None and "clock" not in settings.model_fields_set:
        settings = settings.model_copy(update={"clock": clock})
    return settings


def _version(given: Any) -> str:
    from mockskaha.era import UnknownVersion, version_named

    if not isinstance(given, str):
        raise BadOptions(f"version: should be a text such as '1.1', not {given!r:.60}")
    try:
        return version_named(given)
    except UnknownVersion as error:
        raise BadOptions(f"version: {error}") from None


def state_of(given: Mapping[str, Any] | PathText | None) -> SeedState | None:
    """The state that ``given`` is, parsed, as YAML or JSON, or as the path of a file. Raises :class:`BadOptions`."""
    if given is None:
        return None
    from pathlib import Path

    from mockskaha.config import ConfigurationError
    from mockskaha.seed import read_seed, seed_of
    from skahasim.yamlfile import read_text

    try:
        if isinstance(given, os.PathLike) or (isinstance(given, str) and given.endswith(_DOCUMENTS)):
            return read_seed(read_text(Path(given)), str(given))
        if isinstance(given, str):
            return read_seed(given, "state")
        _require_mapping("state", given)
        return seed_of(dict(given), "state")
    except ConfigurationError as error:
        raise refused(error) from None


def _require_mapping(name: str, given: Any) -> None:
    if not isinstance(given, Mapping):
        raise BadOptions(f"{name}: should be a mapping or the path of a YAML file, not {given!r:.60}")


def refused(error: ValueError) -> BadOptions:
    """What to raise for what a platform cannot be made with."""
    from mockskaha.config import ConfigurationError

    return BadOptions(told(error) if isinstance(error, ConfigurationError) else str(error))


def told(error: ConfigurationError) -> str:
    """What is wrong, with the file and line where there is one."""
    from skahasim.yamlfile import dotted

    return "; ".join(
        f"{dotted(problem.key)}: {problem.message}"
        if problem.origin.line is None and problem.key
        else str(problem)
        for problem in error.problems
    )
