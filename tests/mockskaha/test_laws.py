"""What holds whatever is asked in whatever order: nothing is lost, shown to others, over-booked or forgotten."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from mockskaha.commands import ChangeNode, SetProfile
from mockskaha.faults.disturbance import DISTURBANCES, CannotDisturb, NoSuchSession, disturb
from mockskaha.faults.presets import faults_of
from skahasim.clock import ManualClock
from skahasim.profile import load_profile
from skahasim.resources import NOTHING

pytestmark = pytest.mark.evidence("skaha-contract §2.5, §2.6, §3.3, §3.4, §4.3, §4.4")

DEEP = bool(os.environ.get("MOCKSKAHA_DEEP"))
SESSIONS = "/skaha/v1/session"
IMAGE = "images.canfar.net/skaha/terminal:1.1.2"
USERS = st.sampled_from(["alice", "bob", "carol"])
TTL = {"headless": 3600}
DAY = 86_400
KINDS = st.sampled_from(["headless", "headless", "notebook", "carta", "desktop", "contributed", "firefly"])
GOOD = {
    "cores": st.sampled_from(["1", "1.5", "4", "8", "16"]),
    "ram": st.sampled_from(["1", "4", "1.5", "16", "32"]),
    "gpus": st.sampled_from(["1", ""]),
    "cmd": st.sampled_from(["sleep", "env", "python", "false", "no such", "sh"]),
    "args": st.sampled_from(["", "5", "90", "infinity", "-c sleep 3; exit 2"]),
    "env": st.sampled_from(
        ["A=1", "MOCKSKAHA_PULL=fail", "MOCKSKAHA_READY=never", "MOCKSKAHA_RUNTIME=40s", "MOCKSKAHA_EXIT=1",
         "MOCKSKAHA_MEMORY=40Gi", "MOCKSKAHA_CORES=6", "MOCKSKAHA_HOLD=50s", "MOCKSKAHA_HOLD=forever",
         "MOCKSKAHA_SUSPEND=50s", "MOCKSKAHA_SUSPEND=forever", "MOCKSKAHA_CRASH=3s", "MOCKSKAHA_OOM=3s",
         "MOCKSKAHA_EVICT=3s", "MOCKSKAHA_NODE_LOST=3s", "MOCKSKAHA_PREEMPT=3s", "MOCKSKAHA_EXPIRE=90s",
         "MOCKSKAHA_STOP=20s"]
    ),
}  # fmt: skip
BAD = [
    ({"image": ""}, 400), ({"image": "docker.io/x"}, 400), ({"image": f"{IMAGE}x"}, 400), ({"type": "x"}, 400),
    ({"cores": "0"}, 400), ({"ram": "3"}, 400), ({"name": "a_b"}, 400), ({"name": "-"}, 400), ({"gpus": "0"}, 400),
    ({"name": "a-", "type": "headless"}, 500), ({"cmd": '"', "type": "headless"}, 500),
]  # fmt: skip
CONFIGURATIONS = [
    {"profile": profile, "cluster": cluster, "queue": queue}
    for profile in ("fast", "chaos", "realistic", "instant")
    for cluster in ({}, {"nodes": [{"name": "node", "count": 2, "cores": 8, "ram_gib": 32, "gpus": 1}]})
    for queue in ({}, {"ordering": {"policy": "size-priority"}, "admission": {"per_user": {"cores": 10}}})
] + [
    {"profile": profile, "cluster": {"nodes": [{"name": "node", "count": 2, "cores": 8, "ram_gib": 32}]}} | more
    for profile in ("fast", "instant")
    for more in (
        {"queue": {"kueue": {
            "manifests": [str(Path(__file__).parents[2] / "examples" / "kueue" / "canfar-development.yaml")],
            "sessions": {"headless": {"priority_class": "low"}, "default": {"priority_class": "high"}},
        }}},
        {"queue": {"preemption": {"policy": "priority"}, "ordering": {"policy": "priority-class"}},
         "sessions": {"priority_class": {"headless": "low", "default": "high"}}},
    )
]  # fmt: skip
FATES = [
    {"hold": 40}, {"suspend": {"low": 1, "high": 100}}, {"oom": {"mean": 20}}, {"crash": 5, "exit": 3}, {"evict": 5},
    {"preempt": 5, "preempt_for": 60}, {"node_lost": 5}, {"expire": 60}, {"stop": 30}, {"ready": 20},
    {"pull": "not-found", "pull_for": 30},
]  # fmt: skip


def answers(skaha, ids):
    """Everything there is to see, for everybody."""
    seen = []
    for user in ("alice", "bob", "carol"):
        who = skaha.as_user(user)
        paths = [
            SESSIONS + query
            for query in ("", "?view=all", "?view=interactive", "?type=desktop-app", "?view=stats")
        ]
        paths += [
            f"{SESSIONS}/{found}{view}"
            for found in ids
            for view in ("", "?view=logs", "?view=events", "/app")
        ]
        seen += [(user, path, who.get(path)) for path in paths]
    seen.append(("", "metrics", skaha.get("/api/v1/metrics/platform")))
    return seen


class Conversation(RuleBasedStateMachine):
    """Three users and a service. ``twin`` is told the same commands and never asked anything."""

    ids = Bundle("ids")
    start = None

    @initialize(configuration=st.sampled_from(CONFIGURATIONS), seed=st.integers(0, 3))
    def begin(self, configuration, seed):
        self.settings = configuration | {"seed": seed}
        self.skaha, self.twin = (type(self).start(**self.settings) for _ in range(2))
        self.owners = {}
        """id -> (user, kind, created at)"""
        self.deleted = set()
        self.lingering = set()
        """Those of the deleted that are listed until their pod has stopped."""

    def both(self, method, path, user, form=None):
        replies = [who.as_user(user).request(method, path, form=form) for who in (self.skaha, self.twin)]
        assert replies[0] == replies[1]
        return replies[0]

    @property
    def now(self):
        return self.skaha.platform.clock.now()

    @rule(target=ids, user=USERS, kind=KINDS, params=st.fixed_dictionaries({}, optional=GOOD))
    def launch(self, user, kind, params):
        reply = self.both("POST", SESSIONS, user, {"name": "a", "image": IMAGE, "type": kind} | params)
        if reply.status == 400:
            assert "has reached the maximum of 5 active sessions" in reply.text
            assert kind != "headless"
            return multiple()
        assert reply.status == 200
        found = reply.text.strip()
        assert found not in self.owners
        self.owners[found] = (user, kind, self.now)
        return found

    @rule(fate=st.sampled_from(FATES), every=st.integers(1, 3), user=USERS)
    def doom(self, fate, every, user):
        for skaha in (self.skaha, self.twin):
            faults = skaha.app.state.host.root.faults
            faults.begin(
                skaha.platform.settings.seed, faults_of([{"fate": fate, "every": every, "user": user}])
            )

    @rule(found=ids, what=st.sampled_from(DISTURBANCES), seconds=st.sampled_from([None, None, 30]))
    def disturb(self, found, what, seconds):
        said = []
        for skaha in (self.skaha, self.twin):
            try:
                disturb(
                    skaha.platform, found, what, seconds=seconds if what in ("preempt", "stall") else None
                )
                said.append("")
            except (NoSuchSession, CannotDisturb) as error:
                said.append(str(error))
        assert said[0] == said[1]

    @rule()
    def restore_nodes(self):
        for skaha in (self.skaha, self.twin):
            for node in skaha.platform.model.cluster.nodes:
                if not node.is_open:
                    skaha.platform.catch_up()
                    skaha.platform.execute(ChangeNode(node.name, "restore"))

    @rule(user=USERS, bad=st.sampled_from(BAD))
    def launch_badly(self, user, bad):
        params, status = bad
        reply = self.both("POST", SESSIONS, user, {"name": "a", "image": IMAGE, "type": "notebook"} | params)
        assert reply.status in (status, 400)

    @rule(user=USERS, found=ids, app=st.sampled_from(["{}", "{}", "{}/app/x1y"]))
    def delete(self, user, found, app):
        assert self.both("DELETE", f"{SESSIONS}/{app.format(found)}", user).told == (200, None, "")
        if app == "{}" and self.owners[found][0] == user:
            session = self.skaha.platform.inventory.session(found)
            if session is None:
                self.deleted.add(found)
                self.lingering.discard(found)
            else:
                assert session.lingers
                self.lingering.add(found)

    @rule(user=USERS, found=ids)
    def renew(self, user, found):
        reply = self.both("POST", f"{SESSIONS}/{found}", user, {"action": "renew"})
        assert reply.status == 400 or (reply.status == 200 and self.owners[found][0] == user)
        assert reply.status == 400 or found not in self.deleted

    @rule(user=USERS, found=ids)
    def launch_app(self, user, found):
        reply = self.both("POST", f"{SESSIONS}/{found}/app", user, {"image": IMAGE})
        assert reply.status in (200, 404)
        if reply.status == 200:
            assert self.owners[found][:2] == (user, "desktop")
            assert found not in self.deleted

    @rule(user=USERS, everything=st.booleans())
    def delete_apps(self, user, everything):
        # Asked of a platform that is polled anyway: the twin is told the outcome only.
        apps = [(app["id"], app["appid"]) for app in self.skaha.as_user(user).sessions(type="desktop-app")]
        for found, app in apps if everything else apps[:1]:
            self.both("DELETE", f"{SESSIONS}/{found}/app/{app}", user)
            assert self.skaha.as_user(user).get(f"{SESSIONS}/{found}/app/{app}").status == 404

    @rule(seconds=st.sampled_from([0, 0.05, 0.3, 1, 7, 60, 600, 3600, DAY, 4 * DAY, 14 * DAY]))
    def advance(self, seconds):
        for skaha in (self.skaha, self.twin):
            skaha.advance(seconds)

    @rule(profile=st.sampled_from(["fast", "chaos", "realistic", "instant"]))
    def change_profile(self, profile):
        settings = load_profile(profile).settings
        for skaha in (self.skaha, self.twin):
            skaha.platform.catch_up()
            skaha.platform.execute(SetProfile(profile, settings.model_dump_json()))

    @rule(user=USERS)
    def look_at_lists(self, user):
        who = self.skaha.as_user(user)
        listed = {session["id"]: session for session in who.sessions()}
        for found, (owner, kind, created) in self.owners.items():
            if owner != user or found in self.deleted:
                assert found not in listed
            elif found in self.lingering:
                assert found not in listed or listed[found]["status"] == "Terminating"
            elif self.now < created + TTL.get(kind, DAY):
                assert found in listed, "a session is lost"
        for found, session in listed.items():
            assert session["userid"] == user
            assert session["type"] == self.owners[found][1]
            assert who.get(f"{SESSIONS}/{found}").json == session
        apps = who.sessions(type="desktop-app")
        assert {app["userid"] for app in apps} <= {user}
        assert {app["id"] for app in apps} <= listed.keys()
        everybody = who.sessions(view="all")
        assert sum(session["userid"] == user for session in everybody) == len(listed)
        active = [
            s for s in listed.values() if s["type"] != "headless" and s["status"] in ("Running", "Pending")
        ]
        assert len(active) <= 5

    @rule(user=USERS, found=ids)
    def look_at_one(self, user, found):
        who, path = self.skaha.as_user(user), f"{SESSIONS}/{found}"
        session, logs, events = who.get(path), who.get(f"{path}?view=logs"), who.get(f"{path}?view=events")
        if self.owners[found][0] != user or found in self.deleted:
            assert (session.status, logs.text, events.status) == (404, "", 404)
        elif session.status == 200 and session.json["status"] == "Running":
            assert events.status == 200
        assert logs.status == 200

    @invariant()
    def nothing_is_over_booked(self):
        cluster = self.skaha.platform.model.cluster
        used = NOTHING
        for node in cluster.nodes:
            assert all(0 <= free <= most for free, most in zip(node.idle, node.capacity, strict=True))
            used = used.plus(node.capacity.minus(node.idle))
        assert used == cluster.allocated
        held = NOTHING
        for session in self.skaha.platform.inventory:
            if session.job.node is not None:
                held = held.plus(session.job.request)
        assert held.fits(used), "sessions hold more than is allocated"

    def teardown(self):
        if not hasattr(self, "skaha"):
            return
        rebuilt = type(self).start(**self.settings)
        rebuilt.platform.replay(self.skaha.journal.commands)
        rebuilt.platform.clock = ManualClock(self.now)
        expected = answers(self.skaha, self.owners)
        assert answers(self.twin, self.owners) == expected, "looking changed something"
        assert answers(rebuilt, self.owners) == expected, "the commands do not rebuild the state"
        used = self.skaha.platform.model.cluster.allocated
        for skaha in (self.skaha, self.twin):
            for found, (owner, _, _) in self.owners.items():
                skaha.as_user(owner).delete(f"{SESSIONS}/{found}")
            skaha.advance(3600)
            assert skaha.platform.model.cluster.allocated == NOTHING, f"of {used} not all came free"
            assert len(skaha.platform.inventory) == 0


def test_the_laws_hold_in_every_conversation(start):
    class Here(Conversation):
        pass

    Here.start = staticmethod(start)
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=600 if DEEP else 50,
            stateful_step_count=60 if DEEP else 30,
            deadline=None,
            suppress_health_check=[
                HealthCheck.too_slow,
                HealthCheck.data_too_large,
                HealthCheck.filter_too_much,
            ],
        ),
    )


@pytest.mark.differs(
    "the same seed and the same requests give the same session ids; the real ones are random"
)
def test_the_same_seed_and_the_same_requests_give_the_same_bytes(start):
    def day(seed):
        skaha = start(seed=seed, profile="chaos")
        kinds = ("headless", "notebook", "headless", "desktop", "headless")
        ids = [skaha.create(type=kind, cmd="python") for kind in kinds]
        skaha.advance(100)
        return answers(skaha, ids)

    assert day(1) == day(1)
    assert day(1) != day(2)


@pytest.mark.differs(
    "how long a session takes to start, run and stop is a profile (`--profile`), not a cluster's"
)
def test_the_profile_says_how_long_things_take(start):
    took = {}
    for profile in ("instant", "fast", "realistic"):
        skaha = start(profile=profile)
        took[profile] = skaha.until(skaha.create(type="notebook"), "Running")
    assert took["instant"] == 0 < took["fast"] < 3 < 10 < took["realistic"]


def test_two_platforms_in_one_process_do_not_meet(start):
    one, other = start(), start()
    found = one.create()
    one.advance(100)
    assert other.get().text == "[]"
    assert other.get(f"{SESSIONS}/{found}").status == 404
    assert other.platform.clock.now() == 0


def test_waiting_sessions_go_when_something_comes_free(start):
    skaha = start(cluster={"nodes": [{"name": "node", "count": 1, "cores": 8, "ram_gib": 32}]})
    ids = []
    for _ in range(4):
        ids.append(skaha.create(cores=8, ram=4, cmd="sleep", args="60"))
        skaha.advance(1)
    for done in range(4):
        skaha.advance(30)
        statuses = [skaha.status(found) for found in ids]
        assert statuses == ["Completed"] * done + ["Running"] + ["Pending"] * (3 - done)
        skaha.advance(31)
