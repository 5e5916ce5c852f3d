"""The control API as an application: who is let in, what is asked for, and who answers (``openapi/control.yaml``)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from mockskaha.control.guard import Guard
from mockskaha.control.handlers import HANDLERS
from mockskaha.control.problems import (
    BadInput,
    Conflict,
    ControlError,
    MethodNotAllowed,
    NotFound,
    Refused,
    TokenWanted,
    TooLarge,
    WrongMediaType,
    bad_values,
)
from mockskaha.control.routes import Route, Routes
from mockskaha.control.scope import BODY, HOST, JSON, NAMESPACE
from mockskaha.host import CONTROL, BadNamespace, Host, check_name, route
from mockskaha.http.delivery import Receive, Scope, Send

_CHANGING = frozenset({"POST", "PUT", "PATCH"})
JSON_TYPE = "application/json"


class Control:
    """The ASGI application below ``/_mockskaha``, at the root and in every namespace."""

    def __init__(
        self, host: Host, guard: Guard | None = None, document: Mapping[str, Any] | None = None
    ) -> None:
        """Without a ``guard`` everybody may drive ``host``. ``document`` stands for ``openapi/control.yaml``."""
        self._host = host
        self._guard = guard
        if document is None:
            self._routes, self.fastapi = _as_documented()
        else:
            self._routes = Routes(document)
            self.fastapi = _application(self._routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.fastapi(scope, receive, send)
            return
        try:
            name, path, found = self._found(scope)
            body = await _body(found, scope, receive) if scope["method"] in _CHANGING else b""
            parsed = _parsed(found, body)
            namespace = self._namespace(name)
            scope = {**scope, "path": path, HOST: self._host, NAMESPACE: namespace, BODY: body, JSON: parsed}
        except ControlError as error:
            await error.response()(scope, receive, send)
            return
        if scope["method"] in _CHANGING:
            receive = _again(body, receive)
        await self.fastapi(scope, receive, send)

    def _found(self, scope: Scope) -> tuple[str, str, Route]:
        """The namespace's name, the path below it and the operation. Raises :class:`ControlError` for who or what is
        not let in."""
        name, path = route(scope["path"])
        path = path if path != CONTROL else f"{CONTROL}/"
        methods = self._routes.methods(path)
        found = methods.get(scope["method"])
        if self._guard is not None and not (found and found.for_everybody):
            refused = self._guard(scope)
            if refused is not None:
                raise (TokenWanted if refused.status == 401 else Refused)(refused.text)
        if not methods:
            raise NotFound(f"the control API has no {path[:100]}; {CONTROL}/ lists what it has")
        if found is None:
            raise MethodNotAllowed(scope["method"], sorted(methods))
        if name and found.of_server:
            raise NotFound(
                f"{path[:100]} belongs to the server and not to a namespace: ask for it at the root"
            )
        if name:
            try:
                check_name(name)
            except BadNamespace as error:
                raise NotFound(str(error)) from None
        elif scope["path"].startswith("/ns/"):
            raise NotFound("a namespace has a name")
        _refuse_unknown(found, scope["query_string"])
        return name, path, found

    def _namespace(self, name: str) -> Any:
        try:
            return self._host.namespace(name)
        except BadNamespace as error:
            raise Conflict(str(error)) from None


def _refuse_unknown(found: Route, query: bytes) -> None:
    try:
        names = [
            name for name, _ in parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=100)
        ]
    except ValueError:
        raise BadInput("the query string cannot be read") from None
    for name in names:
        if name not in found.query:
            known = ", ".join(sorted(found.query)) or "none"
            raise BadInput(f"unknown query parameter {name[:40]!r}; known: {known}")
        if names.count(name) > 1:
            raise BadInput(f"the query parameter {name!r} is there twice")


async def _body(found: Route, scope: Scope, receive: Receive) -> bytes:
    """The whole body. Raises :class:`WrongMediaType`, or :class:`TooLarge` without reading on."""
    headers = {name.lower(): value for name, value in scope["headers"]}
    given = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    known = found.media_types or (JSON_TYPE,)
    if given not in known:
        # Whatever a web page can send without asking first is not taken, not even where no body is wanted.
        said = f"not {given[:60]!r}" if given else "and it is missing"
        raise WrongMediaType(f"the header Content-Type should be {' or '.join(known)}, {said}")
    too_large = TooLarge(f"the body may have {found.most_bytes} bytes")
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length[:20]) > found.most_bytes:
        raise too_large
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadInput("the body ends in the middle")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > found.most_bytes:
            raise too_large
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)


def _parsed(found: Route, body: bytes) -> Any:
    if not body or found.media_types != (JSON_TYPE,):
        return None
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadInput(
            f"the body is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    if parsed is None:
        raise BadInput("the body should be an object; where none is needed, leave it empty")
    return parsed


def _again(body: bytes, receive: Receive) -> Receive:
    """``receive``, as if the body had not been read yet."""
    first = True

    async def receive_again() -> Any:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return receive_again


class _Request(Request):
    """Its JSON is that of :func:`_parsed`, which knows neither NaN nor half of a character."""

    async def json(self) -> Any:
        return self.scope[JSON]


class _Route(APIRoute):
    def get_route_handler(self) -> Any:
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await answer(_Request(request.scope, request.receive))

        return handle


@cache
def _as_documented() -> tuple[Routes, FastAPI]:
    """The same for all hosts, for it knows none of them."""
    routes = Routes()
    return routes, _application(routes)


def documented_routes() -> Routes:
    """The operations of ``openapi/control.yaml``."""
    return _as_documented()[0]


def _application(routes: Routes) -> FastAPI:
    app = FastAPI(
        title="mockskaha control", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    app.router.route_class = _Route
    for item in routes:
        app.add_api_route(
            item.path, HANDLERS[item.operation_id], methods=[item.method], operation_id=item.operation_id
        )
    app.add_exception_handler(ControlError, _say)
    app.add_exception_handler(RequestValidationError, _say_bad_values)
    app.add_exception_handler(HTTPException, _say_other)
    return app


async def _say(_: Request, error: Any) -> Response:
    response: Response = error.response()
    return response


async def _say_bad_values(_: Request, error: Any) -> Response:
    return bad_values(error.errors()).response()


async def _say_other(_: Request, error: Any) -> Response:
    return BadInput(str(error.detail)).response()


def control_app(host: Host, guard: Guard | None = None, document: Mapping[str, Any] | None = None) -> Control:
    """The application that drives ``host``; see :class:`Control`."""
    return Control(host, guard, document)
