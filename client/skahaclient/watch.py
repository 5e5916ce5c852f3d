"""Sessions over time: until they are where they should be, and what they go on printing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from skahaclient.errors import (
    InvalidRequest,
    NoAnswer,
    NoService,
    NotFound,
    Refused,
    SessionError,
    SkahaError,
    WaitTimeout,
)
from skahaclient.models.session import STATUSES, SessionInfo, Status
from skahaclient.operations import Operations, Policy, Progress, ids_of, policy, status_wanted
from skahaclient.plan import Pause, Plan

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0
OUTAGE_SECONDS = 300.0
"""How long a service may be gone in the middle of a wait."""
FEW = 3
"""As many sessions are asked about one by one; of more, the list of all is quicker."""
END = "end"


def _target(until: str) -> Status | None:
    """None is the end, however it is."""
    if until.lower() == END:
        return None
    try:
        return status_wanted(until)
    except InvalidRequest:
        raise InvalidRequest(
            f'{until!r} cannot be waited for; "{END}", or one of {", ".join(STATUSES)}'
        ) from None


def look(
    operations: Operations, ids: Sequence[str]
) -> Plan[tuple[dict[str, SessionInfo], dict[str, SessionError]]]:
    """Where sessions are now."""
    listed: dict[str, SessionInfo] = {}
    if len(ids) > FEW:
        asked = set(ids)
        listed = {info.id: info for info in (yield from operations.fetch()) if info.id in asked}
    good, bad = yield from operations.of_each([each for each in ids if each not in listed], operations.one)
    return {**listed, **good}, bad


def may_pass(error: SkahaError) -> bool:
    """Whether it is worth while to look again later."""
    return isinstance(error, NoAnswer | NoService) or (isinstance(error, Refused) and error.status >= 500)


class Watch:
    """Looks at sessions again and again, less and less often. A service that was there before may be gone for
    `OUTAGE_SECONDS`."""

    def __init__(self, operations: Operations, ids: Iterable[str]) -> None:
        self.operations = operations
        self.pending = ids_of(ids)
        self.infos: dict[str, SessionInfo] = {}
        self.lost: dict[str, SessionError] = {}
        self.pause = FIRST_PAUSE
        self._clock = operations.service.clock
        self._answered: float | None = None

    def look(self) -> Plan[bool]:
        """Look once; whether there was an answer. Sessions that are not there any more are ``lost``."""
        try:
            found, bad = yield from look(self.operations, self.pending)
            passing = [failure for failure in bad.values() if may_pass(failure.cause)]
            if passing and not found and len(passing) == len(self.pending):
                raise passing[0].cause
        except SkahaError as error:
            if not may_pass(error) or self._answered is None:
                raise
            if self._clock.monotonic() - self._answered > OUTAGE_SECONDS:
                raise
            return False
        self._answered = self._clock.monotonic()
        self.infos |= found
        gone = {each: failure for each, failure in bad.items() if not may_pass(failure.cause)}
        self.lost |= gone
        self.pending = [each for each in self.pending if each not in gone]
        return True

    def rest(self, longest: float | None = None) -> Plan[None]:
        """Wait until it is time to look again, at most ``longest`` seconds."""
        yield Pause(self.pause if longest is None else max(0.0, min(self.pause, longest)))
        self.pause = min(self.pause * 1.5, LONGEST_PAUSE)


def wait(
    operations: Operations,
    ids: str | Iterable[str],
    until: str = END,
    timeout: float | None = None,
    progress: Progress | None = None,
    errors: Policy | None = None,
) -> Plan[list[SessionInfo]]:
    """The sessions, once each has ended or has the status ``until``. Raises `WaitTimeout`."""
    target = _target(until)
    policy(errors, operations.errors, "ignore")
    watch = Watch(operations, ids_of(ids))
    wanted = list(watch.pending)
    clock = operations.service.clock
    start = clock.monotonic()
    while watch.pending:
        yield from watch.look()
        watch.pending = [
            each
            for each in watch.pending
            if (info := watch.infos.get(each)) is None or not (info.is_finished or info.status == target)
        ]
        if progress is not None:
            progress(len(wanted) - len(watch.pending), len(wanted))
        if not watch.pending:
            break
        left = None if timeout is None else timeout - (clock.monotonic() - start)
        if left is not None and left <= 0:
            infos = [watch.infos[each] for each in wanted if each in watch.infos and each not in watch.lost]
            waiting = [info for info in infos if info.id in watch.pending]
            raise WaitTimeout(
                timeout or 0.0, [info for info in infos if info not in waiting], waiting, watch.lost
            )
        yield from watch.rest(left)
    good = {each: watch.infos[each] for each in wanted if each not in watch.lost}
    operations.judge("wait", errors, list(good.values()), good, watch.lost)
    return list(good.values())


@dataclass(slots=True)
class _Read:
    """How much of a log has been told, and how that ended, by which a log that began anew is known."""

    length: int = 0
    end: str = ""

    def more(self, text: str) -> str:
        goes_on = text[self.length - len(self.end) : self.length] == self.end
        new = text[self.length :] if goes_on else text
        self.length, self.end = len(text), text[-_KEPT:]
        return new


_KEPT = 200


class Following:
    """What sessions print, piece by piece, until each has ended."""

    def __init__(
        self, operations: Operations, ids: str | Iterable[str], errors: Policy | None = None
    ) -> None:
        self._operations = operations
        self._errors = errors
        policy(errors, operations.errors, "ignore")
        self._watch = Watch(operations, ids_of(ids))
        self._read = {each: _Read() for each in self._watch.pending}
        self._failures: dict[str, SessionError] = {}
        self._looked = False

    @property
    def goes_on(self) -> bool:
        return bool(self._watch.pending)

    def look(self) -> Plan[list[tuple[str, str]]]:
        """The next pieces, each with its id. At the end, raises what failed, or logs it."""
        if self._looked:
            yield from self._watch.rest()
        watch, self._looked = self._watch, True
        known = set(watch.infos)
        if not (yield from watch.look()):
            return []
        ended = {each for each in watch.pending if (info := watch.infos.get(each)) and info.is_finished}
        texts, bad = yield from self._operations.of_each(
            watch.pending, lambda each: self._operations.text(each, "logs")
        )
        # One that was there and is not any more has been deleted, which is an end.
        self._failures |= {
            each: failure
            for each, failure in watch.lost.items()
            if not (each in known and isinstance(failure.cause, NotFound))
        }
        self._failures |= {each: failure for each, failure in bad.items() if each in ended}
        watch.pending = [each for each in watch.pending if each not in ended]
        pieces = [(each, piece) for each, text in texts.items() if (piece := self._read[each].more(text))]
        if pieces:
            watch.pause = FIRST_PAUSE
        return pieces

    def end(self) -> None:
        """Once nothing goes on: raises what failed, or logs it."""
        good = {each: True for each in self._read if each not in self._failures}
        self._operations.judge("logs", self._errors, {}, good, self._failures)
