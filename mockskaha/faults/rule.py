"""One fault: which calls it meets, which of them it strikes, and what it does to these."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictInt,
    StringConstraints,
    model_serializer,
    model_validator,
)

from mockskaha.faults.amounts import EndlessSeconds, Instant, SomeSeconds, draw, written
from mockskaha.faults.refusals import APPS, CREATING, EVERY, ONE_SESSION, REFUSALS, nearest
from mockskaha.http.exchange import JSON, TEXT
from mockskaha.overrides import PREFIX
from mockskaha.session import DESKTOP_APP, KINDS
from skahasim.section import Section

LONGEST_DELAY_SECONDS = 600.0
"""No answer is kept longer; of wall time."""
MOST_BODY_BYTES = 1 << 20
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_UNSENDABLE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "upgrade", "trailer"})
_WITHOUT_BODY = frozenset({204, 304})
ABOUT_A_SESSION = ONE_SESSION | APPS | {"createSession", "openSession"}
"""Operations that are about one session, which has a name and a type."""
MATCHING = ("operation", "method", "path", "user", "name", "session", "kind", "parameters")
SELECTING = ("probability", "nth", "first", "every", "skip", "times", "begin", "until")


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str | int) and not isinstance(value, bool) else value


Pattern = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Count = Annotated[StrictInt, Field(ge=1, le=10**9)]
Operations = Annotated[tuple[str, ...], BeforeValidator(_several)]
Kinds = Annotated[tuple[str, ...], BeforeValidator(_several)]
Numbers = Annotated[tuple[Count, ...], BeforeValidator(_several), Field(max_length=1000)]
Code = Annotated[StrictInt, Field(ge=0, le=255)]


class Brief(Section):
    """Written without what is at its default."""

    @model_serializer(mode="wrap")
    def _brief(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        return {
            name: value
            for name, value in written(self).items()
            if getattr(self, name) != fields[name].get_default(call_default_factory=True)
        }


class Fate(Brief):
    """What becomes of a session that is launched; each may be a distribution, which is drawn at the launch."""

    hold: EndlessSeconds | None = None
    """Its pod fits on no node for so long."""
    suspend: EndlessSeconds | None = None
    """It is suspended for so long, as by Kueue: neither start time nor pod, and its events are 404."""
    pull: Literal["ok", "fail", "not-found", "unauthorized"] | None = None
    """What the registry answers: ``ok``, ``not-found`` or ``unauthorized``."""
    pull_for: EndlessSeconds | None = None
    """So long after the launch the image can be pulled all the same, at the next attempt."""
    ready: EndlessSeconds | None = None
    """From its start until it is ready; ``never``: it stays Pending."""
    runtime: EndlessSeconds | None = None
    """How long its command runs."""
    exit: Code | None = None
    """Exit code of its command."""
    crash: SomeSeconds | None = None
    """So long after each start it exits, with ``exit`` or else 1."""
    oom: SomeSeconds | None = None
    """So long after each start it is killed for its memory."""
    evict: SomeSeconds | None = None
    """So long after its first start its node evicts it."""
    node_lost: SomeSeconds | None = None
    """So long after its first start its pod is lost with its node; other sessions there are spared."""
    preempt: SomeSeconds | None = None
    """So long after its first start it makes room for a higher priority class, and starts anew."""
    preempt_for: EndlessSeconds | None = None
    """So long it then waits."""
    expire: SomeSeconds | None = None
    """Its lifetime, until it is renewed."""
    stop: SomeSeconds | None = None
    """So long its pod takes to stop. It is listed as Terminating meanwhile, even once it is deleted."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.model_fields_set or all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError(f"give at least one of: {', '.join(type(self).model_fields)}")
        for part, whole in (("pull_for", "pull"), ("preempt_for", "preempt")):
            if getattr(self, part) is not None and getattr(self, whole) is None:
                raise ValueError(f"{part} goes with {whole}")
        if self.hold is not None and self.suspend is not None:
            raise ValueError("give hold or suspend")
        return self

    def overrides(self, uniform: Any) -> tuple[tuple[str, str], ...]:
        """``MOCKSKAHA_…`` variables; ``uniform(name)`` draws a number in [0, 1) for each."""
        found: list[tuple[str, str]] = []
        for name in type(self).model_fields:
            value = getattr(self, name)
            if value is None:
                continue
            if isinstance(value, str | int):
                text = str(value)
            else:
                text = written(draw(value, uniform(name)))
                if name == "ready" and text == "forever":
                    text = "never"
            found.append((PREFIX + name.upper(), text))
        return tuple(found)


class FaultRule(Brief):
    """A fault. What is left out of the first group does not matter; without the second every call is struck."""

    id: Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9._-]{0,63})?$")] = ""
    """What it is called in lists and in the request journal; made up when left out."""
    description: Annotated[str, StringConstraints(max_length=1000)] = ""

    operation: Operations = ()
    """``operationId`` of the contract, one or several."""
    method: Annotated[str, StringConstraints(pattern="^[A-Z]+$")] | None = None
    """HTTP method."""
    path: Pattern | None = None
    """Pattern with ``*``, ``?`` and ``[…]``, as in the others."""
    user: Pattern | None = None
    """Pattern of the caller's user name."""
    name: Pattern | None = None
    """Pattern of the session's name, in any case."""
    session: Pattern | None = None
    """Pattern of the session's id."""
    kind: Kinds = ()
    """Type of the session, one or several."""
    parameters: Mapping[str, Pattern] = Field(default_factory=dict, max_length=20)
    """Patterns of parameters that are sent, names in any case."""

    probability: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of the calls that it strikes, by the seed."""
    nth: Numbers = ()
    """It strikes the n-th call, or several such."""
    first: Count | None = None
    """It strikes the first so many calls."""
    every: Count | None = None
    """It strikes every so many-th call."""
    skip: Annotated[StrictInt, Field(ge=0, le=10**9)] = 0
    """So many calls are let through before any is counted."""
    times: Count | None = None
    """It strikes at most so often."""
    begin: Instant | None = None
    """It is there from then on: a time of the model, or so long after it is set."""
    until: Instant | None = None
    """It is there until then."""

    status: Annotated[StrictInt, Field(ge=200, le=599)] | None = None
    """Status of the answer told instead."""
    body: Any = None
    """Text of that answer, or a JSON value."""
    headers: Mapping[str, str] = Field(default_factory=dict, max_length=50)
    """Headers of that answer; ``Server`` takes the place of the usual one."""
    content_type: str | None = None
    """``application/json`` for a JSON value, and ``text/plain`` for text, when left out."""
    error: str | None = None
    """One of the service's own refusals, by name."""
    after: StrictBool = False
    """The operation is carried out before its answer is lost: to what is told instead, or to ``reset``."""
    delay: SomeSeconds | None = None
    """Seconds of wall time until the answer begins, at most ten minutes."""
    reset: StrictBool = False
    """The connection is reset, without an answer."""
    truncate: Annotated[StrictInt, Field(ge=0)] | None = None
    """The connection ends after so many bytes of the body."""
    drip: Annotated[float, Field(gt=0, le=1e9)] | None = None
    """Bytes a second at which the body is sent."""
    fate: Fate | None = None
    """What becomes of the session that is launched."""

    @model_validator(mode="after")
    def _calls_make_sense(self) -> Self:
        for operation in self.operation:
            if operation not in EVERY:
                raise ValueError(f"operation: there is no {operation!r}; {nearest(operation, EVERY)}")
        kinds = (*KINDS, DESKTOP_APP)
        for kind in self.kind:
            if kind not in kinds:
                raise ValueError(f"kind: there is no {kind!r}; {nearest(kind, kinds)}")
        if self.operation and not ABOUT_A_SESSION.intersection(self.operation):
            for name in ("name", "session", "kind"):
                if getattr(self, name):
                    raise ValueError(f"{name}: {', '.join(self.operation)} is not about one session")
        if sum(bool(item) for item in (self.nth, self.first, self.every)) > 1:
            raise ValueError("give one of nth, first and every")
        if isinstance(self.begin, type(self.until)) and self.begin is not None and self.begin >= self.until:
            raise ValueError("begin must come before until")
        return self

    @model_validator(mode="after")
    def _answer_makes_sense(self) -> Self:
        if self.status is None:
            for name in ("body", "headers", "content_type"):
                if getattr(self, name):
                    raise ValueError(f"{name} goes with status")
        if self.status is not None and self.error is not None:
            raise ValueError("give status or error")
        if self.status in _WITHOUT_BODY and self.body not in (None, ""):
            raise ValueError(f"an answer with status {self.status} has no body")
        if len(self.body_bytes) > MOST_BODY_BYTES:
            raise ValueError(f"body: at most {MOST_BODY_BYTES} bytes")
        if any(name.lower() == "content-type" for name in self.headers):
            raise ValueError("headers: content_type says that")
        told = {**self.headers, "content-type": self.content_type or ""}
        for name, value in told.items():
            if not _TOKEN.fullmatch(name) or name.lower() in _FRAMING:
                raise ValueError(f"headers: {name[:40]!r} cannot be set")
            if _UNSENDABLE.search(value):
                raise ValueError(f"headers: the value of {name} has a character that no header may have")
        if self.error is not None:
            if self.error not in REFUSALS:
                raise ValueError(f"error: there is no {self.error!r}; {nearest(self.error, REFUSALS)}")
            possible = REFUSALS[self.error].operations
            for operation in self.operation:
                if operation not in possible:
                    raise ValueError(
                        f"error: {operation} is never refused with {self.error!r}, only "
                        f"{', '.join(sorted(possible))}"
                    )
        return self

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if sum((self.reset, self.truncate is not None, self.drip is not None)) > 1:
            raise ValueError("give one of reset, truncate and drip")
        if self.reset and self.answers:
            raise ValueError("reset: nothing is told then; give no status or error")
        if not self.parts:
            raise ValueError("it does nothing: give status, error, delay, reset, truncate, drip or fate")
        if self.after and not (self.answers or self.reset):
            raise ValueError("after goes with status, error or reset")
        if self.fate is not None:
            if (self.answers or self.reset) and not self.after:
                raise ValueError("fate: nothing is launched, unless the answer is lost `after` it")
            for operation in self.operation:
                if operation not in CREATING:
                    raise ValueError(
                        f"fate: {operation} launches nothing; {' and '.join(sorted(CREATING))} do"
                    )
        return self

    @property
    def answers(self) -> bool:
        """Something else is told."""
        return self.status is not None or self.error is not None

    @cached_property
    def parts(self) -> frozenset[str]:
        """What of a call it changes: ``answer``, ``delay``, ``wire``, ``fate``."""
        wire = self.reset or self.truncate is not None or self.drip is not None
        told = {
            "answer": self.answers,
            "delay": self.delay is not None,
            "wire": wire,
            "fate": self.fate is not None,
        }
        return frozenset(part for part, changed in told.items() if changed)

    @property
    def operations(self) -> frozenset[str]:
        """The operations it can strike."""
        possible = EVERY if self.error is None else REFUSALS[self.error].operations
        if self.fate is not None:
            possible = possible & ({"createSession"} if not self.operation else CREATING)
        return possible.intersection(self.operation) if self.operation else possible

    @property
    def body_bytes(self) -> bytes:
        """What is sent."""
        if self.body is None:
            return b""
        if isinstance(self.body, str):
            return self.body.encode("utf-8", "replace")
        import orjson

        try:
            return orjson.dumps(self.body)
        except TypeError:
            raise ValueError("body: should be text or a JSON value") from None

    @property
    def media_type(self) -> str | None:
        """What the answer is said to be."""
        if self.content_type is not None or self.body is None:
            return self.content_type
        return TEXT if isinstance(self.body, str) else JSON

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return self.model_dump(mode="json")
