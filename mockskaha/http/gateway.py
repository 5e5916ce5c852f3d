"""From a request to an answer: reading, who calls, which operation, and every header on the way out."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mockskaha.errors import Forbidden, InvalidRequest, InvalidToken, SkahaError
from mockskaha.http.delivery import UNHARMED, Delivery, Harm, Receive, Scope, Send, deliver
from mockskaha.http.exchange import Answer, Call
from mockskaha.http.failures import broken, no_such_page, not_allowed, refusal, too_large
from mockskaha.http.handlers import HANDLERS
from mockskaha.http.operations import TOO_DEEP, Caller, Target, resolver
from mockskaha.http.parameters import parse
from mockskaha.http.requests import RequestJournal
from mockskaha.identity import Identity

if TYPE_CHECKING:
    from mockskaha.platform import Platform

MOST_BODY_BYTES = 1 << 20
access = logging.getLogger("mockskaha.access")
"""One line a request. Never the query string: it may hold secrets."""
_PORT = re.compile(r":\d*$", re.ASCII)
_SERVER = (b"server", b"OpenCADC/cadc-rest")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Strike(NamedTuple):
    """What a fault does to one request."""

    fault: str
    """Its id."""
    answer: Answer | None = None
    """Told instead of the operation's own answer."""
    executes: bool = False
    """The operation is carried out all the same, and only its answer is lost."""
    harm: Harm = UNHARMED
    """What happens to the answer on the wire."""
    error: SkahaError | None = None
    """Refused with this, instead of an answer."""
    known: bool = True
    """The answer tells callers who they are; ``False``: it comes from somewhere that does not know."""


class Faults(Protocol):
    """Who may meddle with requests (``mockskaha.faults``)."""

    def strike(self, operation_id: str, call: Call, platform: Platform) -> Strike | None:
        """What happens to ``call``, which is let in and about to be carried out; ``None`` for nothing. May give it a
        ``fate``."""
        ...


class Gateway:
    """The ASGI application of the contract: every path of ``openapi/skaha.yaml``, for one platform.

    Other paths are the servlet container's 404. ``platform``, ``faults`` and ``requests`` may be replaced while it
    serves.
    """

    def __init__(
        self,
        platform: Platform,
        *,
        faults: Faults | None = None,
        requests: RequestJournal | None = None,
    ) -> None:
        self.faults = faults
        self.requests = requests
        self.platform = platform

    @property
    def platform(self) -> Platform:
        """Whose answers these are."""
        return self._platform

    @platform.setter
    def platform(self, platform: Platform) -> None:
        self._platform = platform
        self._log_access = platform.settings.server.access_log
        self._one_spelling = platform.settings.quirks.case_conflict_error
        self._target = resolver(
            platform.era.base_path,
            platform.era.carta_path,
            empty_session_id=platform.settings.quirks.empty_session_id,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method: str = scope["method"]
        target = self._target(method, scope["path"])
        body = b""
        oversized = False
        if method in _WITH_BODY:
            message = await receive()
            body = message.get("body", b"")
            oversized = len(body) > MOST_BODY_BYTES
            if message.get("more_body"):
                body, oversized = await _rest(body, receive)
        await deliver(self._respond(scope, target, body, oversized=oversized), scope, receive, send)

    def respond(self, scope: Scope, body: bytes = b"") -> Delivery:
        """The answer to one request, read whole; at once, whatever delays it has on the wire."""
        target = self._target(scope["method"], scope["path"])
        return self._respond(scope, target, body, oversized=len(body) > MOST_BODY_BYTES)

    def _respond(self, scope: Scope, target: Target | None, body: bytes, *, oversized: bool) -> Delivery:
        method = scope["method"]
        reply = Reply(too_large(MOST_BODY_BYTES)) if oversized else self._answer(scope, target, body)
        answer, username, challenges, strike = reply
        headers = [_SERVER, (b"content-length", b"%d" % len(answer.body))]
        if answer.content_type is not None:
            headers.append((b"content-type", answer.content_type.encode()))
        if strike is not None and any(name.lower() == "server" for name, _ in answer.headers):
            del headers[0]
        if username and (strike is None or strike.known):
            headers.append((b"x-vo-authenticated", username.encode()))
        for name, value in (*answer.headers, *challenges):
            headers.append((name.lower().encode(), value.encode("latin-1", "replace")))
        if self._log_access:
            access.info("%s %s %r %d", username or "-", method, scope["path"], answer.status)
        if self.requests is not None:
            self.requests.record(
                self._platform.time, method, scope["path"], scope["query_string"], scope["headers"], body, username,
                target.operation_id if target else "", answer.status, len(answer.body),
                strike.fault if strike else "",
            )  # fmt: skip
        return Delivery(
            answer.status,
            headers,
            b"" if method == "HEAD" else answer.body,
            strike.harm if strike else UNHARMED,
        )

    def _answer(self, scope: Scope, target: Target | None, body: bytes) -> Reply:
        platform, method = self._platform, scope["method"]
        if target is None:
            return Reply(no_such_page())
        if not target.operation_id:
            if method == "OPTIONS":
                return Reply(Answer(headers=(("Allow", f"{target.allow}, OPTIONS"),)))
            declare = platform.settings.quirks.servlet_charset
            return Reply(not_allowed(method, target.allow, declare_charset=declare))
        username = ""
        challenges: list[tuple[str, str]] = []
        strike: Strike | None = None
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        tls = scope.get("extensions", {}).get("tls")
        certificate = tls["client_cert_name"] if tls else None
        try:
            platform.catch_up()
            call = Call(
                method,
                scope["path"],
                target.segments,
                headers=headers,
                host=_PORT.sub("", headers.get("host", "127.0.0.1")),
                client_ip=(scope.get("client") or ("127.0.0.1",))[0],
            )
            if target.caller is not Caller.IGNORED:
                username, challenges = self._recognise(call, certificate)
            if target.caller is Caller.REQUIRED:
                call.refuse_bad_token()
            # A body that cannot be read is refused before a caller who may not come in (skaha-contract §1.3).
            call.parameters = parse(
                method,
                scope["query_string"],
                headers.get("content-type"),
                body,
                one_spelling=self._one_spelling,
            )
            if target.caller is Caller.REQUIRED:
                call.identity = self._admitted(call, certificate)
            if target.operation_id == TOO_DEEP:
                raise InvalidRequest(f"Invalid request: {target.segments[0]}")
            if self.faults is not None:
                strike = self.faults.strike(target.operation_id, call, platform)
            if strike is None:
                answer = HANDLERS[target.operation_id](platform, call)
            else:
                answer = self._struck(strike, target.operation_id, call)
        except SkahaError as error:
            answer = refusal(error)
            if strike is not None and not strike.known and not isinstance(error, Forbidden):
                bad_token = error if isinstance(error, InvalidToken) else None
                challenges = platform.authenticator.challenges(self._login_url(), bad_token)
        except Exception as error:  # whatever it is, the client gets an answer
            answer = broken(error)
        return Reply(answer, username, challenges, strike)

    def _struck(self, strike: Strike, operation_id: str, call: Call) -> Answer:
        """What is told of an operation that a fault meddles with. Raises what it is refused with."""
        if strike.answer is None and strike.error is None:
            return HANDLERS[operation_id](self._platform, call)
        if strike.executes:
            with suppress(SkahaError):  # what it would have been refused with is lost with its answer
                HANDLERS[operation_id](self._platform, call)
        if strike.error is not None:
            raise strike.error
        return strike.answer or Answer()

    def _recognise(self, call: Call, certificate: str | None) -> tuple[str, list[tuple[str, str]]]:
        """Note in ``call`` whose credentials it has. Returns the name, or the challenges where there is none."""
        authenticator = self._platform.authenticator
        try:
            call.identity = authenticator.authenticate(call.headers, certificate, self._platform.now())
        except InvalidToken as error:
            call.bad_token = error
        if call.identity is not None:
            return call.identity.username, []
        return "", authenticator.challenges(self._login_url(), call.bad_token)

    def _admitted(self, call: Call, certificate: str | None) -> Identity:
        """The caller, who may use Skaha. Raises what is told to others."""
        authenticator = self._platform.authenticator
        identity = authenticator.identify(call.headers, certificate, self._platform.now())
        if identity is None:
            raise authenticator.anonymous_refusal()
        return identity

    def _login_url(self) -> str:
        return f"{self._platform.base_url}/ac/login"


class Reply(NamedTuple):
    """What is told to a request."""

    answer: Answer
    username: str = ""
    """Of the caller it is given to."""
    challenges: Sequence[tuple[str, str]] = ()
    strike: Strike | None = None
    """What a fault made of it."""


async def _rest(body: bytes, receive: Receive) -> tuple[bytes, bool]:
    """The whole body, and whether it is above the limit (then the rest of it is read and dropped)."""
    chunks, size, more = [body], len(body), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= MOST_BODY_BYTES:
            chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks), size > MOST_BODY_BYTES
