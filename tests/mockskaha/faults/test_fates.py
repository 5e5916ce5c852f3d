"""What becomes of sessions that meet a fate, said by a fault or by a variable of the launch, and of disturbed ones."""

import json
from pathlib import Path

import pytest

from mockskaha import snapshot
from mockskaha.commands import CreateSession, Disturb, decode, encode
from mockskaha.faults.disturbance import DISTURBANCES, TEXTS, CannotDisturb, NoSuchSession, disturb
from skahasim.clock import ManualClock
from skahasim.resources import NOTHING

pytestmark = pytest.mark.evidence("skaha-contract §4.2, §4.3, §5.1, §5.3, §2.10; when they happen is our own")
SESSIONS = "/skaha/v1/session"
KUEUE = {
    "kueue": {
        "manifests": [str(Path(__file__).parents[3] / "examples" / "kueue" / "canfar-development.yaml")],
        "sessions": {"headless": {"priority_class": "low"}, "default": {"priority_class": "high"}},
    }
}
"""28.8 cores."""


def seen(world, found, times):
    """Status of a session at these times."""
    statuses = []
    for time in times:
        world.advance(max(0.0, time - world.platform.time))
        answer = world.get(f"{SESSIONS}/{found}")
        statuses.append(answer.json()["status"] if answer.status_code == 200 else "Gone")
    return statuses


def both(begin, fate, **form):
    """A session that meets ``fate`` by a fault, and one that asks for it by variables: they must look alike."""
    doomed, asking = begin(), begin()
    doomed.set({"fate": fate})
    env = []
    for name, value in fate.items():
        text = str(value)
        env.append(f"MOCKSKAHA_{name.upper()}={text}")
    return (doomed, doomed.create(**form)), (asking, asking.create(env=env, **form))


@pytest.mark.parametrize(
    ("fate", "form", "times", "expected"),
    [
        ({"hold": "60s"}, {}, [0, 59, 60], ["Pending", "Pending", "Running"]),
        ({"suspend": "60s"}, {}, [0, 59, 60], ["Pending", "Pending", "Running"]),
        ({"crash": "10s"}, {}, [0, 9, 10], ["Running", "Running", "Failed"]),
        ({"crash": "10s", "exit": 0}, {}, [9, 10], ["Running", "Failed"]),
        ({"crash": "10s"}, {"type": "notebook"}, [9, 10, 21, 31], ["Running", "Pending", "Running", "Pending"]),
        ({"oom": "10s"}, {"type": "notebook"}, [9, 10, 21, 31], ["Running", "Pending", "Running", "Pending"]),
        ({"oom": "10s"}, {"cmd": "sleep", "args": "5"}, [4, 5], ["Running", "Completed"]),
        ({"evict": "10s"}, {}, [9, 10], ["Running", "Failed"]),
        ({"evict": "10s"}, {"type": "carta"}, [9, 10, 100], ["Running", "Running", "Running"]),
        ({"node_lost": "10s"}, {}, [9, 10], ["Running", "Failed"]),
        ({"preempt": "10s"}, {}, [9, 10, 100], ["Running", "Running", "Running"]),
        ({"preempt": "10s", "preempt_for": "60s"}, {}, [9, 10, 69, 70], ["Running", "Pending", "Pending", "Running"]),
        ({"preempt": "10s", "preempt_for": "forever"}, {}, [10, 10**6], ["Pending", "Pending"]),
        ({"expire": "10s"}, {}, [9, 10], ["Running", "Failed"]),
        ({"expire": "10s", "stop": "5s"}, {}, [9, 10, 14, 15], ["Running", "Terminating", "Terminating", "Failed"]),
        ({"ready": "never"}, {}, [0, 3600], ["Pending", "Pending"]),
        ({"ready": "30s"}, {}, [29, 30], ["Pending", "Running"]),
        ({"pull": "not-found", "pull_for": "25s"}, {}, [0, 24, 31], ["Pending", "Pending", "Running"]),
        ({"pull": "unauthorized"}, {}, [0, 10**6], ["Pending", "Pending"]),
        ({"runtime": "20s", "exit": 3}, {}, [19, 20], ["Running", "Failed"]),
        ({"oom": "20s", "evict": "10s"}, {}, [9, 10], ["Running", "Failed"]),
    ],
)  # fmt: skip
def test_what_becomes_of_it(begin, fate, form, times, expected):
    for world, found in both(begin, fate, **form):
        assert seen(world, found, times) == expected


def test_a_fate_does_not_reach_the_container(begin):
    for number, (world, found) in enumerate(both(begin, {"runtime": "1s"}, cmd="env", args="")):
        assert ("MOCKSKAHA_RUNTIME" in world.get(f"{SESSIONS}/{found}?view=logs").text) == bool(number)


def test_a_fate_wins_over_what_the_launch_asks_for(world):
    world.set({"fate": {"runtime": 5}})
    assert seen(world, world.create(env="MOCKSKAHA_RUNTIME=50s"), [4, 5]) == ["Running", "Completed"]


def test_a_suspended_session_has_neither_start_nor_pod_and_then_all_of_its_time(begin):
    world = begin()
    world.set({"fate": {"suspend": 1000, "expire": 100}})
    found = world.create(type="notebook")
    world.advance(999)
    session = world.session(found)
    assert "startTime" not in session
    assert "expiryTime" not in session
    assert world.events(found).status_code == 404
    with world.client() as client:
        assert client.post(f"{SESSIONS}/{found}", data={"action": "renew"}).status_code == 400
    world.advance(1)
    assert world.session(found)["startTime"] == "2026-01-01T00:16:40Z"
    assert world.session(found)["expiryTime"] == "2026-01-01T00:18:20Z"
    assert world.events(found).status_code == 200
    assert seen(world, found, [1099, 1100]) == ["Running", "Failed"]


def test_a_session_that_is_held_can_be_deleted_and_holds_nothing(begin):
    world = begin()
    world.set({"fate": {"hold": "forever"}, "every": 2}, {"fate": {"suspend": 30}})
    ids = [world.create() for _ in range(4)]
    assert world.platform.model.cluster.allocated == NOTHING
    with world.client() as client:
        for found in ids:
            client.delete(f"{SESSIONS}/{found}")
    world.advance(3600)
    assert world.get().json() == []
    assert world.platform.model.cluster.allocated == NOTHING


@pytest.mark.parametrize("fate", ["hold", "suspend"])
def test_a_session_that_waits_counts_towards_the_limit(begin, fate):
    world = begin(sessions={"max_interactive": 2})
    world.set({"fate": {fate: "forever"}})
    world.create(type="notebook")
    world.create(type="carta")
    assert world.launch(type="notebook").status_code == 400


def test_an_evicted_notebook_has_a_new_pod_and_a_failed_one(begin):
    world = begin(quirks={"many_pods_hide_events": False})
    world.set({"fate": {"evict": 10}})
    found = world.create(type="notebook")
    before = world.events(found).text
    world.advance(10)
    assert "Successfully assigned" in world.events(found).text
    assert world.events(found).text != before


def test_apps_of_a_desktop_meet_fates_too(begin):
    world = begin()
    world.set({"operation": "createApp", "fate": {"crash": 10}, "name": "desk"})
    desktop = world.create(type="desktop", name="desk")
    with world.client() as client:
        app = client.post(f"{SESSIONS}/{desktop}/app", data={"image": "x/y:1"}).text.strip()
        assert client.get(f"{SESSIONS}/{desktop}/app/{app}").json()["status"] == "Running"
        world.advance(10)
        assert client.get(f"{SESSIONS}/{desktop}/app/{app}").json()["status"] == "Pending"
    assert world.status(desktop) == "Running"


def test_chance_is_decided_at_the_launch_and_kept_in_the_command(begin):
    world = begin(seed=5)
    world.set({"id": "some", "fate": {"oom": {"low": 10, "high": 1000}}, "probability": 0.5})
    for _ in range(40):
        world.create()
    fates = [
        command.fate for _, command in world.platform.journal.replay() if isinstance(command, CreateSession)
    ]
    drawn = [fate[0][1] for fate in fates if fate]
    assert 10 <= len(drawn) <= 30
    assert len(set(drawn)) == len(drawn)
    assert all(10 <= float(text.removesuffix("s")) <= 1000 for text in drawn)
    again = begin(seed=5)
    again.set({"id": "some", "fate": {"oom": {"low": 10, "high": 1000}}, "probability": 0.5})
    for _ in range(40):
        again.create()
    assert [command.fate for _, command in again.platform.journal.replay()] == fates


@pytest.mark.differs(
    "a session launched with `MOCKSKAHA_STOP` is listed as Terminating once it is deleted, until its pod has stopped"
)
def test_a_deleted_session_lingers_with_its_pod(begin):
    world = begin()
    world.set({"fate": {"stop": 20}})
    found = world.create(type="notebook")
    with world.client() as client:
        client.delete(f"{SESSIONS}/{found}")
        assert seen(world, found, [0, 19, 20]) == ["Terminating", "Terminating", "Gone"]
        waiting = world.create()
        world.set({"id": "hold", "fate": {"hold": "forever"}})
        client.delete(f"{SESSIONS}/{waiting}")
    assert world.platform.model.cluster.allocated != NOTHING
    world.advance(20)
    assert world.platform.model.cluster.allocated == NOTHING


# Disturbances


def test_each_disturbance_is_explained():
    assert set(TEXTS) == set(DISTURBANCES)


@pytest.mark.parametrize(
    ("what", "more", "kind", "expected"),
    [
        ("evict", {}, "headless", "Failed"),
        ("evict", {}, "notebook", "Running"),
        ("preempt", {}, "headless", "Running"),
        ("preempt", {"seconds": 60}, "headless", "Pending"),
        ("oom", {}, "headless", "Failed"),
        ("oom", {}, "notebook", "Pending"),
        ("exit", {"exit_code": 0}, "headless", "Completed"),
        ("exit", {"exit_code": 3}, "headless", "Failed"),
        ("expire", {}, "headless", "Failed"),
        ("expire", {}, "notebook", "Failed"),
        ("stall", {}, "headless", "Running"),
        ("node-lost", {}, "headless", "Failed"),
        ("node-lost", {}, "notebook", "Running"),
    ],
)
def test_what_a_disturbance_does(world, what, more, kind, expected):
    found = world.create(type=kind)
    world.advance(10)
    disturb(world.platform, found, what, **more)
    assert world.status(found) == expected
    assert [type(command) for _, command in world.platform.journal.replay()][-1] is Disturb


def test_an_expired_session_says_when(world):
    found = world.create(type="notebook")
    world.advance(10)
    disturb(world.platform, found, "expire")
    session = world.session(found)
    assert session["expiryTime"] == "2026-01-01T00:00:10Z"


def test_a_lost_node_takes_all_its_sessions_until_it_is_restored(begin):
    world = begin(cluster={"nodes": [{"name": "n", "count": 1, "cores": 8, "ram_gib": 32}]})
    ids = [world.create() for _ in range(2)]
    assert [world.status(found) for found in ids] == ["Running", "Running"]
    nodes = {world.platform.inventory.session(found).job.node for found in ids}
    assert len(nodes) == 1
    disturb(world.platform, ids[0], "node-lost")
    assert [world.status(found) for found in ids] == ["Failed", "Failed"]
    assert not nodes.pop().is_open


def test_a_stalled_session_gets_no_further(begin):
    world = begin(profile="realistic")
    starting = world.create()
    world.advance(5)
    disturb(world.platform, starting, "stall")
    world.advance(86400)
    assert world.status(starting) == "Pending"
    disturb(world.platform, starting, "evict")
    assert world.status(starting) == "Failed"
    running = world.create(cmd="sleep", args="60")
    world.advance(600)
    assert world.status(running) == "Completed"
    with pytest.raises(CannotDisturb, match=f"stall: {running} is succeeded, and not active"):
        disturb(world.platform, running, "stall")


def test_a_session_that_waits_can_be_stalled(begin):
    world = begin(cluster={"nodes": [{"name": "n", "count": 1, "cores": 8, "ram_gib": 32}]})
    first = world.create(cores=8, ram=4, args="60")
    waiting, behind = (world.create(cores=8, ram=4) for _ in range(2))
    disturb(world.platform, waiting, "stall")
    world.advance(61)
    assert [world.status(found) for found in (first, waiting, behind)] == ["Completed", "Pending", "Running"]
    disturb(world.platform, behind, "exit")
    assert world.status(waiting) == "Pending"
    disturb(world.platform, waiting, "stall", seconds=5)
    world.advance(5)
    assert world.status(waiting) == "Running"


def test_kueue_counts_what_is_held_preempted_and_stalled(begin):
    world = begin(queue=KUEUE)
    world.set({"id": "hold", "name": "hold", "fate": {"hold": 100}})
    world.set({"id": "suspend", "name": "suspend", "fate": {"suspend": 100}})
    world.set({"id": "preempt", "name": "preempt", "fate": {"preempt": 10, "preempt_for": 100}})
    held, suspended, preempted = (
        world.create(name=name, cores=8, ram=8) for name in ("hold", "suspend", "preempt")
    )
    ids = (held, suspended, preempted)
    assert [world.status(found) for found in ids] == ["Pending", "Pending", "Running"]
    assert [world.events(found).status_code for found in ids] == [200, 404, 200]
    assert ["startTime" in world.session(found) for found in ids] == [True, False, True]
    filler = world.create(cores=16, ram=8)
    world.advance(10)
    assert [world.status(found) for found in (*ids, filler)] == ["Pending", "Pending", "Pending", "Running"]
    assert "startTime" not in world.session(preempted)  # Kueue suspends it
    world.advance(90)
    assert [world.status(found) for found in ids] == ["Running", "Pending", "Pending"]  # 24 of 28.8 cores
    assert world.events(suspended).status_code == 404  # and now it is Kueue that suspends it
    disturb(world.platform, suspended, "stall")
    disturb(world.platform, filler, "exit", exit_code=0)
    world.advance(10)
    assert [world.status(found) for found in ids] == ["Running", "Pending", "Running"]
    disturb(world.platform, suspended, "stall", seconds=1)
    world.advance(1)
    assert [world.status(found) for found in ids] == ["Running", "Running", "Running"]
    disturb(world.platform, held, "preempt")
    disturb(world.platform, preempted, "evict")
    assert [world.status(found) for found in ids] == ["Running", "Running", "Failed"]
    assert world.platform.model.cluster.allocated.cores == 16
    with world.client() as client:
        for found in ids:
            client.delete(f"{SESSIONS}/{found}")
    assert [world.status(world.create(cores=14, ram=8)) for _ in range(3)] == [
        "Running",
        "Running",
        "Pending",
    ]


def test_what_cannot_befall_a_session_is_said(world):
    found = world.create()
    for what, more, text in (
        ("evit", {}, "there is no 'evit'; did you mean 'evict'?"),
        ("exit", {"exit_code": 256}, "exit_code: should be from 0 to 255"),
        ("evict", {"seconds": 3}, "seconds is for preempt and stall, not for evict"),
        ("preempt", {"seconds": -1}, "seconds: should be a number, not negative"),
    ):
        with pytest.raises(CannotDisturb) as refused:
            disturb(world.platform, found, what, **more)
        assert str(refused.value) == text
    with pytest.raises(NoSuchSession, match="there is no session nothing"):
        disturb(world.platform, "nothing", "evict")
    with pytest.raises(NoSuchSession, match="there is no app nothing"):
        disturb(world.platform, found, "evict", app_id="nothing")
    world.set({"fate": {"hold": "forever"}})
    held = world.create()
    with pytest.raises(CannotDisturb, match=f"evict: {held} is queued, and not on a node"):
        disturb(world.platform, held, "evict")
    assert len(list(world.platform.journal.replay())) == 2


@pytest.mark.parametrize("what", DISTURBANCES)
def test_a_disturbance_is_a_command_like_any_other(what):
    for command in (Disturb("abc", what), Disturb("abc", what, "x1y", 7, 3.5)):
        assert decode(*json.loads(json.dumps(encode(command)))) == command


# The faults themselves are state


def test_a_snapshot_has_the_faults_and_what_they_have_met(begin):
    world = begin(seed=3)
    world.set(
        {"id": "half", "status": 418, "probability": 0.5}, {"id": "third", "error": "unavailable", "nth": 12}
    )
    world.advance(7)
    before = [world.get().status_code for _ in range(10)]
    assert set(before) == {200, 418}
    document = json.loads(world.namespace.snapshot().model_dump_json())
    after = [world.get().status_code for _ in range(30)]
    assert 503 in after
    kept = world.namespace.faults.dump()
    other = begin(seed=9)
    other.set({"status": 500})
    other.namespace.restore(snapshot.parse(document))
    assert [other.get().status_code for _ in range(30)] == after
    assert other.namespace.faults.dump() == kept
    other.namespace.reset()
    assert (len(other.namespace.faults), other.namespace.gateway.faults) == (0, None)


def test_a_snapshot_whose_faults_are_none_is_refused_and_changes_nothing(world):
    world.set({"id": "a", "status": 418})
    document = json.loads(world.namespace.snapshot().model_dump_json())
    for faults in (
        [{"rule": {"status": 5000}, "set_at": 0, "met": 0, "struck": 0}], [{"rule": {}}],
        [{"rule": {"status": 500}, "set_at": 0, "met": 0, "struck": 0}], [{**document["faults"][0]}] * 2,
    ):  # fmt: skip
        with pytest.raises(snapshot.SnapshotError, match="snapshot: "):
            world.namespace.restore(snapshot.parse({**document, "faults": faults}))
    assert world.get().status_code == 418


def test_a_reset_goes_back_to_the_faults_of_the_settings(begin):
    world = begin(faults=[{"id": "own", "status": 418, "first": 1}])
    world.set({"id": "more", "status": 419})
    assert [world.get().status_code for _ in range(2)] == [418, 419]
    world.namespace.reset()
    assert [fault.id for fault in world.namespace.faults] == ["own"]
    assert [world.get().status_code for _ in range(2)] == [418, 200]


def test_fates_are_replayed_without_any_fault(begin):
    world = begin(seed=2)
    world.set(
        {"fate": {"oom": {"mean": 100}}, "probability": 0.5}, {"fate": {"suspend": {"low": 0, "high": 300}}}
    )
    ids = [world.create() for _ in range(20)]
    world.advance(50)
    disturb(world.platform, next(found for found in ids if world.status(found) == "Running"), "stall")
    world.advance(50)
    statuses = [world.status(found) for found in ids]
    assert len(set(statuses)) > 2
    again = begin(seed=2)
    again.platform.replay(world.platform.journal.replay())
    again.platform.clock = ManualClock(world.platform.time)
    assert [again.status(found) for found in ids] == statuses
