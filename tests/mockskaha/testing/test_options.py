"""What a platform for a test can be made with, and what is said of a mistake."""

from pathlib import Path

import pytest

from mockskaha import testing
from mockskaha.testing.options import BadOptions, beginning, state_of

pytestmark = pytest.mark.evidence("ours: how a test says what it wants")
SESSIONS = "sessions:\n  - {user: alice, name: old, type: carta, image: images.canfar.net/skaha/carta:5.1.0, age: 2h}\n"


def test_time_stands_still_unless_told_otherwise():
    assert beginning({}).settings.clock == "manual"
    assert beginning({"clock": "wall", "speed": 60}).settings.speed == 60
    assert beginning({}, clock="wall").settings.clock == "wall"


@pytest.mark.parametrize("version", testing.VERSIONS)
@pytest.mark.parametrize("make", [testing.skaha, testing.serve])
def test_a_version_by_its_name_and_its_client_finds_it(make, version):
    with make(version=version, settings={"skaha_version": "1.2"}) as skaha:
        assert skaha.version == version
        assert skaha.url.endswith("/skaha/v0" if version == "0.29" else "/skaha/v1")
        session_id = skaha.launch("true")
        skaha.until(session_id, "Completed")
        (session,) = skaha.client().get("/session").json()
        assert session["status"] == ("Succeeded" if version == "0.29" else "Completed")


def test_a_version_by_the_release_it_stands_for():
    assert beginning({"version": "1.1.5"}).settings.skaha_version == "1.1"


def test_a_cluster_is_its_groups_of_nodes_or_the_whole_section():
    nodes = [{"name": "node", "count": 2, "cores": 8, "ram_gib": 32}]
    alone, whole = beginning({"cluster": nodes}), beginning({"cluster": {"name": "small", "nodes": nodes}})
    assert alone.settings.cluster.nodes == whole.settings.cluster.nodes
    assert (alone.settings.cluster.name, whole.settings.cluster.name) == ("keel-prod", "small")


def test_settings_are_keys_or_a_file_and_the_other_options_win(tmp_path: Path):
    file = tmp_path / "skaha.yaml"
    file.write_text("profile: realistic\nseed: 4\nsessions: {max_interactive: 2}\n")
    for settings in (
        file,
        str(file),
        {"profile": "realistic", "seed": 4, "sessions": {"max_interactive": 2}},
    ):
        made = beginning({"settings": settings, "profile": "instant"}).settings
        assert (made.profile, made.seed, made.sessions.max_interactive) == ("instant", 4, 2)
        assert made.clock == "manual"


def test_a_file_may_say_how_time_passes(tmp_path: Path):
    (tmp_path / "skaha.yaml").write_text("clock: wall\n")
    assert beginning({"settings": tmp_path / "skaha.yaml"}).settings.clock == "wall"


def test_a_state_is_parsed_or_text_or_a_file(tmp_path: Path):
    file = tmp_path / "state.yaml"
    file.write_text(SESSIONS)
    parsed = {"sessions": [{"user": "alice", "name": "old", "type": "carta", "age": "2h",
                            "image": "images.canfar.net/skaha/carta:5.1.0"}]}  # fmt: skip
    assert state_of(SESSIONS) == state_of(file) == state_of(str(file)) == state_of(parsed)
    assert state_of(SESSIONS).oldest == 7200
    with testing.skaha(state=file) as skaha:
        assert [session["name"] for session in skaha.client().get("/session").json()] == ["old"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"profil": "fast"}, "unknown option 'profil'; did you mean 'profile'?"),
        ({"port": 80}, "unknown option 'port'; known: profile, "),
        ({"profile": "fats"}, "profile: unknown profile 'fats'; known: chaos, fast,"),
        (
            {"version": "0.28"},
            "version: unknown version of Skaha '0.28'; known: 0.29, 1.0, 1.1, 1.2, 2026.1, 1.4",
        ),
        ({"version": "all"}, "version: unknown version of Skaha 'all'"),
        ({"version": 1.4}, "version: should be a text such as '1.1', not 1.4"),
        ({"seed": "many"}, "seed: "),
        ({"seed": {"users": []}}, "what is there at first is state="),
        ({"clock": "stopped"}, "clock: "),
        ({"speed": 0}, "speed: "),
        ({"epoch": "yesterday"}, "epoch: "),
        ({"cluster": 3}, "cluster: should be the section"),
        ({"cluster": [{"name": "n", "cores": 1, "ram_gib": 1}]}, "cluster.nodes[0].count: "),
        ({"cluster": {"nods": []}}, "cluster.nods: unknown key; did you mean 'nodes'?"),
        ({"settings": 5}, "settings: should be a mapping or the path of a YAML file, not 5"),
        ({"settings": {"sesions": {}}}, "sesions: unknown key; did you mean 'sessions'?"),
        ({"settings": "nowhere.yaml"}, "nowhere.yaml: cannot be read"),
        ({"state": {"session": []}}, "session: unknown key; did you mean 'sessions'?"),
        ({"state": "sessions: [{user: a}]"}, "state:1: sessions[0].name"),
        ({"state": "nowhere.yaml"}, "nowhere.yaml: cannot be read"),
    ],
)
def test_a_mistake_is_told_with_what_would_do(options, problem):
    with pytest.raises(BadOptions) as raised:
        beginning(options)
    assert problem in str(raised.value)


@pytest.mark.parametrize("make", [testing.skaha, testing.serve])
def test_a_state_that_cannot_be_is_refused_before_anything_is_left_behind(make):
    state = {"sessions": [{"user": "alice", "name": "x", "image": "elsewhere.net/a/b:1"}]}
    with (
        pytest.raises(BadOptions, match=r"sessions\[0\]: the service refuses it: .*elsewhere"),
        make(state=state),
    ):
        pytest.fail("was made")
