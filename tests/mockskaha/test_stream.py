"""The last of what happened, for whoever follows it."""

import pytest

from mockskaha.commands import ChangeNode
from mockskaha.stream import Stream
from mockskaha.views import session_view
from skahasim.resources import Resources
from skahasim.transition import Step, Transition

pytestmark = pytest.mark.evidence("our own: one stream of facts")


def test_the_whole_life_of_a_session_is_told_with_its_ids_and_its_node(instant):
    session_id = instant.create(name="one", cmd="sleep", args="60")
    instant.advance(60)
    told = instant.platform.stream.of(session_id)
    assert [(item.step, item.time) for item in told if not item.container] == [
        ("submitted", 0.0),
        ("queued", 0.0),
        ("admitted", 0.0),
        ("scheduled", 0.0),
        ("finished", 60.0),
        ("released", 60.0),
    ]
    assert {(item.session_id, item.user, item.kind, item.name) for item in told} == {
        (session_id, "alice", "headless", "one")
    }
    scheduled = next(item for item in told if item.step == "scheduled")
    assert scheduled.node == scheduled.reason == "keel-prod-k8s-node-01"
    main = [item.step for item in told if item.container.startswith("skaha-headless")]
    assert main == ["pulling", "pulled", "created", "started", "ready", "exited"]


def test_readers_go_on_from_the_number_they_have_read_up_to(instant):
    stream = instant.platform.stream
    assert (stream.oldest, stream.count, stream.since(0)) == (1, 0, [])
    instant.create()
    instant.advance(0)
    first = stream.since(0, most=3)
    assert [item.number for item in first] == [1, 2, 3]
    assert [item.number for item in stream.since(3)] == list(range(4, stream.count + 1))
    assert stream.since(stream.count) == []


def test_it_is_bounded_and_counts_what_it_forgets(skaha):
    stream = Stream(most=10)
    skaha.create()
    session = next(iter(skaha.platform.inventory))
    for number in range(25):
        stream.note(Transition(float(number), session.job, Step.QUEUED), session)
    assert (stream.count, stream.oldest, stream.steps["queued"]) == (25, 16, 25)
    assert [item.number for item in stream.since(0)] == list(range(16, 26))
    assert [item.number for item in stream.since(20)] == list(range(21, 26))


def test_nodes_come_and_go(start):
    skaha = start(profile="instant", cluster={"nodes": [{"name": "n", "count": 1, "cores": 2, "ram_gib": 8}]})
    name = skaha.platform.model.cluster.nodes[0].name
    running = skaha.create(cores="2", ram="4")
    waiting = skaha.create(cores="2", ram="4")
    assert (skaha.status(running), skaha.status(waiting)) == ("Running", "Pending")
    skaha.platform.execute(ChangeNode("extra", "add", cores=4, ram_gib=16))
    skaha.advance(0)
    assert skaha.status(waiting) == "Running"
    assert skaha.platform.model.cluster.capacity == Resources.of(6, 24, 0)
    skaha.platform.execute(ChangeNode(name, "fail"))
    skaha.advance(0)
    assert skaha.status(running) == "Failed"
    skaha.platform.execute(ChangeNode("extra", "drain"))
    blocked = skaha.create()
    assert skaha.status(blocked) == "Pending"
    skaha.platform.execute(ChangeNode("extra", "drain", evicts=True))
    skaha.advance(0)
    assert skaha.status(waiting) == "Failed"
    skaha.platform.execute(ChangeNode("extra", "restore"))
    skaha.advance(0)
    assert skaha.status(blocked) == "Running"
    changes = [
        (item.step, item.node) for item in skaha.platform.stream.since(0) if item.step.startswith("node-")
    ]
    assert changes == [
        ("node-add", "extra"),
        ("node-fail", name),
        ("node-drain", "extra"),
        ("node-drain", "extra"),
        ("node-restore", "extra"),
    ]
    assert session_view(skaha.platform, skaha.platform.inventory.session(blocked))["status"] == "Running"
