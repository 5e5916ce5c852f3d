"""Why a session stands where it does: one test for each cause."""

from pathlib import Path

import pytest

from mockskaha.commands import ChangeNode
from mockskaha.why import why

pytestmark = pytest.mark.evidence("our own: why")

TWO = {"nodes": [{"name": "n", "count": 2, "cores": 8, "ram_gib": 32}]}
KUEUE = str(Path(__file__).parents[2] / "examples" / "kueue" / "canfar-development.yaml")


def reason(skaha, found, app=""):
    told = why(skaha.platform, found, app)
    assert told is not None
    assert told.text
    if told.status != "Gone" and not app:
        assert told.status == skaha.status(found)
    return told


def test_one_that_is_new(start):
    skaha = start()
    told = reason(skaha, skaha.create())
    assert (told.cause, told.status) == ("new", "Pending")
    assert 0 < told.until < 1


def test_a_limit_of_a_user_or_a_group(start):
    skaha = start(
        cluster=TWO,
        queue={"admission": {"per_user": {"cores": 12, "jobs": 5}, "per_group": {"ram_gib": 100}}},
    )
    running, held = skaha.create(cores=8, ram=8), skaha.create(cores=8, ram=8)
    skaha.advance(10)
    told = reason(skaha, held)
    assert told.cause == "limit"
    assert told.text == (
        "The user alice is at the limit: cores: holds 8 of 12 and asks for 8 more; 4 would still fit."
    )
    assert {(item.kind, item.resource, item.held, item.most) for item in told.limits} >= {
        ("user", "cores", 8.0, 12.0),
        ("user", "jobs", 1.0, 5.0),
    }
    assert told.room.fits_on == ("n-02",) or told.room.fits_on == ("n-01",)
    skaha.delete(f"/skaha/v1/session/{running}")
    skaha.advance(10)
    assert reason(skaha, held).cause == "running"


def test_no_room_and_who_is_before_it(start):
    skaha = start(cluster=TWO)
    for user in ("alice", "bob"):
        skaha.as_user(user).create(cores=8, ram=8, cmd="sleep", args="60")
    skaha.advance(5)
    first = skaha.create(cores=4, ram=4)
    skaha.advance(1)
    second = skaha.create(cores=4, ram=4)
    skaha.advance(1)
    told = reason(skaha, second)
    assert told.cause == "no-room"
    assert told.waiting_for.startswith("0/2 nodes are available: 2 Insufficient cpu.")
    assert (told.place.position, told.place.length, told.place.ahead) == (2, 2, (first,))
    assert told.room.nearest[0].short == ("4 cores",)
    assert 60 < told.room.fits_at < 62
    assert "It is number 2 of 2 in the queue." in told.text
    skaha.advance(told.room.fits_at - skaha.platform.time)
    assert skaha.status(first) == skaha.status(second) == "Pending"  # they start
    assert reason(skaha, second).cause == "starting"


def test_what_fits_on_no_node_at_all(start):
    skaha = start(cluster=TWO)
    found = skaha.create(cores=16, ram=8)
    skaha.advance(5)
    told = reason(skaha, found)
    assert (told.cause, told.room.ever, told.room.fits_at) == ("no-room", False, None)
    assert "it never fits" in told.text


def test_nodes_that_are_closed(start):
    skaha = start(cluster=TWO)
    for name in ("n-01", "n-02"):
        skaha.platform.execute(ChangeNode(name, "drain"))
    found = skaha.create()
    skaha.advance(5)
    told = reason(skaha, found)
    assert (told.cause, told.room.closed, told.room.ever) == ("no-room", 2, True)
    assert "2 of 2 nodes are closed" in told.text


def test_behind_those_with_an_earlier_turn(start):
    skaha = start(
        cluster={"nodes": [{"name": "n", "count": 1, "cores": 8, "ram_gib": 64}]},
        queue={"backfill": {"policy": "none"}, "ordering": {"policy": "fifo"}},
    )
    skaha.create(cores=4, ram=4)
    skaha.advance(5)
    skaha.create(cores=8, ram=4)
    skaha.advance(1)
    small = skaha.create(cores=1, ram=4)
    skaha.advance(1)
    told = reason(skaha, small)
    assert (told.cause, told.place.position) == ("behind", 2)
    assert "jobs with an earlier turn come first" in told.text


def test_a_quota_of_kueue(start):
    skaha = start(queue={"kueue": {"manifests": [KUEUE]}})
    ids = [skaha.create(cores=8, ram=8) for _ in range(60)]
    skaha.advance(30)
    held = [found for found in ids if why(skaha.platform, found).cause == "quota"]
    assert held
    told = reason(skaha, held[-1])
    assert told.place.queue.startswith("ClusterQueue ")
    assert told.place.position == told.place.length == len(held)
    short = [quota for quota in told.quotas if quota.asked > quota.available]
    assert short
    assert all(quota.used <= quota.nominal for quota in told.quotas)
    assert told.policies.kueue


def test_an_image_that_cannot_be_pulled(start):
    skaha = start()
    missing = skaha.create(env="MOCKSKAHA_PULL=fail")
    skaha.advance(20)
    told = reason(skaha, missing)
    assert (told.cause, told.waiting_for) == ("image", "ImagePullBackOff")
    assert "there is no such image" in told.text
    assert told.overrides == {"PULL": "fail"}
    assert told.until > skaha.platform.time


def test_starting_step_by_step(start):
    skaha = start(profile="realistic")
    found = skaha.create(type="notebook")
    texts = set()
    while skaha.status(found) == "Pending":
        told = reason(skaha, found)
        texts.add((told.cause, told.text.split(": ")[-1].split(" ")[0]))
        skaha.advance(0.25)
    assert {cause for cause, _ in texts} == {"new", "starting", "not-ready"}
    assert {("starting", "image"), ("starting", "container"), ("starting", "init")} <= texts


def test_not_ready(start):
    skaha = start()
    later, never = (
        skaha.create(type="notebook", env="MOCKSKAHA_READY=5m"),
        skaha.create(type="notebook", env="MOCKSKAHA_READY=never"),
    )
    skaha.advance(10)
    assert reason(skaha, later).cause == reason(skaha, never).cause == "not-ready"
    assert 300 < reason(skaha, later).until < 302
    assert reason(skaha, never).text.endswith("its probe succeeds never.")


def test_running_and_how_it_ended(start):
    skaha = start()
    endings = {
        "completed": skaha.create(cmd="sleep", args="5"),
        "failed": skaha.create(env="MOCKSKAHA_EXIT=3", cmd="sleep", args="5"),
        "oom": skaha.create(env=["MOCKSKAHA_MEMORY=40Gi", "MOCKSKAHA_RUNTIME=1h"], cores=1, ram=1),
        "expired": skaha.create(env="MOCKSKAHA_EXPIRE=20s"),
        "start": skaha.create(cmd="sleep 60", args=""),
    }
    skaha.advance(3)
    told = reason(skaha, endings["completed"])
    assert told.cause == "running"
    assert told.until < 7
    skaha.advance(600)
    texts = {name: reason(skaha, found).text for name, found in endings.items()}
    assert texts["completed"] == "Its command ended with exit code 0."
    assert "exit code 3" in texts["failed"]
    assert "more memory than its limit" in texts["oom"]
    assert "its time was over" in texts["expired"]
    assert "could not be started" in texts["start"]
    assert [reason(skaha, endings[name]).cause for name in ("completed", "failed", "expired")] == [
        "completed",
        "failed",
        "expired",
    ]


def test_a_lost_node(start):
    skaha = start(cluster=TWO)
    found = skaha.create()
    skaha.advance(5)
    skaha.platform.execute(ChangeNode(skaha.platform.inventory.session(found).job.node.name, "fail"))
    skaha.advance(5)
    assert "NodeLost: it was lost with its node: Node is not ready" in reason(skaha, found).text


def test_stopping_and_gone(start):
    skaha = start(profile="realistic")
    expired, deleted = skaha.create(env="MOCKSKAHA_EXPIRE=60s"), skaha.create()
    skaha.until(expired, "Terminating", within=120)
    assert reason(skaha, expired).cause == "stopping"
    skaha.delete(f"/skaha/v1/session/{deleted}")
    assert (reason(skaha, deleted).cause, reason(skaha, deleted).status) == ("deleted", "Gone")
    skaha.advance(2 * 86400)
    told = reason(skaha, expired)
    assert (told.cause, "It had expired" in told.text) == ("forgotten", True)
    assert why(skaha.platform, "unknown1") is None


def test_a_desktop_app(start):
    skaha = start()
    desktop = skaha.create(type="desktop")
    skaha.until(desktop, "Running")
    app = skaha.create_app(desktop)
    skaha.advance(30)
    assert reason(skaha, desktop, app).app_id == app
    assert reason(skaha, desktop, app).cause in ("running", "completed")
    assert why(skaha.platform, desktop, "zzz") is None


def test_a_fault_that_holds_it(start):
    skaha = start()
    held = skaha.create(env="MOCKSKAHA_HOLD=forever")
    skaha.advance(10)
    told = reason(skaha, held)
    assert (told.cause, told.overrides) == ("fault", {"HOLD": "forever"})
    assert "Insufficient cpu" in told.waiting_for
