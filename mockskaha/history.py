"""What happened to one session's pod, as Kubernetes keeps it: each kind of event once, with its first and last
time. Kept small, for a server may hold many thousands of sessions."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import NamedTuple

from skahasim.transition import Step

_RECORDED = (
    Step.SCHEDULED,
    Step.UNSCHEDULABLE,
    Step.PULLING,
    Step.PULLED,
    Step.PRESENT,
    Step.CREATED,
    Step.STARTED,
    Step.PULL_FAILED,
    Step.PULL_BACKOFF,
    Step.START_FAILED,
    Step.UNHEALTHY,
    Step.RESTART_BACKOFF,
    Step.EVICTED,
    Step.PREEMPTED,
    Step.KILLING,
)
_CODES = {step: code for code, step in enumerate(_RECORDED)}
_MOST = 64
_WIDTH = 3


class Fact(NamedTuple):
    """One kind of event of a pod. Times in seconds of model time."""

    step: Step
    container: int
    reason: str
    first: float
    last: float


class History:
    """The facts of one pod, in the order in which each first happened. At most 64 kinds."""

    __slots__ = ("_facts", "_reasons")

    def __init__(self) -> None:
        self._facts = array("d")
        self._reasons: list[str] = []

    def record(self, time: float, step: Step, container: int, reason: str) -> None:
        """Note that ``step`` happened (again)."""
        code = _CODES.get(step)
        if code is None:
            return
        full = len(self._facts) >= _MOST * _WIDTH
        code += 256 * (container + 1)
        if reason:
            if reason not in self._reasons:
                if full:
                    return
                self._reasons.append(reason)
            code += 65536 * (self._reasons.index(reason) + 1)
        try:
            row = self._facts[2::_WIDTH].index(code)
        except ValueError:
            if not full:
                self._facts.extend((time, time, code))
        else:
            self._facts[row * _WIDTH + 1] = time

    def clear(self) -> None:
        """Forget all: a new pod takes the place of the old one."""
        del self._facts[:]
        self._reasons.clear()

    def __bool__(self) -> bool:
        """Whether anything happened."""
        return bool(self._facts)

    def __iter__(self) -> Iterator[Fact]:
        facts = self._facts
        for row in range(0, len(facts), _WIDTH):
            code = int(facts[row + 2])
            reason = self._reasons[code // 65536 - 1] if code >= 65536 else ""
            yield Fact(
                _RECORDED[code % 256], code // 256 % 256 - 1, reason, first=facts[row], last=facts[row + 1]
            )
