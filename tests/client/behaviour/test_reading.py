"""What is told of sessions, in one vocabulary for every version of Skaha."""

from __future__ import annotations

from datetime import timedelta

import pytest

from skahaclient.errors import NotFound, Refused, SessionRequestError
from skahaclient.models.session import SessionInfo
from tests.client.behaviour.conftest import World


def job(world: World, cmd: str = "sleep 3600", **given: object) -> str:
    (made,) = world.session.create("job", "skaha/astroml", cmd=cmd, **given)
    return str(made)


def one(world: World, each: str) -> SessionInfo:
    (info,) = world.session.info(each)
    found: SessionInfo = info
    return found


def test_what_has_no_value_is_none(world: World) -> None:
    waiting = job(world, env={"MOCKSKAHA_HOLD": "forever"})
    info = one(world, waiting)
    assert (info.status, info.connect_url, info.app_id) == ("Pending", None, None)
    assert (info.cores_in_use, info.ram_in_use, info.gpu_ram_in_use, info.gpu_utilization) == (None,) * 4
    assert (info["ramInUse"], info["gpuUtilization"]) == (None, None)
    if world.era.start_time_of == "pod":
        assert (info.start_time, info.expiry_time, info["startTime"]) == (None, None, None)
    else:  # taken up, though there is no node for it
        assert info.start_time == world.skaha.now


def test_times_are_utc_also_at_the_full_minute(world: World) -> None:
    assert world.skaha.now.second == 0
    each = job(world)
    world.skaha.until(each)
    info = one(world, each)
    assert info.start_time == world.skaha.now.replace(microsecond=0)
    assert info.expiry_time == info.start_time + timedelta(days=14)
    text = info.raw["startTime"]
    assert text == ("2026-01-01T00:00:00Z" if world.era.seconds_are_always_told else "2026-01-01T00:00Z")


def test_use_is_in_cores_and_gib(world: World) -> None:
    each = job(world, "python reduce.py", cores=4, ram=16, env={"MOCKSKAHA_RUNTIME": "1h"})
    world.skaha.until(each)
    world.skaha.advance(600)
    info = one(world, each)
    assert info.cores_in_use is not None
    assert info.ram_in_use is not None
    assert 0 < info.cores_in_use <= 4
    assert 0 < info.ram_in_use <= 16


def test_one_that_ended_well_has_succeeded(world: World) -> None:
    each = job(world, "sleep 60")
    world.skaha.until(each, "Completed")
    info = one(world, each)
    assert (info.status, info["status"], info.is_finished) == ("Succeeded", "Succeeded", True)
    assert info.raw["status"] == world.era.completed_name
    for word in ("Succeeded", "Completed", "completed"):
        assert [found.id for found in world.session.fetch(status=word)] == [each]
    assert world.session.fetch(status="Running") == []


def test_lists_are_by_kind_and_by_status(world: World) -> None:
    batch, done = job(world), job(world, "sleep 1")
    (viewer,) = world.session.create("view", "skaha/carta:5.1.0", kind="carta")
    world.skaha.until(batch)
    world.skaha.until(viewer)
    world.skaha.until(done, "Completed")
    assert {info.id for info in world.session.fetch()} == {batch, done, viewer}
    assert {info.id for info in world.session.fetch(kind="headless")} == {batch, done}
    assert {info.id for info in world.session.fetch(status="Running")} == {batch, viewer}
    assert {info.id for info in world.session.fetch(kind="CARTA", status="Running")} == {viewer}
    assert world.session.fetch(kind="notebook") == []


def test_infos_come_in_the_order_asked_for(world: World) -> None:
    ids = [job(world) for _ in range(6)]
    assert [info.id for info in world.session.info(reversed(ids))] == ids[::-1]


def test_an_unknown_session_is_told_with_the_rest(world: World) -> None:
    each = job(world)
    with pytest.raises(SessionRequestError) as failure:
        world.session.info([each, "nonesuch"], errors="raise")
    assert [info.id for info in failure.value.results] == [each]
    error = failure.value.errors["nonesuch"]
    assert (error.id, error.status) == ("nonesuch", 404)
    assert isinstance(error.cause, NotFound)
    assert [info.id for info in world.session.info([each, "nonesuch"])] == [each]


def test_what_is_no_id_is_told(world: World) -> None:
    with pytest.raises(SessionRequestError) as failure:
        world.session.info("a_", errors="raise")
    (error,) = failure.value.errors.values()
    assert error.status == (400 if world.era.labels_are_checked else 404)
    assert isinstance(error.cause, Refused)


def test_logs_are_what_was_printed_so_far(world: World) -> None:
    each = job(world, "echo done")
    waiting = job(world, env={"MOCKSKAHA_HOLD": "forever"})
    world.skaha.until(each, "Completed")
    assert world.session.logs([each, waiting]) == {each: "done\n", waiting: ""}
    assert world.session.logs("nonesuch") == {"nonesuch": ""}


def test_events_are_a_table(world: World) -> None:
    each = job(world)
    world.skaha.until(each)
    ((_, told),) = (pair for found in world.session.events([each]) for pair in found.items())
    head, *rows = told.splitlines()
    assert head.split() == ["TYPE", "REASON", "MESSAGE", "FIRST-TIME", "LAST-TIME"]
    assert rows[0].split()[1] == "Scheduled"
    with pytest.raises(SessionRequestError) as failure:
        world.session.events("nonesuch", errors="raise")
    assert failure.value.errors["nonesuch"].status == 404


def test_another_users_sessions_are_not_there(world: World) -> None:
    each = job(world)
    world.skaha.until(each)
    bob = world.client("bob")
    assert bob.fetch() == []
    assert bob.info(each) == []
    assert bob.logs(each) == {each: ""}
    assert bob.events(each) == []
    assert bob.renew(each) == {each: False}
    bob.destroy(each)  # whatever the version says to that
    assert one(world, each).status == "Running"
