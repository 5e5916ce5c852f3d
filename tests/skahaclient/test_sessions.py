"""The calls about sessions: what they ask, what they give, and what happens when some of them fail."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from skahaclient import AsyncSession, Session
from skahaclient.errors import (
    InvalidRequest,
    LaunchCancelled,
    LaunchError,
    LaunchInterrupted,
    NotAuthenticated,
    NotFound,
    NotLaunched,
    SessionRequestError,
    Unreachable,
)
from tests.skahaclient.conftest import URL, Service

IMAGE = "skaha/astroml"
GONE = "zzzzzzzz"
LISTED = [
    {"id": f"job{at}aaaa", "name": name, "type": "headless", "status": status}
    for at, (name, status) in enumerate(
        [("study-1", "Completed"), ("study-2", "Succeeded"), ("other", "Completed"), ("study-3", "Running")]
    )
]


def answer(request: httpx.Request) -> httpx.Response:
    """A service with any session but one."""
    name = request.url.path.rpartition("/")[2]
    view = request.url.params.get("view")
    if name == "session":
        if request.method == "POST":
            return httpx.Response(200, text=f"id-{dict(parse_qsl(request.content.decode()))['name']}\n")
        return httpx.Response(200, json=LISTED if view != "stats" else {"cores": {}, "ram": {}})
    if name == GONE:
        return httpx.Response(404, text=f"session {name} not found\n")
    if view:
        return httpx.Response(200, text=f"{view} of {name}\n")
    if request.method != "GET":
        return httpx.Response(200)
    return httpx.Response(200, json={"id": name, "status": "Running"})


def form(request: httpx.Request) -> dict[str, str]:
    return dict(parse_qsl(request.content.decode()))


def test_calls_have_the_shapes_of_canfar(service: Service) -> None:
    session, wire = service(answer)
    assert [info["id"] for info in session.fetch()] == [each["id"] for each in LISTED]
    assert [info["status"] for info in session.info("aaaaaaaa")] == ["Running"]
    assert [info.id for info in session.info(["aaaaaaaa", "bbbbbbbb", "aaaaaaaa"])] == [
        "aaaaaaaa",
        "bbbbbbbb",
    ]
    assert session.logs(["aaaaaaaa"]) == {"aaaaaaaa": "logs of aaaaaaaa\n"}
    assert session.events("aaaaaaaa") == [{"aaaaaaaa": "events of aaaaaaaa\n"}]
    assert session.renew("aaaaaaaa") == {"aaaaaaaa": True}
    assert session.destroy(["aaaaaaaa"]) == {"aaaaaaaa": True}
    assert session.stats()["cores"] == {}
    assert session.create("n", IMAGE) == ["id-n"]
    renewal, launch = wire.sent[-4], wire.sent[-1]
    assert (renewal.method, form(renewal)) == ("POST", {"action": "renew"})
    assert launch.headers["content-type"] == "application/x-www-form-urlencoded; charset=UTF-8"


def test_verbose_logs_and_returns_nothing(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    session, _ = service(answer)
    with caplog.at_level(logging.INFO, "skahaclient"):
        assert session.logs("aaaaaaaa", verbose=True) is session.events("aaaaaaaa", True) is None
    assert [record.getMessage() for record in caplog.records if record.name == "skahaclient"] == [
        "aaaaaaaa\nlogs of aaaaaaaa\n",
        "aaaaaaaa\nevents of aaaaaaaa\n",
    ]


def test_a_status_is_any_versions_word(service: Service) -> None:
    session, wire = service(answer)
    for word in ("Completed", "Succeeded", "succeeded"):
        assert [info.name for info in session.fetch(status=word)] == ["study-1", "study-2", "other"]
    assert [info.name for info in session.fetch(status="Running")] == ["study-3"]
    assert wire.lines == ["GET /session"] * 3 + ["GET /session?status=Running"]
    for wrong in ({"status": "Done"}, {"kind": "notebok"}):
        with pytest.raises(InvalidRequest):
            session.fetch(**wrong)


@pytest.mark.parametrize(
    ("prefix", "options", "ids"),
    [
        ("study", {}, ["job0aaaa", "job1aaaa"]),
        ("study-2", {}, ["job1aaaa"]),
        ("tud", {}, []),
        ("t.dy|oth", {}, ["job0aaaa", "job1aaaa", "job2aaaa"]),
        ("study", {"status": "Running"}, ["job3aaaa"]),
    ],
)
def test_destroy_with_a_prefix_or_a_pattern(
    service: Service, prefix: str, options: dict[str, str], ids: list[str]
) -> None:
    session, wire = service(answer)
    assert session.destroy_with(prefix, **options) == dict.fromkeys(ids, True)
    assert [request.url.path.rpartition("/")[2] for request in wire.sent if request.method == "DELETE"] == ids


@pytest.mark.parametrize("prefix", ["", "("])
def test_destroy_with_what_is_none_destroys_nothing(service: Service, prefix: str) -> None:
    session, wire = service(answer)
    with pytest.raises(InvalidRequest):
        session.destroy_with(prefix)
    assert wire.sent == []


# -- when some fail -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "rest"),
    [
        ("info", lambda found: [info.id for info in found] == ["aaaaaaaa"]),
        ("logs", lambda found: set(found) == {"aaaaaaaa"}),
        ("events", lambda found: [set(each) for each in found] == [{"aaaaaaaa"}]),
        ("renew", lambda found: found == {"aaaaaaaa": True, GONE: False}),
        ("destroy", lambda found: found == {"aaaaaaaa": True, GONE: False}),
    ],
)
def test_what_fails_is_raised_with_the_rest_or_ignored(
    service: Service, caplog: pytest.LogCaptureFixture, call: str, rest: Callable[[Any], bool]
) -> None:
    session, _ = service(answer)
    assert rest(getattr(session, call)(["aaaaaaaa", GONE]))
    assert f"{GONE}: session {GONE} not found (status 404)" in caplog.text
    strict, _ = service(answer, errors="raise")
    for ask in (lambda: getattr(strict, call)(["aaaaaaaa", GONE]), lambda: getattr(session, call)(["aaaaaaaa", GONE], errors="raise")):  # fmt: skip  # noqa: E501
        with pytest.raises(SessionRequestError) as failure:
            ask()
        assert failure.value.operation == call
        assert rest(failure.value.results)
        (error,) = failure.value.errors.values()
        assert (error.id, error.status, error.text) == (GONE, 404, f"session {GONE} not found")
        assert isinstance(error.cause, NotFound)
    assert rest(getattr(strict, call)(["aaaaaaaa", GONE], errors="ignore"))
    with pytest.raises(InvalidRequest, match='"raise" or "ignore"'):
        session.info([GONE], errors="never")  # type: ignore[arg-type]


@pytest.mark.parametrize("failure", [httpx.Response(401, text="expired"), httpx.ConnectError("refused")])
def test_what_no_session_is_to_blame_for_is_never_ignored(service: Service, failure: Any) -> None:
    session, _ = service(failure)
    for call in (session.info, session.logs, session.destroy):
        with pytest.raises(SessionRequestError):
            call(["aaaaaaaa", "bbbbbbbb"])


# -- launches -----------------------------------------------------------------------------------------------------


def launches(failing: Callable[[int], Any]) -> Callable[[httpx.Request], httpx.Response]:
    """Every launch is well, but what ``failing`` gives for the replica."""

    def launched(request: httpx.Request) -> httpx.Response:
        replica = int(form(request)["name"].rpartition("-")[2])
        found = failing(replica)
        if isinstance(found, Exception):
            raise found
        return found or httpx.Response(200, text=f"id{replica:03}\n")

    return launched


def test_replicas_are_told_in_order_with_progress(service: Service) -> None:
    session, wire = service(launches(lambda replica: None))
    seen: list[tuple[int, int]] = []
    ids = session.create("job", IMAGE, replicas=20, progress=lambda *now: seen.append(now))
    assert ids == [f"id{replica:03}" for replica in range(1, 21)]
    assert seen == [(done, 20) for done in range(1, 21)]
    assert sorted(form(request)["name"] for request in wire.sent) == sorted(f"job-{n}" for n in range(1, 21))


def test_the_ids_of_the_others_are_never_lost(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    def failing(replica: int) -> Any:
        refused = httpx.Response(400, text="Invalid value for 'ram': 3")
        return {
            2: refused,
            4: refused,
            5: httpx.ReadError("reset"),
            6: httpx.Response(200, text="<html>"),
        }.get(replica)

    session, wire = service(launches(failing))
    with pytest.raises(LaunchError) as failure:
        session.create("job", IMAGE, replicas=6)
    assert failure.value.created == failure.value.results == ["id001", "id003"]
    assert {replica: error.status for replica, error in failure.value.failures.items()} == {
        2: 400, 4: 400, 5: None, 6: None,
    }  # fmt: skip
    text = str(failure.value)
    assert "4 of 6 sessions were not launched: Invalid value for 'ram': 3 (status 400) (2 times)" in text
    assert "these may exist all the same: job-5, job-6" in text
    assert "launched: id001, id003" in text
    assert len(wire.sent) == 6
    assert session.create("job", IMAGE, replicas=6, errors="ignore") == ["id001", "id003"]
    assert "launched: id001, id003" in caplog.text


def test_nothing_launched_is_raised_even_when_ignored(service: Service) -> None:
    session, _ = service(httpx.Response(400, text="no"), errors="ignore")
    with pytest.raises(LaunchError, match="not launched: no"):
        session.create("job", IMAGE)


@pytest.mark.parametrize(("failure", "error"), [(httpx.Response(401), NotAuthenticated), (httpx.ConnectError("x"), Unreachable)])  # fmt: skip  # noqa: E501
def test_what_all_would_fail_of_is_not_tried_a_thousand_times(
    service: Service, failure: Any, error: type
) -> None:
    session, wire = service(launches(lambda replica: failure if replica > 3 else None), concurrency=1)
    with pytest.raises(LaunchError) as refusal:
        session.create("job", IMAGE, replicas=1000)
    assert refusal.value.created == ["id001", "id002", "id003"]
    assert isinstance(refusal.value.failures[4].cause, error)
    assert {type(refusal.value.failures[n].cause) for n in range(5, 1001)} == {NotLaunched}
    assert len(wire.sent) <= 3 + 4


def test_no_more_requests_than_allowed_are_under_way(service: Service) -> None:
    lock, under_way, most = threading.Lock(), 0, 0
    together = threading.Barrier(4, timeout=10)

    def count(replica: int) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        together.wait()
        with lock:
            under_way -= 1

    session, _ = service(launches(count), concurrency=4)
    assert len(session.create("job", IMAGE, replicas=40)) == 40
    assert most == 4


def test_a_progress_that_fails_loses_no_id(service: Service) -> None:
    session, wire = service(launches(lambda replica: None), concurrency=1)

    def progress(done: int, total: int) -> None:
        if done == 3:
            raise ZeroDivisionError

    with pytest.raises(LaunchError) as failure:
        session.create("job", IMAGE, replicas=10, progress=progress)
    assert isinstance(failure.value.__cause__, ZeroDivisionError)
    assert failure.value.created == ["id001", "id002", "id003"]
    assert set(failure.value.failures) == set(range(4, 11))
    assert len(wire.sent) == 3


def test_ctrl_c_waits_for_what_is_under_way_and_tells_the_ids(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, let_go = threading.Event(), threading.Event()

    def slow(replica: int) -> None:
        if replica == 3:
            begun.set()
            let_go.wait(10)

    wait = threading.Event.wait

    def interrupted(self: threading.Event, timeout: float | None = None) -> bool:
        if threading.current_thread() is threading.main_thread() and not let_go.is_set():
            wait(begun, 10)
            let_go.set()
            raise KeyboardInterrupt
        return wait(self, timeout)

    session, wire = service(launches(slow), concurrency=1)
    monkeypatch.setattr(threading.Event, "wait", interrupted)
    with pytest.raises(LaunchInterrupted) as interruption:
        session.create("job", IMAGE, replicas=10)
    assert interruption.value.created[:3] == ["id001", "id002", "id003"]
    made, not_made = interruption.value.created, interruption.value.failures
    assert len(made) == len(wire.sent)
    assert len(made) + len(not_made) == 10
    assert all(isinstance(failure.cause, NotLaunched) for failure in not_made.values())


def async_session(handle: Callable[[httpx.Request], httpx.Response], **options: Any) -> AsyncSession:
    return AsyncSession(url=URL, token="t", transport=httpx.MockTransport(handle), **options)


def test_a_cancelled_launch_tells_the_ids() -> None:
    async def scenario() -> LaunchCancelled:
        third, go_on = asyncio.Event(), asyncio.Event()

        async def handle(request: httpx.Request) -> httpx.Response:
            replica = int(form(request)["name"].rpartition("-")[2])
            if replica == 3:
                third.set()
                await go_on.wait()
            return httpx.Response(200, text=f"id{replica:03}\n")

        session = AsyncSession(url=URL, token="t", transport=httpx.MockTransport(handle), concurrency=1)
        async with session:
            task = asyncio.create_task(session.create("job", IMAGE, replicas=10))
            await third.wait()
            task.cancel()
            asyncio.get_running_loop().call_later(0.01, go_on.set)
            with pytest.raises(asyncio.CancelledError) as cancelled:
                await task
            assert task.cancelled()
            assert isinstance(cancelled.value, LaunchCancelled)
            return cancelled.value

    told = asyncio.run(scenario())
    assert told.created == ["id001", "id002", "id003"]
    assert set(told.failures) == set(range(4, 11))


def test_the_async_calls_do_the_same() -> None:
    async def scenario() -> None:
        async with async_session(answer) as session:
            assert [info.id for info in await session.fetch()] == [each["id"] for each in LISTED]
            assert [info.id for info in await session.info(["aaaaaaaa", GONE])] == ["aaaaaaaa"]
            assert await session.logs("aaaaaaaa") == {"aaaaaaaa": "logs of aaaaaaaa\n"}
            assert await session.events("aaaaaaaa") == [{"aaaaaaaa": "events of aaaaaaaa\n"}]
            assert await session.renew(["aaaaaaaa", GONE]) == {"aaaaaaaa": True, GONE: False}
            assert await session.destroy_with("study") == {"job0aaaa": True, "job1aaaa": True}
            assert (await session.stats())["ram"] == {}
            assert await session.create("n", IMAGE, replicas=2) == ["id-n-1", "id-n-2"]
            with pytest.raises(SessionRequestError):
                await session.destroy([GONE], errors="raise")

    asyncio.run(scenario())


def test_async_progress_that_fails_loses_no_id() -> None:
    def progress(done: int, total: int) -> None:
        raise ZeroDivisionError

    async def scenario() -> LaunchError:
        async with async_session(launches(lambda replica: None), concurrency=2) as session:
            with pytest.raises(LaunchError) as failure:
                await session.create("job", IMAGE, replicas=10, progress=progress)
            return failure.value

    failure = asyncio.run(scenario())
    assert failure.created
    assert len(failure.created) + len(failure.failures) == 10


def test_async_requests_are_bounded_too() -> None:
    under_way = most = 0

    async def handle(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return httpx.Response(200, text="idididid")

    async def scenario() -> list[str]:
        async with AsyncSession(
            url=URL, token="t", transport=httpx.MockTransport(handle), concurrency=5
        ) as session:
            return await session.create("job", IMAGE, replicas=50)

    assert len(asyncio.run(scenario())) == 50
    assert 1 < most <= 5


# -- the rest -----------------------------------------------------------------------------------------------------


def test_only_launches_carry_the_credentials_of_the_registry(service: Service) -> None:
    session, wire = service(answer, registry="me:hidden")
    session.create("n", IMAGE)
    session.fetch()
    assert [request.headers.get("x-skaha-registry-auth") for request in wire.sent] == ["bWU6aGlkZGVu", None]


def test_sessions_that_run_are_opened(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open_new_tab", opened.append)
    states = itertools.cycle(
        [
            {"status": "Running", "connectURL": "https://h/1"},
            {"status": "Pending", "connectURL": "https://h/2"},
            {"status": "Running", "connectURL": ""},
        ]
    )
    session, _ = service(lambda request: httpx.Response(200, json={"id": "aaaaaaaa", **next(states)}))
    for _ in range(3):
        session.connect("aaaaaaaa")
    assert opened == ["https://h/1"]


def test_a_borrowed_transport_is_not_closed() -> None:
    class Kept(httpx.MockTransport):
        closed = False

        def close(self) -> None:
            self.closed = True

    transport = Kept(answer)
    with Session(url=URL, transport=transport) as session:
        session.fetch()
    assert not transport.closed


def test_threads_do_not_outlive_a_call(service: Service) -> None:
    session, _ = service(answer)
    session.info([f"aaaaaa{n:02}" for n in range(40)])
    deadline = time.monotonic() + 5
    while any(thread.name.startswith("skahaclient") for thread in threading.enumerate()):
        assert time.monotonic() < deadline
