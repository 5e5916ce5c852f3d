"""What is asked of a service about sessions, and what follows from its answers: the one implementation of the rules."""

from __future__ import annotations

import logging
import re
from asyncio import CancelledError
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from skahaclient.errors import (
    Abandoned,
    InvalidRequest,
    LaunchCancelled,
    LaunchError,
    LaunchInterrupted,
    NoAnswer,
    NoId,
    NoService,
    NotAuthenticated,
    NotFound,
    NotLaunched,
    SessionError,
    SessionRequestError,
    SkahaError,
    UnexpectedAnswer,
    Unreachable,
)
from skahaclient.launch import Launch
from skahaclient.models.platform import PlatformStats
from skahaclient.models.session import KINDS, STATUSES, SessionInfo, Status, status_of
from skahaclient.plan import Every, Plan
from skahaclient.service import Service, session_path

log = logging.getLogger("skahaclient")
T = TypeVar("T")
Policy = Literal["ignore", "raise"]
Progress = Callable[[int, int], None]
"""``progress(done, total)``, from any thread."""
ASKED = frozenset({"Pending", "Running", "Terminating"})
"""Statuses that all versions of Skaha call the same, so that it can be asked for them."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_PATTERN = re.compile(r"[.^$*+?{}\[\]()|]")


@dataclass(frozen=True, slots=True)
class Operations:
    """``errors`` is what happens when a call says nothing: ``"raise"`` what failed, or ``"ignore"`` it, which is
    logged. Without any, a launch raises and everything else ignores, as `canfar` does."""

    service: Service
    errors: Policy | None = None

    def fetch(self, kind: str | None = None, status: str | None = None) -> Plan[list[SessionInfo]]:
        wanted = None if status is None else status_wanted(status)
        if kind is not None and kind.lower() not in KINDS:
            raise InvalidRequest(f"{kind!r} is not a kind of session: {', '.join(KINDS)}")
        answer = yield from self.service.get(
            "session", type=None if kind is None else kind.lower(), status=wanted if wanted in ASKED else None
        )
        listed = answer.json
        if not isinstance(listed, list):
            raise UnexpectedAnswer(f"a list of sessions was expected, and not {answer.text[:60]!r}")
        found = [SessionInfo.of(each) for each in listed]
        return found if wanted is None else [info for info in found if info.status == wanted]

    def stats(self) -> Plan[PlatformStats]:
        answer = yield from self.service.get("session", view="stats")
        return PlatformStats.of(answer.json)

    def one(self, session_id: str) -> Plan[SessionInfo]:
        answer = yield from self.service.get(session_path(session_id))
        return SessionInfo.of(answer.json)

    def text(self, session_id: str, view: str) -> Plan[str]:
        answer = yield from self.service.get(session_path(session_id), view=view)
        return answer.text

    def info(self, ids: str | Iterable[str], errors: Policy | None = None) -> Plan[list[SessionInfo]]:
        return self._each("info", ids, self.one, errors, lambda good, bad: list(good.values()))

    def logs(self, ids: str | Iterable[str], errors: Policy | None = None) -> Plan[dict[str, str]]:
        return self._each(
            "logs", ids, lambda each: self.text(each, "logs"), errors, lambda good, bad: dict(good)
        )

    def events(self, ids: str | Iterable[str], errors: Policy | None = None) -> Plan[list[dict[str, str]]]:
        return self._each(
            "events", ids, lambda each: self.text(each, "events"), errors,
            lambda good, bad: [{name: text} for name, text in good.items()],
        )  # fmt: skip

    def renew(self, ids: str | Iterable[str], errors: Policy | None = None) -> Plan[dict[str, bool]]:
        return self._each("renew", ids, self._renewed, errors, _succeeded)

    def destroy(self, ids: str | Iterable[str], errors: Policy | None = None) -> Plan[dict[str, bool]]:
        return self._each("destroy", ids, self._destroyed, errors, _succeeded)

    def destroy_with(
        self, prefix: str, kind: str = "headless", status: str = "Completed", errors: Policy | None = None
    ) -> Plan[dict[str, bool]]:
        matches = name_pattern(prefix)
        found = yield from self.fetch(kind, status)
        return (yield from self.destroy([info.id for info in found if matches(info.name)], errors))

    def _renewed(self, session_id: str) -> Plan[bool]:
        yield from self.service.post(session_path(session_id), [("action", "renew")])
        return True

    def _destroyed(self, session_id: str) -> Plan[bool]:
        try:
            yield from self.service.delete(session_path(session_id))
        except NotFound as error:
            if error.text != session_id:  # by its id alone, old versions say that it is gone already
                raise
        return True

    def _each(
        self,
        operation: str,
        ids: str | Iterable[str],
        ask: Callable[[str], Plan[T]],
        errors: Policy | None,
        shape: Callable[[Mapping[str, T], Mapping[str, SessionError]], Any],
    ) -> Plan[Any]:
        """Ask about each id, some at a time."""
        wanted = ids_of(ids)
        good, bad = yield from self.of_each(wanted, ask)
        results = shape(good, bad)
        self.judge(operation, errors, results, good, bad)
        return results

    def of_each(
        self, ids: Sequence[str], ask: Callable[[str], Plan[T]]
    ) -> Plan[tuple[dict[str, T], dict[str, SessionError]]]:
        """What came of asking about each, and what went wrong."""
        good: dict[str, T] = {}
        bad: dict[str, SessionError] = {}
        if not ids:
            return good, bad
        yield from self.service.found()
        outcomes = yield Every([ask(each) for each in ids])
        for session_id, outcome in zip(ids, outcomes, strict=True):
            if isinstance(outcome, SkahaError):
                bad[session_id] = SessionError(session_id, outcome)
            else:
                good[session_id] = outcome
        return good, bad

    def judge(
        self,
        operation: str,
        errors: Policy | None,
        results: Any,
        good: Mapping[str, Any],
        bad: Mapping[str, SessionError],
    ) -> None:
        """Raise what failed, or log it. What no session is to blame for is never ignored: missing credentials, and a
        service that says nothing at all."""
        if not bad:
            return
        causes = [failure.cause for failure in bad.values()]
        fatal = any(isinstance(cause, NotAuthenticated) for cause in causes) or (
            not good and all(isinstance(cause, NoAnswer | UnexpectedAnswer | NoService) for cause in causes)
        )
        failure = SessionRequestError(operation, results, bad)
        if fatal or policy(errors, self.errors, "ignore") == "raise":
            raise failure
        log.warning("%s", failure)

    def launching(
        self, launch: Launch, progress: Progress | None = None, errors: Policy | None = None
    ) -> Launching:
        return Launching(self.service, launch, progress, policy(errors, self.errors, "raise"))


class Launching:
    """A launch under way. Whatever happens to it, it tells the ids of what was made."""

    def __init__(self, service: Service, launch: Launch, progress: Progress | None, errors: Policy) -> None:
        self.service = service
        self.launch = launch
        self.progress = progress
        self.errors = errors
        self.done = 0
        self._ids: dict[int, str] = {}
        self._errors: dict[int, SkahaError] = {}
        self._begun: set[int] = set()
        self._hopeless: SkahaError | None = None

    def plan(self) -> Plan[list[str]]:
        """The ids of the new sessions, in the order of the replicas."""
        yield from self.service.found()
        plans = [self._one(replica) for replica in range(1, self.launch.replicas + 1)]
        yield Every(plans, self._count, finish=True)
        if self.failures:
            failure = LaunchError(self.created, self.failures)
            if self.errors == "raise" or not self.created:
                raise failure
            log.warning("%s", failure)
        return self.created

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Whatever ends the launch early has the ids."""
        try:
            yield
        except KeyboardInterrupt:
            raise LaunchInterrupted(self.created, self.failures) from None
        except CancelledError:
            raise LaunchCancelled(self.created, self.failures) from None
        except SkahaError:
            raise
        except Exception as error:  # of the caller's progress
            raise LaunchError(self.created, self.failures) from error

    def _count(self) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.launch.replicas)

    @property
    def created(self) -> list[str]:
        return [self._ids[replica] for replica in sorted(self._ids)]

    @property
    def failures(self) -> dict[int, SessionError]:
        """Why there is no id, by replica; also of those that were not tried."""
        found: dict[int, SessionError] = {}
        for replica in range(1, self.launch.replicas + 1):
            if replica in self._ids:
                continue
            cause = self._errors.get(replica)
            if cause is None:
                tried = replica in self._begun
                cause = Abandoned("interrupted before the answer came") if tried else NotLaunched("not tried")
            name = self.launch.name_of(replica)
            found[replica] = SessionError(name, cause, name)
        return found

    def _one(self, replica: int) -> Plan[None]:
        if self._hopeless is not None:
            self._errors[replica] = NotLaunched("not tried any more")
            return
        self._begun.add(replica)
        registry = self.service.registry
        headers = {} if registry is None else {"x-skaha-registry-auth": registry}
        try:
            answer = yield from self.service.post("session", self.launch.form(replica), headers, once=True)
            told = answer.text.strip()
            if not _ID.fullmatch(told):
                raise NoId(f"the id of a session was expected, and not {told[:60]!r}")
        except SkahaError as error:
            self._errors[replica] = error
            if isinstance(error, NotAuthenticated | Unreachable):
                self._hopeless = error  # the others would fare no better
            return
        self._ids[replica] = told


def ids_of(ids: str | Iterable[str]) -> list[str]:
    """Each id once, in order. Raises `InvalidRequest` for what is none."""
    listed = [ids] if isinstance(ids, str) else list(ids)
    for each in listed:
        session_path(each)
    return list(dict.fromkeys(str(each).strip() for each in listed))


def policy(asked: str | None, usual: Policy | None, default: Policy) -> Policy:
    chosen = asked if asked is not None else usual if usual is not None else default
    if chosen not in ("ignore", "raise"):
        raise InvalidRequest(f'errors is "raise" or "ignore", and not {chosen!r}')
    return chosen  # type: ignore[return-value]


def status_wanted(status: str) -> Status:
    """The status meant by any version's word for it. Raises `InvalidRequest` for no word of any."""
    found = status_of(status)
    if found == "Unknown" and status.lower() != "unknown":
        raise InvalidRequest(f"{status!r} is not a status: {', '.join(STATUSES)}")
    return found


def name_pattern(text: str) -> Callable[[str], Any]:
    """Whether a name begins so; or, if the text has any of ``.^$*+?{}[]()|``, whether it is found in the name."""
    if not text:
        raise InvalidRequest("an empty prefix would be that of every session")
    if not _PATTERN.search(text):
        return lambda name: name.startswith(text.lower())
    try:
        return re.compile(text).search
    except re.error as error:
        raise InvalidRequest(f"{text!r} is not a regular expression: {error}") from None


def _succeeded(good: Mapping[str, Any], bad: Mapping[str, SessionError]) -> dict[str, bool]:
    return {**dict.fromkeys(good, True), **dict.fromkeys(bad, False)}
