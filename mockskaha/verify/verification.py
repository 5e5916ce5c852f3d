"""A run of the checks against one server: results one by one, and nothing left behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Self

from mockskaha.era import Era
from mockskaha.verify.check import Check, Needs, NotChecked, Unmet
from mockskaha.verify.checks import all_checks
from mockskaha.verify.client import Client, Unreachable
from mockskaha.verify.exchange import Caller, Exchange
from mockskaha.verify.ledger import Ledger, skaha_operations
from mockskaha.verify.skaha import PREFIX, Skaha, Stage
from mockskaha.verify.versions import versions_like, versions_whose_contract_has
from skahasim.clock import WallClock

NEEDS_WRITE = "launches sessions (--write)"
NEEDS_SECOND_USER = "wants a second user (--user2-token)"
_REMOVALS = 3


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one check."""

    id: str
    section: str
    title: str
    group: str
    outcome: Outcome
    reason: str = ""
    exchange: Exchange | None = None
    """What shows it, of a failure."""
    versions: tuple[str, ...] | None = ()
    """The versions of Skaha that answer like that, of a failure; ``None`` when that was not looked at."""
    seconds: float = 0.0


class Verification:
    """Checks of one server, assumed to be of ``era``. To be used in a ``with``, which removes what was launched.

    ``write``: launch sessions, too. What somebody else can see is checked when the client has a second token.
    """

    def __init__(self, client: Client, era: Era, stage: Stage, *, write: bool = False) -> None:
        self.era = era
        self.stage = stage
        self.write = write
        self.ledger = Ledger(client, era)
        self.left: dict[str, str] = {}
        """Sessions that could not be removed: id -> name."""
        self._client = client

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clean()

    def results(self, checks: Iterable[Check] | None = None) -> Iterator[Result]:
        """Run ``checks`` (default: all), then tell which operations kept to the contract.

        Raises :class:`Unreachable` when the server was not there to begin with.
        """
        for check in all_checks() if checks is None else checks:
            yield self.run(check)
        yield from self.contract_results()

    def run(self, check: Check) -> Result:
        reason = self._not_now(check)
        if reason:
            return _result(check, Outcome.SKIPPED, reason)
        before = self.stage.copy()
        skaha = Skaha(self.ledger, self.era, self.stage)
        clock = WallClock()
        try:
            check.behaviour(skaha)
        except NotChecked as unknown:
            return _result(check, Outcome.SKIPPED, str(unknown), seconds=clock.now())
        except Unmet as unmet:
            shown = unmet.exchange or (skaha.exchanges[-1] if skaha.exchanges else None)
            reason = str(unmet)
        except Unreachable as error:
            shown, reason = None, str(error)
        except Exception as error:  # an answer of a shape that nobody thought of
            shown = skaha.exchanges[-1] if skaha.exchanges else None
            told = f": {shown.told()}" if shown else ""
            reason = f"the answer cannot be made sense of ({type(error).__name__}: {error}){told}"
        else:
            return _result(check, Outcome.PASSED, seconds=clock.now())
        seconds = clock.now()
        versions = versions_like(check, skaha.exchanges, self.ledger.root, before, self.era)
        return _result(check, Outcome.FAILED, reason, shown, versions, seconds)

    def _not_now(self, check: Check) -> str:
        if not check.applies(self.era):
            return f"nothing to check in Skaha {self.era.version}"
        if check.needs is not Needs.NOTHING and not self.write:
            return NEEDS_WRITE
        if check.needs is Needs.SECOND_USER and not self._client.knows(Caller.SECOND):
            return NEEDS_SECOND_USER
        return ""

    def contract_results(self) -> Iterator[Result]:
        """For each operation of the contract: was every answer of it in this run one the contract knows?"""
        for operation in skaha_operations():
            name = operation.operation_id
            check = Check(
                f"contract.{name}",
                operation.source,
                f"Every answer of {name} is one the contract knows",
                "contract",
                Needs.NOTHING,
                _nothing,
            )
            if findings := self.ledger.findings.get(name):
                first = findings[0]
                versions = versions_whose_contract_has(first.exchange, self.era)
                yield _result(check, Outcome.FAILED, first.reason, first.exchange, versions)
            elif name not in self.ledger.heard:
                if "/v1/" in operation.path:
                    is_for_writers = not self.write and operation.method in ("POST", "DELETE")
                    reason = NEEDS_WRITE if is_for_writers else "was not asked in this run"
                    yield _result(check, Outcome.SKIPPED, reason)
            else:
                yield _result(check, Outcome.PASSED)
        title = "Wrong paths and methods are answered as the contract knows"
        stray = Check("contract.stray", "skaha-contract §1, §1.4", title, "contract", Needs.NOTHING, _nothing)
        if findings := self.ledger.findings.get(""):
            yield _result(stray, Outcome.FAILED, findings[0].reason, findings[0].exchange)
        else:
            yield _result(stray, Outcome.PASSED)

    # -- leaving nothing behind ------------------------------------------------------------------------------

    def clean(self) -> None:
        """Remove the sessions of this run. Those that stay are ``left``."""
        if not self.write:
            return
        self.left = dict(self.stage.launched)
        for _ in range(_REMOVALS):
            try:
                self._remove()
            except (Unreachable, Unmet):
                continue
            if not self.left:
                return

    def _remove(self) -> None:
        skaha = Skaha(self._client, self.era, self.stage)
        mine = f"{PREFIX}{self.stage.run}-".lower()
        found = {
            item["id"]: str(item.get("name"))
            for item in skaha.sessions()
            if item.get("status") != "Terminating"
            and (item["id"] in self.stage.launched or str(item.get("name")).startswith(mine))
        }
        self.left = found
        for session_id in found:
            skaha.delete(f"session/{session_id}")
        if found:
            still = {item["id"] for item in skaha.sessions() if item.get("status") != "Terminating"}
            self.left = {session_id: name for session_id, name in found.items() if session_id in still}


def _result(
    check: Check,
    outcome: Outcome,
    reason: str = "",
    exchange: Exchange | None = None,
    versions: tuple[str, ...] = (),
    seconds: float = 0.0,
) -> Result:
    return Result(
        check.id, check.section, check.title, check.group, outcome, reason, exchange, versions, seconds
    )


def _nothing(skaha: Skaha) -> None:
    """The contract is held to all along."""
