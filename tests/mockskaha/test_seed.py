"""A state to begin with."""

import pytest

from mockskaha.config import Settings
from mockskaha.namespace import Namespace, fresh
from mockskaha.platform import DEFAULT_EPOCH
from mockskaha.seed import read_seed, seed_of
from mockskaha.views import session_view
from skahasim.yamlfile import ConfigurationError

pytestmark = pytest.mark.evidence("our own: seeds")

IMAGE = "images.canfar.net/skaha/terminal:1.1.2"
MANUAL = Settings(clock="manual")


def made(text, settings=MANUAL):
    return fresh(settings, read_seed(text, "seed.yaml"))


def views(platform):
    return [session_view(platform, session) for session in platform.inventory]


def test_sessions_are_as_old_as_they_say_and_the_present_is_the_epoch():
    platform = made(f"""
sessions:
  - {{user: alice, name: young, image: {IMAGE}, type: notebook, age: 30m, cores: 2, ram: 4}}
  - {{user: bob, name: old, image: {IMAGE}, cmd: sleep, args: infinity, age: 2h, count: 2, env: {{A: b}}}}
""")
    assert platform.now() == DEFAULT_EPOCH.timestamp()
    told = {view["name"]: view for view in views(platform)}
    assert {name: (view["userid"], view["startTime"], view["status"]) for name, view in told.items()} == {
        "young": ("alice", "2025-12-31T23:30Z", "Running"),
        "old-1": ("bob", "2025-12-31T22:00Z", "Running"),
        "old-2": ("bob", "2025-12-31T22:00Z", "Running"),
    }
    assert (told["young"]["requestedRAM"], told["young"]["requestedCPUCores"]) == ("4.29", "2")
    assert [session.env for session in platform.inventory if session.name == "old-1"] == [(("A", "b"),)]


def test_time_passes_until_a_session_has_its_status():
    platform = made(
        f"sessions: [{{user: a, name: n, image: {IMAGE}, cmd: sleep, args: '60', status: Completed}}]"
    )
    assert [view["status"] for view in views(platform)] == ["Completed"]
    assert platform.time > 60


def test_users_images_nodes_and_settings_change_what_the_server_has():
    platform = made(
        """
settings: {sessions: {max_interactive: 1}, queue: {ordering: {policy: fifo}}, profile: instant, seed: 7}
users: [{username: carol, uid: 77, groups: [5]}]
images: [{id: images.canfar.net/mine/x:1, types: [headless]}]
nodes: [{name: small, count: 2, cores: 4, ram_gib: 16}]
""",
        Settings.model_validate({"clock": "manual", "sessions": {"home": "/arc/home"}}),
    )
    made_of = platform.settings
    assert (made_of.sessions.max_interactive, made_of.sessions.home) == (1, "/arc/home")
    assert (made_of.seed, made_of.profile, made_of.queue.ordering.policy) == (7, "instant", "fifo")
    assert platform.directory.identity("carol").uid == 77
    assert platform.catalogue.is_public("images.canfar.net/mine/x:1")
    assert platform.catalogue.is_public(IMAGE)
    assert [node.capacity.cores for node in platform.model.cluster.nodes] == [4, 4]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sessions: 3", r"seed.yaml:1: sessions: "),
        ("sesions: []", r"seed.yaml:1: sesions: .*sessions"),
        ("settings: {server: {port: 1}}", r"settings.server: belongs to the server"),
        ("settings: {sessions: {max_interactiv: 1}}", r"sessions.max_interactiv: .*max_interactive"),
        (
            "sessions: [{user: a, name: n, image: x}]",
            r"sessions\[0\]: the service refuses it: session image 'x'",
        ),
        (
            f"sessions: [{{user: a, name: n, image: {IMAGE}, cmd: 'false', status: Completed}}]",
            r"sessions\[0\].status: it does not become Completed: Gone",
        ),
        (f"sessions: [{{user: a, name: n, image: {IMAGE}, count: 10001}}]", r"sessions\[0\].count"),
        (f"sessions: [{{user: a, name: n, image: {IMAGE}, age: yesterday}}]", r"sessions\[0\].age"),
        ("settings: [", r"seed.yaml:2: not YAML"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text, says):
    namespace = Namespace("", MANUAL, "http://mockskaha")
    before = namespace.platform
    with pytest.raises(ConfigurationError, match=says):
        namespace.populate(read_seed(text, "seed.yaml"))
    assert namespace.platform is before


def test_a_reset_goes_back_to_the_seed_and_a_full_one_to_the_settings():
    seed = seed_of({"sessions": [{"user": "a", "name": "n", "image": IMAGE, "type": "notebook"}]})
    namespace = Namespace("", MANUAL, "http://mockskaha", seed=seed)
    began = views(namespace.platform)
    namespace.platform.advance(9e9)
    namespace.reset()
    assert views(namespace.platform) == began
    assert len(began) == 1
    namespace.reset(to_seed=False)
    assert views(namespace.platform) == []


def test_what_yaml_takes_for_a_number_is_an_argument_all_the_same():
    platform = made(
        f"sessions: [{{user: a, name: n, image: {IMAGE}, cmd: sleep, args: 60, env: {{A: 1, B: 0.5}}}}]"
    )
    (session,) = platform.inventory
    assert (session.args, session.env) == (("60",), (("A", "1"), ("B", "0.5")))
