"""Waiting, following, renewing and deleting, in every version of Skaha."""

from __future__ import annotations

from datetime import timedelta

import pytest

from skahaclient.errors import SessionRequestError, WaitTimeout
from tests.client.behaviour.conftest import Begin, World
from tests.client.behaviour.test_reading import job, one

FOREVER = {"MOCKSKAHA_HOLD": "forever"}


def test_waiting_ends_when_all_have_ended(world: World) -> None:
    ids = [job(world, f"sleep {seconds}") for seconds in (2, 10, 90)]
    infos = world.session.wait(ids)
    assert [(info.id, info.status) for info in infos] == [(each, "Succeeded") for each in ids]
    assert 90 <= world.skaha.elapsed < 102


def test_many_are_waited_for_by_their_list(world: World) -> None:
    steps: list[tuple[int, int]] = []
    ids = world.session.create("job", "skaha/astroml", cmd="sleep 30", replicas=5)
    world.skaha.journal.clear()
    assert {info.status for info in world.session.wait(ids, progress=lambda *now: steps.append(now))} == {
        "Succeeded"
    }
    assert {request.operation for request in world.skaha.journal} == {"listSessions"}
    assert steps[-1] == (5, 5)


def test_waiting_until_one_runs(world: World) -> None:
    each = job(world)
    (info,) = world.session.wait(each, until="Running")
    assert (info.status, world.skaha.elapsed < 60) == ("Running", True)


def test_one_that_fails_ends_the_wait_for_its_running(world: World) -> None:
    each = job(world, env={"MOCKSKAHA_EXIT": "3", "MOCKSKAHA_RUNTIME": "0.1s"})
    for until in ("Running", "end"):
        (info,) = world.session.wait(each, until=until)
        assert info.status in ("Running", "Failed")
    assert info.status == "Failed"


def test_a_wait_that_takes_too_long_tells_who_is_where(world: World) -> None:
    stuck, done = job(world, env=FOREVER), job(world, "sleep 5")
    with pytest.raises(WaitTimeout, match=f"{stuck} is Pending") as late:
        world.session.wait([stuck, done], timeout=90)
    assert [info.id for info in late.value.waiting] == [stuck]
    assert [info.id for info in late.value.done] == [done]
    assert 90 <= world.skaha.elapsed < 91


def test_one_that_is_not_ready_is_pending_or_runs_by_its_pod(world: World) -> None:
    slow = world.session.create("view", "skaha/carta:5.1.0", kind="carta", env={"MOCKSKAHA_READY": "never"})
    if world.era.status_of == "pod":
        assert world.session.wait(slow, until="Running", timeout=60)[0].status == "Running"
    else:
        with pytest.raises(WaitTimeout):
            world.session.wait(slow, until="Running", timeout=60)


def test_one_that_is_deleted_meanwhile_is_no_longer_waited_for(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    each, other = job(world, env=FOREVER), job(world, "sleep 20")
    world.skaha.until(other)

    def progress(done: int, total: int) -> None:
        if world.skaha.elapsed > 10:
            world.skaha.client().delete(f"/session/{each}")

    assert [info.id for info in world.session.wait([each, other], progress=progress)] == [other]
    assert each in caplog.text
    with pytest.raises(SessionRequestError):
        world.session.wait([each], errors="raise")


def test_following_gives_everything_printed_once_and_ends(world: World) -> None:
    each = job(world, "python reduce.py", env={"MOCKSKAHA_RUNTIME": "5s"})
    pieces = list(world.session.logs(each, follow=True))
    assert {found for found, _ in pieces} == {each}
    assert len(pieces) > 2
    assert "".join(text for _, text in pieces) == world.session.logs(each)[each]
    assert one(world, each).status == "Succeeded"


def test_following_several_tells_them_apart(world: World) -> None:
    ids = world.session.create("say", "skaha/astroml", cmd="printenv REPLICA_ID", replicas=3)
    assert sorted(world.session.logs(ids, follow=True)) == sorted(
        (each, f"{n}\n") for n, each in enumerate(ids, 1)
    )


def test_renewed_sessions_live_longer(world: World) -> None:
    (each,) = world.session.create("nb", "skaha/astroml", kind="notebook")
    world.skaha.until(each)
    before = one(world, each).expiry_time
    world.skaha.advance("2d")
    assert world.session.renew([each, "nonesuch"]) == {each: True, "nonesuch": False}
    after = one(world, each).expiry_time
    assert before is not None
    assert after is not None
    assert timedelta(days=1.9) < after - before < timedelta(days=2.1)


def test_what_has_ended_is_not_renewed(world: World) -> None:
    each = job(world, "sleep 1")
    world.skaha.until(each, "Completed")
    with pytest.raises(SessionRequestError, match="No active job for user") as failure:
        world.session.renew(each, errors="raise")
    assert failure.value.errors[each].status == 400


def test_deleted_sessions_are_gone_in_the_end(begin: Begin) -> None:
    world = begin(profile="realistic")
    each = job(world)
    world.skaha.until(each)
    assert world.session.destroy(each) == {each: True}
    shown = [info.status for info in world.session.fetch()]
    assert shown == (["Terminating"] if world.era.deletion_is_shown else [])
    assert world.session.wait(each) == []
    assert world.session.fetch() == []


def test_deleting_what_is_not_there_is_done_whatever_the_version_says_to_it(world: World) -> None:
    assert world.session.destroy("nonesuch", errors="raise") == {"nonesuch": True}
    status = world.skaha.journal[-1].status
    assert status == (404 if world.era.unknown_deletion_is_refused else 200)


def test_deleting_by_name(world: World) -> None:
    done = world.session.create("study", "skaha/astroml", cmd="sleep 1", replicas=2)
    other = job(world, "sleep 1")
    running = world.session.create("study-long", "skaha/astroml", cmd="sleep 3600")
    world.session.wait([*done, other])
    assert world.session.destroy_with("study") == dict.fromkeys(sorted(done), True)
    assert world.session.destroy_with("study", status="Running") == dict.fromkeys(running, True)
    assert world.session.destroy_with("nothing") == {}
    assert world.session.wait([*done, *running]) == []
    assert [info.id for info in world.session.fetch()] == [other]
