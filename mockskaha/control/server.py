"""What the server says of itself: that it is there, what it is, and where the rest is."""

from __future__ import annotations

from typing import Literal

from fastapi import Request, Response

from mockskaha import __version__
from mockskaha.contract.document import CONTROL as DOCUMENT
from mockskaha.contract.document import document_bytes
from mockskaha.control.form import View
from mockskaha.control.scope import Everything, Handlers, Here
from mockskaha.host import CONTROL


class HealthView(View):
    """The server is there."""

    status: Literal["ok"]
    version: str
    """Of mockskaha."""
    skaha_version: str
    """Of the service it stands in for."""


class ReadinessView(View):
    """Whether it takes requests."""

    status: Literal["ready", "stopping"]
    version: str
    skaha_version: str


class IndexView(View):
    """Where everything is."""

    name: Literal["mockskaha"]
    version: str
    skaha_version: str
    namespace: str
    """The one this index is of; empty at the root."""
    service: str
    """The URL a client of Skaha is pointed at."""
    links: dict[str, str]
    """URLs by what is there."""


async def health(host: Everything) -> HealthView:
    return HealthView(status="ok", version=__version__, skaha_version=host.root.platform.era.release)


async def readiness(host: Everything, response: Response) -> ReadinessView:
    response.status_code = 503 if host.closing else 200
    status: Literal["ready", "stopping"] = "stopping" if host.closing else "ready"
    release = host.root.platform.era.release
    return ReadinessView(status=status, version=__version__, skaha_version=release)


async def index(request: Request, namespace: Here, host: Everything) -> IndexView:
    from mockskaha.control.app import documented_routes  # which binds this handler

    routes = [route for route in documented_routes() if route.method == "GET" and "{" not in route.path]
    return IndexView(
        name="mockskaha",
        version=__version__,
        skaha_version=namespace.platform.era.release,
        namespace=namespace.name,
        service=namespace.platform.service_url,
        links={
            route.path.removeprefix(f"{CONTROL}/"): (host.base_url if route.of_server else namespace.base_url)
            + route.path
            for route in routes
            if route.path != f"{CONTROL}/"
        },
    )


async def document() -> Response:
    return Response(document_bytes(DOCUMENT), media_type="application/yaml")


HANDLERS: Handlers = {
    "getIndex": index,
    "getHealth": health,
    "getReadiness": readiness,
    "getControlDocument": document,
}
