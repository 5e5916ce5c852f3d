"""What holds whatever the control API is told, in whatever order."""

import json
import os
import re

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from mockskaha.statistics import stats_text
from mockskaha.views import session_view
from tests.mockskaha.control.conftest import IMAGE

pytestmark = pytest.mark.evidence("our own control API")

DEEP = bool(os.environ.get("MOCKSKAHA_DEEP"))
NAMES = ("", "a", "b")
SETTINGS = {
    "cluster": {"nodes": [{"name": "n", "count": 2, "cores": 8, "ram_gib": 32}]},
    "queue": {"admission": {"per_user": {"cores": 12}}},
    "seed": 3,
}
SEED = {
    "sessions": [
        {"user": "carol", "name": "old", "image": IMAGE, "cmd": "sleep", "args": "1000000", "age": 600}
    ]
}
STEPS = ["fast", "chaos", "instant", "realistic"]


def seen(client, name):
    """All there is to see of a namespace, but for what requests it was sent."""
    platform = client.host.namespace(name).platform
    platform.catch_up()
    # Namespaces differ in where they are.
    views = json.loads(
        json.dumps([session_view(platform, item) for item in platform.inventory]).replace(f"/ns/{name}", "")
    )
    return {
        "views": views,
        "stats": stats_text(platform),
        "sessions": client.get("sessions", namespace=name),
        "why": [
            client.get(f"sessions/{item['id']}", namespace=name)["why"]
            for item in client.get("sessions", namespace=name)["sessions"]
            if not item["app"]
        ],
        "events": client.get("events", namespace=name),
        "nodes": client.get("nodes", namespace=name),
        "clock": client.get("clock", namespace=name),
        "profile": client.get("profile", namespace=name),
    }


def rounded(told):
    """Sums of the same seconds in another order differ in the last digits."""
    return re.sub(r"\d+\.\d+", lambda number: f"{float(number[0]):.3f}", json.dumps(told))


class Driven(RuleBasedStateMachine):
    """Three namespaces that are driven. ``lonely`` is a server with one platform, told what ``a`` is told, in fewer and
    larger steps of time, and hardly ever asked."""

    drive = None

    @initialize()
    def begin(self):
        self.client = type(self).drive(**SETTINGS)
        self.lonely = type(self).drive(**SETTINGS)
        self.fresh = seen(type(self).drive(**SETTINGS), "")
        self.owed = 0.0
        """Seconds that ``lonely`` is behind."""
        self.ids = {name: [] for name in NAMES}
        self.touched = set()

    def told(self, name):
        """Both that are told what ``name`` is told."""
        self.touched.add(name)
        if name == "a":
            if self.owed:
                self.lonely.post("clock/advance", {"by": self.owed})
                self.owed = 0.0
            return [(self.client, "a"), (self.lonely, "")]
        return [(self.client, name)]

    where = st.sampled_from(NAMES)

    @rule(
        name=where,
        user=st.sampled_from(["alice", "bob"]),
        cores=st.sampled_from(["1", "4", "8"]),
        kind=st.sampled_from(["headless", "notebook"]),
        args=st.sampled_from(["5", "90", "infinity"]),
    )
    def launch(self, name, user, cores, kind, args):
        if kind == "notebook" and len(self.ids[name]) > 4:
            kind = "headless"
        made = [
            client.launch(user, namespace=where, cores=cores, ram="4", type=kind, args=args)
            for client, where in self.told(name)
        ]
        assert len(set(made)) == 1
        self.ids[name].append(made[0])

    @rule(name=where, seconds=st.sampled_from([0.125, 1.0, 7.5, 60.0, 3600.0, 345600.0]))
    def advance(self, name, seconds):
        self.touched.add(name)
        before = self.client.get("clock", namespace=name)["time"]
        for part in range(4):  # asked in between: it makes no difference
            self.client.post("clock/advance", {"by": seconds / 4}, namespace=name)
            self.client.get("sessions", namespace=name)
            now = self.client.get("clock", namespace=name)["time"]
            assert now == pytest.approx(before + seconds / 4 * (part + 1))
        if name == "a":
            self.owed += seconds

    @rule(
        name=where,
        status=st.sampled_from(["Running", "Completed", "Failed", "Gone"]),
        which=st.integers(0, 9),
    )
    def until(self, name, status, which):
        if not self.ids[name]:
            return
        found = self.ids[name][which % len(self.ids[name])]
        goal = {"until": {"session": found, "status": status}, "within": 7200}
        answers = [
            client.ask("POST", "clock/advance", goal, namespace=where) for client, where in self.told(name)
        ]
        assert len({rounded(answer.json) for answer in answers}) == 1
        if answers[0].status == 404:
            return
        answer = answers[0].json
        assert answer["reached"] is (answer["status"] == status)
        assert 0 <= answer["advanced"] <= 7200.001
        assert (answer["why"] is None) is answer["reached"]

    @rule(
        name=where,
        node=st.sampled_from(["n-01", "n-02"]),
        change=st.sampled_from(["drain", "fail", "restore"]),
        evict=st.booleans(),
    )
    def change_node(self, name, node, change, evict):
        body = {"evict": evict} if change == "drain" else None
        answers = [
            client.ask("POST", f"nodes/{node}/{change}", body, namespace=where).json
            for client, where in self.told(name)
        ]
        assert len(set(map(rounded, answers))) == 1

    @rule(name=where, profile=st.sampled_from(STEPS))
    def change_profile(self, name, profile):
        for client, where in self.told(name):
            client.put("profile", {"name": profile}, namespace=where)

    @rule(name=where)
    def seed(self, name):
        for client, where in self.told(name):
            client.put("state", SEED, namespace=where)
        self.ids[name] = [item["id"] for item in self.client.get("sessions", namespace=name)["sessions"]]
        seeded = seen(self.client, name)
        self.client.launch(namespace=name)
        self.client.post("clock/advance", {"by": 100}, namespace=name)
        self.client.post("reset", namespace=name)
        assert seen(self.client, name) == seeded

    @rule(name=where)
    def reset_is_fresh(self, name):
        for client, where in self.told(name):
            client.post("reset", {"what": "all"}, namespace=where)
        self.ids[name] = []
        assert seen(self.client, name) == self.fresh
        assert self.client.get("requests", namespace=name)["count"] == 0

    @rule(name=where)
    def restored_is_what_was_there(self, name):
        document = self.client.get("snapshot", namespace=name)
        self.client.put("snapshot", document, namespace="twin")
        assert seen(self.client, "twin") == seen(self.client, name)
        assert self.client.get("snapshot", namespace="twin") == document
        for where in ("twin", name):
            self.client.post("clock/advance", {"by": 500}, namespace=where)
        assert seen(self.client, "twin") == seen(self.client, name)
        self.client.put("snapshot", document, namespace=name)
        assert self.client.get("snapshot", namespace=name) == document

    @invariant()
    def who_was_never_touched_is_fresh(self):
        if not hasattr(self, "client"):
            return
        for name in NAMES:
            if name not in self.touched:
                assert self.client.get("clock", namespace=name)["time"] == 0
                assert self.client.get("sessions", namespace=name)["count"] == 0

    def teardown(self):
        if not hasattr(self, "client"):
            return
        self.told("a")
        assert rounded(seen(self.client, "a")) == rounded(seen(self.lonely, ""))


def test_the_laws_hold_whatever_it_is_told(drive):
    class Here(Driven):
        pass

    Here.drive = staticmethod(drive)
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=300 if DEEP else 25,
            stateful_step_count=40 if DEEP else 15,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
