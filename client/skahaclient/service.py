"""One Skaha service: where it is, who calls, and how a request to it is asked, again where that is safe."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from skahaclient.clock import SYSTEM, Clock
from skahaclient.errors import (
    ConfigurationError,
    InvalidRequest,
    NoAnswer,
    NotFound,
    Refused,
    SkahaError,
    UnexpectedAnswer,
)
from skahaclient.plan import Pause, Plan
from skahaclient.wire import FORM, Answer, Patience, Request, accepted

log = logging.getLogger("skahaclient")
VERSIONS = ("v1", "v0")
"""Which paths are looked for, the newer first (skaha-contract part 10)."""
ACCEPT = "application/json, text/plain;q=0.9, */*;q=0.5"
VERSION = re.compile(r"/(v[0-9]+)/*$")


@dataclass(slots=True)
class Service:
    """``url`` with or without the version at its end; without, `found` looks for it once.

    ``token`` is sent with every request to the service, ``registry`` (``base64(username:secret)``) with launches.
    Neither shows in ``repr`` nor in any error.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    registry: str | None = field(default=None, repr=False)
    clock: Clock = SYSTEM
    patience: Patience = field(default_factory=Patience)
    _base: str | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigurationError(f"not the URL of a service: {self.url!r}; such as https://host/skaha")
        if parts.username or parts.password:
            raise ConfigurationError("a URL with a password in it is not used; log in instead")
        self.url = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
        if VERSION.search(self.url):
            self._base = self.url

    @property
    def root(self) -> str:
        """Without the version: where ``/availability`` and ``/capabilities`` are."""
        return VERSION.sub("", self.url)

    @property
    def origin(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    def found(self) -> Plan[str]:
        """The URL with its version. Without one, ``/v1`` is tried and then ``/v0``: whatever is not 404 is there."""
        if self._base is not None:
            return self._base
        for version in VERSIONS:
            base = f"{self.url}/{version}"
            try:
                yield from self.ask(self.request("GET", f"{base}/context"))
            except NotFound:
                continue
            except Refused as error:
                if error.status >= 500:  # says nothing about what is there
                    raise
            self._base = base
            return base
        raise UnexpectedAnswer(f"there is no Skaha service at {self.url}: neither /v1 nor /v0 is there")

    def request(
        self,
        method: str,
        url: str,
        query: Mapping[str, str | None] | None = None,
        form: Iterable[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        patience: float = 30.0,
    ) -> Request:
        """A request with the caller's token; ``query`` entries of None are left out."""
        sent = {"Accept": ACCEPT, "User-Agent": "skahaclient", **(headers or {})}
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        body = None
        if form is not None:
            sent["Content-Type"] = FORM
            body = urlencode(list(form)).encode()
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        return Request(method, f"{url}?{urlencode(asked)}" if asked else url, sent, body, patience)

    def get(self, path: str, patience: float = 30.0, **query: str | None) -> Plan[Answer]:
        base = yield from self.found()
        return (yield from self.ask(self.request("GET", f"{base}/{path}", query, patience=patience)))

    def post(
        self,
        path: str,
        form: Iterable[tuple[str, str]],
        headers: Mapping[str, str] | None = None,
        *,
        once: bool = False,
    ) -> Plan[Answer]:
        base = yield from self.found()
        request = self.request("POST", f"{base}/{path}", form=form, headers=headers)
        return (yield from self.ask(replace(request, once=once)))

    def delete(self, path: str) -> Plan[Answer]:
        base = yield from self.found()
        return (yield from self.ask(self.request("DELETE", f"{base}/{path}")))

    def ask(self, request: Request) -> Plan[Answer]:
        """The answer to a request, sent again where `Patience` allows. Raises what `accepted` raises, and
        `NoAnswer`."""
        waited, attempt = 0.0, 0
        while True:
            attempt += 1
            outcome: Answer | NoAnswer = yield request
            try:
                if isinstance(outcome, NoAnswer):
                    raise outcome
                return accepted(request, self._scrubbed(outcome), self.clock.now())
            except SkahaError as error:
                delay = self.patience.delay(request, error, attempt, waited)
                if delay is None:
                    raise
                log.info("%s; asking again in %.1f s", error, delay)
            yield Pause(delay)
            waited += delay

    def _scrubbed(self, answer: Answer) -> Answer:
        """Some services repeat a bad token in their error (skaha-contract §3.2)."""
        if answer.status < 400 or not self.token:
            return answer
        return Answer(answer.status, answer.headers, answer.body.replace(self.token.encode(), b"***"))


def session_path(session_id: Any) -> str:
    """Raises `InvalidRequest` for what is no id; an empty one the service would read as "the first session" (§1.1)."""
    text = str(session_id).strip()
    if not text or text in (".", ".."):
        raise InvalidRequest(f"{text!r} is not the id of a session")
    return f"session/{quote(text, safe='')}"
