import subprocess
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, get_args

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mockskaha.config import ImageEntry, SessionKind, Settings, UserEntry

PROJECT_IMAGE = "images.canfar.net/me/tool:1"


@pytest.mark.evidence("skaha-contract §2.13")
def test_resources_are_those_of_the_deployment() -> None:
    resources = Settings().resources
    assert resources.cores.options == tuple(range(1, 17))
    assert resources.gpus.options == tuple(range(1, 29))
    memory = "1,2,4,6,8,10,12,14,16,20,24,26,28,30,32,36,40,44,48,56,64,80,92,112,128,140,170,192"
    assert resources.memory_gib.options == tuple(map(int, memory.split(",")))
    cores = resources.cores
    assert (cores.default, cores.default_request, cores.default_limit) == (2, 1, 8)
    ram = resources.memory_gib
    assert (ram.default, ram.default_request, ram.default_limit) == (8, 4, 32)
    assert resources.limit_range is None


@pytest.mark.evidence("skaha-contract §4.3")
@pytest.mark.parametrize(
    ("kind", "deadline", "ttl"),
    [
        *((kind, 345_600, 86_400) for kind in ("carta", "contributed", "desktop", "notebook", "firefly")),
        ("desktop-app", 345_600, 86_400),
        ("headless", 1_209_600, 3_600),
    ],
)
def test_sessions_live_as_long_as_in_the_deployment(kind: SessionKind, deadline: int, ttl: int) -> None:
    lifetime = Settings().sessions.lifetime(kind)
    assert (lifetime.deadline_seconds, lifetime.ttl_seconds) == (deadline, ttl)


@pytest.mark.evidence("skaha-contract §4.3: the expiry is one number of the deployment, but not for headless")
def test_the_expiry_is_that_of_all_types_but_headless_and_those_that_say_otherwise() -> None:
    sessions = Settings.model_validate(
        {"sessions": {"expiry_seconds": 60, "lifetimes": {"carta": {"deadline_seconds": 5}}}}
    ).sessions
    kinds: tuple[SessionKind, ...] = get_args(SessionKind)
    assert {kind: sessions.lifetime(kind).deadline_seconds for kind in kinds} == {
        "carta": 5,
        "contributed": 60,
        "desktop": 60,
        "desktop-app": 60,
        "firefly": 60,
        "headless": 1_209_600,
        "notebook": 60,
    }


@pytest.mark.evidence("skaha-contract §2.12, §9")
def test_the_catalogue_has_what_the_real_integration_tests_need() -> None:
    images = {image.id: image for image in Settings().images}
    assert {kind for image in images.values() for kind in image.types} == set(get_args(SessionKind))
    for name, kind in (
        ("desktop:1.2.1", "desktop"),
        ("astroml:latest", "notebook"),
        ("carta:5.1.0", "carta"),
    ):
        assert kind in images[f"images.canfar.net/skaha/{name}"].types
    assert any("/skaha/terminal" in i.id and "desktop-app" in i.types and i.public for i in images.values())
    assert "headless" in images["images.canfar.net/skaha/casa:6.5"].types
    assert len({image.digest for image in images.values()}) == len(images) >= 25
    assert [image.id for image in images.values() if not image.public]


@pytest.mark.evidence("skaha-contract §2.1, §3.2")
def test_the_packaged_users_may_use_the_service() -> None:
    settings = Settings()
    users = {user.username: user for user in settings.users}
    assert set(users) == {"alice", "bob", "carol"}
    assert users["alice"].uid == users["alice"].gid == 10001
    assert users["alice"].groups == (34241, 34337)
    assert all(settings.sessions.users_group in user.memberships for user in users.values())
    assert len({user.uid for user in users.values()}) == len(users)


@pytest.mark.evidence("skaha-contract §7: storage is the sum over the nodes")
def test_every_node_has_scratch_space() -> None:
    settings = Settings()
    assert settings.ephemeral_storage_gib == 43 * 2048


@pytest.mark.evidence("skaha-contract §2.12: an image has a digest; §2.1: the gid is the uid")
def test_what_is_left_out_of_an_entry_follows_from_the_rest() -> None:
    image = ImageEntry.model_validate({"id": PROJECT_IMAGE, "types": ["headless"]})
    assert image.digest == f"sha256:{sha256(PROJECT_IMAGE.encode()).hexdigest()}"
    user = UserEntry.model_validate({"username": "dave", "uid": 77})
    assert (user.gid, user.memberships) == (77, ("skaha-users",))


@pytest.mark.evidence("skaha-contract §2.12: ids are unique in the list")
def test_extra_entries_are_added_or_replace_their_namesake() -> None:
    images = [
        {"id": PROJECT_IMAGE, "types": ["headless"], "size_bytes": 1},
        {"id": "images.canfar.net/skaha/carta:5.1.0", "types": ["carta"], "pull": "not-found"},
    ]
    settings = Settings.model_validate(
        {"extra_images": images, "extra_users": [{"username": "dave", "uid": 4}]}
    )
    default = Settings()
    assert len(settings.images) == len(default.images) + 1
    assert settings.images[-1].id == PROJECT_IMAGE
    assert {i.id: i.pull for i in settings.images}["images.canfar.net/skaha/carta:5.1.0"] == "not-found"
    assert [user.username for user in settings.users] == ["alice", "bob", "carol", "dave"]
    assert (settings.extra_images, settings.extra_users) == ((), ())


@pytest.mark.evidence("skaha-contract §5.1: a version is text")
def test_a_kubernetes_version_may_be_written_as_a_number() -> None:
    assert Settings.model_validate({"kubernetes": {"event_wording": 1.32}}).kubernetes.event_wording == "1.32"


@pytest.mark.evidence("skaha-contract §2.1: times are UTC")
@hypothesis.settings(deadline=None)
@given(st.datetimes(), st.integers(min_value=-12, max_value=14))
def test_the_epoch_is_utc(moment: datetime, hours: int) -> None:
    naive = Settings.model_validate({"epoch": moment, "images": [], "users": []}).epoch
    assert naive == moment.replace(tzinfo=UTC)
    written = f"{moment.replace(year=2028).isoformat()}{hours:+03d}:00"
    epoch = Settings.model_validate({"epoch": written, "images": [], "users": []}).epoch
    assert epoch == moment.replace(year=2028, tzinfo=UTC) - timedelta(hours=hours)
    assert epoch is not None
    assert epoch.tzinfo is UTC


@pytest.mark.evidence("skaha-contract §2.4: https://H/session/…, one slash")
def test_the_base_of_connect_urls_has_no_slash_at_its_end() -> None:
    sessions = Settings.model_validate({"sessions": {"sessions_url": "https://ws-uv.canfar.net/"}}).sessions
    assert sessions.sessions_url == "https://ws-uv.canfar.net"


@pytest.mark.evidence("skaha-contract §2.13: names in the deployment's own resource file")
def test_the_resource_file_of_a_deployment_is_understood() -> None:
    theirs: dict[str, Any] = {
        "cores": {"default": 2, "defaultRequest": 1, "defaultLimit": 16, "options": [1, 2]},
        "memoryGB": {"default": 8, "defaultRequest": 2, "defaultLimit": 24, "options": [1, 4]},
        "gpus": {"options": [1]},
    }
    resources = Settings.model_validate({"resources": theirs}).resources
    assert (resources.cores.default_limit, resources.memory_gib.default_limit) == (16, 24)
    assert resources.memory_gib.options == (1, 4)


@pytest.mark.evidence("skaha-contract §1-§11: values the service can have")
@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"speed": 0}, "greater than 0"),
        ({"speed": "inf"}, "finite"),
        ({"clock": "virtual"}, "'wall' or 'manual'"),
        ({"server": {"port": 65_536}}, "65535"),
        ({"auth": {"anonymous_status": 403}}, "401 or 400"),
        ({"auth": {"tokens": [{"token": "s", "user": "a"}] * 2}}, "entries 1 and 2 have the same token"),
        ({"sessions": {"sessions_url": "ws-uv.canfar.net"}}, "pattern"),
        ({"sessions": {"home": "arc/home"}}, "pattern"),
        ({"resources": {"limit_range": {"max": {"cores": 4}}}}, "must not decrease"),
        ({"resources": {"gpus": {"options": [0]}}}, "greater than or equal to 1"),
        ({"images": [{"id": "no-host", "types": ["carta"]}]}, "pattern"),
        ({"images": [{"id": "a/b", "types": ["carta"]}] * 2}, "'a/b' is listed twice"),
        ({"images": [{"id": "a/b", "types": []}]}, "at least 1 item"),
        ({"images": [{"id": "a/b", "types": ["carta"], "digest": "sha256:x"}]}, "pattern"),
        ({"extra_users": [{"username": "a", "uid": 1}] * 2}, "'a' is listed twice"),
        ({"users": [{"username": "a", "uid": 2**31}]}, "2147483647"),
        ({"quirks": {"unheard_of": True}}, "not permitted"),
    ],
)
def test_what_the_service_cannot_be_is_refused(section: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Settings.model_validate(section)


@pytest.mark.evidence("skaha-contract §1.3: secrets are the callers'")
def test_secrets_are_not_in_the_text_of_settings() -> None:
    settings = Settings.model_validate(
        {
            "auth": {"tokens": [{"token": "tok-hunter2", "user": "a"}]},
            "extra_users": [{"username": "a", "uid": 1, "password": "pw-hunter2"}],
        }
    )
    assert "hunter2" not in f"{settings!r} {settings.model_dump_json()}"
    assert settings.auth.tokens[0].token.get_secret_value() == "tok-hunter2"


@pytest.mark.evidence("performance: start-up imports nothing it does not need")
def test_importing_the_configuration_is_light() -> None:
    code = (
        "import sys, mockskaha.config;"
        "print(*{'fastapi', 'starlette', 'rich', 'numpy', 'simpy', 'typer'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
