"""Platforms side by side."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Response
from pydantic import Field

from mockskaha.control.form import Form, View
from mockskaha.control.problems import BadInput, Conflict, NotFound, bad_document
from mockskaha.control.scope import Everything, Handlers
from mockskaha.host import BadNamespace, check_name
from mockskaha.namespace import Namespace
from mockskaha.seed import seed_of
from skahasim.policies import UnknownPolicy
from skahasim.profile import UnknownProfile
from skahasim.yamlfile import ConfigurationError

Name = Annotated[str, Path()]


class NewNamespace(Form):
    """A namespace to be made."""

    name: str
    seed: dict[str, Any] | None = Field(default=None)
    """What it begins with (``PUT /state``); that of the server, when not given."""


class NamespaceView(View):
    """One platform of the server."""

    name: str
    """Empty for the one at the root."""
    service: str
    """The URL a client of Skaha is pointed at."""
    control: str
    """Where this API acts on it."""
    time: float
    """Model time, in seconds since its epoch."""
    sessions: int
    """How many there are, apps included."""
    requests: int
    """How many it was asked since the start or the last time they were cleared."""


class NamespaceList(View):
    """All of them, the one at the root first."""

    namespaces: list[NamespaceView]


def namespace_view(namespace: Namespace) -> NamespaceView:
    platform = namespace.platform
    platform.catch_up()
    return NamespaceView(
        name=namespace.name,
        service=platform.service_url,
        control=f"{namespace.base_url}/_mockskaha/",
        time=platform.time,
        sessions=len(platform.inventory),
        requests=namespace.requests.count,
    )


async def list_namespaces(host: Everything) -> NamespaceList:
    return NamespaceList(namespaces=[namespace_view(item) for item in host])


async def create_namespace(host: Everything, body: NewNamespace, response: Response) -> NamespaceView:
    try:
        check_name(body.name)
    except BadNamespace as error:
        raise BadInput(str(error)) from None
    try:
        seed = None if body.seed is None else seed_of(body.seed)
        made = host.create(body.name, seed)
    except BadNamespace as error:
        raise Conflict(str(error)) from None
    except ConfigurationError as error:
        raise bad_document(error) from None
    except (UnknownPolicy, UnknownProfile) as error:
        raise BadInput(str(error)) from None
    response.status_code = 201
    return namespace_view(made)


async def get_namespace(host: Everything, name: Name) -> NamespaceView:
    found = host.find(name)
    if found is None:
        raise NotFound(f"there is no namespace {name[:80]!r}")
    return namespace_view(found)


async def delete_namespace(host: Everything, name: Name) -> Response:
    if not host.remove(name):
        raise NotFound(f"there is no namespace {name[:80]!r}")
    return Response(status_code=204)


HANDLERS: Handlers = {
    "listNamespaces": list_namespaces,
    "createNamespace": create_namespace,
    "getNamespace": get_namespace,
    "deleteNamespace": delete_namespace,
}
