"""Lists, single sessions, renewing and deleting."""

import pytest

pytestmark = pytest.mark.evidence("skaha-contract §2.5, §2.6, §2.7, §3.4")

SESSIONS = "/skaha/v1/session"
SYNTAX = "canfar.net/id label value must match Kubernetes label value syntax\n"
LONG = "canfar.net/id label value exceeds 63 characters\n"
KINDS = ("headless", "notebook", "carta", "desktop", "contributed", "firefly")


@pytest.fixture
def populated(skaha):
    """Alice has one session of each type and an app; the batch job is done, the last one is not ready yet."""
    for kind in KINDS[:-1]:
        skaha.create(type=kind, name=kind, **({"cmd": "true"} if kind == "headless" else {}))
    skaha.advance(60)
    skaha.create_app(next(session["id"] for session in skaha.sessions(type="desktop")))
    skaha.advance(60)
    skaha.create(type="firefly", name="firefly")
    skaha.as_user("bob").create(type="notebook", name="bobs")
    return skaha


SORTED = ["carta", "contributed", "desktop", "firefly", "headless", "notebook"]


@pytest.mark.parametrize(
    ("query", "types"),
    [
        ("", SORTED),
        ("type=notebook", ["notebook"]),
        ("type=NoteBook", ["notebook"]),
        ("TYPE=headless", ["headless"]),
        ("type=desktop-app", ["desktop-app"]),
        ("type=Desktop-App&status=running", ["desktop-app"]),
        ("type=nonsense", []),
        ("type=", []),
        ("status=", []),
        ("status=Completed", ["headless"]),
        ("status=completed", ["headless"]),
        ("status=Succeeded", []),
        ("status=RUNNING", ["carta", "contributed", "desktop", "notebook"]),
        ("status=pending", ["firefly"]),
        ("status=Running&type=carta", ["carta"]),
        ("status=Pending&type=carta", []),
        ("view=interactive", ["desktop-app", "carta", "contributed", "desktop", "firefly", "notebook"]),
        (
            "view=Interactive&type=carta",
            ["desktop-app", "carta", "contributed", "desktop", "firefly", "notebook"],
        ),
        ("view=INTERACTIVE&status=pending", ["firefly"]),
        ("view=ALL", SORTED),
        ("view=Stats", SORTED),
        ("view=logs", SORTED),
        ("view=events", SORTED),
        ("view=", SORTED),
        ("view=nonsense", SORTED),
        ("nonsense=1", SORTED),
    ],
)
def test_what_a_list_holds(populated, query, types):
    found = [session["type"] for session in populated.get(f"{SESSIONS}?{query}").json]
    # The app's job is called after its desktop's id, which sorts somewhere among "skaha-…".
    assert [kind for kind in found if kind != "desktop-app"] == [
        kind for kind in types if kind != "desktop-app"
    ]
    assert sorted(found) == sorted(types)


def test_lists_are_in_the_order_of_job_names(skaha):
    for number in range(4):
        for kind in ("notebook", "headless"):
            skaha.create(type=kind, name=f"n{9 - number}")
    skaha.advance(1)
    found = skaha.sessions()
    assert [(s["type"], s["id"]) for s in found] == sorted((s["type"], s["id"]) for s in found)
    assert len(found) == 8


def test_apps_sort_by_the_id_of_their_desktop(skaha):
    desktops = [skaha.create(type="desktop") for _ in range(4)]
    skaha.advance(60)
    apps = [skaha.create_app(desktop) for desktop in desktops]
    listed = [(s["id"], s["appid"]) for s in skaha.sessions(type="desktop-app")]
    assert listed == sorted(zip(desktops, apps, strict=True))


def test_view_all_shows_everybody_in_four_fields(populated):
    for user in ("alice", "bob", "carol"):
        found = populated.as_user(user).get(f"{SESSIONS}?view=all").json
        assert [(s["userid"], s["type"], s["status"]) for s in found] == [
            ("alice", "carta", "Running"),
            ("alice", "contributed", "Running"),
            ("alice", "desktop", "Running"),
            ("alice", "firefly", "Pending"),
            ("alice", "headless", "Completed"),
            ("alice", "notebook", "Running"),
            ("bob", "notebook", "Pending"),
        ]
        assert {tuple(s) for s in found} == {("userid", "type", "status", "startTime")}
    for query, count in (("status=pending", 2), ("type=notebook", 2), ("type=desktop-app", 1), ("type=x", 0)):
        assert len(populated.get(f"{SESSIONS}?view=all&{query}").json) == count


def test_a_single_session_is_the_one_of_the_list(populated):
    for session in populated.sessions():
        assert populated.get(f"{SESSIONS}/{session['id']}").json == session
        assert populated.get(f"{SESSIONS}/{session['id']}/").json == session
        assert populated.get(f"{SESSIONS}/{session['id']}?view=nonsense").json == session


@pytest.mark.evidence("skaha-contract §1.1")
def test_the_empty_id_is_the_callers_first_session(populated):
    first = populated.sessions()[0]
    assert populated.get(f"{SESSIONS}/").json == first
    assert populated.as_user("dora").get(f"{SESSIONS}/").told == (404, "text/plain", "session  not found\n")
    assert populated.post(f"{SESSIONS}/").told == (400, "text/plain", "Cannot modify an existing session\n")
    assert populated.delete(f"{SESSIONS}/").told == (200, None, "")
    assert populated.sessions()[0] == first


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "/a1b2c3d4", (404, "text/plain", "session a1b2c3d4 not found\n")),
        ("GET", "/a1b2c3d4?view=logs", (200, "text/plain", "")),
        ("GET", "/a1b2c3d4?view=events", (404, "text/plain", "session a1b2c3d4 not found.\n")),
        (
            "GET",
            "/a1b2c3d4/app/x1y",
            (404, "text/plain", "desktop app with session a1b2c3d4 and app ID x1y was not found\n"),
        ),
        ("GET", "/a_", (400, "text/plain", SYNTAX)),
        ("GET", "/-x", (400, "text/plain", SYNTAX)),
        ("GET", "/a%20b", (400, "text/plain", SYNTAX)),
        ("GET", "/%20", (400, "text/plain", SYNTAX)),
        ("GET", "/a_?view=logs", (400, "text/plain", SYNTAX)),
        ("GET", "/a_?view=events", (400, "text/plain", SYNTAX)),
        ("GET", "/a_/app/x1y", (400, "text/plain", SYNTAX)),
        ("DELETE", "/a_/app/x1y", (400, "text/plain", SYNTAX)),
        ("GET", f"/{'a' * 64}", (400, "text/plain", LONG)),
        ("GET", f"/{'a' * 63}", (404, "text/plain", f"session {'a' * 63} not found\n")),
        ("GET", f"/{'a' * 64}?view=logs", (400, "text/plain", LONG)),
        ("GET", "/a.b_c-d", (404, "text/plain", "session a.b_c-d not found\n")),
        ("DELETE", "", (400, "text/plain", "Cannot kill all sessions.\n")),
        ("DELETE", "/a1b2c3d4", (200, None, "")),
        ("DELETE", "/a_", (200, None, "")),
        ("DELETE", f"/{'a' * 64}", (200, None, "")),
        ("DELETE", "/a1b2c3d4/app", (400, "text/plain", "Missing app ID\n")),
        ("DELETE", "/a1b2c3d4/app/x1y", (200, None, "")),
        ("POST", "/a1b2c3d4", (400, "text/plain", "Cannot modify an existing session\n")),
        ("POST", "/a1b2c3d4?action=stop", (400, "text/plain", "unrecognized action\n")),
        ("POST", "/a1b2c3d4?action=", (400, "text/plain", "unrecognized action\n")),
        (
            "POST",
            "/a1b2c3d4?action=RENEW",
            (
                400,
                "text/plain",
                "No active job for user PosixPrincipal [uidNumber=10001,10001,alice] with session a1b2c3d4\n",
            ),
        ),
        ("POST", "/a1b2c3d4/app", (400, "text/plain", "Missing parameter 'image'\n")),
        ("POST", "/a1b2c3d4/app?image=x", (404, "text/plain", "session a1b2c3d4 not found\n")),
        ("POST", "/a1b2c3d4/app/x1y", (400, "text/plain", "Cannot modify an existing app.\n")),
        ("POST", "/a1b2c3d4/app/x1y?image=x", (400, "text/plain", "Cannot modify an existing app.\n")),
        ("GET", "/a/b/c/d", (400, "text/plain", "Invalid request: a/b/c/d\n")),
    ],
)
def test_requests_that_find_nothing(skaha, method, path, told):
    form = {} if method == "POST" else None
    assert skaha.request(method, SESSIONS + path, form=form).told == told


@pytest.mark.evidence("skaha-contract §2.7, §4.5")
def test_a_deleted_session_is_gone_at_once_and_for_good(skaha):
    found = skaha.create(type="desktop")
    skaha.advance(60)
    app = skaha.create_app(found)
    assert skaha.delete(f"{SESSIONS}/{found}").told == (200, None, "")
    assert skaha.delete(f"{SESSIONS}/{found}").told == (200, None, "")
    assert skaha.get(f"{SESSIONS}/{found}").status == 404
    assert skaha.get(f"{SESSIONS}/{found}/app/{app}").status == 404
    assert skaha.get().text == "[]"
    assert skaha.get(f"{SESSIONS}/{found}/app").text == "[]"
    assert skaha.get(f"{SESSIONS}?view=all").text == "[]"
    assert skaha.events(found).told == (404, "text/plain", f"session {found} not found.\n")


@pytest.mark.evidence("skaha-contract §4.5: the pod takes its grace period to go")
def test_what_a_deleted_session_holds_comes_free_when_its_pod_has_gone(skaha):
    found = skaha.create(cores=16, ram=64)
    skaha.until(found, "Running")
    skaha.delete(f"{SESSIONS}/{found}")
    requested = lambda: skaha.get(f"{SESSIONS}?view=stats").json["cores"]["requestedCPUCores"]  # noqa: E731
    assert requested() == 16.0
    skaha.advance(0.5)
    assert requested() == 0.0


# Nobody sees what is somebody else's


ANSWERS = [
    ("GET", ""), ("GET", "?view=logs"), ("GET", "?view=events"), ("DELETE", ""), ("POST", "?action=renew"),
    ("POST", ""), ("GET", "/app"), ("POST", "/app?image=x/y:1"), ("GET", "/app/{app}"), ("DELETE", "/app/{app}"),
    ("POST", "/app/{app}"), ("DELETE", "/app"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "suffix"), ANSWERS)
@pytest.mark.parametrize("kind", ["desktop", "headless"])
def test_a_strangers_id_is_answered_like_one_that_does_not_exist(skaha, kind, method, suffix):
    found = skaha.create(type=kind, **({} if kind == "desktop" else {"cmd": "env", "args": ""}))
    skaha.advance(60)
    app = skaha.create_app(found) if kind == "desktop" else "x1y"
    before = skaha.get().body, skaha.get(f"{SESSIONS}/{found}/app").body
    told = []
    for identifier in (found, "a1b2c3d4"):
        path = f"{SESSIONS}/{identifier}{suffix.format(app=app)}"
        reply = skaha.as_user("bob").request(method, path, form={} if method == "POST" else None)
        told.append((reply.status, reply.content_type, reply.text.replace(identifier, "ID")))
    assert told[0] == told[1]
    assert (skaha.get().body, skaha.get(f"{SESSIONS}/{found}/app").body) == before


def test_lists_are_ones_own(populated):
    for query in ("", "?view=interactive", "?type=desktop-app", "?type=notebook"):
        assert {s["userid"] for s in populated.get(SESSIONS + query).json} == {"alice"}
        assert {s["userid"] for s in populated.as_user("bob").get(SESSIONS + query).json} <= {"bob"}
        assert populated.as_user("carol").get(SESSIONS + query).text == "[]"
