"""What can go wrong, one type a cause. Every text says what to do, in words that hold no secret.

``SkahaError`` is all of them. Below it stand the service that gave no answer (`NoAnswer`), the answer that
refuses (`Refused`), the answer that is none (`UnexpectedAnswer`), and what concerns single sessions
(`SessionError`, collected in `SessionRequestError` and `LaunchError`).
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skahaclient.models.session import SessionInfo


class SkahaError(Exception):
    """Anything this client raises about a service."""


class ConfigurationError(SkahaError, ValueError):
    """A setting that cannot be used; the text names where it comes from."""


class InvalidRequest(SkahaError, ValueError):
    """What cannot be asked of Skaha; nothing was sent. The text says what can."""


# -- no answer ---------------------------------------------------------------------------------------------------


class NoAnswer(SkahaError):
    """There was no complete answer. ``sent`` is False when nothing can have reached the service."""

    sent = True


class Unreachable(NoAnswer):
    """No connection: refused, unknown host, TLS. Nothing was sent. ``hopeless``: nor will it be in a second."""

    sent = False

    def __init__(self, text: str, *, hopeless: bool = False) -> None:
        super().__init__(text)
        self.hopeless = hopeless


class TimedOut(NoAnswer):
    """The connection stood, the answer did not come in time."""


class BrokenAnswer(NoAnswer):
    """The connection broke, or the body ended early."""


# -- answers -----------------------------------------------------------------------------------------------------


class Refused(SkahaError):
    """An answer of 400 and above: its ``status`` and the service's own ``text``."""

    def __init__(self, status: int, text: str, advice: str = "") -> None:
        said = text or "the service gave no reason"
        super().__init__(f"{said} (status {status})" + (f"; {advice}" if advice else ""))
        self.status = status
        self.text = text


class NotAuthenticated(Refused):
    """No credentials, or none that are accepted any more: log in."""


class Forbidden(Refused):
    """The caller is known and may not."""


class NotFound(Refused):
    """There is no such session, or no such service."""


class NoService(NotFound):
    """A page that says 404, as Skaha never does: nothing of it is at this address."""


class Unavailable(Refused):
    """503: later. ``retry_after`` is what the service asked for, in seconds."""

    def __init__(self, status: int, text: str, retry_after: float | None = None) -> None:
        advice = "try again later" if retry_after is None else f"try again in {retry_after:.0f} s"
        super().__init__(status, text, advice)
        self.retry_after = retry_after


class UnexpectedAnswer(SkahaError):
    """An answer that is not Skaha's: no JSON, a page of HTML, a redirection."""


class NoId(UnexpectedAnswer):
    """A launch that was answered well, but not with an id."""


# -- single sessions ---------------------------------------------------------------------------------------------


class SessionError(SkahaError):
    """What failed about one session: its ``id`` (or the ``name`` of a launch), and why.

    ``status`` is None when there was no answer; ``text`` is the service's own words then too, as far as there
    are any. ``cause`` is the error itself.
    """

    def __init__(self, id: str, cause: SkahaError, name: str | None = None) -> None:  # noqa: A002
        super().__init__(f"{id}: {cause}")
        self.id = id
        self.name = name
        self.cause = cause
        self.status: int | None = cause.status if isinstance(cause, Refused) else None
        self.text: str = cause.text if isinstance(cause, Refused) else str(cause)

    @property
    def may_exist(self) -> bool:
        """A launch without the service's own answer: whether there is a session now is not known."""
        match self.cause:
            case NoAnswer():
                return self.cause.sent
            case NoId():
                return True
            case Refused(status=502 | 504):
                return True
            case _:
                return False


class SessionRequestError(SkahaError):
    """Some sessions failed, with ``errors="raise"``.

    ``operation`` is the method, ``results`` what it would have returned for the others, ``errors`` the failures
    by id (by replica number for a launch).
    """

    def __init__(self, operation: str, results: Any, errors: Mapping[Any, SessionError]) -> None:
        self.operation = operation
        self.results = results
        self.errors = dict(errors)
        super().__init__(self._told())

    def _told(self) -> str:
        if len(self.errors) == 1:
            return f"{self.operation}: {next(iter(self.errors.values()))}"
        return f"{self.operation} failed for {len(self.errors)} sessions: {_told_once(self.errors.values())}"


class LaunchError(SessionRequestError):
    """Not everything could be launched. ``created`` are the ids of what was, in the order of the replicas;
    ``failures`` says for the others, by replica number from 1, why not."""

    def __init__(self, created: Sequence[str], failures: Mapping[int, SessionError]) -> None:
        self.created = list(created)
        self.failures = dict(failures)
        super().__init__("create", self.created, self.failures)

    def _told(self) -> str:
        total = len(self.created) + len(self.failures)
        count = "" if total == 1 else f"{len(self.failures)} of {total} sessions were "
        text = f"{count}not launched: {_told_once(self.failures.values())}"
        if maybe := [failure.name or failure.id for failure in self.failures.values() if failure.may_exist]:
            text += f"; without an answer, so these may exist all the same: {_some(maybe)}"
        if self.created:
            text += f"; launched: {_some(self.created)}"
        return text


class LaunchInterrupted(KeyboardInterrupt):
    """Ctrl-C in the middle of a launch: ``created`` are the ids there are, ``failures`` as in `LaunchError`."""

    def __init__(self, created: Sequence[str], failures: Mapping[int, SessionError]) -> None:
        self.created = list(created)
        self.failures = dict(failures)
        super().__init__(_told_interrupted(self.created))


class LaunchCancelled(CancelledError):
    """A task was cancelled in the middle of a launch: as `LaunchInterrupted`."""

    def __init__(self, created: Sequence[str], failures: Mapping[int, SessionError]) -> None:
        self.created = list(created)
        self.failures = dict(failures)
        super().__init__(_told_interrupted(self.created))


class NotLaunched(SkahaError):
    """A replica that was not tried any more."""


class Abandoned(NoAnswer):
    """Its answer was not waited for: whoever waited was interrupted twice."""


class WaitTimeout(SkahaError, TimeoutError):
    """The time is up. ``done`` are the sessions that got there, ``waiting`` those that did not, and ``errors``, by id,
    those about which nothing can be said."""

    def __init__(
        self,
        seconds: float,
        done: Sequence[SessionInfo],
        waiting: Sequence[SessionInfo],
        errors: Mapping[str, SessionError] | None = None,
    ) -> None:
        self.done = list(done)
        self.waiting = list(waiting)
        self.errors = dict(errors or {})
        named = _some([f"{info.id} is {info.status}" for info in waiting])
        super().__init__(f"after {seconds:g} s still waiting: {named}")


def _told_interrupted(created: Sequence[str]) -> str:
    return f"interrupted; launched: {_some(created) if created else 'nothing'}"


def _told_once(failures: Any) -> str:
    """Each reason once, with how often."""
    reasons: dict[str, int] = {}
    for failure in failures:
        reasons[str(failure.cause)] = reasons.get(str(failure.cause), 0) + 1
    told = [reason if count == 1 else f"{reason} ({count} times)" for reason, count in reasons.items()]
    return _some(told, "; ", 5)


def _some(items: Sequence[str], separator: str = ", ", most: int = 10) -> str:
    shown = separator.join(items[:most])
    return shown if len(items) <= most else f"{shown} and {len(items) - most} more"
