"""The control API as a FastAPI application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI

from mockskaha import __version__

if TYPE_CHECKING:
    from mockskaha.control.guard import Guard
    from mockskaha.host import Host


def control_app(host: Host, guard: Guard | None = None) -> FastAPI:
    """The application that drives ``host``; without a ``guard``, for everybody."""
    app = FastAPI(title="mockskaha control", openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/_mockskaha/health")
    async def health() -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    return app
