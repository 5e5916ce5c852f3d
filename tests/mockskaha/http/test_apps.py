"""Applications inside a desktop."""

import re

import pytest

pytestmark = pytest.mark.evidence("skaha-contract §2.11, §2.7, §3.4, §4.1")

SESSIONS = "/skaha/v1/session"
TERMINAL = "images.canfar.net/skaha/terminal:1.1.2"


@pytest.fixture
def desktop(skaha):
    found = skaha.create(type="desktop")
    skaha.until(found, "Running")
    return found


def test_an_app_is_answered_with_three_characters(skaha, desktop):
    reply = skaha.post(f"{SESSIONS}/{desktop}/app", {"image": TERMINAL})
    assert reply.told[:2] == (200, "text/plain")
    assert re.fullmatch(r"[a-z][a-z0-9]{2}\n", reply.text)


def test_the_id_of_the_path_is_not_looked_at_in_a_list(skaha, desktop):
    other = skaha.create(type="desktop")
    skaha.until(other, "Running")
    apps = {skaha.create_app(desktop), skaha.create_app(other)}
    for anything in (desktop, other, "a1b2c3d4", "a_"):
        listed = skaha.get(f"{SESSIONS}/{anything}/banana")
        assert {app["appid"] for app in listed.json} == apps
        assert listed.body == skaha.get(f"{SESSIONS}?type=desktop-app").body
    assert skaha.as_user("bob").get(f"{SESSIONS}/{desktop}/app").text == "[]"


def test_lists_honour_status_and_view_all(skaha, desktop):
    skaha.create_app(desktop)
    apps = f"{SESSIONS}/{desktop}/app"
    assert [len(skaha.get(f"{apps}?status={s}").json) for s in ("pending", "Running", "")] == [1, 0, 0]
    skaha.advance(60)
    assert [len(skaha.get(f"{apps}?status={s}").json) for s in ("pending", "Running")] == [0, 1]
    everybody = skaha.as_user("bob").get(f"{apps}?view=all").json
    assert [(app["userid"], app["type"], app["status"]) for app in everybody] == [
        ("alice", "desktop-app", "Running")
    ]
    assert len(everybody[0]) == 4


def test_one_app_is_found_by_both_ids(skaha, desktop):
    other = skaha.create(type="desktop")
    skaha.until(other, "Running")
    app = skaha.create_app(desktop)
    found = skaha.get(f"{SESSIONS}/{desktop}/app/{app}").json
    assert (found["id"], found["appid"], found["type"], found["connectURL"]) == (
        desktop,
        app,
        "desktop-app",
        "",
    )
    assert skaha.get(f"{SESSIONS}/{desktop}/anything/{app}").json == found
    assert skaha.get(f"{SESSIONS}/{other}/app/{app}").text == (
        f"desktop app with session {other} and app ID {app} was not found\n"
    )
    assert skaha.session(desktop)["type"] == "desktop"


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("images.canfar.net/skaha/terminal:1.1.2", "terminal-1-1-2"),
        ("images.canfar.net/casa-6/casa:6.5.4-9-pipeline", "casa-6-5-4-9-pipeline"),
        ("docker.io/Some_Where/My_App:Latest", "my-app-latest"),
        ("plain", "plain"),
    ],
)
def test_an_app_is_called_after_its_image_which_may_come_from_anywhere(skaha, desktop, image, name):
    app = skaha.create_app(desktop, image=image, name="mine", cmd="x", type="carta", gpus="0")
    assert skaha.get(f"{SESSIONS}/{desktop}/app/{app}").json["name"] == name


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({}, "Missing parameter 'image'"),
        ({"image": TERMINAL, "cores": "17"}, "Invalid value for 'cores': 17"),
        ({"image": TERMINAL, "ram": "3"}, "Invalid value for 'ram': 3"),
        ({"image": TERMINAL, "cores": "0", "ram": "0"}, "Invalid value for 'cores': 0"),
    ],
)
def test_what_is_checked(skaha, desktop, asked, text):
    assert skaha.post(f"{SESSIONS}/{desktop}/app", asked).told == (400, "text/plain", f"{text}\n")


def test_resources_are_those_of_a_batch_job(skaha, desktop):
    app = skaha.create_app(desktop, cores=1, ram=4)
    found = skaha.get(f"{SESSIONS}/{desktop}/app/{app}").json
    assert (found["requestedCPUCores"], int(float(found["requestedRAM"])), found["isFixedResources"]) == (
        "1",
        4,
        True,
    )
    app = skaha.create_app(desktop)
    assert skaha.get(f"{SESSIONS}/{desktop}/app/{app}").json["isFixedResources"] is False


def test_apps_go_into_desktops_that_have_a_pod_only(skaha):
    pending = skaha.create(type="desktop")
    notebook = skaha.create(type="notebook")
    done = skaha.create(type="desktop", env="MOCKSKAHA_RUNTIME=1s")
    deleted = skaha.create(type="desktop")
    told = {"image": TERMINAL}
    assert skaha.post(f"{SESSIONS}/{pending}/app", told).text == f"session {pending} not found\n"
    skaha.advance(60)
    skaha.delete(f"{SESSIONS}/{deleted}")
    for wrong in (notebook, done, deleted, "a1b2c3d4"):
        reply = skaha.post(f"{SESSIONS}/{wrong}/app", told)
        assert reply.told == (404, "text/plain", f"session {wrong} not found\n")
    assert skaha.post(f"{SESSIONS}/{pending}/app", told).status == 200


def test_deleting_an_app_leaves_the_others(skaha, desktop):
    first, second = skaha.create_app(desktop), skaha.create_app(desktop)
    assert skaha.delete(f"{SESSIONS}/{desktop}/app/{first}").told == (200, None, "")
    assert skaha.delete(f"{SESSIONS}/{desktop}/app/{first}").told == (200, None, "")
    assert [app["appid"] for app in skaha.get(f"{SESSIONS}/{desktop}/app").json] == [second]
    assert skaha.status(desktop) == "Running"


def test_apps_do_not_count_as_sessions_of_ones_own(skaha, desktop):
    for _ in range(6):
        skaha.create_app(desktop)
    assert [session["type"] for session in skaha.sessions()] == ["desktop"]
    assert len(skaha.get(f"{SESSIONS}/{desktop}/app").json) == 6


@pytest.mark.evidence("skaha-contract §2.10, §2.9")
def test_a_desktop_with_apps_has_no_events_and_all_the_logs(start):
    for hidden in (True, False):
        skaha = start(quirks={"many_pods_hide_events": hidden})
        found = skaha.create(type="desktop")
        skaha.advance(60)
        before = skaha.events(found).text
        assert before.startswith("TYPE ")
        alone = skaha.logs(found)
        app = skaha.create_app(found)
        skaha.advance(60)
        assert skaha.events(found).text == ("<none>\n" if hidden else before)
        assert skaha.logs(found).startswith(alone)
        assert len(skaha.logs(found)) > len(alone)
        skaha.delete(f"{SESSIONS}/{found}/app/{app}")
        assert skaha.events(found).text == before
        assert skaha.logs(found) == alone
