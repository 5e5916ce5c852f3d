"""The access-control service: log in, who am I, who is that (skaha-contract §8.5, §8.6)."""

from __future__ import annotations

import hmac
import re
from typing import Protocol
from urllib.parse import quote
from uuid import UUID
from xml.sax.saxutils import escape

import orjson

from mockskaha.auth import Account, AuthRules, is_username
from mockskaha.http.exchange import JSON, TEXT, XML, Answer, Call
from mockskaha.wire import UserView

# What java.net.URI refuses in ASCII.
_NOT_IN_A_URI = re.compile(r'[\x00-\x20\x7f"<>\\^`{|}]|%(?![0-9A-Fa-f]{2})')


class _Directory(Protocol):
    def configured(self, username: str) -> Account | None: ...

    def account(self, username: str) -> Account: ...


class _Authenticator(Protocol):
    @property
    def rules(self) -> AuthRules: ...


class _Issuer(Protocol):
    def issue(self, username: str, now: float, scope: str | None = None) -> str: ...


class Site(Protocol):
    """What these handlers need of the platform."""

    @property
    def base_url(self) -> str: ...

    @property
    def directory(self) -> _Directory: ...

    @property
    def authenticator(self) -> _Authenticator: ...

    @property
    def issuer(self) -> _Issuer: ...

    def now(self) -> float:
        """Model time, epoch seconds."""


def login(platform: Site, call: Call) -> Answer:
    """A bearer token for a user name and a password (§8.5); errors are plain text without a newline.

    Any password will do that is not empty, unless one is configured for the user. In mode ``strict`` only
    configured users log in.
    """
    parameters = call.parameters
    username, password = parameters.get("username"), parameters.get("password")
    if not username:
        return _refusal(400, "Missing username")
    if not password:
        return _refusal(400, "Missing password")
    scope = parameters.get("scope")
    if scope and _NOT_IN_A_URI.search(scope):
        return _refusal(400, f"Invalid scope: {scope}")
    account = platform.directory.configured(username)
    if account is None:
        if platform.authenticator.rules.mode == "strict" or not is_username(username):
            return _refusal(401, "Invalid username")
    elif account.password is not None and not hmac.compare_digest(
        account.password.encode(), password.encode(errors="replace")
    ):
        return _refusal(401, "Invalid password")
    token = platform.issuer.issue(username, platform.now(), scope)
    return Answer(token.encode(), TEXT, headers=(("x-vo-authenticated", username), ("x-vo-bearer", token)))


def whoami(platform: Site, call: Call) -> Answer:
    """Where the caller's own account is to be found: 302 to it, or 401 and nothing for nobody (§8.6)."""
    if call.identity is None:
        return Answer(status=401)
    name = quote(call.identity.username, safe="")
    location = f"{platform.base_url.rstrip('/')}/ac/users/{name}?idType=HTTP"
    return Answer(status=302, headers=(("Location", location),))


def get_user(platform: Site, call: Call, *, crlf: bool = True) -> Answer:
    """The caller's account, as XML or, for those who accept it, JSON (§8.6).

    The user name is the last segment of the path. Other people's accounts are nobody's business: 403, and
    404 for names without one. Lines of XML end with CR LF, or LF without ``crlf``.
    """
    username = call.segments[-1] if call.segments else ""
    if call.identity is None:
        return _refusal(403, "Permission Denied")
    own = username == call.identity.username
    known = own or platform.directory.configured(username) is not None
    if not known or (call.parameters.get("idType") or "HTTP").upper() != "HTTP":
        return _refusal(404, f"User not found: {username}")
    if not own:
        return _refusal(403, "Permission Denied")
    account = platform.directory.account(username)
    if "application/json" in call.headers.get("accept", "").lower():
        return Answer(orjson.dumps(_user_view(account)), JSON)
    return Answer(("\r\n" if crlf else "\n").join(_user_xml(account)).encode(), XML)


def _refusal(status: int, text: str) -> Answer:
    return Answer(text.encode(), TEXT, status)


def _user_view(account: Account) -> UserView:
    return {
        "user": {
            "internalID": {"uri": {"$": _internal_uri(account)}},
            "identities": {
                "$": [{"identity": {"@type": kind, "$": name}} for kind, name in _identities(account)]
            },
            "personalDetails": {name: {"$": value} for name, value in _personal(account)},
            "posixDetails": {name: {"$": value} for name, value in _posix(account)},
        }
    }


def _user_xml(account: Account) -> list[str]:
    return [
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<user>",
        "  <internalID>",
        f"    <uri>{escape(_internal_uri(account))}</uri>",
        "  </internalID>",
        "  <identities>",
        *(f'    <identity type="{kind}">{escape(name)}</identity>' for kind, name in _identities(account)),
        "  </identities>",
        "  <personalDetails>",
        *(f"    <{name}>{escape(value)}</{name}>" for name, value in _personal(account)),
        "  </personalDetails>",
        "  <posixDetails>",
        *(f"    <{name}>{escape(str(value))}</{name}>" for name, value in _posix(account)),
        "  </posixDetails>",
        "</user>",
        "",
    ]


def _internal_uri(account: Account) -> str:
    return f"ivo://cadc.nrc.ca/gms?{UUID(int=account.identity.uid)}"


def _identities(account: Account) -> tuple[tuple[str, str], ...]:
    return ("HTTP", account.username), ("CADC", str(UUID(int=account.identity.uid)))


def _personal(account: Account) -> list[tuple[str, str]]:
    details = {
        "firstName": account.first_name,
        "lastName": account.last_name,
        "email": account.email,
        "institute": account.institute,
    }
    return [(name, value) for name, value in details.items() if value]


def _posix(account: Account) -> tuple[tuple[str, str | int], ...]:
    return (
        ("username", account.username),
        ("uid", account.identity.uid),
        ("gid", account.identity.gid),
        ("homeDirectory", f"/home/{account.username}"),
    )
