"""Statuses, deadlines, time to live, renewing."""

from datetime import datetime

import pytest

from mockskaha.session import KINDS

SESSIONS = "/skaha/v1/session"
DAY = 86_400
RENEW = {"action": "renew"}


def lasting(skaha, kind, *env):
    return skaha.create(type=kind, env=[*env, "MOCKSKAHA_READY=0s"])


def remaining(skaha, found):
    """Seconds from start to expiry."""
    session = skaha.session(found)
    ends = [datetime.fromisoformat(session[field]) for field in ("startTime", "expiryTime")]
    return (ends[1] - ends[0]).total_seconds()


@pytest.mark.evidence("skaha-contract §4.3")
@pytest.mark.parametrize("kind", KINDS)
def test_deadline_and_time_to_live_of_each_type(instant, kind):
    days, kept = (14, 3600) if kind == "headless" else (4, DAY)
    found = lasting(instant, kind)
    assert remaining(instant, found) == days * DAY
    instant.advance(days * DAY - 0.5)
    assert instant.status(found) == "Running"
    instant.advance(0.5)
    assert instant.status(found) == "Failed"
    instant.advance(kept - 0.5)
    assert instant.status(found) == "Failed"
    instant.advance(0.5)
    assert instant.get(f"{SESSIONS}/{found}").status == 404
    assert instant.get().text == "[]"


@pytest.mark.evidence("skaha-contract §4.3")
@pytest.mark.parametrize("kind", KINDS)
def test_a_session_that_ends_by_itself_is_kept_as_long(instant, kind):
    kept = 3600 if kind == "headless" else DAY
    found = lasting(instant, kind, "MOCKSKAHA_RUNTIME=100s")
    instant.advance(100)
    assert instant.status(found) == "Completed"
    instant.advance(kept - 1)
    assert instant.status(found) == "Completed"
    instant.advance(1)
    assert instant.get().text == "[]"


@pytest.mark.evidence("skaha-contract §4.3, §4.5")
def test_an_app_lives_four_days_and_no_longer_than_its_desktop(instant):
    desktop = lasting(instant, "desktop")
    instant.advance(DAY)
    instant.create_app(desktop)
    app = instant.sessions(type="desktop-app")[0]
    assert app["expiryTime"] == "2026-08-11T22:25:31Z"
    instant.advance(3 * DAY)
    assert instant.status(desktop) == "Failed"
    instant.advance(DAY)
    assert instant.get(f"{SESSIONS}?type=desktop-app").text == "[]"
    assert instant.get(f"{SESSIONS}?view=all").text == "[]"


@pytest.mark.evidence("skaha-contract §4.3: expiry of the deployment")
def test_a_deployment_may_give_less(start):
    skaha = start(
        profile="instant", sessions={"expiry_seconds": 3600, "lifetimes": {"carta": {"ttl_seconds": 0}}}
    )
    carta, notebook = lasting(skaha, "carta"), lasting(skaha, "notebook")
    assert remaining(skaha, notebook) == 3600
    skaha.advance(3600)
    assert skaha.get(f"{SESSIONS}/{carta}").status == 404
    assert skaha.status(notebook) == "Failed"


# Statuses


@pytest.mark.evidence("skaha-contract §4.2")
@pytest.mark.parametrize(
    ("kind", "env", "statuses"),
    [
        ("headless", ["MOCKSKAHA_RUNTIME=3s"], ["Pending", "Running", "Completed"]),
        ("headless", ["MOCKSKAHA_RUNTIME=3s", "MOCKSKAHA_EXIT=1"], ["Pending", "Running", "Failed"]),
        ("headless", ["MOCKSKAHA_RUNTIME=60s", "MOCKSKAHA_MEMORY=40Gi"], ["Pending", "Running", "Failed"]),
        ("headless", ["MOCKSKAHA_PULL=fail"], ["Pending"]),
        ("notebook", ["MOCKSKAHA_RUNTIME=3s"], ["Pending", "Running", "Completed"]),
        ("notebook", ["MOCKSKAHA_READY=never"], ["Pending"]),
        ("carta", ["MOCKSKAHA_READY=1h"], ["Pending", "Running"]),
        ("contributed", [], ["Pending", "Running"]),
    ],
)
def test_the_statuses_of_a_life(skaha, kind, env, statuses):
    found = skaha.create(type=kind, env=env)
    seen = []
    for step in [0.1] * 300 + [60] * 70:
        status = skaha.status(found)
        if status not in seen:
            seen.append(status)
        skaha.advance(step)
        if seen == statuses and step == 60:
            break
    assert seen == statuses


@pytest.mark.evidence("skaha-contract §4.2, §4.3: restart policy OnFailure, six retries")
def test_an_interactive_session_that_crashes_is_pending_in_between_and_failed_in_the_end(skaha):
    found = skaha.create(type="notebook", env=["MOCKSKAHA_RUNTIME=2s", "MOCKSKAHA_EXIT=1"])
    seen = []
    for _ in range(1500):
        status = skaha.status(found)
        if not seen or seen[-1] != status:
            seen.append(status)
        skaha.advance(0.5)
    assert seen == ["Pending", "Running"] * 7 + ["Failed"]


@pytest.mark.evidence("skaha-contract §4.3: backoffLimit 0")
def test_a_batch_job_runs_once(instant):
    found = instant.create(cmd="false", args="")
    assert instant.status(found) == "Failed"


# Renewing


@pytest.mark.evidence("skaha-contract §4.4, §2.7")
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "headless"])
@pytest.mark.parametrize("after", [1, 20, DAY, 4 * DAY - 1])
def test_an_interactive_session_is_given_four_days_from_now(instant, kind, after):
    found = lasting(instant, kind)
    instant.advance(after)
    assert instant.post(f"{SESSIONS}/{found}", RENEW).told == (200, None, "")
    assert remaining(instant, found) == after + 4 * DAY
    instant.advance(4 * DAY - 1)
    assert instant.status(found) == "Running"
    instant.advance(1)
    assert instant.status(found) == "Failed"


@pytest.mark.evidence("skaha-contract §4.4, §9.11")
@pytest.mark.parametrize(
    ("after", "total"),
    [
        (20, 14 * DAY),
        (10 * DAY - 1, 14 * DAY),
        (10 * DAY, 14 * DAY),
        (10 * DAY + 1, 14 * DAY + 1),
        (13 * DAY, 17 * DAY),
    ],
)
def test_a_batch_job_is_renewed_in_its_last_four_days_only(instant, after, total):
    found = lasting(instant, "headless")
    instant.advance(after)
    assert instant.post(f"{SESSIONS}/{found}", RENEW).told == (200, None, "")
    assert remaining(instant, found) == total


@pytest.mark.evidence("skaha-contract §4.4")
def test_renewing_at_once_changes_nothing(instant):
    found = lasting(instant, "notebook")
    before = instant.get(f"{SESSIONS}/{found}").body
    assert instant.post(f"{SESSIONS}/{found}", query={"ACTION": "Renew"}).status == 200
    assert instant.get(f"{SESSIONS}/{found}").body == before


@pytest.mark.evidence("skaha-contract §4.4")
def test_apps_are_renewed_with_their_desktop(instant):
    desktop = lasting(instant, "desktop")
    instant.create_app(desktop)
    instant.advance(DAY)
    instant.post(f"{SESSIONS}/{desktop}", RENEW)
    expiries = [session["expiryTime"] for session in instant.get(f"{SESSIONS}?view=interactive").json]
    assert expiries == ["2026-08-11T22:25:31Z"] * 2


@pytest.mark.evidence("skaha-contract §4.4: four days more than any before")
def test_renewing_again_and_again_keeps_a_session_for_ever(instant):
    found = lasting(instant, "carta")
    for _ in range(10):
        instant.advance(3 * DAY)
        assert instant.post(f"{SESSIONS}/{found}", RENEW).status == 200
    assert instant.status(found) == "Running"


@pytest.mark.evidence("skaha-contract §3.4")
def test_what_has_ended_cannot_be_renewed(instant):
    found = lasting(instant, "notebook", "MOCKSKAHA_RUNTIME=5s")
    instant.advance(5)
    text = f"No active job for user PosixPrincipal [uidNumber=10001,10001,alice] with session {found}\n"
    assert instant.post(f"{SESSIONS}/{found}", RENEW).told == (400, "text/plain", text)
