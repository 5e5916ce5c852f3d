"""A snapshot is the state: what is restored from it cannot be told from what it was taken of."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockskaha import snapshot
from mockskaha.commands import ChangeNode, CreateSession, DeleteSession, Disturb, RenewSession
from mockskaha.config import Settings
from mockskaha.era import VERSIONS
from mockskaha.journal import CommandsNotKept, MemoryJournal, StateFile
from mockskaha.namespace import Namespace, fresh
from mockskaha.platform import Platform
from mockskaha.statistics import stats_text
from mockskaha.views import session_view
from skahasim.clock import ManualClock

pytestmark = pytest.mark.evidence("our own: snapshots follow from the list of commands being the state")

IMAGE = "images.canfar.net/skaha/terminal:1.1.2"


def command(number, **fields):
    given_ = {"cmd": "sleep", "args": ("600",), "kind": "headless"} | fields
    return CreateSession("alice", 7, 7, (1, 2), f"job-{number}", IMAGE, **given_)


def seen(platform):
    """All that can be seen of a platform."""
    return (
        platform.time,
        platform.epoch,
        [session_view(platform, session) for session in platform.inventory],
        stats_text(platform),
        platform.stream.since(0),
        [(node.name, node.free, node.is_open) for node in platform.model.cluster.nodes],
    )


def copied(platform):
    document = json.loads(snapshot.take(platform).model_dump_json())
    return snapshot.restore(snapshot.parse(document), platform.settings).platform


steps = st.one_of(
    st.tuples(
        st.just("create"), st.sampled_from(["headless", "notebook", "desktop"]), st.integers(1, 16),
        st.sampled_from([(), ("HOLD", "9m"), ("SUSPEND", "9m"), ("OOM", "20s"), ("PREEMPT", "20s"), ("STOP", "9m")]),
    ),
    st.tuples(
        st.just("disturb"), st.integers(0, 9),
        st.sampled_from(["evict", "preempt", "oom", "exit", "expire", "stall", "node-lost"]),
    ),
    st.tuples(st.just("delete"), st.integers(0, 9)),
    st.tuples(st.just("renew"), st.integers(0, 9)),
    st.tuples(st.just("advance"), st.floats(0, 5000)),
    st.tuples(st.just("node"), st.integers(0, 2), st.sampled_from(["drain", "fail", "restore"])),
    st.tuples(st.just("add")),
)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(st.lists(steps, max_size=25), st.integers(0, 3))
def test_what_is_restored_is_what_was_there_and_goes_on_alike(walk, seed):
    cluster = {"nodes": [{"name": "n", "count": 3, "cores": 16, "ram_gib": 64}]}
    platform = fresh(Settings.model_validate({"clock": "manual", "seed": seed, "cluster": cluster}))
    ids, added = [], 0
    for number, (what, *values) in enumerate(walk):
        if what == "create":
            kind, cores, fate = values
            fate = ((f"MOCKSKAHA_{fate[0]}", fate[1]),) if fate else ()
            ids.append(platform.execute(command(number, kind=kind, cores=float(cores), fate=fate)))
        elif what == "disturb" and ids:
            platform.execute(Disturb(ids[values[0] % len(ids)], values[1]))
        elif what in ("delete", "renew") and ids:
            make = DeleteSession if what == "delete" else RenewSession
            platform.execute(make(ids[values[0] % len(ids)]))
        elif what == "advance":
            platform.advance(values[0])
        elif what == "node":
            platform.execute(ChangeNode(platform.model.cluster.nodes[values[0]].name, values[1]))
        elif what == "add":
            added += 1
            platform.execute(ChangeNode(f"extra-{added}", "add", cores=8, ram_gib=32))
    twin = copied(platform)
    assert seen(twin) == seen(platform)
    assert snapshot.take(twin) == snapshot.take(platform)
    for each in (platform, twin):
        each.advance(1000)
    assert seen(twin) == seen(platform)


def test_a_restored_clock_goes_on_as_it_was():
    manual = fresh(Settings(clock="manual"))
    manual.advance(50)
    assert isinstance(copied(manual).clock, ManualClock)
    assert copied(manual).catch_up() == 50
    wall = fresh(Settings(speed=1e6))
    wall.catch_up()
    twin = copied(wall)
    assert twin.clock.speed == 1e6
    times = [twin.catch_up() for _ in range(3)]
    assert times[0] >= wall.time
    assert all(first < second for first, second in pairwise(times))


def test_secrets_are_not_in_it_and_come_from_the_server_that_restores():
    users = [{"username": "alice", "uid": 1, "password": "open sesame"}]
    auth = {"mode": "strict", "tokens": [{"token": "t0p-s3cret", "user": "alice"}]}
    made = Settings.model_validate({"clock": "manual", "users": users, "auth": auth})
    text = snapshot.take(fresh(made)).model_dump_json()
    assert "sesame" not in text
    assert "s3cret" not in text
    restored = snapshot.restore(snapshot.parse(json.loads(text)), made).platform
    assert restored.settings == made


@pytest.mark.parametrize("version", VERSIONS)
def test_a_snapshot_brings_its_version_of_skaha_and_a_reset_takes_it_away(version):
    source = fresh(Settings(clock="manual", skaha_version=version))
    source.execute(command(1))
    source.advance(700)
    namespace = Namespace("", Settings(clock="manual"), "http://mockskaha")
    namespace.restore(snapshot.parse(json.loads(snapshot.take(source).model_dump_json())))
    assert namespace.platform.era.version == version
    source.base_url = "http://mockskaha"
    assert namespace.platform.service_url == source.service_url
    assert seen(namespace.platform) == seen(source)
    namespace.reset()
    assert namespace.platform.era.is_default


def broken(change):
    document = json.loads(snapshot.take(fresh(Settings(clock="manual"))).model_dump_json())
    document.update(change)
    return document


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "not a snapshot"),
        ({"format": "other"}, "not a snapshot"),
        (broken({"version": 99}), "version 99"),
        (broken({"time": -1}), "time: "),
        (broken({"more": 1}), "more: "),
        (broken({"commands": [[0, "explode", {}]]}), "commands.0: unknown command 'explode'"),
        (broken({"commands": [[5, "advance", {}], [4, "advance", {}]]}), "commands.1: time 4"),
        (broken({"commands": [[0, "node", {"node": "nowhere", "change": "drain"}]]}), "cannot be applied"),
        (broken({"settings": {"seed": "x"}}), "settings.seed"),
    ],
)
def test_what_is_no_snapshot_is_refused_and_changes_nothing(document, says):
    namespace = Namespace("", Settings(clock="manual"), "http://mockskaha")
    namespace.platform.execute(command(1))
    before = seen(namespace.platform)
    with pytest.raises(snapshot.SnapshotError, match=says):
        namespace.restore(snapshot.parse(document))
    assert seen(namespace.platform) == before


def test_more_commands_than_are_kept_cannot_be_taken():
    platform = Platform(Settings(clock="manual"), ManualClock(), 0, MemoryJournal(most=2))
    for number in range(3):
        platform.execute(command(number))
    with pytest.raises(CommandsNotKept, match="--state keeps them all"):
        snapshot.take(platform)


def test_a_state_file_holds_what_was_restored_after_a_restart(tmp_path):
    source = fresh(Settings(clock="manual"))
    source.execute(command(1))
    source.advance(30)
    path = tmp_path / "state.db"
    made = Settings.model_validate({"clock": "manual", "server": {"state": path}})
    namespace = Namespace("", made, "http://mockskaha", platform=Platform.from_settings(made))
    namespace.platform.execute(command(2))
    namespace.restore(snapshot.take(source))
    assert isinstance(namespace.platform.journal, StateFile)
    namespace.close()
    again = Platform.from_settings(made)
    assert [item.name for item in again.inventory] == ["job-1"]
    assert again.epoch == source.epoch
    again.close()


def test_a_reset_empties_the_state_file(tmp_path):
    made = Settings.model_validate({"clock": "manual", "server": {"state": tmp_path / "state.db"}})
    namespace = Namespace("", made, "http://mockskaha", platform=Platform.from_settings(made))
    namespace.platform.execute(command(1))
    namespace.reset()
    namespace.close()
    again = Platform.from_settings(made)
    assert len(again.inventory) == 0
    again.close()
