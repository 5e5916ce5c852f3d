"""The checks themselves: well described, and harmless unless somebody said --write."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from mockskaha import launch
from mockskaha.commands import CreateSession
from mockskaha.era import VERSIONS
from mockskaha.platform import Platform
from mockskaha.quota import ResourceRules
from mockskaha.verify.check import Needs
from mockskaha.verify.checks import all_checks
from mockskaha.verify.narrowing import NEVER_ASKED
from mockskaha.verify.skaha import Stage
from mockskaha.verify.versions import CLUES, detected
from tests.mockskaha.verify.conftest import failures, service, verified

pytestmark = pytest.mark.evidence("skaha-contract §1 to §4, §9: what each check is about")


def test_every_check_says_what_is_so_and_where_that_is_known_from() -> None:
    checks = all_checks()
    assert len({check.id for check in checks}) == len(checks) > 80
    for check in checks:
        assert re.fullmatch(r"[a-z]+\.[a-z-]+", check.id), check.id
        assert check.section.startswith("§"), check.id
        assert check.title, check.id
        assert not check.title.endswith("."), check.id
    assert set(CLUES) <= {check.id for check in checks if check.needs is Needs.NOTHING}


def test_isolation_is_left_out_without_a_second_user() -> None:
    client = service()
    client._tokens.pop("second")  # type: ignore[call-overload]
    skipped = {result.id for result in verified(client) if "--user2-token" in result.reason}
    assert skipped == {check.id for check in all_checks() if check.needs is Needs.SECOND_USER}


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Everything that is done to any platform, but that time passes."""
    done: list[Any] = []
    execute = Platform.execute

    def noted(self: Platform, command: Any) -> str:
        done.append(command)
        return execute(self, command)

    monkeypatch.setattr(Platform, "execute", noted)
    return done


def test_a_run_that_only_reads_changes_nothing(commands: list[Any]) -> None:
    asked: list[str] = []

    def note(request: httpx.Request, answer: httpx.Response) -> None:
        asked.append(request.method)

    client = service(note)
    detected(client, Stage())
    assert failures(verified(client, write=False)) == {}
    assert commands == []
    assert set(asked) == {"GET", "HEAD", "POST", "PUT"}


def no_names(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(launch, "_name", lambda name: "anything")


def no_gpus(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ResourceRules, "gpus", lambda self, text: 0)


def no_images(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(launch, "_image", lambda hosts, image: "images.canfar.net/skaha/astroml:latest")


def no_public_images(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(launch, "_check_registry_auth", lambda catalogue, image, header: None)


def no_resources(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ResourceRules, "cores", lambda self, text: None)
    patch.setattr(ResourceRules, "ram_gib", lambda self, text: None)


@pytest.mark.parametrize("lenient", [no_names, no_gpus, no_images, no_public_images, no_resources])
def test_not_even_a_server_that_lacks_a_check_launches_anything(
    lenient: Any, monkeypatch: pytest.MonkeyPatch, commands: list[Any]
) -> None:
    """Every launch that is meant to be refused has two faults at least."""
    lenient(monkeypatch)
    assert failures(verified(service(), write=False)) or lenient is no_public_images
    assert [command for command in commands if isinstance(command, CreateSession)] == []


def test_what_is_never_asked_has_a_reason() -> None:
    assert all(NEVER_ASKED.values())
    assert {"setAvailability", "setLogControl", "deleteAllSessions"} <= set(NEVER_ASKED)


def test_checks_apply_to_some_version_each() -> None:
    from mockskaha.era import era

    for check in all_checks():
        assert any(check.applies(era(version)) for version in VERSIONS), check.id
