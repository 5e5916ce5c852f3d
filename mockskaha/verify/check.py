"""What a check is: a plain function that asks a server, and a few facts about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NoReturn, TypeVar

from mockskaha.verify.exchange import Exchange

if TYPE_CHECKING:
    from mockskaha.era import Era
    from mockskaha.verify.skaha import Skaha

Behaviour = Callable[["Skaha"], None]
_F = TypeVar("_F", bound=Behaviour)


class Needs(StrEnum):
    """What a check cannot do without."""

    NOTHING = "nothing"
    """It reads, or asks for what is certain to be refused."""
    WRITE = "write"
    """It launches sessions."""
    SECOND_USER = "second user"
    """It launches sessions, and somebody else looks at them."""


class Unmet(Exception):
    """The server did something else than the contract says. ``exchange`` shows it."""

    def __init__(self, message: str, exchange: Exchange | None = None) -> None:
        super().__init__(message)
        self.exchange = exchange


class NotChecked(Exception):
    """It cannot be told here; the text says why."""


@dataclass(frozen=True, slots=True)
class Check:
    """One behaviour of Skaha. ``title`` says what is so, as a sentence."""

    id: str
    section: str
    """Of the contract's description: ``skaha-contract §…``."""
    title: str
    group: str
    needs: Needs
    behaviour: Behaviour
    when: Callable[[Era], bool] | None = None
    """In which eras there is something to check; all, when not given."""

    def applies(self, era: Era) -> bool:
        return self.when is None or self.when(era)


def check(
    check_id: str,
    section: str,
    *,
    needs: Needs = Needs.NOTHING,
    when: Callable[[Era], bool] | None = None,
) -> Callable[[_F], _F]:
    """Make a function a check: its name is ``check_id``, the first line of its docstring its title."""

    def marked(function: _F) -> _F:
        title = (function.__doc__ or "").strip().partition("\n")[0]
        group = check_id.partition(".")[0]
        function.__check__ = Check(check_id, section, title, group, needs, function, when)  # type: ignore[attr-defined]
        return function

    return marked


def expect(holds: object, message: str, exchange: Exchange | None = None) -> None:
    """Raise :class:`Unmet` unless ``holds``."""
    if not holds:
        raise Unmet(message, exchange)


def differs(what: str, expected: object, exchange: Exchange) -> NoReturn:
    raise Unmet(f"{what}: expected {expected}, got {exchange.told()}", exchange)


def expect_refusal(exchange: Exchange, status: int, text: str) -> None:
    """``text/plain`` with exactly this text and a newline, as every refusal but a few is told (§3.1)."""
    expected = f"{text}\n"
    if exchange.status != status or exchange.text != expected or exchange.content_type != "text/plain":
        differs(asked(exchange), f"{status} text/plain {expected!r}", exchange)


def expect_empty(exchange: Exchange) -> None:
    """200 without a body and without a media type (§2.7)."""
    if exchange.status != 200 or exchange.body or exchange.content_type is not None:
        differs(asked(exchange), "200 with neither body nor Content-Type", exchange)


def expect_type(exchange: Exchange, media_type: str, status: int = 200) -> None:
    """This status, and this media type to the letter."""
    if exchange.status != status or exchange.content_type != media_type:
        differs(asked(exchange), f"{status} {media_type}", exchange)


def asked(exchange: Exchange) -> str:
    request = exchange.request
    who = "" if request.caller.value == "owner" else f" as {request.caller.value}"
    return f"{request.method} {request.path or '/skaha'}{who}"
