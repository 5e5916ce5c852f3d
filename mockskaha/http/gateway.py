"""From an ASGI request to an answer: reading, who calls, which operation, and every header on the way out."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from mockskaha.errors import InvalidRequest, InvalidToken, SkahaError
from mockskaha.http.exchange import Answer, Call
from mockskaha.http.failures import broken, no_such_page, not_allowed, refusal, too_large
from mockskaha.http.handlers import HANDLERS
from mockskaha.http.operations import TOO_DEEP, Caller, Target, resolve
from mockskaha.http.parameters import parse
from mockskaha.identity import Identity

if TYPE_CHECKING:
    from mockskaha.platform import Platform

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BODY_BYTES = 1 << 20
access = logging.getLogger("mockskaha.access")
"""One line a request. Never the query string: it may hold secrets."""
_PORT = re.compile(r":\d*$", re.ASCII)
_SERVER = (b"server", b"OpenCADC/cadc-rest")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Gateway:
    """The ASGI application of the contract: every path of ``openapi/skaha.yaml``, for one platform.

    Other paths are left to the application ``beyond``; without one they are the servlet container's 404.
    """

    def __init__(self, platform: Platform, beyond: Application | None = None) -> None:
        self.platform = platform
        self._beyond = beyond
        self._log_access = platform.settings.server.access_log
        self._one_spelling = platform.settings.quirks.case_conflict_error
        self._empty_session_id = platform.settings.quirks.empty_session_id

    def knows(self, path: str) -> bool:
        """Whether ``path`` is one this application answers, be it with a 405."""
        return self._target("GET", path) is not None

    def _target(self, method: str, path: str) -> Target | None:
        return resolve(method, path, empty_session_id=self._empty_session_id)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method: str = scope["method"]
        target = self._target(method, scope["path"])
        if target is None and self._beyond is not None:
            await self._beyond(scope, receive, send)
            return
        body = b""
        oversized = False
        if method in _WITH_BODY:
            message = await receive()
            body = message.get("body", b"")
            oversized = len(body) > MOST_BODY_BYTES
            if message.get("more_body"):
                body, oversized = await _rest(body, receive)
        answer, username, challenges = (
            (too_large(MOST_BODY_BYTES), "", []) if oversized else self._answer(scope, target, body)
        )
        headers = [_SERVER, (b"content-length", b"%d" % len(answer.body))]
        if answer.content_type is not None:
            headers.append((b"content-type", answer.content_type.encode()))
        if username:
            headers.append((b"x-vo-authenticated", username.encode()))
        for name, value in (*answer.headers, *challenges):
            headers.append((name.lower().encode(), value.encode("latin-1", "replace")))
        if self._log_access:
            access.info("%s %s %r %d", username or "-", method, scope["path"], answer.status)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body})

    def _answer(
        self, scope: Scope, target: Target | None, body: bytes
    ) -> tuple[Answer, str, list[tuple[str, str]]]:
        """The answer, the name of the caller it was given to, and the challenges that go with it."""
        platform, method = self.platform, scope["method"]
        if target is None:
            return no_such_page(), "", []
        if not target.operation_id:
            if method == "OPTIONS":
                return Answer(headers=(("Allow", f"{target.allow}, OPTIONS"),)), "", []
            declare = platform.settings.quirks.servlet_charset
            return not_allowed(method, target.allow, declare_charset=declare), "", []
        username = ""
        challenges: list[tuple[str, str]] = []
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
            answer = HANDLERS[target.operation_id](platform, call)
        except SkahaError as error:
            answer = refusal(error)
        except Exception as error:  # whatever it is, the client gets an answer
            answer = broken(error)
        return answer, username, challenges

    def _recognise(self, call: Call, certificate: str | None) -> tuple[str, list[tuple[str, str]]]:
        """Note in ``call`` whose credentials it has. Returns the name, or the challenges where there is none."""
        authenticator = self.platform.authenticator
        try:
            call.identity = authenticator.authenticate(call.headers, certificate, self.platform.now())
        except InvalidToken as error:
            call.bad_token = error
        if call.identity is not None:
            return call.identity.username, []
        return "", authenticator.challenges(self._login_url(), call.bad_token)

    def _admitted(self, call: Call, certificate: str | None) -> Identity:
        """The caller, who may use Skaha. Raises what is told to others."""
        authenticator = self.platform.authenticator
        identity = authenticator.identify(call.headers, certificate, self.platform.now())
        if identity is None:
            raise authenticator.anonymous_refusal()
        return identity

    def _login_url(self) -> str:
        return f"{self.platform.base_url}/ac/login"


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
