"""Which Skaha answers like that: told from the answers, by what the versions are known to do differently."""

from __future__ import annotations

from dataclasses import dataclass

from mockskaha.contract import ContractViolation
from mockskaha.era import VERSIONS, Era, era
from mockskaha.verify.check import Check, NotChecked, Unmet
from mockskaha.verify.checks import all_checks
from mockskaha.verify.client import Asks, Unreachable
from mockskaha.verify.exchange import Exchange
from mockskaha.verify.ledger import conforms, validator_for
from mockskaha.verify.memory import Forgotten, Memory, Remembering
from mockskaha.verify.skaha import Skaha, Stage

CLUES = (
    "service.no-such-page", "service.capabilities", "access.anonymous", "platform.context-layout", "platform.stats",
    "platform.stats-limits", "sessions.list", "sessions.absent-fields", "sessions.interactive", "sessions.illegal-id",
    "refusals.type", "refusals.decimals",
)  # fmt: skip
"""Checks whose outcome depends on the version, and that only read."""


@dataclass(frozen=True, slots=True)
class Guess:
    """Which version a server seems to be, and why."""

    version: str
    also: tuple[str, ...]
    """Versions that fit as well."""
    clues: tuple[tuple[str, tuple[str, ...]], ...]
    """What was looked at, and the versions that answer like that."""

    @property
    def is_certain(self) -> bool:
        """Whether no clue speaks against it."""
        return all(self.version in versions for _, versions in self.clues)

    def __str__(self) -> str:
        for_it = sum(self.version in versions for _, versions in self.clues)
        text = f"Skaha {self.version}: {for_it} of {len(self.clues)} clues fit"
        if self.also:
            text += f" (as they do {' and '.join(self.also)})"
        against = [name for name, versions in self.clues if self.version not in versions]
        return f"{text}; not: {', '.join(against)}" if against else text


def detected(asks: Asks, stage: Stage) -> Guess:
    """The version whose answers these are most like; the newest of several. Only reads.

    Raises :class:`Unreachable`.
    """
    remembering = Remembering(asks)
    found: dict[str, tuple[str, ...]] = {}
    for check in all_checks():
        if check.id in CLUES:
            fitting = tuple(version for version in VERSIONS if _fits(check, era(version), remembering, stage))
            # What none or all of them do tells nothing.
            if 0 < len(fitting) < len(VERSIONS):
                found[check.title] = fitting
    scores = {version: sum(version in fitting for fitting in found.values()) for version in VERSIONS}
    best = max(scores.values())
    fitting = tuple(version for version in VERSIONS if scores[version] == best)
    return Guess(fitting[-1], fitting[:-1], tuple(found.items()))


def _fits(check: Check, candidate: Era, asks: Asks, stage: Stage) -> bool:
    if not check.applies(candidate):
        return False
    fresh = Stage(run=stage.run)
    try:
        check.behaviour(Skaha(asks, candidate, fresh))
    except NotChecked:
        return False
    except Unreachable:
        raise
    except Exception:  # what is said by a server of another version may have any shape
        return False
    return True


def versions_like(
    check: Check, exchanges: list[Exchange], root: str, stage: Stage, assumed: Era
) -> tuple[str, ...]:
    """The versions, other than the ``assumed`` one, in which these answers are right.

    ``stage`` is as it was before the check. Nothing is asked.
    """
    found = []
    for version in VERSIONS:
        other = era(version)
        if other == assumed or not check.applies(other):
            continue
        memory = Memory(root, exchanges)
        try:
            check.behaviour(Skaha(memory, other, stage.copy()))
        except Forgotten:
            # The check had ended at the first fault: right as far as it went.
            if memory.is_exhausted:
                found.append(version)
        except (NotChecked, Unmet, Exception):  # noqa: S112 - another version's answers may have any shape
            continue
        else:
            found.append(version)
    return tuple(found)


def versions_whose_contract_has(exchange: Exchange, assumed: Era) -> tuple[str, ...]:
    """The versions, other than the ``assumed`` one, whose contract knows this answer."""
    found = []
    for version in VERSIONS:
        if version == assumed.version:
            continue
        try:
            conforms(validator_for(era(version)), exchange)
        except ContractViolation:
            continue
        found.append(version)
    return tuple(found)
