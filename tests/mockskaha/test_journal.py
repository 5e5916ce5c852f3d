"""Commands on disk, and what is rebuilt from them."""

import sqlite3

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockskaha.commands import (
    KINDS,
    AdvanceClock,
    CreateSession,
    DeleteApp,
    DeleteSession,
    OpenState,
    RenewSession,
    UnknownCommand,
    decode,
    encode,
)
from mockskaha.config import Settings
from mockskaha.journal import StateFile, StateFileError
from mockskaha.platform import Platform

pytestmark = pytest.mark.evidence("skaha-contract §2.5, §2.6: what was answered is so; keeping it is our own")

SESSIONS = "/skaha/v1/session"
EPOCH = "2026-08-06T22:25:31+00:00"

amounts = st.floats(0, 1e6, allow_subnormal=False)
pairs = st.tuples(st.text(), st.text())
creates = st.builds(
    CreateSession,
    username=st.text(),
    uid=st.integers(0, 2**31 - 1),
    gid=st.integers(0, 2**31 - 1),
    groups=st.lists(st.integers(0, 2**31 - 1)).map(tuple),
    name=st.text(),
    image=st.text(),
    kind=st.sampled_from(["headless", "notebook", "desktop-app"]),
    cores=st.none() | amounts,
    ram_gib=st.none() | amounts,
    gpus=st.integers(0, 28),
    cmd=st.text(),
    args=st.lists(st.text()).map(tuple),
    env=st.lists(pairs).map(tuple),
    parent=st.text(),
)
commands = st.one_of(
    creates,
    st.builds(DeleteSession, st.text()),
    st.builds(DeleteApp, st.text(), st.text()),
    st.builds(RenewSession, st.text()),
    st.just(AdvanceClock()),
    st.builds(OpenState, st.floats(0, 1e12), st.floats(1e-3, 1e6)),
)
timed = st.lists(st.tuples(st.floats(0, 1e9), commands), max_size=5)


@given(commands)
def test_a_command_survives_being_written(command):
    name, values = encode(command)
    assert KINDS[name] is type(command)
    assert decode(name, orjson.loads(orjson.dumps(values))) == command


@settings(max_examples=30)
@given(wanted=timed)
def test_a_file_gives_back_what_was_appended_in_order(tmp_path_factory, wanted):
    path = tmp_path_factory.mktemp("state") / "s.db"
    journal = StateFile(path, 7, EPOCH)
    for time, command in wanted:
        journal.append(time, command)
    assert list(journal.replay()) == wanted
    journal.close()
    again = StateFile(path, 7, "2030-01-01T00:00:00+00:00")
    assert (list(again.replay()), again.epoch) == (wanted, EPOCH)
    again.close()


@pytest.mark.parametrize(
    ("name", "values"),
    [("explode", {}), ("create", {}), ("delete", {"session": "a"}), ("advance", {"by": 1})],
)
def test_a_command_nobody_knows_is_refused(name, values):
    with pytest.raises(UnknownCommand):
        decode(name, values)


def everything(skaha):
    seen = []
    for user in ("alice", "bob"):
        who = skaha.as_user(user)
        for found in [session["id"] for session in skaha.sessions()] + ["a1b2c3d4"]:
            seen += [
                who.get(f"{SESSIONS}/{found}{view}") for view in ("", "?view=logs", "?view=events", "/app")
            ]
        seen += [who.get(f"{SESSIONS}{query}") for query in ("", "?view=all", "?view=stats")]
    return seen


def test_a_restarted_server_gives_the_same_answers(start, tmp_path):
    options = {"profile": "chaos", "server": {"state": tmp_path / "s.db"}}
    skaha = start(**options)
    desktop = skaha.create(type="desktop", env="MOCKSKAHA_RUNTIME=forever")
    for number in range(6):
        skaha.create(name=f"n{number}", cmd="python", args="a.py")
        skaha.as_user("bob").create(cmd="env", cores=2, ram=4, gpus=1)
        skaha.advance(7.7)
    skaha.until(desktop, "Running")
    skaha.create_app(desktop)
    skaha.delete(f"{SESSIONS}/{skaha.create()}")
    skaha.advance(86_400)
    skaha.post(f"{SESSIONS}/{desktop}", {"action": "renew"})
    last = skaha.create(type="carta")
    before = everything(skaha)
    skaha.platform.close()
    again = start(**options, epoch=1_900_000_000)
    assert everything(again) == before
    assert again.create() not in {last, desktop}
    again.platform.close()


def test_a_refused_request_leaves_nothing_behind(start, tmp_path):
    skaha = start(server={"state": tmp_path / "s.db"})
    skaha.post(SESSIONS, {"name": "a_b"})
    skaha.delete(f"{SESSIONS}/a1b2c3d4")
    skaha.post(f"{SESSIONS}/a1b2c3d4", {"action": "renew"})
    skaha.get()
    skaha.platform.close()
    journal = StateFile(tmp_path / "s.db", 0, EPOCH)
    assert list(journal.replay()) == []
    journal.close()


# Files that cannot be used


def made(path, seed=0):
    journal = StateFile(path, seed, EPOCH)
    for number in range(200):
        journal.append(float(number), CreateSession("alice", 1, 1, (), "n", "i" * 100, "headless"))
    journal.close()
    return path


def test_another_seed_is_refused(start, tmp_path):
    path = made(tmp_path / "s.db", seed=3)
    with pytest.raises(StateFileError, match=r"s\.db: was made with --seed 3; use that, or another file"):
        start(server={"state": path})


def test_somebody_elses_database_is_refused_and_left_alone(start, tmp_path):
    path = tmp_path / "theirs.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE customers (name TEXT)")
    other.commit()
    other.close()
    with pytest.raises(StateFileError, match=r"theirs\.db: is an SQLite file, but not of mockskaha"):
        start(server={"state": path})
    other = sqlite3.connect(path)
    assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("customers",)]
    other.close()


@pytest.mark.parametrize("content", [b"seed: 1\n" * 200, b"SQLite format 3\x00" + b"\xff" * 4096])
def test_what_is_no_database_is_refused_and_left_alone(start, tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(StateFileError, match=r"notes\.txt: cannot be used as a state file"):
        start(server={"state": path})
    assert path.read_bytes() == content


def test_a_format_of_the_future_is_refused(start, tmp_path):
    path = made(tmp_path / "s.db")
    changed(path, "UPDATE meta SET value = '99' WHERE key = 'format'")
    with pytest.raises(StateFileError, match="has format 99, this version reads 1"):
        start(server={"state": path})


def changed(path, statement):
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE commands SET fields = '{' WHERE number = 17",
        "UPDATE commands SET name = 'explode' WHERE number = 17",
        "UPDATE commands SET fields = '[]' WHERE number = 17",
    ],
)
def test_a_damaged_command_is_named(start, tmp_path, damage):
    path = made(tmp_path / "s.db")
    changed(path, damage)
    with pytest.raises(StateFileError, match=r"s\.db: cannot be read from command 17 on"):
        start(server={"state": path})


def test_a_damaged_page_is_refused(start, tmp_path):
    path = made(tmp_path / "s.db")
    content = bytearray(path.read_bytes())
    content[8192:16384] = b"\x99" * 8192
    path.write_bytes(bytes(content))
    with pytest.raises(StateFileError, match=r"s\.db: cannot be"):
        start(server={"state": path})


def test_a_directory_that_is_not_there_or_a_file_in_use_is_refused(start, tmp_path):
    with pytest.raises(StateFileError, match="cannot be used as a state file: No such file or directory"):
        start(server={"state": tmp_path / "no" / "s.db"})
    with pytest.raises(StateFileError, match="cannot be used as a state file: it is a folder"):
        start(server={"state": tmp_path})
    first = start(server={"state": tmp_path / "s.db"})
    with pytest.raises(StateFileError, match="is another server using it"):
        start(server={"state": tmp_path / "s.db"})
    first.platform.close()
    start(server={"state": tmp_path / "s.db"}).platform.close()


def test_only_its_owner_can_read_it(start, tmp_path):
    start(server={"state": tmp_path / "s.db"}).platform.close()
    assert (tmp_path / "s.db").stat().st_mode & 0o777 == 0o600


def test_a_file_used_under_other_settings_is_used_with_a_warning(tmp_path, caplog):
    def opened(**chosen):
        caplog.clear()
        wanted = {"clock": "manual", "server": {"state": tmp_path / "s.db"}, **chosen}
        Platform.from_settings(Settings.model_validate(wanted)).close()
        return [record.levelname for record in caplog.records]

    assert opened() == []
    assert opened(auth={"mode": "strict"}) == []
    assert opened(sessions={"sessions_url": "https://ws-uv.canfar.net"}) == []
    assert opened(profile="instant") == ["WARNING"]
    assert opened(profile="instant") == []
