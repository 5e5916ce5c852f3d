"""Everything that changes state, as data. State is a function of the list of commands and the seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Literal

from mockskaha.identity import Identity
from mockskaha.wire import SessionType

NodeChange = Literal["add", "drain", "fail", "restore"]
Disturbance = Literal["evict", "preempt", "oom", "exit", "expire", "stall", "node-lost"]


@dataclass(frozen=True, slots=True)
class CreateSession:
    """Start a session. Validated before: applying it cannot be refused."""

    username: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    name: str
    image: str
    kind: SessionType
    cores: float | None = None
    ram_gib: float | None = None
    gpus: int = 0
    cmd: str = ""
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    parent: str = ""
    """Id of the desktop session this is an app of; empty for a session."""
    fate: tuple[tuple[str, str], ...] = ()
    """Overrides (``MOCKSKAHA_…``) that a fault put on this session; they win over those of ``env`` and do not reach the
    container."""

    @property
    def identity(self) -> Identity:
        return Identity(self.username, self.uid, self.gid, self.groups)


@dataclass(frozen=True, slots=True)
class DeleteSession:
    """Delete a session with its apps."""

    session_id: str


@dataclass(frozen=True, slots=True)
class DeleteApp:
    """Delete one desktop app."""

    session_id: str
    app_id: str


@dataclass(frozen=True, slots=True)
class RenewSession:
    """Renew a session and its apps by the rule of skaha-contract §4.4."""

    session_id: str


@dataclass(frozen=True, slots=True)
class AdvanceClock:
    """Move a manual clock to this command's time."""


@dataclass(frozen=True, slots=True)
class OpenState:
    """A server took up the state: from here model time runs ``speed`` times as fast as wall time."""

    wall: float
    """Unix time at this command's model time."""
    speed: float


@dataclass(frozen=True, slots=True)
class ChangeNode:
    """Something happens to a node that exists, or it is made. Validated before: the node is in the state ``change``
    starts from."""

    node: str
    change: NodeChange
    evicts: bool = False
    """``drain``: with what runs there."""
    cores: float = 0
    """``add``: its capacity."""
    ram_gib: float = 0
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class SetProfile:
    """From now on the steps of a session take other times. Validated before."""

    name: str
    content: str
    """The whole profile, as JSON: what a file of that name says may change, and what was played must not."""


@dataclass(frozen=True, slots=True)
class Disturb:
    """Something befalls a session that is there, or an app of one. Where it stands in a state that cannot be disturbed
    so, nothing happens."""

    session_id: str
    what: Disturbance
    app_id: str = ""
    exit_code: int = 1
    """``exit``: of the main container."""
    seconds: float | None = None
    """``preempt``, ``stall``: how long it is then kept waiting; ``None``: not, or for ever."""


Command = (
    CreateSession
    | DeleteSession
    | DeleteApp
    | RenewSession
    | AdvanceClock
    | OpenState
    | ChangeNode
    | Disturb
    | SetProfile
)

KINDS = MappingProxyType(
    {
        "create": CreateSession,
        "delete": DeleteSession,
        "delete-app": DeleteApp,
        "renew": RenewSession,
        "advance": AdvanceClock,
        "open": OpenState,
        "node": ChangeNode,
        "disturb": Disturb,
        "profile": SetProfile,
    }
)
_NAMES = MappingProxyType({kind: name for name, kind in KINDS.items()})
_DEFAULTS = MappingProxyType(
    {kind: tuple((field.name, field.default) for field in fields(kind)) for kind in KINDS.values()}
)


class UnknownCommand(ValueError):
    """A journal holds a command this version does not know."""


def encode(command: Command) -> tuple[str, dict[str, Any]]:
    """The command's name and its fields, those at their default left out."""
    return _NAMES[type(command)], {
        name: value
        for name, default in _DEFAULTS[type(command)]
        if (value := getattr(command, name)) != default
    }


def decode(name: str, values: dict[str, Any]) -> Command:
    """The command of :func:`encode`. Raises :class:`UnknownCommand`."""
    try:
        kind: Callable[..., Command] = KINDS[name]
        return kind(**{key: _frozen(value) for key, value in values.items()})
    except (KeyError, TypeError, AttributeError) as error:
        raise UnknownCommand(f"unknown command {name!r} with {values}: {error}") from None


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
