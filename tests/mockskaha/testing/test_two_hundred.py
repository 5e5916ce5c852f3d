"""Two hundred tests as a client's developers would write them: the size of a real suite, to see what it costs.

Each asks through the client's own door, with its own platform. ``test_in_parallel.py`` runs them again, in parallel.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mockskaha.testing.service import Skaha

pytestmark = pytest.mark.evidence("skaha-contract §2 to §6: what a client meets in a day")

TERMINAL = "images.canfar.net/skaha/terminal:1.1.2"
ASTROML = "images.canfar.net/skaha/astroml:latest"
INTERACTIVE = {
    "notebook": ASTROML,
    "carta": "images.canfar.net/skaha/carta:5.1.0",
    "desktop": "images.canfar.net/skaha/desktop:1.2.1",
    "firefly": "images.canfar.net/skaha/firefly:2025.2",
    "contributed": "images.canfar.net/astroai/webterm:26.07",
}
DAY = 86_400
STATES = "MOCKSKAHA_TEST_STATES"
"""Names the file for digests."""
TINY = [{"name": "node", "count": 2, "cores": 8, "ram_gib": 32}]


class Client:
    """The client under test, such as anybody writes one in an afternoon."""

    def __init__(self, http: Any) -> None:
        self.http = http

    def create(self, **form: Any) -> str:
        answer = self.http.post("/session", data={"name": "test", "image": TERMINAL} | form)
        answer.raise_for_status()
        return str(answer.text.strip())

    def job(self, cmd: str = "sleep", args: str = "60", **form: Any) -> str:
        return self.create(cmd=cmd, args=args, **form)

    def info(self, session_id: str) -> dict[str, Any]:
        answer = self.http.get(f"/session/{session_id}")
        answer.raise_for_status()
        return dict(answer.json())

    def status(self, session_id: str) -> str:
        return str(self.info(session_id)["status"])

    def list(self, **query: str) -> list[dict[str, Any]]:
        return list(self.http.get("/session", params=query).raise_for_status().json())

    def text(self, session_id: str, view: str) -> str:
        return str(self.http.get(f"/session/{session_id}", params={"view": view}).raise_for_status().text)

    def renew(self, session_id: str) -> int:
        return int(self.http.post(f"/session/{session_id}", data={"action": "renew"}).status_code)

    def delete(self, session_id: str) -> int:
        return int(self.http.delete(f"/session/{session_id}").status_code)


@pytest.fixture(autouse=True)
def digest(skaha: Skaha, request: pytest.FixtureRequest) -> Iterator[None]:
    """Notes a digest of all that a test made of its platform, if somebody asks for it."""
    yield
    if file := os.environ.get(STATES):
        document = skaha.snapshot().model_dump_json() + str(skaha.journal)
        state = hashlib.blake2b(document.encode(), digest_size=8).hexdigest()
        with Path(file).open("a") as lines:
            lines.write(f"{state} {request.node.nodeid}\n")


@pytest.fixture
def alice(skaha: Skaha) -> Client:
    return Client(skaha.client("alice"))


@pytest.fixture
def bob(skaha: Skaha) -> Client:
    return Client(skaha.client("bob"))


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


# -- creating ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", INTERACTIVE)
def test_interactive_sessions_start_and_have_an_address(skaha: Skaha, alice: Client, kind: str):
    session_id = alice.create(type=kind, image=INTERACTIVE[kind])
    assert alice.status(session_id) == "Pending"
    skaha.until(session_id, "Running", within="1m")
    found = alice.info(session_id)
    assert (found["status"], found["type"]) == ("Running", kind)
    assert session_id in found["connectURL"]
    assert found["connectURL"].startswith(skaha.origin)


@pytest.mark.parametrize(
    ("cores", "ram", "told"),
    [(1, 1, ("1", "1.07")), (2, 4, ("2", "4.29")), (4, 16, ("4", "17.18")), (8, 32, ("8", "34.36")),
     (16, 192, ("16", "206.16"))],
)  # fmt: skip
def test_fixed_resources_are_told_in_decimal_gigabytes(
    alice: Client, cores: int, ram: int, told: tuple[str, str]
):
    found = alice.info(alice.job(cores=cores, ram=ram))
    assert (found["requestedCPUCores"], found["requestedRAM"]) == told
    assert found["isFixedResources"] is True


@pytest.mark.parametrize("kind", [*INTERACTIVE, "headless"])
def test_flexible_resources_are_not_told(alice: Client, kind: str):
    found = alice.info(alice.create(type=kind, image=INTERACTIVE.get(kind, TERMINAL)))
    assert found["isFixedResources"] is (kind == "firefly")
    assert ("requestedRAM" in found) is (kind == "firefly")


@pytest.mark.parametrize(
    ("sent", "kept"), [("Run-42", "run-42"), ("ABC", "abc"), ("A-b-C", "a-b-c"), ("7", "7")]
)
def test_names_are_lower_case(alice: Client, sent: str, kept: str):
    assert alice.info(alice.job(name=sent))["name"] == kept


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({"name": "a b"}, "name can only contain alpha-numeric chars and '-'"),
        ({"name": "a_b"}, "name can only contain alpha-numeric chars and '-'"),
        ({"name": ""}, "Missing parameter 'name'"),
        ({"image": ""}, "image is required"),
        ({"image": "docker.io/library/python:3"}, "must come from one of [images.canfar.net]"),
        (
            {"image": "images.canfar.net/mine/private:1"},
            "No authentication provided for unknown or private image",
        ),
        ({"type": "notepad"}, "Invalid session type: notepad"),
        ({"cores": "17"}, "Invalid value for 'cores': 17"),
        ({"cores": "many"}, "Invalid value for 'cores': many"),
        ({"cores": "0"}, "Invalid value for 'cores': 0"),
        ({"ram": "193"}, "Invalid value for 'ram': 193"),
        ({"gpus": "29"}, "Invalid value for 'gpus': 29"),
        ({"gpus": "-1"}, "Invalid value for 'gpus': -1"),
    ],
)
def test_a_launch_that_is_refused_says_why_and_leaves_nothing(alice: Client, form: dict[str, str], text: str):
    answer = alice.http.post("/session", data={"name": "test", "image": TERMINAL} | form)
    assert (answer.status_code, text in answer.text) == (400, True), answer.text
    assert alice.list() == []


def test_a_private_image_wants_the_registry_secret(skaha: Skaha, alice: Client):
    form = {"name": "test", "image": "images.canfar.net/survey-team/pipeline:1.0"}
    assert alice.http.post("/session", data=form).status_code == 400
    header = {"x-skaha-registry-auth": "YWxpY2U6czNjcmV0"}
    assert alice.http.post("/session", data=form, headers=header).status_code == 200
    assert skaha.journal[-1].header("x-skaha-registry-auth") == "***"


@pytest.mark.parametrize("count", [1, 2, 5, 10])
def test_replicas_are_sessions_of_their_own(skaha: Skaha, alice: Client, count: int):
    made = [alice.job(name=f"fit-{number}", env=f"REPLICA_ID={number}") for number in range(1, count + 1)]
    assert len(set(made)) == count
    assert sorted(session["name"] for session in alice.list()) == sorted(
        f"fit-{n}" for n in range(1, count + 1)
    )
    skaha.journal.assert_called("createSession", times=count, user="alice")


@pytest.mark.parametrize("user", ["alice", "bob", "carol", "somebody-new", "x2"])
def test_whoever_has_a_token_is_known(skaha: Skaha, user: str):
    client = Client(skaha.client(user))
    found = client.info(client.job())
    assert found["userid"] == user
    assert int(found["runAsUID"]) >= 10_001


# -- batch jobs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [1, 10, 60, 600, 3_600, DAY])
def test_a_job_runs_as_long_as_it_says(skaha: Skaha, alice: Client, seconds: int):
    session_id = alice.job(args=str(seconds))
    skaha.until(session_id, "Running")
    assert skaha.until(session_id, "Completed", within="2d") == pytest.approx(seconds, abs=0.01)
    assert alice.status(session_id) == "Completed"


@pytest.mark.parametrize(
    ("cmd", "args", "status"),
    [
        ("true", "", "Completed"),
        ("false", "", "Failed"),
        ("sh", "-c exit 0", "Completed"),
        ("sh", "-c exit 3", "Failed"),
        ("sleep", "5", "Completed"),
        ("sleep 5", "", "Failed"),
        ("echo", "hello", "Completed"),
        ("printenv", "HOME", "Completed"),
        ("python", "fit.py --model 3", "Completed"),
    ],
)
def test_how_a_job_ends(skaha: Skaha, alice: Client, cmd: str, args: str, status: str):
    session_id = alice.job(cmd, args)
    skaha.until(session_id, status, within="10m")
    assert alice.status(session_id) == status


@pytest.mark.parametrize("code", [0, 1, 2, 3, 77, 127, 137, 255])
def test_a_job_ends_with_the_code_it_is_told(skaha: Skaha, alice: Client, code: int):
    session_id = alice.job("python", "fit.py", env=f"MOCKSKAHA_EXIT={code}")
    skaha.until(session_id, "Completed" if code == 0 else "Failed")
    assert [step.reason for step in skaha.timeline(session_id) if step.step == "exited"] == [str(code)]


@pytest.mark.parametrize(("memory", "ram", "status"), [("1Gi", 2, "Completed"), ("2Gi", 4, "Completed"),
                                                       ("5Gi", 4, "Failed"), ("40Gi", 32, "Failed")])  # fmt: skip
def test_a_job_that_wants_too_much_memory_is_killed(
    skaha: Skaha, alice: Client, memory: str, ram: int, status: str
):
    session_id = alice.job("fit", "", ram=ram, cores=1, env=f"MOCKSKAHA_MEMORY={memory}")
    skaha.until(session_id, status)
    assert ("OOMKilled" in skaha.why(session_id)) is (status == "Failed")


@pytest.mark.parametrize("pull", ["fail", "unauthorized"])
def test_an_image_that_cannot_be_pulled_stays_pending(skaha: Skaha, alice: Client, pull: str):
    session_id = alice.job(env=f"MOCKSKAHA_PULL={pull}")
    skaha.advance("2h")
    assert alice.status(session_id) == "Pending"
    assert "BackOff" in alice.text(session_id, "events")


@pytest.mark.parametrize("words", ["hello", "hello world", "a  b", "42"])
def test_logs_hold_what_a_job_prints(skaha: Skaha, alice: Client, words: str):
    session_id = alice.job("echo", words)
    skaha.until(session_id, "Completed")
    assert words in alice.text(session_id, "logs")


@pytest.mark.parametrize(
    ("name", "value"), [("REPLICA_ID", "1"), ("MODEL", "nfw"), ("N", "0"), ("PATH_X", "/arc")]
)
def test_jobs_see_their_variables(skaha: Skaha, alice: Client, name: str, value: str):
    session_id = alice.job("printenv", name, env=f"{name}={value}")
    skaha.until(session_id, "Completed")
    assert alice.text(session_id, "logs").strip() == value


@pytest.mark.parametrize("reason", ["Scheduled", "Pulling", "Pulled", "Created", "Started"])
def test_events_tell_the_way_to_running(skaha: Skaha, alice: Client, reason: str):
    session_id = alice.job()
    assert reason not in alice.text(session_id, "events")
    skaha.until(session_id, "Running")
    assert f" {reason} " in alice.text(session_id, "events")


# -- waiting -------------------------------------------------------------------------------------------------------


@pytest.mark.skaha(cluster=TINY)
@pytest.mark.parametrize(("cores", "fit"), [(8, 2), (4, 4), (2, 8), (1, 16)])
def test_as_many_run_as_there_is_room(skaha: Skaha, alice: Client, cores: int, fit: int):
    made = [alice.job(args="3600", cores=cores, ram=1, name=f"j-{number}") for number in range(fit + 3)]
    skaha.advance("1m")
    assert [session["status"] for session in alice.list()].count("Running") == fit
    waiting = [session_id for session_id in made if alice.status(session_id) == "Pending"]
    assert len(waiting) == 3
    assert all("Insufficient cpu" in skaha.why(session_id) for session_id in waiting)


@pytest.mark.skaha(cluster=TINY)
@pytest.mark.parametrize("ends", ["deleted", "done"])
def test_whoever_waits_runs_when_there_is_room(skaha: Skaha, alice: Client, bob: Client, ends: str):
    running = [alice.job(args="600", cores=8, ram=1, name=name) for name in ("one", "two")]
    skaha.advance("1m")
    waiting = bob.job(cores=8, ram=1)
    skaha.advance("1m")
    assert bob.status(waiting) == "Pending"
    if ends == "deleted":
        alice.delete(running[0])
    assert skaha.until(waiting) == pytest.approx(1 if ends == "deleted" else 480, abs=3)


@pytest.mark.skaha(settings={"queue": {"admission": {"per_user": {"cores": 4}}}})
@pytest.mark.parametrize(("cores", "admitted"), [(1, 4), (2, 2), (4, 1)])
def test_the_queue_lets_nobody_hold_more_than_is_fair(
    skaha: Skaha, alice: Client, bob: Client, cores: int, admitted: int
):
    made = [alice.job(args="600", cores=cores, ram=1, name=f"j-{number}") for number in range(admitted + 1)]
    other = bob.job(cores=cores, ram=1)
    skaha.advance("1m")
    assert [session["status"] for session in alice.list()].count("Running") == admitted
    assert bob.status(other) in ("Running", "Completed")
    (held,) = (session_id for session_id in made if alice.status(session_id) == "Pending")
    assert "limit of user alice on cores" in skaha.why(held)
    skaha.until(held, "Running")


@pytest.mark.parametrize("count", range(6))
def test_interactive_sessions_are_limited_to_five(skaha: Skaha, alice: Client, bob: Client, count: int):
    for number in range(count):
        skaha.launch(type="notebook", name=f"nb-{number}")
    answer = alice.http.post("/session", data={"name": "one-more", "type": "notebook", "image": ASTROML})
    assert answer.status_code == (200 if count < 5 else 400)
    if count == 5:
        assert answer.text == "User alice has reached the maximum of 5 active sessions.\n"
        alice.delete(alice.list()[0]["id"])
        alice.create(type="notebook", image=ASTROML)
    alice.job()
    bob.create(type="notebook", image=ASTROML)


@pytest.mark.skaha(profile="realistic")
@pytest.mark.parametrize("kind", ["notebook", "desktop", "carta"])
def test_starting_takes_its_time_on_the_real_platform(skaha: Skaha, alice: Client, kind: str):
    session_id = alice.create(type=kind, image=INTERACTIVE[kind])
    assert skaha.until(session_id, within="20m") > 5


# -- a life, and its end -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", INTERACTIVE)
def test_interactive_sessions_expire_after_four_days(skaha: Skaha, alice: Client, kind: str):
    session_id = alice.create(type=kind, image=INTERACTIVE[kind])
    found = alice.info(session_id)
    assert instant(found["expiryTime"]) - instant(found["startTime"]) == timedelta(days=4)
    skaha.until(session_id)
    skaha.until(session_id, "Failed", within="5d")
    assert skaha.now - instant(found["startTime"]) == pytest.approx(
        timedelta(days=4), abs=timedelta(seconds=2)
    )
    assert "DeadlineExceeded" in skaha.why(session_id)


@pytest.mark.parametrize("days", [13, 14, 15])
def test_jobs_may_run_two_weeks(skaha: Skaha, alice: Client, days: int):
    session_id = alice.job(args=str(days * DAY - 3_600))
    skaha.until(session_id, "Completed" if days < 15 else "Failed", within="16d")
    assert skaha.elapsed == pytest.approx(min(days * DAY - 3_600, 14 * DAY), abs=10)


@pytest.mark.parametrize("after", ["1h", "12h", "1d", "3d"])
def test_renewing_gives_four_days_from_now(skaha: Skaha, alice: Client, after: str):
    session_id = alice.create(type="notebook", image=ASTROML)
    skaha.until(session_id)
    skaha.advance(after)
    assert alice.renew(session_id) == 200
    assert instant(alice.info(session_id)["expiryTime"]) - skaha.now == pytest.approx(
        timedelta(days=4), abs=timedelta(seconds=2)
    )
    skaha.advance("95h")
    assert alice.status(session_id) == "Running"
    skaha.until(session_id, "Failed", within="2h")


@pytest.mark.parametrize("times", [1, 2, 5])
def test_renewing_every_day_keeps_it(skaha: Skaha, alice: Client, times: int):
    session_id = alice.create(type="carta", image=INTERACTIVE["carta"])
    for _ in range(times):
        skaha.advance("3d")
        assert alice.renew(session_id) == 200
    assert alice.status(session_id) == "Running"
    skaha.journal.assert_called("renewSession", times=times, status=200)


def test_renewing_a_job_changes_nothing(skaha: Skaha, alice: Client):
    session_id = alice.job(args=str(20 * DAY))
    skaha.advance("10d")
    before = alice.info(session_id)["expiryTime"]
    assert alice.renew(session_id) == 200
    assert alice.info(session_id)["expiryTime"] == before


@pytest.mark.parametrize("cmd", ["true", "false"])
def test_what_has_ended_cannot_be_renewed(skaha: Skaha, alice: Client, cmd: str):
    session_id = alice.job(cmd, "")
    skaha.until(session_id, "Completed" if cmd == "true" else "Failed")
    assert alice.renew(session_id) == 400


@pytest.mark.parametrize(("ended", "listed"), [("30m", 1), ("59m", 1), ("61m", 0), ("1d", 0)])
def test_a_job_that_is_done_is_listed_for_an_hour(skaha: Skaha, alice: Client, ended: str, listed: int):
    session_id = alice.job("true", "")
    skaha.until(session_id, "Completed")
    skaha.advance(ended)
    assert len(alice.list()) == listed
    assert alice.http.get(f"/session/{session_id}").status_code == (200 if listed else 404)


@pytest.mark.parametrize("status", ["Pending", "Running", "Completed", "Failed"])
def test_deleting_takes_it_off_the_list_at_once(skaha: Skaha, alice: Client, status: str):
    session_id = alice.job("false" if status == "Failed" else "sleep", "60")
    if status != "Pending":
        skaha.until(session_id, status)
    assert alice.delete(session_id) == 200
    assert alice.list() == []
    assert alice.http.get(f"/session/{session_id}").status_code == 404
    assert alice.delete(session_id) == 200
    skaha.journal.assert_called("deleteSession", times=2)


@pytest.mark.parametrize("kind", [*INTERACTIVE, "headless"])
def test_every_kind_can_be_deleted(skaha: Skaha, alice: Client, kind: str):
    session_id = alice.create(type=kind, image=INTERACTIVE.get(kind, TERMINAL))
    skaha.until(session_id)
    assert alice.delete(session_id) == 200
    assert skaha.status(session_id) == "Gone"
    assert skaha.nodes.of(session_id) is not None, "its pod takes a moment to stop"
    skaha.advance(5)
    assert skaha.nodes.of(session_id) is None


# -- whose ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["get", "logs", "events", "renew", "delete", "list"])
def test_nobody_touches_the_sessions_of_others(skaha: Skaha, alice: Client, bob: Client, what: str):
    session_id = alice.create(type="notebook", image=ASTROML)
    skaha.until(session_id)
    url = f"/session/{session_id}"
    if what == "get":
        assert bob.http.get(url).status_code == 404
    elif what == "logs":
        assert bob.http.get(url, params={"view": "logs"}).text == ""
    elif what == "events":
        assert bob.http.get(url, params={"view": "events"}).status_code == 404
    elif what == "renew":
        before = alice.info(session_id)["expiryTime"]
        skaha.advance("1h")
        bob.renew(session_id)
        assert alice.info(session_id)["expiryTime"] == before
    elif what == "delete":
        bob.delete(session_id)
    else:
        assert bob.list() == []
    assert alice.status(session_id) == "Running"


@pytest.mark.parametrize("path", ["/session", "/image", "/context", "/repository", "/session/abcdefgh"])
def test_nobody_gets_in_without_a_token(skaha: Skaha, path: str):
    assert skaha.client(None).get(path).status_code == 401


# -- looking -------------------------------------------------------------------------------------------------------


@pytest.fixture
def populated(skaha: Skaha, alice: Client) -> Client:
    """A notebook and a desktop that run, a job that is done, one that failed, and one that has just come."""
    for kind in ("notebook", "desktop"):
        alice.create(type=kind, image=INTERACTIVE[kind], name=kind)
    alice.job("true", "", name="done")
    alice.job("false", "", name="broken")
    skaha.advance("1m")
    alice.job(name="new")
    return alice


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["broken", "desktop", "done", "new", "notebook"]),
        ({"status": "Running"}, ["desktop", "notebook"]),
        ({"status": "Pending"}, ["new"]),
        ({"status": "Completed"}, ["done"]),
        ({"status": "Failed"}, ["broken"]),
        ({"status": "Terminating"}, []),
        ({"type": "headless"}, ["broken", "done", "new"]),
        ({"type": "notebook"}, ["notebook"]),
        ({"type": "carta"}, []),
        ({"type": "headless", "status": "Failed"}, ["broken"]),
        ({"view": "interactive"}, ["desktop", "notebook"]),
    ],
)
def test_lists_can_be_narrowed(populated: Client, query: dict[str, str], names: list[str]):
    assert sorted(session["name"] for session in populated.list(**query)) == names


@pytest.mark.parametrize(
    "field",
    ["id", "userid", "runAsUID", "runAsGID", "supplementalGroups", "image", "type", "status", "name", "startTime",
     "expiryTime", "connectURL"],
)  # fmt: skip
def test_every_listed_session_has_what_clients_rely_on(populated: Client, field: str):
    assert all(session[field] is not None for session in populated.list())


@pytest.mark.parametrize("kind", [*INTERACTIVE, "headless"])
def test_images_are_told_by_their_types(alice: Client, kind: str):
    found = alice.http.get("/image", params={"type": kind}).json()
    assert found
    assert all(kind in image["types"] and image["digest"].startswith("sha256:") for image in found)


@pytest.mark.parametrize(("jobs", "cores"), [(0, 0), (1, 2), (3, 6)])
def test_the_platform_tells_what_is_asked_of_it(skaha: Skaha, alice: Client, jobs: int, cores: int):
    for number in range(jobs):
        skaha.until(alice.job(args="3600", cores=2, ram=4, name=f"j-{number}"))
    found = alice.http.get("/session", params={"view": "stats"}).json()
    assert found["cores"]["requestedCPUCores"] == cores
    assert found["cores"]["cpuCoresAvailable"] == 43 * 64


@pytest.mark.parametrize(("key", "options"), [("cores", 16), ("memoryGB", 192), ("gpus", 28)])
def test_a_launch_form_learns_its_limits(alice: Client, key: str, options: int):
    assert alice.http.get("/context").json()[key]["options"][-1] == options


# -- desktop apps --------------------------------------------------------------------------------------------------


@pytest.fixture
def desktop(skaha: Skaha, alice: Client) -> str:
    session_id = alice.create(type="desktop", image=INTERACTIVE["desktop"])
    skaha.until(session_id)
    return session_id


@pytest.mark.parametrize("image", [TERMINAL, "images.canfar.net/skaha/casa:6.5"])
def test_desktops_have_apps(skaha: Skaha, alice: Client, desktop: str, image: str):
    app_id = alice.http.post(f"/session/{desktop}/app", data={"image": image}).raise_for_status().text.strip()
    skaha.advance(10)
    (app,) = alice.http.get(f"/session/{desktop}/app").json()
    assert (app["id"], app["appid"], app["status"], app["image"]) == (desktop, app_id, "Running", image)
    assert alice.http.delete(f"/session/{desktop}/app/{app_id}").status_code == 200
    assert alice.http.get(f"/session/{desktop}/app").json() == []


@pytest.mark.parametrize("count", [1, 3])
def test_apps_go_with_their_desktop(skaha: Skaha, alice: Client, desktop: str, count: int):
    for _ in range(count):
        alice.http.post(f"/session/{desktop}/app", data={"image": TERMINAL}).raise_for_status()
    skaha.advance(10)
    alice.delete(desktop)
    assert alice.list() == []
    skaha.advance(10)
    assert all(node.free_cores == node.cores for node in skaha.nodes)


# -- machines ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", INTERACTIVE)
def test_an_interactive_session_moves_when_its_node_is_lost(skaha: Skaha, alice: Client, kind: str):
    session_id = alice.create(type=kind, image=INTERACTIVE[kind])
    skaha.until(session_id)
    lost = skaha.nodes.of(session_id)
    assert lost is not None
    skaha.nodes.fail(lost.name)
    assert alice.status(session_id) == "Pending"
    skaha.until(session_id)
    assert skaha.nodes.of(session_id) not in (None, lost)


def test_a_job_fails_when_its_node_is_lost(skaha: Skaha, alice: Client):
    session_id = alice.job()
    skaha.until(session_id)
    node = skaha.nodes.of(session_id)
    assert node is not None
    skaha.nodes.fail(node.name)
    skaha.until(session_id, "Failed")
    assert "NodeLost" in skaha.why(session_id)


@pytest.mark.skaha(cluster=TINY)
@pytest.mark.parametrize("evict", [False, True])
def test_a_drained_node_takes_nothing_more(skaha: Skaha, alice: Client, evict: bool):
    session_id = alice.job(args="3600", cores=8, ram=1)
    skaha.until(session_id)
    for node in skaha.nodes:
        skaha.nodes.drain(node.name, evict=evict)
    skaha.advance("1m")
    assert alice.status(session_id) == ("Failed" if evict else "Running")
    waiting = alice.job(name="later")
    skaha.advance("1m")
    assert "node(s) were unschedulable" in skaha.why(waiting)
    skaha.nodes.add("spare", cores=4, ram_gib=8)
    skaha.until(waiting)


# -- what goes wrong -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status"),
    [("bad-gateway-after-create", 502), ("unavailable", 503), ("quota-full", 400), ("flaky", 500)],
)
def test_a_launch_that_goes_wrong_is_told(skaha: Skaha, alice: Client, fault: str, status: int):
    skaha.faults.add(fault, **({"probability": 1} if fault == "flaky" else {"operation": "createSession"}))
    answer = alice.http.post("/session", data={"name": "test", "image": TERMINAL})
    assert answer.status_code == status
    skaha.faults.clear()
    assert len(alice.list()) == (1 if fault == "bad-gateway-after-create" else 0)


@pytest.mark.parametrize(
    ("fate", "status", "reason"),
    [("oom", "Failed", "OOMKilled"), ("crash", "Failed", "Error"), ("evicted", "Failed", "Evicted"),
     ("node-lost", "Failed", ""), ("expires-after", "Failed", "DeadlineExceeded"),
     ("preempted", "Completed", "Completed")],
)  # fmt: skip
def test_a_session_that_is_cut_short(skaha: Skaha, alice: Client, fate: str, status: str, reason: str):
    skaha.faults.add(fate)
    session_id = alice.job(args="2h")
    skaha.until(session_id)
    skaha.until(session_id, status, within="3d")
    assert reason in skaha.why(session_id)


@pytest.mark.parametrize("fault", ["pending-forever", "suspended-no-start", "never-ready", "image-not-found"])
def test_a_session_that_never_runs(skaha: Skaha, alice: Client, fault: str):
    skaha.faults.add(fault)
    session_id = alice.create(type="notebook", image=ASTROML)
    skaha.advance("1d")
    assert alice.status(session_id) == "Pending"
    assert ("startTime" in alice.info(session_id)) is (fault != "suspended-no-start")


# -- the suite's own tricks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_every_turn_is_alike(skaha: Skaha, alice: Client, turn: int):
    session_id = alice.job(name=f"turn-{turn}")
    assert (session_id, skaha.until(session_id)) == ("d7sqts6w", pytest.approx(1, abs=0.5))


@pytest.mark.skaha(profile="chaos", seed=3)
def test_trouble_is_the_same_every_time(skaha: Skaha, alice: Client):
    made = [alice.job(name=f"j-{number}", args="5") for number in range(30)]
    skaha.advance("30m")
    ends = [alice.status(session_id) for session_id in made]
    assert ends.count("Completed") < 30
    skaha.reset()
    again = [alice.job(name=f"j-{number}", args="5") for number in range(30)]
    skaha.advance("30m")
    assert (again, [alice.status(session_id) for session_id in again]) == (made, ends)


@pytest.mark.parametrize("naps", [1, 60, 3_600])
def test_a_client_that_polls_needs_no_time(
    skaha: Skaha, alice: Client, naps: int, monkeypatch: pytest.MonkeyPatch
):
    import time

    monkeypatch.setattr("time.sleep", skaha.advance)
    session_id = alice.job(args="100")
    while alice.status(session_id) != "Completed":
        time.sleep(naps)
    skaha.journal.assert_called("getSession", times=1 + -(-101 // naps), user="alice")


@pytest.mark.parametrize("sessions", [1, 10, 100])
def test_a_day_that_began_before(skaha: Skaha, alice: Client, sessions: int):
    skaha.seed({"sessions": [{"user": "alice", "name": "old", "image": TERMINAL, "age": "2h", "count": sessions,
                              "env": {"MOCKSKAHA_RUNTIME": "1d"}}]})  # fmt: skip
    found = alice.list(status="Running")
    assert len(found) == sessions
    assert {skaha.now - instant(session["startTime"]) for session in found} == {timedelta(hours=2)}
