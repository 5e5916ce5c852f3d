"""What becomes of calls when service, gateway or network fail: told clearly, nothing twice, and no id lost."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from mockskaha.era import DEFAULT
from skahaclient.errors import (
    BrokenAnswer,
    LaunchError,
    NotAuthenticated,
    NotLaunched,
    Refused,
    SessionRequestError,
    SkahaError,
    TimedOut,
    Unavailable,
    UnexpectedAnswer,
)
from tests.client.behaviour.conftest import WAYS, World
from tests.client.behaviour.test_reading import job

IMAGE = "skaha/astroml"
KUBERNETES = "io.kubernetes.client.openapi.ApiException"


@pytest.fixture(params=WAYS)
def place(request: pytest.FixtureRequest) -> tuple[str, str]:
    return DEFAULT, request.param


def asked(world: World) -> Counter[str]:
    """How often each operation was asked for."""
    return Counter(request.operation for request in world.skaha.journal)


def names(world: World) -> list[str]:
    """Of the sessions that there are."""
    world.skaha.faults.clear()
    return sorted(info.name for info in world.client().fetch())


# -- reading ------------------------------------------------------------------------------------------------------


def test_an_error_of_the_service_is_told_and_not_asked_for_again(world: World) -> None:
    world.skaha.faults.add(error="kubernetes-down")
    for ask in (world.session.fetch, world.session.stats):
        with pytest.raises(Refused, match=KUBERNETES) as failure:
            ask()
        assert failure.value.status == 500
    assert asked(world) == {"listSessions": 2}


def test_a_service_that_asks_to_be_asked_later_is(world: World) -> None:
    world.skaha.faults.add(status=503, headers={"Retry-After": "7"}, body="busy", times=2)
    assert world.session.fetch() == []
    assert (asked(world), world.skaha.elapsed) == ({"listSessions": 3}, 14)


def test_a_service_that_stays_away_is_unavailable(world: World) -> None:
    world.skaha.faults.add("unavailable")
    with pytest.raises(Unavailable, match="try again in 30 s") as failure:
        world.session.fetch()
    assert (failure.value.status, failure.value.retry_after) == (503, 30)
    assert world.skaha.elapsed == 30  # a second time would be beyond anybody's patience


@pytest.mark.parametrize("fault", ["reset", "truncated"])
def test_a_broken_connection_is_tried_again_to_read(world: World, fault: str) -> None:
    each = job(world)
    first = world.skaha.faults.add(fault, times=3)
    assert [info.id for info in world.session.info(each)] == [each]
    assert world.skaha.faults[first].struck == 3
    world.skaha.faults.clear()
    world.skaha.faults.add(fault)
    with pytest.raises(BrokenAnswer, match=r"the connection to .* broke before the whole answer was there"):
        world.session.fetch()
    assert asked(world)["listSessions"] == 4


def test_a_slow_answer_is_waited_for_once_and_as_long_as_was_said(world: World) -> None:
    world.skaha.faults.add(operation="listSessions", delay=30)
    with pytest.raises(TimedOut, match="allow more with a longer timeout"):
        world.client(timeout=0.1).fetch()
    assert asked(world)["listSessions"] == 1


def test_a_gateway_that_lost_the_service_is_asked_again(world: World) -> None:
    world.skaha.faults.add(error="bad-gateway", times=2)
    assert world.session.fetch() == []
    world.skaha.faults.add(error="gateway-timeout")
    with pytest.raises(Refused, match="the server in front of Skaha answered") as failure:
        world.session.fetch()
    assert failure.value.status == 504


@pytest.mark.parametrize("body", ["<html>Welcome</html>", "", "[1]", "{}", "[{}]"])
def test_what_is_no_list_of_sessions_is_told(world: World, body: str) -> None:
    world.skaha.faults.add(
        operation="listSessions", status=200, body=body or " ", content_type="application/json"
    )
    with pytest.raises(UnexpectedAnswer, match=r"expected|usable id"):
        world.session.fetch()


def test_a_token_that_expires_while_waiting_ends_the_wait(world: World) -> None:
    each = job(world)
    world.skaha.faults.add("token-expires-mid-run", seconds=60)
    with pytest.raises(SkahaError, match=r"Token has expired.*skahaclient auth login") as failure:
        world.session.wait(each)
    assert isinstance(cause(failure.value), NotAuthenticated)
    assert 60 <= world.skaha.elapsed < 75


def test_a_token_that_expires_while_following_ends_that(world: World) -> None:
    each = job(world, "python reduce.py", env={"MOCKSKAHA_RUNTIME": "1h"})
    world.skaha.faults.add("token-expires-mid-run", seconds=60)
    with pytest.raises(SkahaError, match="skahaclient auth login"):
        list(world.session.logs(each, follow=True))


@pytest.mark.parametrize(
    "fault",
    [
        {"error": "bad-gateway"},
        {"error": "kubernetes-down"},
        {"reset": True},
        {"status": 404, "body": "<html>Not Found</html>", "content_type": "text/html"},
    ],
)
def test_waiting_and_following_outlast_an_outage(world: World, fault: dict[str, Any]) -> None:
    each = job(world, "python reduce.py", env={"MOCKSKAHA_RUNTIME": "90s"})
    world.skaha.until(each)
    world.skaha.faults.add(begin=20, until=80, **fault)
    if world.is_async:
        (info,) = world.session.wait(each)
        assert info.status == "Succeeded"
    else:
        text = "".join(piece for _, piece in world.session.logs(each, follow=True))
        assert text == world.session.logs(each)[each]


def cause(error: BaseException) -> BaseException:
    """What no session is to blame for, of what was raised about one."""
    if isinstance(error, SessionRequestError):
        (failure,) = error.errors.values()
        return failure.cause
    return error


# -- launching ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        "bad-gateway-after-create",
        "reset-after-create",
        "slow-create",
        {"truncate": 3},
        {"status": 200, "body": "<html>"},
    ],
)
def test_a_launch_whose_answer_is_lost_is_not_sent_again_and_told(world: World, fault: Any) -> None:
    if isinstance(fault, str):
        world.skaha.faults.add(fault)
    else:
        world.skaha.faults.add(
            operation="createSession", **{"after": True} if "body" in fault else {}, **fault
        )
    session = world.client(timeout=0.2) if fault == "slow-create" else world.session
    with pytest.raises(LaunchError) as failure:
        session.create("fit", IMAGE)
    (error,) = failure.value.failures.values()
    assert error.may_exist
    assert "these may exist all the same: fit" in str(failure.value)
    assert asked(world)["createSession"] == 1
    assert names(world) == ["fit"]


@pytest.mark.parametrize(
    "fault", [{"error": "kubernetes-down"}, {"error": "unavailable"}, {"error": "quota-full"}]
)
def test_a_launch_that_is_refused_is_not_sent_again(world: World, fault: dict[str, str]) -> None:
    if fault["error"] == "quota-full":
        world.skaha.faults.add("quota-full")
    else:
        world.skaha.faults.add(operation="createSession", **fault)
    with pytest.raises(LaunchError, match="not launched") as failure:
        world.session.create("fit", IMAGE)
    assert not failure.value.failures[1].may_exist
    assert asked(world)["createSession"] == 1
    assert names(world) == []


@pytest.mark.parametrize("fault", [{"status": 500}, {"error": "unavailable"}, {"reset": True}])
def test_of_half_of_the_replicas_the_ids_are_told(world: World, fault: dict[str, Any]) -> None:
    world.skaha.faults.add(operation="createSession", every=2, **fault)
    with pytest.raises(LaunchError, match="5 of 10 sessions were not launched") as failure:
        world.session.create("part", IMAGE, replicas=10)
    made = failure.value
    assert asked(world)["createSession"] == 10
    world.skaha.faults.clear()
    there = {info.id: info.name for info in world.session.fetch()}
    assert set(made.created) == set(there)
    assert [there[each] for each in made.created] == [
        f"part-{number}" for number in range(1, 11) if number not in made.failures
    ]


def test_of_lost_answers_the_names_are_told_with_the_ids_of_the_others(world: World) -> None:
    world.skaha.faults.add("bad-gateway-after-create", name="part-3")
    with pytest.raises(LaunchError, match="these may exist all the same: part-3; launched: ") as failure:
        world.session.create("part", IMAGE, replicas=4)
    assert len(failure.value.created) == 3
    assert names(world) == [f"part-{number}" for number in range(1, 5)]


def test_a_token_that_expires_in_the_middle_of_a_launch_ends_it(world: World) -> None:
    world.skaha.faults.add(operation="createSession", error="token-expired", skip=3)
    with pytest.raises(LaunchError, match="skahaclient auth login") as failure:
        world.client(concurrency=1).create("part", IMAGE, replicas=200)
    assert len(failure.value.created) == 3
    assert isinstance(failure.value.failures[4].cause, NotAuthenticated)
    assert {type(failure.value.failures[number].cause) for number in range(5, 201)} == {NotLaunched}
    assert asked(world)["createSession"] == 4
    assert names(world) == ["part-1", "part-2", "part-3"]


# -- changing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["destroy", "renew"])
def test_what_failed_to_be_changed_is_told_by_id(world: World, call: str) -> None:
    ids = world.session.create("nb", IMAGE, kind="notebook", replicas=2)
    world.skaha.faults.add(session=ids[1], error="kubernetes-down")
    assert getattr(world.session, call)(ids) == {ids[0]: True, ids[1]: False}
    with pytest.raises(SessionRequestError, match=KUBERNETES) as failure:
        getattr(world.session, call)(ids[1], errors="raise")
    assert (failure.value.operation, failure.value.errors[ids[1]].status) == (call, 500)


def test_a_deletion_is_sent_again_when_the_service_asks_for_that_only(world: World) -> None:
    first, second = job(world), job(world)
    world.skaha.faults.add(operation="deleteSession", status=503, headers={"Retry-After": "1"}, times=1)
    assert world.session.destroy(first, errors="raise") == {first: True}
    world.skaha.faults.add(operation="deleteSession", reset=True)
    with pytest.raises(SessionRequestError, match="broke before the whole answer"):
        world.session.destroy(second, errors="raise")
    assert asked(world)["deleteSession"] == 3
