"""The request journal: the last requests and what became of them, secrets left out."""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import parse_qsl

MOST = 2_000
MOST_BYTES = 16 << 20
"""Of bodies, query strings and headers, over all requests."""
_MOST_OF_ONE = 16 << 10
"""Of the body of one request; the rest is cut off."""
REDACTED = "***"
_LOGIN = "/ac/login"
_SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "x-skaha-registry-auth", "x-auth-token-skaha",
     "x-client-certificate"}
)  # fmt: skip
_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)?$|secret|token|credential|api_?key|private_?key", re.IGNORECASE
)

_new = tuple.__new__
"""Makes a named tuple without the call in between."""

Pairs = Sequence[tuple[bytes, bytes]]


class Entry(NamedTuple):
    """One request as it came. What is secret is in here: only :func:`told` makes it public."""

    number: int
    time: float
    """Model time, in seconds."""
    method: str
    path: str
    query: bytes
    headers: Pairs
    body: bytes
    is_cut: bool
    """The body was longer."""
    username: str
    operation: str
    """``operationId`` of the contract; empty when no operation has the path and method."""
    status: int
    answer_bytes: int
    fault: str
    """Ids of the faults that met it, between commas; empty for none."""
    size: int
    """Bytes it takes up here, about."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which requests are meant; what is ``None`` does not matter."""

    operation: str | None = None
    method: str | None = None
    path: str | None = None
    """Exact, or a pattern with ``*``."""
    user: str | None = None
    status: int | None = None
    fault: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    """Each must have been sent, names in any case."""

    def takes(self, entry: Entry) -> bool:
        """Whether ``entry`` is one of them."""
        return (
            (self.operation is None or entry.operation == self.operation)
            and (self.method is None or entry.method == self.method.upper())
            and (self.path is None or _matches(self.path, entry.path))
            and (self.user is None or entry.username == self.user)
            and (self.status is None or entry.status == self.status)
            and (self.fault is None or self.fault in entry.fault.split(","))
            and (not self.parameters or self._has_parameters(entry))
        )

    def _has_parameters(self, entry: Entry) -> bool:
        sent = {(name.lower(), value) for name, value in parameters_of(entry)}
        return all((name.lower(), value) in sent for name, value in self.parameters)


class RequestJournal:
    """A ring of requests, bounded in number and in bytes."""

    def __init__(self, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._entries: deque[Entry] = deque()
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self.count = 0
        """How many requests there have been since the start or the last ``clear``."""
        self.answers: Counter[tuple[str, int]] = Counter()
        """Requests by operation and status, since the start; ``clear`` leaves it."""

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def record(
        self, time: float, method: str, path: str, query: bytes, headers: Pairs, body: bytes, username: str,
        operation: str, status: int, answer_bytes: int, fault: str,
    ) -> None:  # fmt: skip
        """Take in one request and its answer."""
        self.count += 1
        self.answers[operation, status] += 1
        is_cut = len(body) > _MOST_OF_ONE
        if is_cut:
            body = body[:_MOST_OF_ONE]
        size = len(path) + len(query) + len(body) + sum([len(name) + len(value) for name, value in headers])
        entries = self._entries
        entries.append(
            _new(
                Entry,
                (
                    self.count, time, method, path, query, headers, body, is_cut, username, operation, status,
                    answer_bytes, fault, size,
                ),
            )
        )  # fmt: skip
        self._bytes += size
        while entries and (len(entries) > self._most or self._bytes > self._most_bytes):
            self._bytes -= entries.popleft().size

    def matching(self, wanted: Wanted) -> list[Entry]:
        """Those kept that ``wanted`` takes, oldest first."""
        return [entry for entry in self._entries if wanted.takes(entry)]

    def clear(self) -> None:
        """Forget all requests."""
        self._entries.clear()
        self._bytes = self.count = 0


def _matches(pattern: str, path: str) -> bool:
    if "*" not in pattern:
        return path == pattern
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), path, re.DOTALL) is not None


def parameters_of(entry: Entry) -> list[tuple[str, str]]:
    """The parameters of the query string and of a urlencoded body, as sent."""
    pairs = parse_qsl(entry.query.decode("latin-1"), keep_blank_values=True)
    if _header(entry, "content-type").startswith("application/x-www-form-urlencoded"):
        pairs += parse_qsl(entry.body.decode("latin-1"), keep_blank_values=True)
    return pairs


def _header(entry: Entry, name: str) -> str:
    wanted = name.encode()
    return next((value.decode("latin-1") for key, value in entry.headers if key.lower() == wanted), "")


def told(entry: Entry) -> dict[str, object]:
    """``entry`` for others to see: without what is secret."""
    is_form = _header(entry, "content-type").startswith("application/x-www-form-urlencoded")
    body: object = None
    if entry.body and not is_form:  # a form is told as parameters
        secret = entry.path.endswith(_LOGIN)
        body = {"base64": REDACTED if secret else b64encode(entry.body).decode(), "cut": entry.is_cut}
    return {
        "number": entry.number,
        "time": entry.time,
        "method": entry.method,
        "path": entry.path,
        "operation": entry.operation or None,
        "user": entry.username or None,
        "parameters": [
            {"name": name, "value": _without_secret(name, value)} for name, value in parameters_of(entry)
        ],
        "headers": [
            {
                "name": name.decode("latin-1").lower(),
                "value": REDACTED
                if name.decode("latin-1").lower() in _SECRET_HEADERS
                else value.decode("latin-1"),
            }
            for name, value in entry.headers
        ],
        "body": body,
        "status": entry.status,
        "bytes": entry.answer_bytes,
        "fault": entry.fault or None,
    }


def _without_secret(name: str, value: str) -> str:
    if _SECRET_NAME.search(name):
        return REDACTED
    if name.lower() == "env":
        variable, equals, _ = value.partition("=")
        if equals and _SECRET_NAME.search(variable):
            return f"{variable}={REDACTED}"
    return value
