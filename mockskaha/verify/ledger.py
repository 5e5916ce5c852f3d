"""Everything that was asked in a run, and whether the contract knows each answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from mockskaha.contract import ContractViolation, Operation, ResponseValidator, operations
from mockskaha.era import Era
from mockskaha.verify.client import Asks
from mockskaha.verify.exchange import Exchange, Request

MOST_EXCHANGES = 20_000
MOST_FINDINGS = 5
SERVER = "OpenCADC/cadc-rest"


@dataclass(frozen=True, slots=True)
class Finding:
    """An answer that is not one the contract knows."""

    exchange: Exchange
    reason: str


class Ledger:
    """Asks for somebody, keeps the newest exchanges, and holds every answer to the contract of an era."""

    def __init__(self, asks: Asks, era: Era) -> None:
        self.root = asks.root
        self.exchanges: deque[Exchange] = deque(maxlen=MOST_EXCHANGES)
        self.heard: dict[str, int] = {}
        """How often each operation has answered."""
        self.findings: dict[str, list[Finding]] = {}
        """By operation; ``""`` for what reached none."""
        self.foreign_servers: dict[str, Exchange] = {}
        """Values of the header ``server`` that are not Skaha's: a proxy's, mostly."""
        self._asks = asks
        self._validator = validator_for(era)

    def ask(self, request: Request) -> Exchange:
        exchange = self._asks.ask(request)
        self.keep(exchange)
        return exchange

    def keep(self, exchange: Exchange) -> None:
        """Note an exchange, whoever made it."""
        self.exchanges.append(exchange)
        self._hold(exchange)

    def pause(self, seconds: float) -> None:
        self._asks.pause(seconds)

    def _hold(self, exchange: Exchange) -> None:
        server = exchange.header("server")
        if server is not None and not server.startswith("OpenCADC/cadc-"):
            self.foreign_servers.setdefault(server, exchange)
        try:
            operation_id = conforms(self._validator, exchange)
        except ContractViolation as violation:
            operation_id = operation_of(violation)
            found = self.findings.setdefault(operation_id, [])
            if len(found) < MOST_FINDINGS:
                found.append(Finding(exchange, reason_of(violation)))
        if operation_id is not None:
            self.heard[operation_id] = self.heard.get(operation_id, 0) + 1


@cache
def validator_for(era: Era) -> ResponseValidator:
    """What holds answers to the contract as it is in ``era``."""
    return ResponseValidator(version=era.version)


def conforms(validator: ResponseValidator, exchange: Exchange) -> str | None:
    """The operation that answered; ``None`` for none, or for a page outside the contract.

    Raises ``ContractViolation``. Which program answers is not looked at: a proxy may put its own name there.
    """
    path = exchange.request.path
    if path and not path.startswith("/"):
        return None
    headers: Iterable[tuple[str, str]] = [
        (name, SERVER if name == "server" else value) for name, value in exchange.headers
    ]
    if exchange.header("server") is None:
        headers = [*headers, ("server", SERVER)]
    return validator.check(exchange.request.method, f"/skaha{path}", exchange.status, headers, exchange.body)


def operation_of(violation: ContractViolation) -> str:
    """The operation a violation is of; empty when none was reached."""
    name = str(violation).partition(",")[0]
    return "" if name == "no operation" else name


def reason_of(violation: ContractViolation) -> str:
    return str(violation).partition(": ")[2]


@cache
def skaha_operations() -> tuple[Operation, ...]:
    """Those of Skaha itself, not of the services beside it."""
    return tuple(operation for operation in operations() if operation.path.startswith("/skaha"))
