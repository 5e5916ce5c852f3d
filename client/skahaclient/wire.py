"""Requests and answers, without any I/O: what is sent, what an answer means, and when to ask again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from skahaclient.errors import (
    BrokenAnswer,
    Forbidden,
    NoService,
    NotAuthenticated,
    NotFound,
    Refused,
    SkahaError,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
)

FORM = "application/x-www-form-urlencoded; charset=UTF-8"
"""With the charset, or Skaha reads Latin-1 (skaha-contract §1.2)."""
LONGEST_TEXT = 2000
"""Characters of an error text that are kept; a proxy's page may be any length."""
_VERSION = re.compile(r"/v[0-9]+(?=/|$)")
IS_IT_THAT = "is the URL that of a Skaha service?"
LOG_IN = "log in (skahaclient auth login) or set SKAHA_TOKEN"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``patience`` is how many seconds may be spent on waiting until it is sent again. What must not be
    done twice is ``once``: not sent again once it may have arrived."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    patience: float = 30.0
    once: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. Header names are lower-case; of a repeated one, the values are joined with a comma."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def is_page(self) -> bool:
        """HTML: what servers in front of Skaha answer, and Skaha never."""
        media = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return media == "text/html" or self.body[:40].lstrip().lower().startswith(
            (b"<!doctype html", b"<html")
        )

    @property
    def json(self) -> Any:
        """Raises `UnexpectedAnswer` for anything that is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise UnexpectedAnswer(
                f"the service answered {described(self)} where JSON was expected; {IS_IT_THAT}"
            ) from None


def described(answer: Answer) -> str:
    """What an answer looks like, in a few words."""
    if not answer.body.strip():
        return "with nothing"
    return f"with {'a page' if answer.is_page else 'text'} that begins {' '.join(answer.text[:60].split())!r}"


def accepted(request: Request, answer: Answer, now: datetime) -> Answer:
    """The answer, when it is one. Raises `Refused` for 400 and above, `UnexpectedAnswer` for redirections."""
    if answer.status < 300:
        return answer
    if answer.status < 400:
        target = answer.headers.get("location", "somewhere else")
        raise UnexpectedAnswer(f"{request.url} redirects to {target}; is that where the service is?")
    if answer.is_page and answer.status == 404:
        version = _VERSION.search(urlsplit(request.url).path)
        advice = f"is the version right? without {version[0]}, the URL finds it" if version else IS_IT_THAT
        raise NoService(404, f"there is no Skaha service at {request.url}", advice)
    if answer.is_page:
        text = f"the server in front of Skaha answered {request.url} {described(answer)}"
    else:
        text = answer.text[:LONGEST_TEXT].strip()
    match answer.status:
        case 401:
            raise NotAuthenticated(401, text, LOG_IN)
        case 400 if "anonymous" in text:
            raise NotAuthenticated(400, text, LOG_IN)
        case 403:
            raise Forbidden(403, text)
        case 404:
            raise NotFound(404, text)
        case 503:
            raise Unavailable(503, text, retry_after(answer.headers.get("retry-after"), now))
        case status:
            raise Refused(status, text)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds of a ``Retry-After`` header, given as seconds or as a date; None when there is none."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (when - now).total_seconds()) if when.tzinfo is not None else None


@dataclass(frozen=True, slots=True)
class Patience:
    """When a request is sent again.

    A GET when the connection broke, and after 502, 503 and 504. Anything after 503 with ``Retry-After``, but for what
    is ``once``. Even that when there was no connection, so that nothing can have reached the service. Nothing after a
    timeout, which was a long wait already. At most ``attempts`` times, waiting at most ``request.patience`` seconds in
    all: a service that asks for more is unavailable.
    """

    attempts: int = 4
    first_delay: float = 0.5

    def delay(self, request: Request, error: SkahaError, attempt: int, waited: float) -> float | None:
        """Seconds to wait before the next attempt, None when there is none. ``attempt`` counts from 1."""
        if attempt >= self.attempts:
            return None
        delay = self._delay(request, error, self.first_delay * 2 ** (attempt - 1))
        return delay if delay is not None and waited + delay <= request.patience else None

    def _delay(self, request: Request, error: SkahaError, growing: float) -> float | None:
        match error:
            case Unreachable(hopeless=False):
                return growing
            case BrokenAnswer() if request.method == "GET":
                return growing
            case Unavailable(retry_after=float(asked)) if not request.once:
                return max(asked, self.first_delay)
            case Refused(status=502 | 503 | 504) if request.method == "GET":
                return growing
            case _:
                return None


NEVER = Patience(attempts=1)
