"""The web application: FastAPI around the gateway that answers for the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from mockskaha.http.failures import no_such_page
from mockskaha.http.gateway import Gateway

if TYPE_CHECKING:
    from mockskaha.platform import Platform


class ContractRoute(BaseRoute):
    """All paths of the contract, as one route: which operation it is, the gateway decides."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and self.gateway.knows(scope["path"]):
            return Match.FULL, {}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.gateway(scope, receive, send)


async def _not_found(request: object, error: Exception) -> Response:
    answer = no_such_page()
    return Response(answer.body, answer.status, dict(answer.headers), media_type=answer.content_type)


def create_app(platform: Platform) -> FastAPI:
    """The application for one platform. FastAPI's own schema, pages and 422 answers are off: the contract is
    ``openapi/skaha.yaml``, served as it is."""
    app = FastAPI(
        title="mockskaha", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False,
        exception_handlers={404: _not_found},
    )  # fmt: skip
    app.router.routes.insert(0, ContractRoute(Gateway(platform)))
    app.state.platform = platform
    return app
