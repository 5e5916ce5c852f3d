"""What the client under test asked for, to be asserted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

from mockskaha.http.handlers import HANDLERS
from mockskaha.http.requests import Entry, RequestJournal, Wanted, told

T = TypeVar("T")
_SHOWN = 20
"""Requests that a message lists at most."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request and what became of it. Secrets are ``***``."""

    number: int
    """From 1, since the start or the last ``clear``."""
    time: float
    """Model time, in seconds."""
    method: str
    path: str
    """Without the namespace: ``/skaha/v1/session``."""
    operation: str
    """``operationId`` of the contract; empty when there is no such path or method."""
    user: str
    """Empty for nobody."""
    parameters: tuple[tuple[str, str], ...]
    """Of query and form, as sent, repeated ones too."""
    headers: tuple[tuple[str, str], ...]
    """Names in lower case."""
    status: int
    """Of the answer."""
    fault: str
    """Id of the fault that met it; empty for none."""

    def parameter(self, name: str) -> str | None:
        """The first value of a parameter, its name in any case."""
        return next(iter(self.values(name)), None)

    def values(self, name: str) -> list[str]:
        """All values of a parameter, its name in any case."""
        return [value for key, value in self.parameters if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """The first value of a header, its name in any case."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    def __str__(self) -> str:
        sent = " ".join(f"{name}={value:.60}" for name, value in self.parameters)
        fault = f"  [fault {self.fault}]" if self.fault else ""
        line = f"{self.time:10.1f} s  {self.status}  {self.method} {self.path}  {self.user or '-'}  {sent}"
        return line.rstrip() + fault


def _request(entry: Entry) -> Request:
    public: Any = told(entry)
    return Request(
        entry.number, entry.time, entry.method, entry.path, entry.operation, entry.username,
        tuple((pair["name"], pair["value"]) for pair in public["parameters"]),
        tuple((pair["name"], pair["value"]) for pair in public["headers"]),
        entry.status, entry.fault,
    )  # fmt: skip


class Journal:
    """The last 2000 requests, oldest first."""

    def __init__(self, journal: RequestJournal, call: Callable[[Callable[[], Any]], Any]) -> None:
        """``call`` runs what it is given while no request is being answered."""
        self._journal = journal
        self._call = call

    def __len__(self) -> int:
        return len(self._journal)

    def __iter__(self) -> Iterator[Request]:
        return iter(self.requests())

    def __getitem__(self, index: int) -> Request:
        return self.requests()[index]

    def requests(
        self,
        operation: str | None = None,
        *,
        method: str | None = None,
        path: str | None = None,
        user: str | None = None,
        status: int | None = None,
        fault: str | None = None,
        parameters: Mapping[str, object] | None = None,
    ) -> list[Request]:
        """Those that are all of what is given. ``operation`` is an ``operationId`` of the contract
        (``createSession``), ``path`` may have ``*``, and each of ``parameters`` must have been sent.

        Raises ``ValueError`` for an operation that there is not.
        """
        if operation is not None and operation not in HANDLERS:
            close = get_close_matches(operation, HANDLERS, 1)
            meant = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(HANDLERS)}"
            raise ValueError(f"the contract has no operation {operation!r}; {meant}")
        wanted = Wanted(
            operation, method, path, user, status, fault,
            tuple((name, str(value)) for name, value in (parameters or {}).items()),
        )  # fmt: skip
        found: list[Entry] = self._call(lambda: self._journal.matching(wanted))
        return [_request(entry) for entry in found]

    def assert_called(
        self, operation: str | None = None, *, times: int | None = None, **wanted: Any
    ) -> list[Request]:
        """Assert that there were ``times`` requests that :meth:`requests` finds by the rest; any number but none, when
        ``times`` is not given. Returns them."""
        __tracebackhide__ = True
        found = self.requests(operation, **wanted)
        if (times is None and found) or len(found) == times:
            return found
        given = {"operation": operation, **wanted}
        asked = ", ".join(f"{name}={value!r}" for name, value in given.items() if value is not None)
        expected = "at least 1" if times is None else str(times)
        raise AssertionError(
            f"expected {expected} request(s) with {asked or 'anything'}, found {len(found)}, among these:\n{self}"
        )

    def clear(self) -> None:
        """Forget all requests."""
        self._call(self._journal.clear)

    def __str__(self) -> str:
        """The last requests, a line each."""
        listed = [str(request) for request in self.requests()]
        left_out = [f"  … {len(listed) - _SHOWN} earlier"] if len(listed) > _SHOWN else []
        return "\n".join(left_out + listed[-_SHOWN:]) or "  no requests"
