"""The refusals that faults know by name: the service's own, to the byte, and those of what stands around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from mockskaha.errors import (
    Forbidden,
    InvalidRequest,
    InvalidToken,
    NotFound,
    SkahaError,
    TemporarilyUnavailable,
    UnexpectedException,
)
from mockskaha.http.exchange import Answer, Call
from mockskaha.http.operations import ROUTES, Caller

if TYPE_CHECKING:
    from mockskaha.platform import Platform

Maker = Callable[["Platform", Call, str], SkahaError | Answer]
"""From the platform, the call and the operation's id to what is told."""

EVERY = frozenset(route.operation_id for route in ROUTES)
V1 = frozenset(route.operation_id for route in ROUTES if route.caller is Caller.REQUIRED)
KNOWING = frozenset(route.operation_id for route in ROUTES if route.caller is not Caller.IGNORED)
ONE_SESSION = frozenset({"getSession", "renewSession", "deleteSession"})
APPS = frozenset(
    {"listApps", "createApp", "deleteAllApps", "getApp", "modifyApp", "deleteApp"}
)  # fmt: skip
CREATING = frozenset({"createSession", "createApp"})


class Refusal(NamedTuple):
    """One that has a name."""

    make: Maker
    text: str
    """What it is, for people."""
    source: str
    operations: frozenset[str] = V1
    """Those that can be refused so."""
    views: Mapping[str, str] = MappingProxyType({})
    """Operation -> the ``view`` that can be, where only one can."""
    known: bool = True
    """The caller is told who they are (``x-vo-authenticated``)."""


def _error(kind: type[SkahaError], text: str) -> Maker:
    return lambda platform, call, operation: kind(text)


def _java(text: str) -> Maker:
    return _error(UnexpectedException, text)


def _session_limit(platform: Platform, call: Call, operation: str) -> SkahaError:
    most = platform.settings.sessions.max_interactive
    return InvalidRequest(f"User {call.user.username} has reached the maximum of {most} active sessions.")


def _token(oidc: str, cadc: str) -> Maker:
    def make(platform: Platform, call: Call, operation: str) -> SkahaError:
        manager = platform.authenticator.rules.challenge_manager
        return InvalidToken(oidc if manager == "oidc" else cadc)

    return make


def _anonymous(platform: Platform, call: Call, operation: str) -> SkahaError:
    return platform.authenticator.anonymous_refusal()


def _not_found(platform: Platform, call: Call, operation: str) -> SkahaError:
    session = call.segments[0] if call.segments else ""
    if operation == "getApp":
        return NotFound(f"desktop app with session {session} and app ID {call.segments[2]} was not found")
    return NotFound(f"session {session} not found")


def _no_pod(platform: Platform, call: Call, operation: str) -> SkahaError:
    return NotFound(f"session {call.segments[0]} not found.")


def _no_active_job(platform: Platform, call: Call, operation: str) -> SkahaError:
    user = call.user
    principal = f"PosixPrincipal [uidNumber={user.uid},{user.gid},{user.username}]"
    return InvalidRequest(f"No active job for user {principal} with session {call.segments[0]}")


def _metrics(status: int, code: str, message: str) -> Maker:
    def make(platform: Platform, call: Call, operation: str) -> SkahaError | Answer:
        from mockskaha.http.handlers.metrics import failed  # handlers are loaded with the gateway

        if operation == "listSessions":
            return TemporarilyUnavailable("Platform statistics unavailable")
        return failed(platform, status, code, message)

    return make


def _ingress(status: int, reason: str) -> Maker:
    page = (
        f"<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n"
        f"<center><h1>{status} {reason}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    ).encode()
    return lambda platform, call, operation: Answer(page, "text/html", status, (("Server", "nginx"),))


_STATISTICS = frozenset({"listSessions", "getPlatformMetrics"})
_STATS = MappingProxyType({"listSessions": "stats"})
_API_EXCEPTION = (
    "java.lang.RuntimeException: io.kubernetes.client.openapi.ApiException: Message: {}\n"
    "HTTP response code: {}\nHTTP response body: \nHTTP response headers: "
)

REFUSALS: Mapping[str, Refusal] = MappingProxyType(
    {
        "token-expired": Refusal(
            _token("Token has expired", "expired"),
            "401: the token has expired, with the challenge that says so", "skaha-contract §3.2", known=False,
        ),
        "token-invalid": Refusal(
            _token("Invalid JWT token", "cannot verify signature"),
            "401: the token is none, with the challenge that says so", "skaha-contract §3.2", known=False,
        ),
        "token-unverifiable": Refusal(
            _token("Cannot validate token using user info endpoint", "cannot verify signature"),
            "401: the identity provider does not know the token", "skaha-contract §3.2", known=False,
        ),
        "anonymous": Refusal(
            _anonymous, "what callers without credentials are told", "skaha-contract §3.2", known=False
        ),
        "certificate-expired": Refusal(
            _error(Forbidden, "permission denied -- reason: invalid proxy certficate"),
            "403: the client certificate does not hold", "skaha-contract §3.1", known=False,
        ),
        "not-in-group": Refusal(
            _error(Forbidden, "Not authorized to use the skaha system"),
            "403: not a member of the users group", "skaha-contract §3.2",
        ),
        "permission-denied": Refusal(
            _error(
                Forbidden,
                "Subject is not authorized to access Skaha according to permissions API plugin authorisation.",
            ),
            "403: the permissions API says no", "skaha-contract §3.2",
        ),
        "no-posix-account": Refusal(
            _error(Forbidden, "No POSIX Principal"), "403: no POSIX identity", "skaha-contract §3.2"
        ),
        "headless-forbidden": Refusal(
            _error(Forbidden, "Not authorized to create a headless session"),
            "403: no headless sessions for this user, as up to Skaha 1.2.1", "skaha-contract §3.3",
            frozenset({"createSession"}),
        ),
        "session-limit": Refusal(
            _session_limit, "400: the maximum of active sessions is reached", "skaha-contract §3.3",
            frozenset({"createSession"}),
        ),
        "private-image": Refusal(
            _error(
                InvalidRequest,
                "No authentication provided for unknown or private image.  "
                "Use x-skaha-registry-auth request header with base64Encode(username:secret).",
            ),
            "400: unknown or private image, and no registry credentials", "skaha-contract §3.3",
            frozenset({"createSession"}),
        ),
        "job-missing": Refusal(
            _java(_API_EXCEPTION.format("Not Found", 404)),
            "500: Kubernetes did not take the job", "skaha-contract §3.3", CREATING,
        ),
        "not-found": Refusal(
            _not_found, "404: no such session or app", "skaha-contract §3.4",
            ONE_SESSION | {"createApp", "getApp"},
        ),
        "no-pod": Refusal(
            _no_pod, "404 on events: the session has no pod", "skaha-contract §2.10",
            frozenset({"getSession"}), MappingProxyType({"getSession": "events"}),
        ),
        "renew-refused": Refusal(
            _no_active_job, "400: no active job to renew", "skaha-contract §3.4", frozenset({"renewSession"})
        ),
        "unavailable": Refusal(
            _error(TemporarilyUnavailable, ""),
            "503 with Retry-After: a backend is down", "skaha-contract §3.1",
        ),
        "kubernetes-down": Refusal(
            _java("java.lang.RuntimeException: io.kubernetes.client.openapi.ApiException: "
                  "java.net.SocketTimeoutException: timeout"),
            "500: the Kubernetes API does not answer", "skaha-contract §3.1",
        ),
        "images-unreachable": Refusal(
            _java("redis.clients.jedis.exceptions.JedisConnectionException: "
                  "Could not get a resource from the pool"),
            "500: the cache of images is down", "skaha-contract §3.4",
            frozenset({"createSession", "listImages"}),
        ),
        "statistics-failed": Refusal(
            _java("java.lang.IllegalStateException: failed to gather resource statistics"),
            "500: statistics cannot be gathered", "skaha-contract §3.4", frozenset({"listSessions"}), _STATS,
        ),
        "context-unreadable": Refusal(
            _java("java.lang.IllegalStateException: Failed reading Resource Context data."),
            "500: the resource file is bad or missing", "skaha-contract §3.4", frozenset({"getContext"}),
        ),
        "metrics-unavailable": Refusal(
            _metrics(503, "platform_metrics_unavailable", "Could not load platform metrics from Kubernetes"),
            "503: the metrics backend cannot reach Kubernetes; statistics are unavailable with it",
            "skaha-contract §7, §2.8", _STATISTICS, _STATS,
        ),
        "metrics-failed": Refusal(
            _metrics(502, "platform_metrics_error", "Platform metrics collection failed"),
            "502: the metrics backend fails; statistics are unavailable with it",
            "skaha-contract §7, §2.8", _STATISTICS, _STATS,
        ),
        "metrics-broken": Refusal(
            _metrics(500, "internal_error", "Unexpected internal server error"),
            "500: the metrics backend is broken; statistics are unavailable with it",
            "skaha-contract §7, §2.8", _STATISTICS, _STATS,
        ),
        "bad-gateway": Refusal(
            _ingress(502, "Bad Gateway"), "502: the ingress has lost the service",
            "https://github.com/opencadc/science-platform/issues/408", EVERY, known=False,
        ),
        "ingress-unavailable": Refusal(
            _ingress(503, "Service Temporarily Unavailable"), "503: the ingress knows no service",
            "https://github.com/opencadc/science-platform/issues/408", EVERY, known=False,
        ),
        "gateway-timeout": Refusal(
            _ingress(504, "Gateway Time-out"), "504: the service took too long for the ingress",
            "https://github.com/opencadc/canfar/issues/67", EVERY, known=False,
        ),
    }
)  # fmt: skip
"""By name."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence that says that ``name`` is not one of ``known``."""
    import difflib  # wanted only when something is wrong

    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if not close:
        lower = {item.lower(): item for item in names}
        close = [lower[item] for item in difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.5)]
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names)}"
