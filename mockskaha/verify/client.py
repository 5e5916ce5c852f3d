"""Asking a Skaha server, one request after the other, at a polite rate."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from mockskaha.verify.exchange import Caller, Exchange, Request
from skahasim.clock import WallClock, wall_time

POLITE_RATE = 10.0
"""Requests a second to a server on another machine, unless told otherwise."""
MOST_BODY_BYTES = 64 << 20
STRANGERS_TOKEN = "nobody-gave-this-out"  # noqa: S105 - good for nothing, by intention


class Unreachable(Exception):
    """Nobody answers there, or not in time; the text says what was tried."""


class Asks(Protocol):
    """What answers requests: a server, or the memory of one."""

    root: str

    def ask(self, request: Request) -> Exchange:
        """Raises :class:`Unreachable`."""

    def pause(self, seconds: float) -> None:
        """Let time pass on the server."""


def service_root(url: str) -> tuple[str, str | None]:
    """The root of the service (``https://host/skaha``) and the API version (``v1``), if ``url`` names one.

    Takes what people have at hand: ``CANFAR_URL`` with its ``/skaha/v1``, the service, or the bare host.
    Raises ``ValueError`` for what is no http(s) URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError(f"{url!r} is no address of a server; give one like https://ws-uv.canfar.net/skaha")
    path = parts.path.rstrip("/")
    version = None
    if path.rsplit("/", 1)[-1] in ("v0", "v1"):
        path, _, version = path.rpartition("/")
    if not path.endswith("/skaha"):
        path += "/skaha"
    return f"{parts.scheme}://{parts.netloc}{path}", version


def is_loopback(url: str) -> bool:
    """Whether ``url`` is on this machine."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


class Refused(Exception):
    """The server does not take the token; the text is what it says."""


def knock(asks: Asks) -> None:
    """See that somebody is there and takes the token. Raises :class:`Unreachable`, :class:`Refused`."""
    asks.ask(Request("GET", "/availability", Caller.NOBODY))
    for version in ("v1", "v0"):
        answer = asks.ask(Request("GET", f"/{version}/session"))
        if answer.status in (401, 403):
            raise Refused(f"the server refuses the token: {answer.status} {answer.text.strip()}")
        if answer.status != 404:
            return


class Client:
    """Requests to one server over ``transport`` (the network, when not given).

    ``rate``: at most that many requests a second. ``pause`` lets time pass on the server, for one with a manual
    clock. Redirects are not followed; no credentials leave for another host than the service's.
    """

    def __init__(
        self,
        root: str,
        tokens: Mapping[Caller, str],
        *,
        transport: httpx.BaseTransport | None = None,
        rate: float | None = None,
        timeout: float = 30.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.root = root
        self.rate = rate
        self.timeout = timeout
        self._tokens = {Caller.STRANGER: STRANGERS_TOKEN, **tokens}
        self._interval = 1.0 / rate if rate else 0.0
        self._clock = WallClock()
        self._next = 0.0
        self._pause = pause
        self._http = httpx.Client(transport=transport, timeout=timeout, follow_redirects=False)

    def knows(self, caller: Caller) -> bool:
        """Whether there are credentials of ``caller``."""
        return caller is Caller.NOBODY or caller in self._tokens

    def token(self, caller: Caller) -> str:
        """Raises ``KeyError``."""
        return self._tokens[caller]

    @property
    def secrets(self) -> tuple[str, ...]:
        """The tokens, which nothing that is shown or written may contain."""
        return tuple(self._tokens.values())

    def pause(self, seconds: float) -> None:
        self._pause(seconds)

    def close(self) -> None:
        self._http.close()

    def ask(self, request: Request) -> Exchange:
        wait = self._next - self._clock.now()
        if wait > 0:
            time.sleep(wait)
        self._next = self._clock.now() + self._interval
        headers = list(request.headers)
        url = request.path
        if url.startswith("/") or not url:
            url = self.root + url
            token = self._tokens.get(request.caller)
            if token is not None and request.caller is not Caller.NOBODY:
                headers.append(("Authorization", f"Bearer {token}"))
        started, before = wall_time(), self._clock.now()
        try:
            made = self._http.build_request(
                request.method, url, headers=headers, content=request.body or None
            )
            if not request.body and request.method in ("POST", "PUT"):
                made.headers["content-length"] = "0"
            response = self._http.send(made)
        except httpx.InvalidURL as error:
            raise Unreachable(f"{url}: {error}") from error
        except httpx.HTTPError as error:
            kind = (
                "no answer in time"
                if isinstance(error, httpx.TimeoutException)
                else str(error) or repr(error)
            )
            raise Unreachable(f"{request.method} {url}: {kind}") from error
        return Exchange(
            request,
            url,
            response.status_code,
            tuple((name.lower(), value) for name, value in response.headers.multi_items()),
            response.content[:MOST_BODY_BYTES],
            started,
            self._clock.now() - before,
            tuple(made.headers.multi_items()),
        )
