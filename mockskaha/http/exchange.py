"""One request and one answer, as handlers see them: nothing of ASGI, nothing of a framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from mockskaha.errors import InvalidToken
from mockskaha.http.parameters import Parameters
from mockskaha.identity import Identity

TEXT = "text/plain"
JSON = "application/json"
XML = "text/xml"
HTML = "text/html;charset=UTF-8"


@dataclass(slots=True)
class Call:
    """A request, read whole. Header names are lower-case; ``path`` is percent-decoded."""

    method: str
    path: str
    segments: tuple[str, ...]
    """The path below the operation's resource, split as Skaha splits it (skaha-contract §1.1)."""
    parameters: Parameters = field(default_factory=Parameters)
    headers: Mapping[str, str] = field(default_factory=dict)
    identity: Identity | None = None
    """Who calls; ``None`` when nobody said who they are."""
    bad_token: InvalidToken | None = None
    """Why the credentials do not hold, where an operation lets nobody in particular in, too."""
    host: str = "127.0.0.1"
    """Host header of the request, without its port."""
    client_ip: str = "127.0.0.1"
    fate: tuple[tuple[str, str], ...] = ()
    """Overrides (``MOCKSKAHA_…``) that a fault puts on the session this call makes."""

    def refuse_bad_token(self) -> None:
        """Raise what is wrong with the caller's credentials, if anything is."""
        if self.bad_token is not None:
            raise self.bad_token

    @property
    def user(self) -> Identity:
        """The caller. Only for operations that let nobody in without an identity."""
        if self.identity is None:
            raise RuntimeError("the operation was reached without an identity")
        return self.identity


class Answer(NamedTuple):
    """An answer: ``content_type`` is sent exactly as given, and not at all when ``None``."""

    body: bytes = b""
    content_type: str | None = None
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
