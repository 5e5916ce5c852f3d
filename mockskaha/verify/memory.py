"""A server that answers from memory: what was asked once, it answers again."""

from __future__ import annotations

from collections.abc import Iterable

from mockskaha.verify.client import Asks
from mockskaha.verify.exchange import Exchange, Request


class Forgotten(Exception):
    """This was never asked."""


class Memory:
    """Answers what was answered before, in the order in which it was; the last answer again and again."""

    def __init__(self, root: str, exchanges: Iterable[Exchange]) -> None:
        self.root = root
        self._answers: dict[object, list[Exchange]] = {}
        self._left: set[int] = set()
        for exchange in exchanges:
            self._answers.setdefault(exchange.request.key, []).append(exchange)
            self._left.add(id(exchange))

    @property
    def is_exhausted(self) -> bool:
        """Whether every answer was given."""
        return not self._left

    def ask(self, request: Request) -> Exchange:
        """Raises :class:`Forgotten`."""
        answers = self._answers.get(request.key)
        if not answers:
            raise Forgotten(f"{request.method} {request.path}")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self._left.discard(id(answer))
        return answer

    def pause(self, seconds: float) -> None:
        """Nothing happens in a memory."""


class Remembering:
    """Asks a server what was not asked before."""

    def __init__(self, asks: Asks) -> None:
        self.root = asks.root
        self._asks = asks
        self._answers: dict[Request, Exchange] = {}

    def ask(self, request: Request) -> Exchange:
        if request not in self._answers:
            self._answers[request] = self._asks.ask(request)
        return self._answers[request]

    def pause(self, seconds: float) -> None:
        """Nothing that is remembered changes."""
