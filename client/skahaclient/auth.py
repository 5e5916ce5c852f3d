"""Logging in with a name and a password."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

from skahaclient import config
from skahaclient.clock import SYSTEM, Clock
from skahaclient.errors import ConfigurationError, NoAnswer, NotAuthenticated, Refused, UnexpectedAnswer
from skahaclient.plan import Plan
from skahaclient.service import Service
from skahaclient.transport import SyncTransport
from skahaclient.wire import FORM, Answer

PATH = "/ac/login"
_BEARER = re.compile(r'ivoa_bearer\b((?:\s*,?\s*[\w-]+\s*=\s*(?:"[^"]*"|[^\s,"]+))*)', re.IGNORECASE)
_PARAMETER = re.compile(r'([\w-]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))')
_WITH_PASSWORD = "ivo://ivoa.net/sso#tls-with-password"  # noqa: S105


def login(
    url: str,
    username: str,
    password: str,
    *,
    timeout: float | None = None,
    transport: httpx.BaseTransport | None = None,
    clock: Clock = SYSTEM,
) -> str:
    """A token for a name and a password.

    The service says where it is to be got (skaha-contract §3.2); if it does not, at ``/ac/login`` of the same host. A
    password goes nowhere else without TLS. Raises `NotAuthenticated` when they are not accepted.
    """
    found = config.settings(url=url, timeout=timeout).values
    service = Service(found["url"], clock=clock)
    options: dict[str, Any] = {} if transport is None else {"transport": transport}
    with httpx.Client(timeout=found.get("timeout", 30.0), **options) as http:
        return SyncTransport(http, clock, 1).run(_login(service, username, password))


def _login(service: Service, username: str, password: str) -> Plan[str]:
    where = yield from _place(service)
    body = urlencode([("username", username), ("password", password)]).encode()
    request = service.request("POST", where, headers={"Content-Type": FORM, "Accept": "text/plain"})
    try:
        answer = yield from service.ask(type(request)(request.method, request.url, request.headers, body))
    except NotAuthenticated as error:
        raise NotAuthenticated(
            error.status, error.text, f"{where} does not accept this name and password"
        ) from None
    token = answer.text.strip()
    if not token or answer.is_page or any(letter.isspace() for letter in token):
        raise UnexpectedAnswer(f"{where} answered no token; is the URL that of a Skaha service?")
    return token


def _place(service: Service) -> Plan[str]:
    usual = f"{service.origin}{PATH}"
    base = yield from service.found()
    answer: Answer | NoAnswer = yield service.request("GET", f"{base}/context")
    if isinstance(answer, NoAnswer):
        raise answer
    for parameters in challenges(answer.headers.get("www-authenticate", "")):
        if parameters.get("standard_id") == _WITH_PASSWORD and parameters.get("access_url"):
            told = urljoin(usual, parameters["access_url"])
            if urlsplit(told).scheme != "https" and urlsplit(told).netloc != urlsplit(usual).netloc:
                raise ConfigurationError(
                    f"{service.url} wants the password sent to {told}, without TLS: not done"
                )
            return told
    return usual


def challenges(header: str) -> list[dict[str, str]]:
    """The parameters of each ``ivoa_bearer`` challenge of a ``WWW-Authenticate`` header."""
    return [
        {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(match[1])}
        for match in _BEARER.finditer(header)
    ]


__all__ = ["Refused", "challenges", "login"]
