"""The web application for other servers and test clients: FastAPI around what answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from mockskaha.control.guard import Guard
from mockskaha.host import Host, Server

if TYPE_CHECKING:
    from mockskaha.platform import Platform


class EveryPath(BaseRoute):
    """All paths, as one route: which platform and which operation it is, the server decides."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return (Match.FULL, {}) if scope["type"] == "http" else (Match.NONE, {})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.server(scope, receive, send)


def create_app(platform: Platform) -> FastAPI:
    """The application for one platform, and for the namespaces beside it (``app.state.host``).

    Its control API asks who calls, as that of `mockskaha serve` does: for ``settings.server.control_token``, or else
    that both the caller and the name in ``Host`` are loopback addresses, wherever the application is served.

    FastAPI's own schema, pages and 422 answers are off: the contract is ``openapi/skaha.yaml``, served as it is.
    """
    app = FastAPI(title="mockskaha", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    host = Host(platform.settings, platform.base_url, platform=platform)
    server = platform.settings.server
    app.router.routes.insert(0, EveryPath(Server(host, Guard(server.host, server.control_token))))
    app.state.platform = platform
    app.state.host = host
    return app
