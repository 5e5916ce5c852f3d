"""Who may drive a server: whoever has its token, or, on a loopback address, programs of this machine but no web page.

A page of another origin can make a browser send requests to a loopback address, and by rebinding a name even read the
answers; its ``Origin``, or the name in ``Host``, gives it away.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, Literal, NamedTuple

from mockskaha.http.delivery import Scope

if TYPE_CHECKING:
    from pydantic import SecretStr


class Refused(NamedTuple):
    """Why a request may not drive the server."""

    status: int
    text: str


class Guard:
    """``host`` is the address the server listens on."""

    def __init__(self, host: str, token: SecretStr | None = None) -> None:
        self._is_loopback = is_loopback(host)
        self._token = token

    @property
    def access(self) -> Literal["open", "token", "closed"]:
        """Who gets in at all: programs of this machine, those who show the token, nobody."""
        if self._token is not None:
            return "token"
        return "open" if self._is_loopback else "closed"

    def __call__(self, scope: Scope) -> Refused | None:
        """Why this request is refused; ``None`` when it is not."""
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if self._token is None and not self._is_loopback:
            return Refused(
                403,
                "the control API is closed, since this server listens beyond this machine and has no token: start it "
                "with --control-token, or MOCKSKAHA_CONTROL_TOKEN in its environment",
            )
        if (origin := _foreign_origin(headers, scope.get("scheme", "http"))) is not None:
            return Refused(403, f"web pages of another origin ({origin}) may not use the control API")
        if self._token is None:
            name, caller = _hostname(headers.get(b"host", "")), scope.get("client")
            if not is_loopback(name):
                return Refused(403, f"the control API is at a loopback address, and not at {name[:80]!r}")
            if caller is not None and not is_loopback(caller[0]):  # served otherwise than `host` says
                return Refused(
                    403, f"without a token the control API is for this machine, not for {caller[0]}"
                )
            return None
        scheme, _, given = headers.get(b"authorization", "").partition(" ")
        expected = self._token.get_secret_value().encode()
        if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode("latin-1"), expected):
            return None
        return Refused(401, "the control API wants its token: Authorization: Bearer …")


def is_loopback(host: str) -> bool:
    """Whether ``host``, a name or an address, means this machine alone."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _hostname(host: str) -> str:
    """The name in a ``Host`` header."""
    if host.startswith("["):
        return host.partition("]")[0][1:]
    return host.rpartition(":")[0] if ":" in host else host


def _foreign_origin(headers: Mapping[bytes, str], scheme: str) -> str | None:
    """The origin of the page that made a browser send this, if it is not this server's own."""
    origin = headers.get(b"origin")
    if origin is not None and origin != f"{scheme}://{headers.get(b'host', '')}":
        return origin[:80]
    if headers.get(b"sec-fetch-site", "none") not in ("none", "same-origin"):
        return "unknown"
    return None
