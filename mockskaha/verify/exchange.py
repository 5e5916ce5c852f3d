"""One request and its answer, as they went over the wire."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any


class Caller(StrEnum):
    """On whose behalf a request is made."""

    OWNER = "owner"
    """The holder of ``--token``."""
    SECOND = "second"
    """The holder of ``--user2-token``."""
    STRANGER = "stranger"
    """Somebody with a token that nobody has given out."""
    NOBODY = "nobody"
    """No credentials at all."""


Headers = tuple[tuple[str, str], ...]
MASK = "***"
SECRET_HEADERS = frozenset(
    {
        "authorization", "cookie", "set-cookie", "proxy-authorization", "x-auth-token-skaha", "x-client-certificate",
        "x-skaha-registry-auth", "x-vo-bearer",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. ``path`` is below the service's root (``/v1/session?view=all``), or a whole URL."""

    method: str
    path: str
    caller: Caller = Caller.OWNER
    headers: Headers = ()
    body: bytes = b""

    @property
    def key(self) -> tuple[str, str, Caller, str, bytes]:
        """What makes two requests the same."""
        media_type = next((value for name, value in self.headers if name.lower() == "content-type"), "")
        return self.method, self.path, self.caller, media_type, self.body


@dataclass(frozen=True)
class Exchange:
    """A request with its answer. Header names of the answer are lower-case, repeated ones are kept."""

    request: Request
    url: str
    """The whole URL that was asked."""
    status: int
    headers: Headers
    body: bytes
    started: float = 0.0
    """Unix time, seconds."""
    seconds: float = 0.0
    """From the first byte sent to the last one received."""
    sent: Headers = field(default=(), repr=False)
    """Every header of the request, secrets included: never to be shown or written as it is."""

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @cached_property
    def json(self) -> Any:
        """The body, parsed. Raises ``ValueError`` when it is not JSON."""
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name.lower()), None)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name.lower()]

    @property
    def content_type(self) -> str | None:
        return self.header("content-type")

    def curl(self) -> str:
        """A command that asks the same again, with the token masked."""
        request = self.request
        words = ["curl", "-i"]
        if request.method == "HEAD":
            words.append("--head")
        elif request.method != "GET":
            words += ["-X", request.method]
        if request.caller is not Caller.NOBODY:
            words += ["-H", f"Authorization: Bearer {MASK}"]
        for name, value in request.headers:
            words += ["-H", f"{name}: {MASK if name.lower() in SECRET_HEADERS else value}"]
        if request.body:
            words += ["--data-binary", request.body.decode("utf-8", "replace")]
        return " ".join(map(shlex.quote, [*words, self.url]))

    def told(self, most: int = 400) -> str:
        """The answer in a few words: status, media type and the beginning of the body."""
        body = self.text
        shown = repr(body if len(body) <= most else f"{body[:most]}…")
        return f"{self.status} {self.content_type or 'without a media type'} {shown}"
