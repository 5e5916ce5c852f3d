"""What the server runs: the gateway straight away, and the FastAPI application when somebody asks beyond it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from mockskaha.http.gateway import Gateway, Receive, Scope, Send

if TYPE_CHECKING:
    from fastapi import FastAPI

    from mockskaha.platform import Platform


class Service:
    """The same answers as ``create_app``, without the cost of FastAPI to start and to route (decision 1)."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.gateway = Gateway(platform, self._beyond)

    @cached_property
    def app(self) -> FastAPI:
        """The whole application, made when it is first needed."""
        from mockskaha.http.app import create_app

        return create_app(self.platform)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.gateway(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _beyond(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)
