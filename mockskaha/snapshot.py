"""A platform as one JSON document, and back: its settings, its seed, and every command with its time.

State is a function of these (docs/decisions), so nothing else is in it, and what is restored is equal to what was
there. It holds what users put into their launches, environment variables included.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mockskaha.commands import Command, UnknownCommand, decode, encode
from mockskaha.config import Settings
from mockskaha.faults.book import SetFault, undumped
from mockskaha.journal import Journal, MemoryJournal
from mockskaha.platform import Platform
from skahasim.clock import ManualClock, WallClock
from skahasim.yamlfile import ConfigurationError

FORMAT: Literal["mockskaha-snapshot"] = "mockskaha-snapshot"
VERSION: Literal[1] = 1
_MOST_SECONDS = 7_258_118_400
"""Until the year 2200."""
_LEFT_OUT: Any = {"server": True, "auth": True, "users": {"__all__": {"password"}}}
"""What belongs to the server and not to the state, and what is secret."""


class SnapshotError(ValueError):
    """A document that is no snapshot of this version; the text says where."""


class ClockState(BaseModel):
    """How time passes."""

    model_config = ConfigDict(extra="forbid")
    mode: Literal["wall", "manual"]
    speed: float = Field(default=1.0, gt=0, le=1e9, strict=True)


class Snapshot(BaseModel):
    """The document."""

    model_config = ConfigDict(extra="forbid")
    format: Literal["mockskaha-snapshot"] = FORMAT
    version: Literal[1] = VERSION
    epoch: int = Field(ge=0, le=_MOST_SECONDS, strict=True)
    """Unix time of model time zero."""
    time: float = Field(ge=0, le=_MOST_SECONDS, strict=True)
    """Model time, in seconds."""
    clock: ClockState
    settings: dict[str, Any]
    commands: list[tuple[float, str, dict[str, Any]]]
    faults: list[dict[str, Any]] = Field(default_factory=list)
    """Rules of the faults that are set, with how often each has met something."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What :func:`restore` makes."""

    platform: Platform
    faults: list[dict[str, Any]]


def take(platform: Platform, faults: list[dict[str, Any]] | None = None) -> Snapshot:
    """``platform`` as it stands. Raises ``CommandsNotKept``."""
    commands = [(time, *encode(command)) for time, command in platform.journal.replay()]
    clock = platform.clock
    return Snapshot.model_construct(
        epoch=platform.epoch,
        time=platform.time,
        clock=ClockState(mode="wall", speed=clock.speed)
        if isinstance(clock, WallClock)
        else ClockState(mode="manual"),
        settings=platform.settings.model_dump(mode="json", exclude=_LEFT_OUT, by_alias=True),
        commands=commands,
        faults=faults or [],
    )


def parse(document: Any) -> Snapshot:
    """The snapshot that ``document``, parsed JSON, is. Raises :class:`SnapshotError`."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise SnapshotError(f"not a snapshot: its 'format' should be {FORMAT!r}")
    if document.get("version") != VERSION:
        raise SnapshotError(f"a snapshot of version {document.get('version')!r}; this one reads {VERSION}")
    try:
        return Snapshot.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise SnapshotError(f"snapshot: {where}: {first['msg']}") from None


def restore(snapshot: Snapshot, beside: Settings, journal: Journal | None = None) -> Restored:
    """The platform of ``snapshot`` under the server's own part of ``beside``, and with the passwords it has for the
    same users. Raises :class:`SnapshotError`; then ``journal`` is as it was."""
    settings = _settings(snapshot, beside)
    commands = list(_commands(snapshot.commands))
    platform = Platform(settings, ManualClock(), snapshot.epoch)
    try:
        platform.replay(commands)
    except (ValueError, LookupError) as error:
        raise SnapshotError(f"snapshot: its commands cannot be applied: {error}") from None
    platform.time = max(platform.time, snapshot.time)
    platform.model.advance(platform.time)
    platform.clock = (
        ManualClock(platform.time)
        if snapshot.clock.mode == "manual"
        else WallClock(snapshot.clock.speed, start=platform.time)
    )
    journal = MemoryJournal() if journal is None else journal
    epoch = datetime.fromtimestamp(snapshot.epoch, UTC).isoformat()
    journal.rewrite(settings.seed, epoch, commands)
    platform.journal = journal
    return Restored(platform, snapshot.faults)


def faults_of(snapshot: Snapshot) -> list[SetFault]:
    """The faults in it. Raises :class:`SnapshotError`."""
    try:
        return undumped(snapshot.faults)
    except ConfigurationError as error:
        raise SnapshotError(f"snapshot: {error.problems[0]}") from None


def _settings(snapshot: Snapshot, beside: Settings) -> Settings:
    known = {user.username: user.password for user in beside.users if user.password is not None}
    held = dict(snapshot.settings)
    held.pop("auth", None)
    held.pop("server", None)
    users = held.get("users")
    if isinstance(users, list):
        held["users"] = [
            {**user, "password": known[user["username"]].get_secret_value()}
            if isinstance(user, dict) and user.get("username") in known
            else user
            for user in users
        ]
    try:
        return Settings.model_validate({**held, "server": beside.server, "auth": beside.auth})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise SnapshotError(f"snapshot: settings.{where}: {first['msg']}") from None


def _commands(
    rows: Iterable[tuple[float, str, dict[str, Any]]],
) -> Iterable[tuple[float, Command]]:
    last = 0.0
    for number, (time, name, values) in enumerate(rows):
        if not last <= time <= _MOST_SECONDS:
            raise SnapshotError(f"snapshot: commands.{number}: time {time} comes after {last}")
        last = time
        try:
            yield time, decode(name, values)
        except UnknownCommand as error:
            raise SnapshotError(f"snapshot: commands.{number}: {error}") from None
