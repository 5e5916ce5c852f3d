"""A state to begin with: users, images, nodes, and sessions that have been there for a while."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from mockskaha.config import Settings
from mockskaha.config.images import ImageEntry
from mockskaha.config.users import UserEntry
from mockskaha.errors import SkahaError
from mockskaha.http.parameters import Parameters
from mockskaha.launch import session_command
from mockskaha.platform import Platform
from skahasim.amounts import duration
from skahasim.configuration import NodeGroup, Section
from skahasim.yamlfile import ConfigurationError, Document, Origin, Problem, parse, validate

_LONGEST_WAIT_SECONDS = 30 * 86400.0
_MOST_SESSIONS = 10_000


def _seconds(value: Any) -> Any:
    return duration(value) if isinstance(value, str) else value


def _text(value: Any) -> Any:
    """``args: 60`` is a number to YAML."""
    return f"{value:g}" if isinstance(value, float) else str(value) if type(value) is int else value


Text = Annotated[str, BeforeValidator(_text)]


class SeedSession(Section):
    """A session that somebody launched before."""

    user: str = Field(min_length=1)
    name: str = Field(min_length=1)
    image: str = Field(min_length=1)
    type: str = "headless"
    cores: str | float | None = None
    ram: str | float | None = None
    gpus: str | int | None = None
    cmd: str | None = None
    args: Text | None = None
    env: dict[str, Text] = Field(default_factory=dict)
    age: Annotated[float, BeforeValidator(_seconds), Field(ge=0, le=3.2e8)] = 0.0
    """How long ago it was launched: seconds, or ``2h30m``."""
    status: str | None = None
    """Time passes until it is this, as far as it has not by its age."""
    count: int = Field(default=1, ge=1, le=_MOST_SESSIONS)
    """So many alike; with more than one they are called ``name-1``, ``name-2``, …"""

    def parameters(self, number: int) -> Parameters:
        """Those of the launch of the ``number``-th of them, from 1."""
        name = self.name if self.count == 1 else f"{self.name}-{number}"
        given: dict[str, Any] = {
            "name": name, "image": self.image, "type": self.type, "cores": self.cores, "ram": self.ram,
            "gpus": self.gpus, "cmd": self.cmd, "args": self.args,
        }  # fmt: skip
        pairs = [
            (key, f"{value:g}" if isinstance(value, float) else str(value))
            for key, value in given.items()
            if value is not None
        ]
        return Parameters.of(pairs + [("env", f"{key}={value}") for key, value in self.env.items()])


class SeedState(Section):
    """The document: what differs from the server's own settings, and who was there before."""

    settings: dict[str, Any] = Field(default_factory=dict)
    """Any keys of a configuration file, but for ``server``."""
    users: tuple[UserEntry, ...] = ()
    """Beside those there are, or in place of one of the same name."""
    images: tuple[ImageEntry, ...] = ()
    """Beside those there are, or in place of one of the same id."""
    nodes: tuple[NodeGroup, ...] = ()
    """All nodes, when any are given."""
    sessions: tuple[SeedSession, ...] = ()

    @model_validator(mode="after")
    def _bounded(self) -> SeedState:
        if sum(session.count for session in self.sessions) > _MOST_SESSIONS:
            raise ValueError(f"sessions: at most {_MOST_SESSIONS} in all")
        if "server" in self.settings:
            raise ValueError("settings.server: belongs to the server, not to a state")
        return self

    @property
    def oldest(self) -> float:
        """Age of the oldest session, in seconds."""
        return max((session.age for session in self.sessions), default=0.0)


def read_seed(text: str, name: str = "seed") -> SeedState:
    """The state that ``text``, YAML or JSON, describes. Raises ``ConfigurationError`` with line and key."""
    return validate(SeedState, parse(text, name))


def seed_of(data: Any, name: str = "seed") -> SeedState:
    """The state that parsed YAML or JSON describes. Raises ``ConfigurationError``."""
    return validate(SeedState, Document(name, data, {(): Origin(name)}))


def settings_with(base: Settings, state: SeedState) -> Settings:
    """``base``, changed as ``state`` says. Raises ``ConfigurationError``."""
    if not (state.settings or state.users or state.images or state.nodes):
        return base
    held: dict[str, Any] = {name: getattr(base, name) for name in type(base).model_fields}
    for name in state.settings:
        section = held.get(name)
        if isinstance(section, BaseModel):
            held[name] = section.model_dump(by_alias=True)
    document = Document("seed", held, {(): Origin("seed")})
    for key, value in _leaves(state.settings):
        document = document.graft(key, Document("seed", value, {(): Origin("seed")}))
    data = dict(document.data)
    if state.users:
        data["extra_users"] = [*_list(data.get("extra_users")), *state.users]
    if state.images:
        data["extra_images"] = [*_list(data.get("extra_images")), *state.images]
    if state.nodes:
        cluster = data["cluster"]
        data["cluster"] = {
            **(cluster if isinstance(cluster, dict) else {"name": cluster.name}),
            "nodes": state.nodes,
        }
    return validate(Settings, Document("seed", data, {(): Origin("seed")}))


def _list(value: Any) -> list[Any]:
    return list(value) if value else []


def _leaves(data: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in data.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*above, str(key)))
        else:
            yield (*above, str(key)), value


def populate(platform: Platform, state: SeedState) -> None:
    """Launch the sessions of ``state`` on a fresh ``platform``, whose model time zero is as old as the oldest.

    Raises ``ConfigurationError`` for one that the service refuses, or that does not get into its status.
    """
    oldest = state.oldest
    turns = sorted(enumerate(state.sessions), key=lambda turn: -turn[1].age)
    made: list[tuple[int, str, str]] = []
    for index, session in turns:
        platform.advance(max(0.0, oldest - session.age - platform.time))
        identity = platform.directory.identity(session.user)
        for number in range(1, session.count + 1):
            try:
                command = session_command(platform, identity, session.parameters(number), None)
                made.append((index, session.status or "", platform.execute(command)))
            except SkahaError as error:
                raise _problem(index, "", f"the service refuses it: {error}") from None
    platform.advance(max(0.0, oldest - platform.time))
    for index, status, session_id in made:
        if status and not platform.advance_until(
            lambda session_id=session_id, status=status: platform.has_status(session_id, status),  # type: ignore[misc]
            _LONGEST_WAIT_SECONDS,
        ):
            raise _problem(index, "status", f"it does not become {status}: {platform.status_of(session_id)}")


def _problem(index: int, key: str, text: str) -> ConfigurationError:
    path = ("sessions", index, key) if key else ("sessions", index)
    return ConfigurationError([Problem(Origin("seed"), path, text)])
