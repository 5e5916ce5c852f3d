"""The table of a session's Kubernetes events."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockskaha.events import go_duration

pytestmark = pytest.mark.evidence("skaha-contract §2.10, §5.1, §5.2")

SESSIONS = "/skaha/v1/session"
NOTEBOOK = "images.canfar.net/skaha/astroml:latest"
LIFE = """\
TYPE     REASON      MESSAGE                                                                                                                                FIRST-TIME             LAST-TIME
Normal   Scheduled   Successfully assigned skaha-workload/skaha-notebook-alice-IDIDIDID-PODXX to keel-prod-k8s-node-01                                      <nil>                  <nil>
Normal   Pulling     Pulling image "images.canfar.net/skaha/astroml:latest"                                                                                 2026-08-06T22:25:31Z   2026-08-06T22:25:31Z
Normal   Pulled      Successfully pulled image "images.canfar.net/skaha/astroml:latest" in 1.5s (1.5s including waiting). Image size: 3865470566 bytes.     2026-08-06T22:25:32Z   2026-08-06T22:25:32Z
Normal   Created     Created container backup-original-passwd-groups                                                                                        2026-08-06T22:25:33Z   2026-08-06T22:25:33Z
Normal   Started     Started container backup-original-passwd-groups                                                                                        2026-08-06T22:25:33Z   2026-08-06T22:25:33Z
Normal   Pulling     Pulling image "redis:8.2.2-bookworm"                                                                                                   2026-08-06T22:25:34Z   2026-08-06T22:25:34Z
Normal   Pulled      Successfully pulled image "redis:8.2.2-bookworm" in 1.5s (1.5s including waiting). Image size: 52428800 bytes.                         2026-08-06T22:25:35Z   2026-08-06T22:25:35Z
Normal   Created     Created container init-users-groups                                                                                                    2026-08-06T22:25:36Z   2026-08-06T22:25:36Z
Normal   Started     Started container init-users-groups                                                                                                    2026-08-06T22:25:36Z   2026-08-06T22:25:36Z
Normal   Pulling     Pulling image "images.canfar.net/skaha/astroml:latest"                                                                                 2026-08-06T22:25:37Z   2026-08-06T22:25:37Z
Normal   Pulled      Successfully pulled image "images.canfar.net/skaha/astroml:latest" in 250ms (250ms including waiting). Image size: 3865470566 bytes.   2026-08-06T22:25:37Z   2026-08-06T22:25:37Z
Normal   Created     Created container skaha-notebook-alice-IDIDIDID                                                                                        2026-08-06T22:25:38Z   2026-08-06T22:25:38Z
Normal   Started     Started container skaha-notebook-alice-IDIDIDID                                                                                        2026-08-06T22:25:38Z   2026-08-06T22:25:38Z
"""  # noqa: E501
STEADY = """
description: every step takes the same time
enqueue: 0
pull: {check: 0.25, first: 1.5}
create: 0.5
start: 0.25
init: 1
ready: {default: 10}
stop: 30
metrics: 15
"""


@pytest.fixture
def steady(start, tmp_path):
    path = tmp_path / "steady.yaml"
    path.write_text(STEADY)
    return lambda **settings: start(profile=str(path), **settings)


def rows(skaha, session):
    """TYPE, REASON and MESSAGE of each event."""
    lines = skaha.events(session).text.splitlines()
    assert lines[0].split() == ["TYPE", "REASON", "MESSAGE", "FIRST-TIME", "LAST-TIME"]
    return [tuple(re.split(r"\s{3,}", line)[:3]) for line in lines[1:]]


def test_the_events_of_a_whole_life_to_the_byte(steady):
    skaha = steady()
    found = skaha.create(type="notebook", image=NOTEBOOK)
    assert skaha.until(found, "Running") == 17.5
    reply = skaha.events(found)
    pod = re.search(r"skaha-workload/(\S+)", reply.text)[1]
    job = f"skaha-notebook-alice-{found}"
    assert re.fullmatch(rf"{job}-[a-z0-9]{{5}}", pod)
    assert reply.told == (200, "text/plain", LIFE.replace("IDIDIDID", found).replace("PODXX", pod[-5:]))
    skaha.advance(3600 - 17.5 + 0.5)
    assert skaha.events(found).text.count("\n") == 12, "the first two of them are an hour old"
    skaha.advance(3600)
    assert skaha.events(found).told == (200, "text/plain", "<none>\n")


def test_a_node_that_has_the_init_image_pulls_it_no_more(steady):
    skaha = steady(cluster={"nodes": [{"name": "node", "count": 1, "cores": 64, "ram_gib": 241}]})
    for _ in range(2):
        found = skaha.create(type="notebook", image=NOTEBOOK)
        skaha.until(found, "Running")
    assert ("Normal", "Pulled", 'Container image "redis:8.2.2-bookworm" already present on machine') in rows(
        skaha, found
    )


@pytest.mark.parametrize(
    ("wording", "created", "started"),
    [
        ("1.31", "Created container {}", "Started container {}"),
        ("1.32", "Created container: {}", "Started container: {}"),
        ("1.35", "Container created", "Container started"),
    ],
)
def test_wording_follows_the_version_of_kubernetes(start, wording, created, started):
    skaha = start(kubernetes={"event_wording": wording})
    found = skaha.create()
    skaha.until(found, "Running")
    container = f"skaha-headless-alice-{found}"
    assert rows(skaha, found)[-2:] == [
        ("Normal", "Created", created.format(container)),
        ("Normal", "Started", started.format(container)),
    ]


def test_a_session_that_fits_nowhere_says_why(start):
    nodes = [
        {"name": "big", "count": 2, "cores": 4, "ram_gib": 64},
        {"name": "small", "count": 1, "cores": 16, "ram_gib": 8},
    ]
    skaha = start(profile="instant", cluster={"nodes": nodes})
    found = skaha.create(cores=8, ram=32, gpus=1)
    assert skaha.status(found) == "Pending"
    assert skaha.logs(found) == ""
    assert rows(skaha, found) == [
        (
            "Warning",
            "FailedScheduling",
            "0/3 nodes are available: 1 Insufficient memory, 2 Insufficient cpu, 3 Insufficient nvidia.com/gpu. "
            "preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.",
        )
    ]
    assert skaha.events(found).text.splitlines()[1].endswith("incoming pod.   <nil>        <nil>")


@pytest.mark.parametrize(
    ("pull", "why"),
    [("fail", "not found"), ("unauthorized", "no basic auth credentials")],
)
def test_an_image_that_cannot_be_pulled(steady, pull, why):
    skaha = steady()
    found = skaha.create(env=f"MOCKSKAHA_PULL={pull}")
    skaha.advance(100)
    assert skaha.status(found) == "Pending"
    table = rows(skaha, found)
    image = "images.canfar.net/skaha/terminal:1.1.2"
    assert [row[:2] for row in table[1:]] == [
        ("Normal", "Pulling"),
        ("Warning", "Failed"),
        ("Warning", "Failed"),
        ("Normal", "BackOff"),
        ("Warning", "Failed"),
    ]
    assert table[2][2].startswith(f'Failed to pull image "{image}": ')
    assert table[2][2].endswith(why)
    assert [row[2] for row in table[3:]] == [
        "Error: ErrImagePull",
        f'Back-off pulling image "{image}"',
        "Error: ImagePullBackOff",
    ]
    first, last = skaha.events(found).text.splitlines()[-1].split()[-2:]
    assert first < last, "it is tried again and again"
    skaha.advance(2 * 3600)
    assert rows(skaha, found) == table[1:], "what repeats stays, what happened once is forgotten"


def test_a_container_that_cannot_start_or_crashes(steady):
    skaha = steady()
    found = skaha.create(cmd="no such thing", args="")
    crashing = skaha.create(type="notebook", env=["MOCKSKAHA_RUNTIME=5s", "MOCKSKAHA_EXIT=1"])
    skaha.advance(30)
    assert skaha.status(found) == "Failed"
    assert rows(skaha, found)[-1][:2] == ("Warning", "Failed")
    assert 'exec: "no such thing": executable file not found' in rows(skaha, found)[-1][2]
    assert skaha.status(crashing) == "Pending"
    pod = f"skaha-notebook-alice-{crashing}"
    assert any(
        row[:2] == ("Warning", "BackOff")
        and row[2].startswith(f"Back-off restarting failed container {pod} in pod {pod}-")
        for row in rows(skaha, crashing)
    )


@pytest.mark.evidence("skaha-contract §5.1, §4.2: a job past its deadline is still stopping")
def test_a_session_past_its_deadline_is_killed(steady):
    skaha = steady(sessions={"lifetimes": {"headless": {"deadline_seconds": 60}}})
    found = skaha.create()
    skaha.advance(60)
    assert skaha.status(found) == "Terminating"
    assert rows(skaha, found)[-1] == ("Normal", "Killing", f"Stopping container skaha-headless-alice-{found}")
    skaha.advance(30)
    assert skaha.status(found) == "Failed"


@pytest.mark.evidence("skaha-contract §2.10, §5.3: no pod, no events")
@pytest.mark.parametrize("suspend", [False, True])
def test_a_session_that_admission_holds_back_has_no_pod_yet(start, suspend):
    skaha = start(queue={"admission": {"per_user": {"jobs": 1}, "suspend": suspend}})
    first, second = skaha.create(), skaha.create()
    skaha.advance(10)
    assert (skaha.status(first), skaha.status(second)) == ("Running", "Pending")
    assert skaha.events(second).told == (404, "text/plain", f"session {second} not found.\n")
    assert skaha.logs(second) == ""
    assert ({"startTime", "expiryTime"} <= skaha.session(second).keys()) is not suspend
    assert sum("startTime" in session for session in skaha.sessions(view="all")) == 2 - suspend
    assert skaha.post(f"{SESSIONS}/{second}", {"action": "renew"}).status == 400
    skaha.delete(f"{SESSIONS}/{first}")
    skaha.until(second, "Running")
    assert skaha.events(second).status == 200


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"), (0.0004, "0s"), (0.001, "1ms"), (0.85, "850ms"), (1, "1s"), (1.2, "1.2s"), (59.999, "59.999s"),
        (60, "1m0s"), (123.4, "2m3.4s"), (3600, "1h0m0s"), (3602, "1h0m2s"), (90061.5, "25h1m1.5s"),
    ],
)  # fmt: skip
def test_durations_are_printed_as_go_does(seconds, text):
    assert go_duration(seconds) == text


@given(st.integers(min_value=0, max_value=10**9))
def test_a_printed_duration_reads_back(milliseconds):
    text = go_duration(milliseconds / 1000)
    if text.endswith("ms"):
        assert int(text[:-2]) == milliseconds < 1000
        return
    units = {unit: float(value) for value, unit in re.findall(r"([\d.]+)([hms])", text)}
    total = units.get("h", 0) * 3600 + units.get("m", 0) * 60 + units["s"]
    assert round(total * 1000) == milliseconds
