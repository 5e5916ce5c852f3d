from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockskaha.config import ConfigurationError, Settings, load_settings
from mockskaha.config.presentation import as_json, as_yaml
from skahasim.policies import BUILT_IN
from skahasim.yamlfile import parse

pytestmark = pytest.mark.evidence("skaha-contract §1.3, §2.12, §2.13: what a deployment configures")

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


def problems(**arguments: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(**arguments)
    return str(caught.value).splitlines()


def test_nothing_given_is_the_default() -> None:
    assert load_settings() == Settings()


def test_a_file_changes_what_it_names_and_nothing_else(write: Write) -> None:
    config = write(
        "site.yaml", "speed: 60\nserver: {port: 9000}\nsessions:\nauth: {challenge_manager: cadc}\n"
    )
    settings = load_settings(config)
    assert (settings.speed, settings.server.port, settings.auth.challenge_manager) == (60, 9000, "cadc")
    back = {"speed": 1, "server.port": 8080, "auth.challenge_manager": "oidc"}
    assert load_settings(config, overrides=back) == Settings()


def test_overrides_win_over_the_file(write: Write) -> None:
    config = write("site.yaml", "seed: 1\nserver: {port: 9000, host: 0.0.0.0}\n")
    settings = load_settings(config, overrides={"server.port": 0, "seed": 2})
    assert (settings.server.port, settings.server.host, settings.seed) == (0, "0.0.0.0", 2)


def test_a_list_of_images_replaces_and_extra_images_add(write: Write) -> None:
    entry = "[{id: images.canfar.net/me/x:1, types: [headless]}]"
    assert len(load_settings(write("a.yaml", f"images: {entry}")).images) == 1
    assert len(load_settings(write("b.yaml", f"extra_images: {entry}")).images) == len(Settings().images) + 1


@pytest.mark.parametrize("top", ["", "images:\n"])
def test_a_part_may_be_in_another_file_found_from_the_one_that_names_it(write: Write, top: str) -> None:
    write("data/my-images.yaml", f"{top}- id: images.canfar.net/me/x:1\n  types: [carta]\n")
    write("data/site.yaml", "images: my-images.yaml\n")
    config = write("data/sub/all.yaml", "images: ../my-images.yaml\nauth: {tokens: ../../tokens.yaml}\n")
    write("tokens.yaml", "- {token: abc, user: alice}\n")
    assert load_settings(config.parent.parent / "site.yaml").images == load_settings(config).images
    assert load_settings(config).auth.tokens[0].user == "alice"


def test_the_resource_file_of_a_deployment_can_be_named(write: Write) -> None:
    write("k8s-resources.json", '{"cores": {"default": 1, "options": [1, 2]}, "memoryGB": {"options": [8]}}')
    resources = load_settings(write("site.yaml", "resources: k8s-resources.json")).resources
    assert (resources.cores.options, resources.memory_gib.options) == ((1, 2), (8,))


def test_paths_are_relative_to_the_file_they_stand_in(write: Write, tmp_path: Path) -> None:
    config = write("d/site.yaml", "profile: slow.yaml\nserver: server/tcp.yaml\n")
    write("d/server/tcp.yaml", "state: s.db\ntls: /etc/certificates\n")
    write("d/slow.yaml", "description: everything takes a minute\nstart: 60\n")
    settings = load_settings(config)
    assert settings.profile == str(tmp_path / "d" / "slow.yaml")
    assert settings.server.state == tmp_path / "d" / "server" / "s.db"
    assert settings.server.tls == Path("/etc/certificates")
    assert load_settings(write("e.yaml", "profile: instant")).profile == "instant"


def test_mistakes_in_any_file_are_found_there(write: Write, tmp_path: Path) -> None:
    write("i.yaml", "- id: images.canfar.net/me/x:1\n  types: [notebok]\n")
    config = write("site.yaml", "server:\n  prot: 1\nimages: i.yaml\nusers: nowhere.yaml\n")
    assert problems(config=config) == [f"{config}:4: users: no such file: {tmp_path / 'nowhere.yaml'}"]
    config.write_text("server:\n  prot: 1\nimages: i.yaml\n")
    kinds = "'carta', 'notebook', 'desktop', 'contributed', 'headless', 'firefly' or 'desktop-app'"
    assert problems(config=config) == [
        f"{tmp_path / 'i.yaml'}:2: images[0].types[0]: should be {kinds}, not 'notebok'",
        f"{config}:2: server.prot: unknown key; did you mean 'port'?",
    ]


def test_a_mistake_on_the_command_line_is_found_there(write: Write) -> None:
    config = write("site.yaml", "server: {port: 1}\n")
    assert problems(config=config, overrides={"server.port": -1}, origins={"server.port": "--port"}) == [
        "--port: server.port: should be greater than or equal to 0, not -1"
    ]
    assert problems(overrides={"sped": 2}) == ["sped: sped: unknown key; did you mean 'speed'?"]


def test_a_file_of_tokens_makes_authentication_strict(write: Write) -> None:
    auth = write(
        "tokens.yaml", "tokens:\n  - {token: abc, user: alice, expires: 2026-11-22T10:00:00-08:00}\n"
    )
    config = write(
        "site.yaml", "auth:\n  mode: any\n  anonymous_status: 400\n  tokens: [{token: x, user: y}]\n"
    )
    settings = load_settings(config, auth)
    assert (settings.auth.mode, settings.auth.anonymous_status) == ("strict", 400)
    assert [(entry.token.get_secret_value(), entry.user) for entry in settings.auth.tokens] == [
        ("abc", "alice")
    ]
    assert str(settings.auth.tokens[0].expires) == "2026-11-22 18:00:00+00:00"
    assert settings.users == Settings().users


def test_users_in_a_file_of_tokens_are_all_there_are(write: Write) -> None:
    auth = write("tokens.yaml", "tokens: []\nusers:\n  - {username: dave, uid: 5, password: pw}\n")
    assert [user.username for user in load_settings(auth=auth).users] == ["dave"]


def test_mistakes_in_a_file_of_tokens_show_no_token(write: Write) -> None:
    auth = write("tokens.yaml", "tokens:\n  - token: s3cret\n    usr: alice\n  - s3cret: bob\n")
    found = problems(auth=auth)
    assert found[1] == f"{auth}:3: tokens[0].usr: unknown key; did you mean 'user'?"
    assert f"{auth}:4: tokens[1]: has an unknown key; known: token, user, expires" in found
    assert "s3cret" not in "".join(found)
    assert problems(auth=write("l.yaml", "- {token: s3cret}")) == [
        f"{auth.parent / 'l.yaml'}:1: should be a mapping of keys to values"
    ]


def test_circles_of_files_end(write: Write) -> None:
    write("a.yaml", "cluster: a.yaml\n")
    assert problems(config=write("site.yaml", "cluster: a.yaml\n")) == [
        f"{write('a.yaml', '').parent / 'a.yaml'}:1: cluster: should be a mapping of keys to values"
    ]


@hypothesis.settings(deadline=None)  # a busy machine is not a broken law
@given(
    st.fixed_dictionaries(
        {"images": st.just([{"id": "images.canfar.net/me/x:1", "types": ["headless", "desktop-app"]}])},
        optional={
            "speed": st.floats(min_value=0.001, max_value=1e6),
            "seed": st.integers(),
            "clock": st.sampled_from(["wall", "manual"]),
            "epoch": st.datetimes().map(str),
            "sessions": st.fixed_dictionaries({"max_interactive": st.integers(min_value=0, max_value=99)}),
            "resources": st.just({"limit_range": {}}),
            "extra_users": st.just([{"username": "zoë", "uid": 1, "institute": "Université: “X”"}]),
            "server": st.fixed_dictionaries({"state": st.sampled_from([None, "/tmp/a b.db"])}),
        },
    )
)
def test_printed_settings_are_a_file_for_the_same_settings(data: dict[str, Any]) -> None:
    settings = Settings.model_validate(data)
    assert Settings.model_validate(parse(as_yaml(settings), "printed").data) == settings
    assert Settings.model_validate_json(as_json(settings)) == settings


def test_printed_settings_mask_secrets(write: Write) -> None:
    auth = write(
        "t.yaml", "tokens: [{token: s3cret, user: a}]\nusers: [{username: a, uid: 1, password: s3cret}]"
    )
    settings = load_settings(auth=auth)
    assert "s3cret" not in as_yaml(settings) + as_json(settings)
    assert as_yaml(settings).count("'**********'") == 2


KUEUE = Path(__file__).parents[3] / "examples" / "kueue" / "canfar-production.yaml"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "queue:\n  kueue:\n    manifests: [none.yaml]\n",
            "c.yaml:3: queue.kueue.manifests[0]: no such file: none.yaml",
        ),
        (
            "queue:\n  kueue:\n    manifests: [bad.yaml]\n",
            "bad.yaml:4: spec.cohrt: unknown key; did you mean 'cohort'?",
        ),
        (
            "queue:\n  kueue:\n    manifests: [kueue.yaml]\n    sessions:\n      headless: {queue: other}\n",
            "c.yaml:5: queue.kueue.sessions.headless.queue: there is no LocalQueue 'other'; "
            "known: canfar-b-local-queue, skaha-local-queue",
        ),
        (
            "queue:\n  kueue:\n    manifests: [kueue.yaml]\n    sessions:\n      heedless: {priority_class: low}\n",
            "c.yaml:5: queue.kueue.sessions.heedless: no type of session; known: default, carta, notebook, desktop, "
            "contributed, firefly, desktop-app, headless",
        ),
        (
            "queue:\n  kueue: {manifests: [kueue.yaml]}\n  backfill: {policy: easy}\n",
            "c.yaml:3: queue.backfill.policy: Kueue has no backfilling; leave it at 'any-fit'",
        ),
        (
            "queue:\n  kueue: {manifests: [kueue.yaml]}\nsessions:\n  priority_class: {headless: low}\n",
            "c.yaml:4: sessions.priority_class.headless: "
            "under Kueue queue.kueue.sessions.headless.priority_class says it",
        ),
        (
            "sessions:\n  priority_class:\n    headless: lo\n",
            "c.yaml:3: sessions.priority_class.headless: there is no priority class 'lo'; known: low, medium, high",
        ),
        (
            "queue:\n  backfill: {policy: easy}\n  preemption: {policy: priority}\n",
            "c.yaml:3: queue.preemption.policy: 'priority' works with queue.backfill.policy 'any-fit' only",
        ),
    ],
)
def test_what_is_wrong_with_a_queue_is_one_clear_error(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write("kueue.yaml", KUEUE.read_text())
    write(
        "bad.yaml",
        "apiVersion: kueue.x-k8s.io/v1beta1\nkind: ClusterQueue\nmetadata: {name: x}\nspec: {cohrt: a}\n",
    )
    write("c.yaml", text)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(Path("c.yaml"))
    assert str(caught.value) == problem


def test_kueues_manifests_are_found_from_the_file_that_names_them(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "below"
    below.mkdir()
    (below / "kueue.yaml").write_text(KUEUE.read_text())
    (below / "queue.yaml").write_text("kueue: {manifests: [kueue.yaml]}\n")
    config = write("c.yaml", "queue: below/queue.yaml\n")
    monkeypatch.chdir(below)
    kueue = load_settings(config).queue.kueue
    assert kueue is not None
    assert [path.samefile(below / "kueue.yaml") for path in kueue.manifests] == [True]


def test_every_policy_of_the_simulator_can_be_named() -> None:
    for kind, names in BUILT_IN.items():
        for name in names:
            settings = load_settings(overrides={f"queue.{kind}.policy": name})
            assert getattr(settings.queue, kind).policy == name
