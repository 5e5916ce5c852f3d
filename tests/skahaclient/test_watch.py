"""Waiting for sessions, and following what they print, with a clock that stands still until somebody sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from skahaclient import AsyncSession
from skahaclient.errors import InvalidRequest, NoAnswer, NotFound, SessionRequestError, WaitTimeout
from skahaclient.watch import LONGEST_PAUSE, OUTAGE_SECONDS
from tests.skahaclient.conftest import URL, Service, Watch


@dataclass
class Jobs:
    """Sessions that go through their statuses with time: ``{id: {second: status}}``; None is gone."""

    watch: Watch
    lives: Mapping[str, Mapping[float, str | None]]
    prints: Mapping[str, Mapping[float, str]] = field(default_factory=dict)
    """``{id: {second: text}}``, the whole log from then on."""
    away: tuple[float, float] = (-1.0, -1.0)
    looks: int = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        begin, end = self.away
        if begin <= self.watch.passed < end:
            raise httpx.ConnectError("refused")
        self.looks += 1
        name = request.url.path.rpartition("/")[2]
        if name == "session":
            return httpx.Response(200, json=[view for each in self.lives if (view := self._view(each))])
        if request.url.params.get("view") == "logs":
            return httpx.Response(200, text=_latest(self.prints.get(name, {}), self.watch.passed) or "")
        view = self._view(name)
        if view is None:
            return httpx.Response(404, text=f"session {name} not found\n")
        return httpx.Response(200, json=view)

    def _view(self, name: str) -> dict[str, str] | None:
        status = _latest(self.lives.get(name, {}), self.watch.passed)
        return None if status is None else {"id": name, "status": status}


def _latest(values: Mapping[float, Any], now: float) -> Any:
    return next((value for second, value in sorted(values.items(), reverse=True) if second <= now), None)


Make = Callable[..., tuple[Any, Jobs]]


@pytest.fixture
def jobs(service: Service, watch: Watch) -> Make:
    def jobs(lives: Mapping[str, Mapping[float, str | None]], **options: Any) -> tuple[Any, Jobs]:
        made = Jobs(watch, lives, **options)
        return service(made)[0], made

    return jobs


def statuses(infos: list[Any]) -> dict[str, str]:
    return {info.id: info.status for info in infos}


def test_it_waits_to_the_end_however_that_is(jobs: Make, watch: Watch) -> None:
    session, _ = jobs({"a": {0: "Pending", 5: "Running", 60: "Completed"}, "b": {0: "Running", 9: "Failed"}})
    seen: list[tuple[int, int]] = []
    found = session.wait(["a", "b"], progress=lambda *now: seen.append(now))
    assert statuses(found) == {"a": "Succeeded", "b": "Failed"}
    assert [info.id for info in found] == ["a", "b"]
    assert 60 <= watch.passed < 60 + LONGEST_PAUSE
    assert (seen[0], seen[-1]) == ((0, 2), (2, 2))
    assert seen == sorted(seen)
    assert watch.naps == sorted(watch.naps)


@pytest.mark.parametrize("until", ["Running", "running"])
def test_until_running_or_past_it(jobs: Make, watch: Watch, until: str) -> None:
    session, _ = jobs({"a": {0: "Pending", 5: "Running"}, "b": {0: "Pending", 2: "Failed"}})
    assert statuses(session.wait(["a", "b"], until=until)) == {"a": "Running", "b": "Failed"}
    assert 5 <= watch.passed < 10


def test_many_are_looked_at_with_one_request(jobs: Make) -> None:
    session, made = jobs({f"job{n}": {0: "Running", 0.6: "Succeeded"} for n in range(100)})
    assert len(session.wait([f"job{n}" for n in range(100)])) == 100
    assert made.looks == 3


def test_the_time_is_up_and_nothing_is_lost(jobs: Make, watch: Watch) -> None:
    session, _ = jobs({"a": {0: "Running"}, "b": {0: "Running", 3: "Completed"}})
    with pytest.raises(WaitTimeout) as late:
        session.wait(["a", "b"], timeout=20)
    assert watch.passed == 20
    assert (statuses(late.value.done), statuses(late.value.waiting)) == ({"b": "Succeeded"}, {"a": "Running"})
    assert str(late.value) == "after 20 s still waiting: a is Running"
    assert isinstance(late.value, TimeoutError)


@pytest.mark.parametrize("timeout", [0, None])
def test_what_has_ended_is_not_waited_for(jobs: Make, watch: Watch, timeout: float | None) -> None:
    session, _ = jobs({"a": {0: "Completed"}})
    assert statuses(session.wait("a", timeout=timeout)) == {"a": "Succeeded"}
    assert watch.naps == []
    assert session.wait([]) == []


@pytest.mark.parametrize("others", [0, 9])
def test_what_is_not_there_any_more_is_told(jobs: Make, watch: Watch, others: int) -> None:
    rest = {f"x{n}": {0: "Completed"} for n in range(others)}
    session, _ = jobs({"a": {0: "Running", 4: None}, "b": {0: "Running", 20: "Completed"}, **rest})
    with pytest.raises(SessionRequestError) as failure:
        session.wait(["a", "never", "b", *rest], errors="raise")
    assert {name: type(error.cause) for name, error in failure.value.errors.items()} == {
        "never": NotFound,
        "a": NotFound,
    }
    assert statuses(failure.value.results) == {"b": "Succeeded", **dict.fromkeys(rest, "Succeeded")}
    assert statuses(session.wait(["b", "never"])) == {"b": "Succeeded"}


def test_a_service_that_is_away_for_minutes_is_waited_for(jobs: Make, watch: Watch) -> None:
    session, _ = jobs({"a": {0: "Running", 250: "Completed"}}, away=(10, 240))
    assert statuses(session.wait("a")) == {"a": "Succeeded"}
    assert 250 <= watch.passed < 270


def test_a_service_that_stays_away_is_not(jobs: Make, watch: Watch) -> None:
    session, _ = jobs({"a": {0: "Running"}}, away=(10, 1e9))
    with pytest.raises(NoAnswer):
        session.wait("a")
    assert OUTAGE_SECONDS < watch.passed < OUTAGE_SECONDS + 60


def test_a_service_that_was_never_there_is_told_at_once(jobs: Make, watch: Watch) -> None:
    session, _ = jobs({}, away=(0, 1e9))
    with pytest.raises(NoAnswer):
        session.wait("a")
    assert watch.passed < 10


def test_only_what_there_is_can_be_waited_for(jobs: Make) -> None:
    session, made = jobs({})
    with pytest.raises(InvalidRequest, match="'never' cannot be waited for"):
        session.wait("a", until="never")
    assert made.looks == 0


# -- following ----------------------------------------------------------------------------------------------------

GROWING = {1: "one\n", 5: "one\ntw", 9: "one\ntwo\n", 30: "one\ntwo\nend"}


def test_what_is_printed_comes_piece_by_piece_to_the_end(jobs: Make) -> None:
    session, _ = jobs({"a": {0: "Pending", 1: "Running", 30: "Completed"}}, prints={"a": GROWING})
    assert list(session.logs("a", follow=True)) == [("a", "one\n"), ("a", "tw"), ("a", "o\n"), ("a", "end")]


def test_several_are_followed_together(jobs: Make) -> None:
    lives = {
        name: {0: "Running", at: "Failed"} for name, at in (("a", 30), ("b", 3), ("c", 3), ("d", 3), ("e", 3))
    }
    session, _ = jobs(lives, prints={"a": GROWING, "b": {0: "b1\n", 2: "b1\nb2\n"}})
    pieces = list(session.logs(list(lives), follow=True))
    assert "".join(text for name, text in pieces if name == "a") == "one\ntwo\nend"
    assert [text for name, text in pieces if name == "b"] == ["b1\n", "b2\n"]


def test_a_log_that_begins_anew_is_told_anew(jobs: Make) -> None:
    prints = {"a": {0: "first run\n", 4: "second\n", 8: "second run, longer\n"}}
    session, _ = jobs({"a": {0: "Running", 20: "Completed"}}, prints=prints)
    assert (
        "".join(text for _, text in session.logs("a", follow=True))
        == "first run\nsecond\nsecond run, longer\n"
    )


def test_deletion_is_an_end_and_an_unknown_one_an_error(jobs: Make) -> None:
    session, _ = jobs({"a": {0: "Running", 9: None}}, prints={"a": {0: "x\n"}})
    assert list(session.logs("a", follow=True, errors="raise")) == [("a", "x\n")]
    session, _ = jobs({"a": {0: "Completed"}}, prints={"a": {0: "x\n"}})
    followed = session.logs(["a", "never"], follow=True, errors="raise")
    assert next(followed) == ("a", "x\n")
    with pytest.raises(SessionRequestError, match="never: session never not found"):
        next(followed)


def test_following_outlives_an_outage(jobs: Make) -> None:
    session, _ = jobs({"a": {0: "Running", 100: "Completed"}}, prints={"a": {1: "x", 50: "xy"}}, away=(5, 60))
    assert "".join(text for _, text in session.logs("a", follow=True)) == "xy"


def test_for_asyncio_it_is_the_same(watch: Watch) -> None:
    made = Jobs(watch, {"a": {0: "Running", 30: "Completed"}}, {"a": GROWING})

    async def scenario() -> tuple[list[tuple[str, str]], dict[str, str]]:
        async with AsyncSession(url=URL, transport=httpx.MockTransport(made), clock=watch.clock) as session:
            pieces = [piece async for piece in session.logs("a", follow=True)]
            return pieces, statuses(await session.wait("a"))

    pieces, found = asyncio.run(scenario())
    assert "".join(text for _, text in pieces) == "one\ntwo\nend"
    assert found == {"a": "Succeeded"}
