"""What is told of the platform, and how it is found, in every version of Skaha."""

from __future__ import annotations

import pytest

from skahaclient.errors import NoService, NotAuthenticated, Unavailable, UnexpectedAnswer
from tests.client.behaviour.conftest import Begin, World
from tests.client.behaviour.test_reading import job

NODES = [
    {"name": "small", "count": 2, "cores": 16, "ram_gib": 64},
    {"name": "large", "count": 1, "cores": 32, "ram_gib": 128},
]


def test_the_load_is_cores_and_gib(begin: Begin) -> None:
    world = begin(cluster={"nodes": NODES})
    each = job(world, cores=2, ram=16)
    world.skaha.until(each)
    world.skaha.advance(60)
    stats = world.session.stats()
    assert stats.capacity_cores == pytest.approx(64, abs=8)  # less what the nodes keep for themselves
    assert stats.capacity_ram == pytest.approx(256, rel=0.1)
    assert (stats.requested_cores, stats.requested_ram) == (2, 16)
    assert stats.sessions == (1 if world.era.stats_instances else None)
    if world.era.stats_most == "session":
        assert (stats.most_cores, stats.most_ram) == (8, 32)
    else:
        assert stats.most_cores == pytest.approx(32, abs=2)
        assert stats.most_ram == pytest.approx(128, rel=0.1)


def test_without_metrics_new_versions_have_no_load_to_tell(begin: Begin) -> None:
    world = begin(metrics={"enabled": False})
    if not world.era.stats_from_metrics:
        assert world.session.stats().capacity_cores
        return
    with pytest.raises(Unavailable, match="try again in 30 s") as failure:
        world.session.stats()
    assert failure.value.retry_after == 30


def test_what_sessions_may_ask_for(world: World) -> None:
    found = world.context.resources()
    assert found.cores.options == tuple(range(1, 17))
    assert (found.cores.flexible_request, found.cores.flexible_limit) == (1, 8)
    assert (found.ram.flexible_request, found.ram.flexible_limit) == (4, 32)
    assert 192 in found.ram.options
    assert found.gpus.options[0] == 1
    assert found.max_interactive_sessions == 5


def test_images_are_told_all_and_by_kind(world: World) -> None:
    everything = world.images.details()
    assert len({image.id for image in everything}) == len(everything) > 10
    carta = world.images.fetch("carta")
    assert set(carta) == {image.id for image in everything if "carta" in image.types}


def test_the_service_says_that_it_is_there(world: World) -> None:
    assert world.overview.availability() is True


def test_sessions_are_opened_at_the_address_of_their_version(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open_new_tab", opened.append)
    (waiting,) = world.session.create(
        "nb", "skaha/base-notebook", kind="notebook", env={"MOCKSKAHA_HOLD": "60s"}
    )
    (viewer,) = world.session.create("view", "skaha/carta:5.1.0", kind="carta")
    ids = [waiting, viewer, job(world)]
    world.session.connect(ids)
    assert len(opened) == 1  # there is nothing to open of a batch job, nor of what does not run
    assert f"/session/{world.era.carta_path}/{viewer}/" in opened.pop()
    world.session.connect(world.session.wait(ids[:1], until="Running")[0].id)
    assert f"/session/notebook/{waiting}/lab/tree{world.era.home}/alice?token={waiting}" in opened.pop()


def test_the_oldest_carta_is_opened_with_its_socket(begin: Begin) -> None:
    world = begin(images=[{"id": "images.canfar.net/skaha/carta:1.4", "types": ["carta"]}])
    (info,) = world.session.info(world.session.create("old", "skaha/carta:1.4", kind="carta"))
    assert info.connect_url is not None
    assert ("socketUrl=" in info.connect_url) is world.era.carta_socket_url


# -- where it is, and as whom -------------------------------------------------------------------------------------


def test_the_service_is_found_with_and_without_its_version(world: World) -> None:
    for ending in (f"/{world.era.base_path}", f"/{world.era.base_path}/", "", "/"):
        session = world.client(url=world.skaha.url.rpartition("/")[0] + ending)
        (each,) = session.create("fit", "skaha/astroml")
        assert [info.id for info in session.fetch()] == [each]
        session.destroy(each)


def test_the_version_of_another_era_is_told(world: World) -> None:
    other = {"v0": "v1", "v1": "v0"}[world.era.base_path]
    session = world.client(url=f"{world.skaha.url.rpartition('/')[0]}/{other}")
    told = f"there is no Skaha service at \\S+/{other}/session .*without /{other}, the URL finds it"
    with pytest.raises(NoService, match=told):
        session.fetch()


def test_what_is_no_skaha_at_all_is_told(world: World) -> None:
    with pytest.raises(UnexpectedAnswer, match=r"no Skaha service at .*/nothing: neither /v1 nor /v0"):
        world.client(url=f"{world.skaha.origin}/nothing").fetch()


@pytest.mark.parametrize("token", [None, "nobodys"])
def test_who_is_not_known_has_to_log_in_whatever_the_status(begin: Begin, token: str | None) -> None:
    tokens = [{"token": "very-secret", "user": "alice"}]
    world = begin(auth={"mode": "strict", "tokens": tokens, "anonymous_status": 400})
    stranger = world.client(None, token=token)
    for ask in (stranger.fetch, stranger.stats):
        with pytest.raises(NotAuthenticated, match="skahaclient auth login") as failure:
            ask()
        assert failure.value.status == (401 if token or world.era.anonymous_is_401 else 400)
        assert "nobodys" not in str(failure.value)
    assert world.session.fetch() == []
