"""Every answer's headers, and what is answered before any operation is reached."""

import base64
import logging
from datetime import UTC, datetime, timedelta

import pytest

SESSIONS = "/skaha/v1/session"
V1 = [
    ("GET", SESSIONS), ("POST", SESSIONS), ("DELETE", SESSIONS), ("GET", f"{SESSIONS}/abc"),
    ("GET", f"{SESSIONS}/a_"), ("POST", f"{SESSIONS}/abc"), ("DELETE", f"{SESSIONS}/abc"),
    ("GET", f"{SESSIONS}/abc/app"), ("POST", f"{SESSIONS}/abc/app"), ("DELETE", f"{SESSIONS}/abc/app"),
    ("GET", f"{SESSIONS}/abc/app/x"), ("POST", f"{SESSIONS}/abc/app/x"), ("DELETE", f"{SESSIONS}/abc/app/x"),
    ("GET", f"{SESSIONS}/a/b/c/d"), ("GET", f"{SESSIONS}?view=stats"), ("GET", "/skaha/v1/image?type=foo"),
    ("GET", "/skaha/v1/context"), ("GET", "/skaha/v1/repository"),
]  # fmt: skip
USERS = [{"username": "alice", "uid": 1}, {"username": "eve", "uid": 2, "memberships": []}]
TOKENS = [
    {"token": "sesame", "user": "alice"},
    {"token": "evil", "user": "eve"},
    {"token": "old", "user": "alice", "expires": "2026-08-06T22:25:31Z"},
    {"token": "brief", "user": "alice", "expires": "2026-08-06T22:26:31Z"},
]


def strict(start, **auth):
    return start(users=USERS, auth={"mode": "strict", "tokens": TOKENS} | auth)


def identity(reply):
    """x-vo-authenticated, and the schemes of the challenges."""
    challenges = [value.split(" ")[0] for name, value in reply.headers if name == "www-authenticate"]
    return reply.header("x-vo-authenticated"), challenges


# Who calls


@pytest.mark.evidence("skaha-contract §3.2, §1.4")
@pytest.mark.differs(
    "callers without credentials get 401 `Unauthorized`, as up to Skaha 1.2.1; `auth: {anonymous_status: 400}` "
    "gives the 400 that follows from the source of 1.4.0"
)
@pytest.mark.parametrize(("method", "path"), V1)
def test_nobody_is_answered_401_whatever_is_asked(skaha, method, path):
    reply = skaha.as_user(None).request(method, path, form={} if method == "POST" else None)
    assert reply.told == (401, "text/plain", "Unauthorized\n")
    assert identity(reply) == (None, ["ivoa_bearer", "Bearer"])


@pytest.mark.evidence("skaha-contract §3.2, §1.4")
@pytest.mark.parametrize(("method", "path"), V1)
def test_nobody_is_answered_400_by_skaha_1_4(start, method, path):
    nobody = start(auth={"anonymous_status": 400}).as_user(None)
    reply = nobody.request(method, path, form={} if method == "POST" else None)
    assert reply.told == (400, "text/plain", "cannot get group memberships for anonymous\n")
    assert identity(reply) == (None, ["ivoa_bearer", "Bearer"])


@pytest.mark.evidence("skaha-contract §3.2, §3.1")
@pytest.mark.parametrize("token", ["old", "wrong", "a.b.c"])
@pytest.mark.parametrize(("method", "path"), V1)
def test_a_bad_token_is_answered_401_without_a_newline(start, method, path, token):
    reply = strict(start).as_user(token).request(method, path, form={} if method == "POST" else None)
    text = "Token has expired" if token == "old" else "Invalid JWT token"
    assert reply.told == (401, "text/plain", text)
    assert identity(reply) == (None, ["ivoa_bearer", "Bearer"])
    assert reply.headers[-1][1] == f'Bearer error="invalid_token", error_description="{text}"'


@pytest.mark.evidence("skaha-contract §3.2")
@pytest.mark.parametrize(("method", "path"), V1)
def test_who_is_not_in_the_users_group_is_refused(start, method, path):
    reply = strict(start).as_user("evil").request(method, path, form={} if method == "POST" else None)
    assert reply.told == (403, "text/plain", "Not authorized to use the skaha system\n")
    assert identity(reply) == ("eve", [])


@pytest.mark.evidence("skaha-contract §3.2")
def test_a_token_expires_in_model_time(start):
    skaha = strict(start).as_user("brief")
    assert skaha.get().status == 200
    skaha.advance(60)
    assert skaha.get().told == (401, "text/plain", "Token has expired")


@pytest.mark.evidence("skaha-contract §1.3, §3.2")
@pytest.mark.differs(
    "any bearer token is accepted and names its user; `--auth FILE` lets in only the tokens of a file"
)
def test_a_bearer_token_names_its_user(skaha):
    found = skaha.as_user("dora").create()
    reply = skaha.as_user("dora").get()
    assert identity(reply) == ("dora", [])
    assert [session["userid"] for session in reply.json] == ["dora"]
    assert skaha.get(f"{SESSIONS}/{found}").status == 404


@pytest.mark.evidence("skaha-contract §1.3, §3.2, §1.4")
def test_a_desktops_token_acts_for_its_owner_everywhere_and_is_no_authentication(start):
    skaha = strict(start).as_user("sesame")
    desktop = skaha.create(type="desktop")
    skaha.advance(60)
    nobody, callback = skaha.as_user(None), {"x-auth-token-skaha": skaha.platform.app_token(desktop)}
    form = {"image": "images.canfar.net/skaha/terminal:1.1.2"}
    launched = nobody.post(f"{SESSIONS}/{desktop}/app", form, headers=callback)
    assert launched.status == 200
    assert identity(launched) == (None, ["ivoa_bearer", "Bearer"])
    listed = nobody.get(headers=callback)
    assert [session["userid"] for session in listed.json] == ["alice"]
    wrong = nobody.get(headers={"x-auth-token-skaha": f"{desktop}.0123456789abcdef"})
    assert wrong.told == (403, "text/plain", "Invalid auth token\n")
    assert identity(wrong) == (None, ["ivoa_bearer", "Bearer"])
    assert skaha.as_user("wrong").get(headers=callback).status == 401
    skaha.delete(f"{SESSIONS}/{desktop}")
    assert nobody.get(headers=callback).text == "Invalid auth token\n"


@pytest.mark.evidence("skaha-contract §1.3, §1.2")
def test_a_body_that_cannot_be_read_beats_the_caller(skaha):
    reply = skaha.as_user(None).get(f"{SESSIONS}?view=all&VIEW=all")
    assert reply.told == (400, "text/plain", "null\n")
    assert identity(reply) == (None, ["ivoa_bearer", "Bearer"])


@pytest.mark.evidence("skaha-contract §1.3")
def test_what_clients_send_besides_is_tolerated(skaha):
    now = datetime.now(UTC) - timedelta(days=400)
    headers = {
        "Accept": "application/json",
        "Date": now.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "User-Agent": "python-canfar/1.5.2",
        "X-Skaha-Authentication-Type": "oidc",
        "X-Skaha-Registry-Auth": base64.b64encode(b"a:b").decode(),
    }
    assert skaha.get(headers=headers).told == (200, "application/json", "[]")


@pytest.mark.evidence("skaha-contract §1.4")
@pytest.mark.parametrize(("method", "path"), V1)
def test_every_answer_names_server_and_caller(skaha, method, path):
    reply = skaha.request(method, path, form={} if method == "POST" else None)
    assert reply.header("server") == "OpenCADC/cadc-rest"
    assert identity(reply) == ("alice", [])
    assert reply.header("content-length") == str(len(reply.body))
    names = [name for name, _ in reply.headers]
    assert len(names) == len(set(names))
    assert not {"etag", "cache-control", "access-control-allow-origin"} & set(names)


# Methods and paths


@pytest.mark.evidence("skaha-contract §1.4")
@pytest.mark.parametrize("user", ["alice", None])
@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", SESSIONS, "GET, POST, DELETE"),
        ("PATCH", f"{SESSIONS}/abc", "GET, POST, DELETE"),
        ("HEAD", SESSIONS, "GET, POST, DELETE"),
        ("HEAD", f"{SESSIONS}/abc", "GET, POST, DELETE"),
        ("PUT", f"{SESSIONS}/a/b/c/d", "GET, POST, DELETE"),
        ("TRACE", f"{SESSIONS}/abc/app", "GET, POST, DELETE"),
        ("POST", "/skaha/v1/image", "GET"),
        ("DELETE", "/skaha/v1/context", "GET"),
        ("HEAD", "/skaha/v1/repository", "GET"),
        ("POST", "/skaha/capabilities", "GET, HEAD"),
    ],
)
def test_other_methods_are_405_before_anybody_is_asked_who_they_are(skaha, user, method, path, allow):
    reply = skaha.as_user(user).request(method, path)
    body = "" if method == "HEAD" else f"unsupported: HTTP {method}\n"
    assert reply.told == (405, "text/plain;charset=ISO-8859-1", body)
    assert reply.header("allow") == allow
    assert reply.header("www-authenticate") is None


@pytest.mark.evidence("skaha-contract §1.4 [INF]")
@pytest.mark.parametrize(
    ("path", "allow"), [(SESSIONS, "GET, POST, DELETE, OPTIONS"), ("/skaha/v1/image", "GET, OPTIONS")]
)
def test_options_are_told_to_everybody(skaha, path, allow):
    reply = skaha.as_user(None).request("OPTIONS", path)
    assert reply.told == (200, None, "")
    assert reply.header("allow") == allow


@pytest.mark.evidence("skaha-contract §1")
@pytest.mark.parametrize(
    "path",
    ["/skaha/v0/session", "/skaha/session", "/skaha/v1", "/skaha/v1/sessions", "/", "/skaha/capabilities/"],
)
def test_other_paths_are_the_containers_own_404(skaha, path):
    for user in ("alice", None):
        reply = skaha.as_user(user).get(path)
        assert reply.status == 404
        assert reply.content_type == "text/html;charset=utf-8"
        assert "HTTP Status 404" in reply.text


@pytest.mark.evidence("skaha-contract §1.1")
def test_too_deep_a_path_is_told_to_callers(skaha):
    for path in ("a/b/c/d", "a/b/c/d/e"):
        for method in ("GET", "DELETE"):
            reply = skaha.request(method, f"{SESSIONS}/{path}")
            assert reply.told == (400, "text/plain", f"Invalid request: {path}\n")


@pytest.mark.evidence("skaha-contract §1")
def test_the_pages_of_the_service(skaha):
    nobody = skaha.as_user(None)
    for method in ("GET", "HEAD"):
        moved = nobody.request(method, "/skaha")
        assert (moved.status, moved.header("location")) == (302, "/skaha/")
    assert nobody.get("/skaha/").body == nobody.get("/skaha/index.html").body
    assert nobody.get("/skaha/openapi.yaml").text.partition("\nopenapi: 3.1.0\n")[1]
    assert nobody.get("/skaha/service.yaml").body == nobody.get("/skaha/openapi.yaml").body


@pytest.mark.evidence("skaha-contract §8.1")
def test_availability_names_the_clients_address(skaha):
    assert "<!--<clientip>192.0.2.7</clientip>-->" in skaha.as_user(None).get("/skaha/availability").text


@pytest.mark.evidence("skaha-contract §8.2")
@pytest.mark.differs(
    "capabilities name this server's own URL, port included, and every way to log in; "
    "`quirks: {rewrite_access_urls: true}` does as the real service"
)
@pytest.mark.parametrize(
    ("faithful", "host", "url"),
    [
        (False, "other:1", "http://127.0.0.1:8080/skaha/v1/session"),
        (True, "other:1", "https://other/skaha/v1/session"),
        (True, "[::1]:8080", "https://[::1]/skaha/v1/session"),
        (True, "[::1]", "https://[::1]/skaha/v1/session"),
    ],
)
def test_where_capabilities_lead(start, faithful, host, url):
    skaha = start(base_url="http://127.0.0.1:8080", quirks={"rewrite_access_urls": faithful})
    reply = skaha.as_user(None).get("/skaha/capabilities", headers={"host": host})
    assert f'<accessURL use="base">{url}</accessURL>' in reply.text


@pytest.mark.evidence("skaha-contract §3.1")
def test_a_mistake_of_this_program_is_a_500_and_goes_to_the_log(skaha, caplog, monkeypatch):
    def broken(username):
        raise KeyError("the cause")

    monkeypatch.setattr(skaha.platform.inventory, "of", broken)
    with caplog.at_level(logging.ERROR, logger="mockskaha"):
        reply = skaha.get()
    assert reply.told[:2] == (500, "text/plain")
    assert reply.text.startswith("unexpected exception: java.lang.")
    assert not reply.text.endswith("\n")
    assert "the cause" not in reply.text
    assert "the cause" in caplog.text
