"""What handlers are given: the namespace a request acts on, the server it is part of, and a document that was sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Depends, Request

from mockskaha.control.problems import BadInput
from mockskaha.host import Host
from mockskaha.namespace import Namespace

Handlers = Mapping[str, Callable[..., Any]]
"""By ``operationId``."""
NAMESPACE = "mockskaha.namespace"
HOST = "mockskaha.host"
JSON = "mockskaha.json"
BODY = "mockskaha.body"


async def _namespace(request: Request) -> Namespace:
    found: Namespace = request.scope[NAMESPACE]
    found.platform.catch_up()
    return found


async def _host(request: Request) -> Host:
    found: Host = request.scope[HOST]
    return found


async def _text(request: Request) -> str:
    body: bytes = request.scope[BODY]
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput("the body is not UTF-8 text") from None


Here = Annotated[Namespace, Depends(_namespace)]
"""The namespace of the request, as of now."""
Everything = Annotated[Host, Depends(_host)]
"""The server with all its namespaces."""
Text = Annotated[str, Depends(_text)]
"""The body as it was sent."""
