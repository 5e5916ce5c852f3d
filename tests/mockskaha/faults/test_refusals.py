"""Every refusal that has a name, to the byte, as the service itself would give it where it can."""

import pytest

from mockskaha.faults.presets import faults_of
from mockskaha.faults.refusals import REFUSALS

from .conftest import IMAGE

pytestmark = pytest.mark.evidence(
    "skaha-contract §2.10, §3.1, §3.2, §3.3, §3.4, §7; pages of the ingress: nginx's own"
)
SESSIONS = "/skaha/v1/session"
TEXT = "text/plain"


def page(status, reason):
    title = f"{status} {reason}"
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )


def challenge(text):
    return ["ivoa_bearer", f'Bearer error="invalid_token", error_description="{text}"']


API = (
    "unexpected exception: java.lang.RuntimeException: io.kubernetes.client.openapi.ApiException: Message: Not Found\n"
    "HTTP response code: 404\nHTTP response body: \nHTTP response headers: "
)
PRIVATE = (
    "No authentication provided for unknown or private image.  "
    "Use x-skaha-registry-auth request header with base64Encode(username:secret).\n"
)
DENIED = "Subject is not authorized to access Skaha according to permissions API plugin authorisation.\n"
STATS = f"{SESSIONS}?view=stats"
DOWN = (503, TEXT, "temporarily unavailable: null\n")
TABLE = {
    "token-expired": ("GET", SESSIONS, 401, TEXT, "Token has expired"),
    "token-invalid": ("GET", SESSIONS, 401, TEXT, "Invalid JWT token"),
    "token-unverifiable": ("GET", SESSIONS, 401, TEXT, "Cannot validate token using user info endpoint"),
    "anonymous": ("GET", SESSIONS, 401, TEXT, "Unauthorized\n"),
    "certificate-expired": ("GET", SESSIONS, 403, TEXT, "permission denied -- reason: invalid proxy certficate\n"),
    "not-in-group": ("GET", SESSIONS, 403, TEXT, "Not authorized to use the skaha system\n"),
    "permission-denied": ("GET", SESSIONS, 403, TEXT, DENIED),
    "no-posix-account": ("GET", SESSIONS, 403, TEXT, "No POSIX Principal\n"),
    "headless-forbidden": ("POST", SESSIONS, 403, TEXT, "Not authorized to create a headless session\n"),
    "session-limit": ("POST", SESSIONS, 400, TEXT, "User alice has reached the maximum of 5 active sessions.\n"),
    "private-image": ("POST", SESSIONS, 400, TEXT, PRIVATE),
    "job-missing": ("POST", SESSIONS, 500, TEXT, API),
    "not-found": ("GET", f"{SESSIONS}/ID", 404, TEXT, "session ID not found\n"),
    "no-pod": ("GET", f"{SESSIONS}/ID?view=events", 404, TEXT, "session ID not found.\n"),
    "renew-refused": (
        "POST", f"{SESSIONS}/ID", 400, TEXT,
        "No active job for user PosixPrincipal [uidNumber=7,8,alice] with session ID\n",
    ),
    "unavailable": ("GET", SESSIONS, *DOWN),
    "kubernetes-down": (
        "GET", SESSIONS, 500, TEXT, "unexpected exception: java.lang.RuntimeException: "
        "io.kubernetes.client.openapi.ApiException: java.net.SocketTimeoutException: timeout",
    ),
    "images-unreachable": (
        "GET", "/skaha/v1/image", 500, TEXT, "unexpected exception: "
        "redis.clients.jedis.exceptions.JedisConnectionException: Could not get a resource from the pool",
    ),
    "statistics-failed": (
        "GET", STATS, 500, TEXT,
        "unexpected exception: java.lang.IllegalStateException: failed to gather resource statistics",
    ),
    "context-unreadable": (
        "GET", "/skaha/v1/context", 500, TEXT,
        "unexpected exception: java.lang.IllegalStateException: Failed reading Resource Context data.",
    ),
    "metrics-unavailable": ("GET", STATS, *DOWN),
    "metrics-failed": ("GET", STATS, *DOWN),
    "metrics-broken": ("GET", STATS, *DOWN),
    "bad-gateway": ("GET", SESSIONS, 502, "text/html", page(502, "Bad Gateway")),
    "ingress-unavailable": ("GET", SESSIONS, 503, "text/html", page(503, "Service Temporarily Unavailable")),
    "gateway-timeout": ("GET", SESSIONS, 504, "text/html", page(504, "Gateway Time-out")),
}  # fmt: skip
USERS = [{"username": "alice", "uid": 7, "gid": 8}]


def ask(world, method, path, user="alice"):
    with world.client(user) as client:
        if method == "GET":
            return client.get(path)
        data = {"name": "a", "image": IMAGE} if path == SESSIONS else {"action": "renew"}
        return client.post(path, data=data)


@pytest.mark.parametrize("name", REFUSALS)
def test_what_is_told(begin, name):
    world = begin(users=USERS)
    found = world.create()
    before = world.platform.journal.replay()
    method, path, status, content_type, text = TABLE[name]
    world.set({"error": name})
    answer = ask(world, method, path.replace("ID", found))
    assert (answer.status_code, answer.headers["content-type"]) == (status, content_type)
    assert answer.text == text.replace("ID", found)
    assert answer.headers.get("retry-after") == ("30" if text == DOWN[2] else None)
    known = name not in (
        "token-expired", "token-invalid", "token-unverifiable", "anonymous", "certificate-expired", "bad-gateway",
        "ingress-unavailable", "gateway-timeout",
    )  # fmt: skip
    assert answer.headers.get("x-vo-authenticated") == ("alice" if known else None)
    assert answer.headers.get_list("server") == [
        "nginx" if content_type == "text/html" else "OpenCADC/cadc-rest"
    ]
    challenges = [value.split(" standard_id")[0] for value in answer.headers.get_list("www-authenticate")]
    expected = (
        challenge(text)
        if name.startswith("token-")
        else ["ivoa_bearer", "Bearer"]
        if name == "anonymous"
        else []
    )
    assert challenges == expected
    assert list(world.platform.journal.replay()) == list(before), "something was done"


@pytest.mark.parametrize(
    ("name", "status", "code", "message"),
    [
        (
            "metrics-unavailable",
            503,
            "platform_metrics_unavailable",
            "Could not load platform metrics from Kubernetes",
        ),
        ("metrics-failed", 502, "platform_metrics_error", "Platform metrics collection failed"),
        ("metrics-broken", 500, "internal_error", "Unexpected internal server error"),
    ],
)
def test_the_metrics_backend_has_its_own_words(world, name, status, code, message):
    world.set({"error": name})
    answer = world.get("/api/v1/metrics/platform", None)
    assert answer.status_code == status
    assert answer.json()["error"] == {"code": code, "message": message}
    assert list(answer.json()) == ["version", "kind", "metadata", "status", "error"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("token-expired", {"auth": {"mode": "strict", "tokens": [
            {"token": "alice", "user": "alice", "expires": "2026-01-01T00:00:00Z"}]}}),
        ("token-invalid", {"auth": {"mode": "strict", "tokens": []}}),
        ("not-in-group", {"users": [{"username": "alice", "uid": 1, "memberships": []}],
                          "auth": {"mode": "strict", "tokens": [{"token": "alice", "user": "alice"}]}}),
        ("session-limit", {"sessions": {"max_interactive": 0}}),
        ("metrics-unavailable", {"metrics": {"enabled": False}}),
    ],
)  # fmt: skip
def test_a_fault_cannot_be_told_from_the_cause_it_stands_for(begin, name, cause):
    method, path, *_ = TABLE[name]
    real, fake = begin(**cause), begin(**(cause if name == "session-limit" else {}))
    fake.set({"error": name})

    def told(world):
        with world.client() as client:
            data = {"name": "a", "image": IMAGE, "type": "notebook"}
            answer = client.get(path) if method == "GET" else client.post(path, data=data)
        return answer.status_code, answer.headers.multi_items(), answer.content

    assert told(fake) == told(real)


def test_in_the_words_of_cadc(begin):
    world = begin(auth={"challenge_manager": "cadc"})
    world.set({"error": "token-expired"})
    answer = world.get()
    assert (answer.status_code, answer.text) == (401, "expired")
    assert [value.split(" ")[0] for value in answer.headers.get_list("www-authenticate")] == [
        "ivoa_bearer", "ivoa_cookie", "ivoa_x509", "Bearer",
    ]  # fmt: skip


def test_an_error_only_meets_the_calls_that_can_be_refused_so(world):
    found = world.create()
    for name, path in (
        ("no-pod", f"{SESSIONS}/{found}"),
        ("metrics-failed", SESSIONS),
        ("statistics-failed", SESSIONS),
    ):
        world.namespace.faults.begin(0, faults_of([{"error": name}]))
        assert world.get(path).status_code == 200
        assert next(iter(world.namespace.faults)).met == 0
