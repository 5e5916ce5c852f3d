"""The faults that are set on one platform, in order, and what they have met."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from mockskaha.errors import SkahaError
from mockskaha.faults.amounts import draw, model_time
from mockskaha.faults.matching import NOBODY, Subject, meets, subject_of
from mockskaha.faults.presets import MOST_FAULTS
from mockskaha.faults.refusals import REFUSALS
from mockskaha.faults.rule import LONGEST_DELAY_SECONDS, FaultRule
from mockskaha.http.delivery import UNHARMED, Harm
from mockskaha.http.exchange import Answer, Call
from mockskaha.http.gateway import Strike
from skahasim.draws import Draws
from skahasim.section import Section
from skahasim.yamlfile import ConfigurationError, Document, Origin, Problem, validate

if TYPE_CHECKING:
    from mockskaha.platform import Platform


class BadFault(ValueError):
    """A fault that cannot be set beside those there are; the text says why."""


@dataclass(slots=True)
class SetFault:
    """A fault that is set."""

    rule: FaultRule
    set_at: float
    """Model time."""
    met: int = 0
    """So many calls were for it."""
    struck: int = 0
    """So many it struck."""

    @property
    def id(self) -> str:
        return self.rule.id

    @property
    def is_spent(self) -> bool:
        """It strikes no more."""
        rule, counted = self.rule, self.met - self.rule.skip
        if rule.times is not None and self.struck >= rule.times:
            return True
        last = max(rule.nth) if rule.nth else rule.first
        return last is not None and counted >= last

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {"rule": self.rule.plain(), "set_at": self.set_at, "met": self.met, "struck": self.struck}


class _Kept(Section):
    rule: FaultRule
    set_at: float
    met: int = Field(ge=0)
    struck: int = Field(ge=0)


class _KeptFaults(Section):
    faults: tuple[_Kept, ...] = Field(max_length=MOST_FAULTS)


class FaultBook:
    """Faults in the order in which they were set.

    Each part of a call - its answer, its delay, the wire, the session's fate - is for the first fault that strikes it;
    one behind that has nothing else to change does not meet the call. Chance is drawn from (seed, id, n-th call).
    """

    def __init__(self, seed: int, changed: Callable[[], None] = lambda: None) -> None:
        """``changed`` is called when faults were set or removed."""
        self._draws = Draws(seed)
        self._changed = changed
        self._faults: dict[str, SetFault] = {}
        self._of: dict[str, tuple[SetFault, ...]] = {}
        self._numbered = 0

    def __len__(self) -> int:
        return len(self._faults)

    def __iter__(self) -> Iterator[SetFault]:
        """All, in order."""
        return iter(list(self._faults.values()))

    def find(self, fault_id: str) -> SetFault | None:
        """The one with this id."""
        return self._faults.get(fault_id)

    def add(self, rules: Iterable[FaultRule], now: float) -> list[SetFault]:
        """Set ``rules`` at model time ``now``, behind those there are: all, or none. Raises :class:`BadFault`."""
        made: dict[str, SetFault] = {}
        numbered = self._numbered
        for rule in rules:
            if not rule.id:
                while (label := f"fault-{numbered + 1}") in self._faults or label in made:
                    numbered += 1
                numbered += 1
                rule = rule.model_copy(update={"id": label})
            elif rule.id in self._faults or rule.id in made:
                raise BadFault(f"there is a fault {rule.id!r} already; remove it first, or give another id")
            made[rule.id] = SetFault(rule, now)
        if len(self._faults) + len(made) > MOST_FAULTS:
            raise BadFault(f"there can be {MOST_FAULTS} faults at most; remove some")
        self._numbered = numbered
        self._faults |= made
        self._index()
        return list(made.values())

    def remove(self, fault_id: str) -> bool:
        """Whether there was one with this id."""
        if self._faults.pop(fault_id, None) is None:
            return False
        self._index()
        return True

    def clear(self) -> None:
        """Remove all."""
        self.begin(self._draws.seed)

    def begin(self, seed: int, rules: Iterable[FaultRule] = (), now: float = 0.0) -> None:
        """As if new: with ``rules`` alone, none of which has met anything."""
        self._draws = Draws(seed)
        self._faults, self._numbered = {}, 0
        self.add(rules, now)

    def dump(self) -> list[dict[str, Any]]:
        """All as JSON, with what they have met."""
        return [fault.plain() for fault in self]

    def load(self, seed: int, kept: Iterable[SetFault]) -> None:
        """Those of :func:`undumped` instead of those there are."""
        self._draws = Draws(seed)
        self._faults = {fault.id: fault for fault in kept}
        self._numbered = 0
        self._index()

    def _index(self) -> None:
        of: dict[str, list[SetFault]] = {}
        for fault in self._faults.values():
            for operation in fault.rule.operations:
                of.setdefault(operation, []).append(fault)
        self._of = {operation: tuple(faults) for operation, faults in of.items()}
        self._changed()

    # -- what the gateway asks ---------------------------------------------------------------------------

    def strike(self, operation_id: str, call: Call, platform: Platform) -> Strike | None:
        """What happens to ``call``. Changes nothing but what the faults have met."""
        faults = self._of.get(operation_id)
        if faults is None:
            return None
        looked: list[Subject] = []

        def subject() -> Subject:
            if not looked:
                looked.append(subject_of(operation_id, call, platform) or NOBODY)
            return looked[0]

        struck: dict[str, SetFault] = {}
        for fault in faults:
            if len(struck) == 4:
                break
            parts = fault.rule.parts
            if parts <= struck.keys():
                continue
            if self._strikes(fault, operation_id, call, platform, subject):
                for part in parts:
                    struck.setdefault(part, fault)
        return self._strike(struck, operation_id, call, platform) if struck else None

    def _strikes(
        self, fault: SetFault, operation: str, call: Call, platform: Platform, subject: Callable[[], Subject]
    ) -> bool:
        """Whether it does, this time; counts the call if it is for this fault."""
        rule, now = fault.rule, platform.time
        if rule.begin is not None and now < model_time(rule.begin, fault.set_at, platform.epoch):
            return False
        if rule.until is not None and now >= model_time(rule.until, fault.set_at, platform.epoch):
            return False
        if not meets(rule, operation, call, subject):
            return False
        fault.met += 1
        number = fault.met - rule.skip
        if number < 1 or (rule.times is not None and fault.struck >= rule.times):
            return False
        if rule.nth and number not in rule.nth:
            return False
        if rule.first is not None and number > rule.first:
            return False
        if rule.every is not None and number % rule.every:
            return False
        if rule.probability is not None and (
            self._draws.uniform("fault", rule.id, fault.met) >= rule.probability
        ):
            return False
        fault.struck += 1
        return True

    def _strike(self, struck: dict[str, SetFault], operation: str, call: Call, platform: Platform) -> Strike:
        answer: Answer | None = None
        error: SkahaError | None = None
        executes = known = True
        told = struck.get("answer")
        if told is not None:
            rule = told.rule
            executes = rule.after
            if rule.error is None:
                answer = Answer(
                    rule.body_bytes, rule.media_type, rule.status or 200, tuple(rule.headers.items())
                )
            else:
                refusal = REFUSALS[rule.error]
                known, made = refusal.known, refusal.make(platform, call, operation)
                answer, error = (made, None) if isinstance(made, Answer) else (None, made)
        wire = struck.get("wire")
        if wire is not None and wire.rule.reset and told is None:
            answer, executes = Answer(), wire.rule.after
        if (doomed := struck.get("fate")) is not None and doomed.rule.fate is not None:
            call.fate = doomed.rule.fate.overrides(
                lambda name: self._draws.uniform("fault-fate", doomed.id, doomed.met, name)
            )
        ids = ",".join(dict.fromkeys(fault.id for fault in struck.values()))
        return Strike(ids, answer, executes, self._harm(struck), error, known)

    def _harm(self, struck: dict[str, SetFault]) -> Harm:
        delayed, wire = struck.get("delay"), struck.get("wire")
        if delayed is None and wire is None:
            return UNHARMED
        seconds = 0.0
        if delayed is not None and delayed.rule.delay is not None:
            uniform = self._draws.uniform("fault-delay", delayed.id, delayed.met)
            seconds = min(draw(delayed.rule.delay, uniform), LONGEST_DELAY_SECONDS)
        if wire is None:
            return Harm(delay_seconds=seconds)
        rule = wire.rule
        if rule.reset:
            return Harm("reset", seconds)
        if rule.truncate is not None:
            return Harm("truncate", seconds, after_bytes=rule.truncate)
        return Harm("drip", seconds, bytes_per_second=rule.drip or 0.0)


def undumped(kept: list[dict[str, Any]]) -> list[SetFault]:
    """What :meth:`FaultBook.dump` wrote. Raises ``ConfigurationError``."""
    document = Document("faults", {"faults": kept}, {(): Origin("faults")})
    found = [
        SetFault(item.rule, item.set_at, item.met, item.struck)
        for item in validate(_KeptFaults, document).faults
    ]
    if len({fault.id for fault in found}) < len(found) or any(not fault.id for fault in found):
        raise ConfigurationError([Problem(Origin("faults"), (), "each has an id of its own")])
    return found
