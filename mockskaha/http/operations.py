"""Which operation a method and a path belong to, by Skaha's rules for paths (skaha-contract §1, §1.1).

``ROUTES`` says the same as the paths of ``openapi/skaha.yaml``, and a test holds them to each other; the server
does not read that file to start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from functools import partial
from types import MappingProxyType
from typing import NamedTuple


class Caller(Enum):
    """What an operation makes of credentials."""

    REQUIRED = "required"
    """Nobody is let in without saying who they are."""
    OPTIONAL = "optional"
    """Everybody is let in; who it is may matter."""
    IGNORED = "ignored"
    """Credentials are not looked at."""


class Route(NamedTuple):
    """One operation. A path parameter stands for one segment; with ``subpaths`` the path may go on after it."""

    operation_id: str
    method: str
    path: str
    caller: Caller = Caller.IGNORED
    subpaths: bool = False


class Target(NamedTuple):
    """Where a request goes. ``operation_id`` is empty when the path exists and the method does not."""

    operation_id: str
    segments: tuple[str, ...]
    caller: Caller
    allow: str = ""


ROUTES: tuple[Route, ...] = (
    Route("listSessions", "GET", "/skaha/v1/session", caller=Caller.REQUIRED),
    Route("createSession", "POST", "/skaha/v1/session", caller=Caller.REQUIRED),
    Route("deleteAllSessions", "DELETE", "/skaha/v1/session", caller=Caller.REQUIRED),
    Route("getSession", "GET", "/skaha/v1/session/{sessionID}", caller=Caller.REQUIRED),
    Route("renewSession", "POST", "/skaha/v1/session/{sessionID}", caller=Caller.REQUIRED),
    Route("deleteSession", "DELETE", "/skaha/v1/session/{sessionID}", caller=Caller.REQUIRED),
    Route("listApps", "GET", "/skaha/v1/session/{sessionID}/app", caller=Caller.REQUIRED),
    Route("createApp", "POST", "/skaha/v1/session/{sessionID}/app", caller=Caller.REQUIRED),
    Route("deleteAllApps", "DELETE", "/skaha/v1/session/{sessionID}/app", caller=Caller.REQUIRED),
    Route("getApp", "GET", "/skaha/v1/session/{sessionID}/app/{appID}", caller=Caller.REQUIRED),
    Route("modifyApp", "POST", "/skaha/v1/session/{sessionID}/app/{appID}", caller=Caller.REQUIRED),
    Route("deleteApp", "DELETE", "/skaha/v1/session/{sessionID}/app/{appID}", caller=Caller.REQUIRED),
    Route("listImages", "GET", "/skaha/v1/image", caller=Caller.REQUIRED, subpaths=True),
    Route("getContext", "GET", "/skaha/v1/context", caller=Caller.REQUIRED, subpaths=True),
    Route("listRepositories", "GET", "/skaha/v1/repository", caller=Caller.REQUIRED, subpaths=True),
    Route("getCapabilities", "GET", "/skaha/capabilities", caller=Caller.OPTIONAL),
    Route("headCapabilities", "HEAD", "/skaha/capabilities", caller=Caller.OPTIONAL),
    Route("getAvailability", "GET", "/skaha/availability", caller=Caller.OPTIONAL),
    Route("setAvailability", "POST", "/skaha/availability", caller=Caller.OPTIONAL),
    Route("getLogControl", "GET", "/skaha/logControl", caller=Caller.OPTIONAL),
    Route("setLogControl", "POST", "/skaha/logControl", caller=Caller.OPTIONAL),
    Route("redirectToIndex", "GET", "/skaha"),
    Route("headRoot", "HEAD", "/skaha"),
    Route("getIndex", "GET", "/skaha/"),
    Route("headIndex", "HEAD", "/skaha/"),
    Route("getIndexHtml", "GET", "/skaha/index.html"),
    Route("getOpenapi", "GET", "/skaha/openapi.yaml"),
    Route("getServiceYaml", "GET", "/skaha/service.yaml"),
    Route("getSwaggerAsset", "GET", "/skaha/swagger-ui/{file}"),
    Route("login", "POST", "/ac/login"),
    Route("whoami", "GET", "/ac/whoami", caller=Caller.OPTIONAL),
    Route("getUser", "GET", "/ac/users/{username}", caller=Caller.OPTIONAL),
    Route("getResourceCaps", "GET", "/reg/resource-caps"),
    Route("getStorageCapabilities", "GET", "/arc/capabilities"),
    Route("getPlatformMetrics", "GET", "/api/v1/metrics/platform"),
    Route("getMetricsHealth", "GET", "/healthz"),
    Route("openSession", "GET", "/session/{kind}/{sessionID}", subpaths=True),
)

_API = "/skaha/v1/"
_CARTA = "/session/carta/"
_NO_SESSION = "/session/-/"
_SESSION = "/skaha/v1/session"
_BELOW = ("/skaha/v1/image", "/skaha/v1/context", "/skaha/v1/repository")
TOO_DEEP = "tooDeep"
"""Pseudo-operation of a session path with more than three parts, refused once the caller is known."""
_DEEPEST = 3


def _methods() -> Mapping[str, Mapping[str, Route]]:
    paths: dict[str, dict[str, Route]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method] = route
    return MappingProxyType(paths)


METHODS = _methods()
"""Path template -> method -> route."""
_BY_DEPTH = tuple(
    METHODS[_SESSION + below]
    for below in ("", "/{sessionID}", "/{sessionID}/app", "/{sessionID}/app/{appID}")
)
_SERVLET_ALLOWS = {_SESSION: "GET, POST, DELETE"}


def resolve(method: str, path: str, *, empty_session_id: bool = True) -> Target | None:
    """Where ``method path`` goes; ``None`` when no operation has such a path. ``path`` is percent-decoded.

    ``empty_session_id``: ``/v1/session/`` is a session whose id is empty, not the list (skaha-contract §1.1).
    """
    if path.startswith(_SESSION) and path[len(_SESSION) : len(_SESSION) + 1] in ("", "/"):
        return _session(method, path[len(_SESSION) :], empty_session_id)
    routes = METHODS.get(path)
    if routes is not None:
        return _target(method, routes, ())
    for prefix in _BELOW:
        if path.startswith(prefix + "/"):
            return _target(method, METHODS[prefix], ())
    parts = path.split("/")
    if path.startswith("/skaha/swagger-ui/") and len(parts) == 4 and parts[3]:
        return _target(method, METHODS["/skaha/swagger-ui/{file}"], (parts[3],))
    if path.startswith("/ac/users/") and len(parts) == 4 and parts[3]:
        return _target(method, METHODS["/ac/users/{username}"], (parts[3],))
    if path.startswith("/session/") and len(parts) >= 4 and parts[3]:
        return _target(method, METHODS["/session/{kind}/{sessionID}"], (parts[2], parts[3]))
    return None


Resolve = Callable[[str, str], Target | None]


def resolver(base_path: str, carta_path: str, *, empty_session_id: bool) -> Resolve:
    """:func:`resolve` of a service whose API is below ``/skaha/{base_path}`` and whose CARTA sessions are below
    ``/session/{carta_path}`` (skaha-contract §10)."""
    usual = partial(resolve, empty_session_id=empty_session_id)
    api, carta = f"/skaha/{base_path}/", f"/session/{carta_path}/"
    if (api, carta) == (_API, _CARTA):
        return usual

    def elsewhere(method: str, path: str) -> Target | None:
        if path.startswith(api):
            return usual(method, _API + path[len(api) :])
        if path.startswith(_API):
            return None
        if path.startswith(carta):
            return usual(method, _CARTA + path[len(carta) :])
        if path.startswith(_CARTA):
            return usual(method, _NO_SESSION + path[len(_CARTA) :])
        return usual(method, path)

    return elsewhere


def _session(method: str, rest: str, empty_session_id: bool) -> Target:
    """The path below ``/v1/session``: any second part makes it an app request, whatever it is called."""
    if not rest:
        return _target(method, _BY_DEPTH[0], (), _SERVLET_ALLOWS[_SESSION])
    parts = rest[1:].split("/")
    while parts and not parts[-1]:
        parts.pop()
    if not parts:
        if not empty_session_id:
            return _target(method, _BY_DEPTH[0], (), _SERVLET_ALLOWS[_SESSION])
        parts = [""]
    if len(parts) > _DEEPEST:
        if method not in _BY_DEPTH[0]:
            return Target("", (), Caller.IGNORED, _SERVLET_ALLOWS[_SESSION])
        return Target(TOO_DEEP, (rest[1:],), Caller.REQUIRED)
    return _target(method, _BY_DEPTH[len(parts)], tuple(parts), _SERVLET_ALLOWS[_SESSION])


def _target(
    method: str, routes: Mapping[str, Route], segments: tuple[str, ...], allow: str | None = None
) -> Target:
    route = routes.get(method)
    if route is None:
        return Target("", segments, Caller.IGNORED, allow or ", ".join(routes))
    return Target(route.operation_id, segments, route.caller)
