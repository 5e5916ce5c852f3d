"""What commands say, and how they end, when service, gateway or network fail over the wire."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from mockskaha.testing.live import LiveServer
from mockskaha.testing.service import Skaha as Platform
from skahaclient.clock import SYSTEM
from tests.client.cli.conftest import Reply, Skaha

IMAGE = "skaha/astroml:latest"
PAGE = {"status": 200, "body": "<html>Welcome</html>", "content_type": "text/html"}
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer({"profile": "instant", "clock": "manual"}) as running:
        yield running


@pytest.fixture
def platform(server: LiveServer, monkeypatch: pytest.MonkeyPatch, user: str) -> Iterator[Platform]:
    """A platform of one's own, whose time passes when the client sleeps."""
    name = f"test-{next(_numbers)}"
    made = server.create(name, {"clock": "manual"})
    sleep, monotonic = SYSTEM.sleep, SYSTEM.monotonic
    object.__setattr__(SYSTEM, "sleep", made.advance)
    object.__setattr__(SYSTEM, "monotonic", lambda: made.elapsed)
    monkeypatch.setenv("SKAHA_URL", made.url)
    yield made
    object.__setattr__(SYSTEM, "sleep", sleep)
    object.__setattr__(SYSTEM, "monotonic", monotonic)
    server.remove(name)


@pytest.fixture
def run(skaha: Skaha, platform: Platform) -> Any:
    def run(*words: str, code: int, told: str = "") -> Reply:
        reply = skaha(*words, SKAHA_URL=platform.url)
        assert reply.code == code, reply
        assert reply.errors.count("\n") == reply.errors.count("error: ") == (1 if code else 0), reply
        assert told in reply.errors, reply
        return reply

    return run


def there(platform: Platform, user: str) -> dict[str, str]:
    """Name by id of the sessions that there are, whatever is told of them."""
    platform.faults.clear()
    return {info["id"]: info["name"] for info in platform.client(user).get("/session").json()}


@pytest.mark.parametrize(
    ("fault", "code", "told"),
    [
        ({"error": "kubernetes-down"}, 1, "ApiException"),
        ({"error": "unavailable"}, 4, "try again in 30 s"),
        ({"error": "bad-gateway"}, 4, "(status 502)"),
        ({"error": "token-expired"}, 3, "skahaclient auth login"),
        ({"error": "not-in-group"}, 1, "Not authorized to use the skaha system"),
        ({"reset": True}, 4, "broke before the whole answer was there"),
        ({"truncate": 1}, 4, "broke before the whole answer was there"),
        ({"delay": 30}, 4, "allow more with a longer timeout"),
        (PAGE, 4, "is the URL that of a Skaha service?"),
    ],
    ids=str,
)  # fmt: skip
def test_one_line_and_the_code_of_the_cause(
    run: Any, platform: Platform, user: str, fault: dict[str, Any], code: int, told: str
) -> None:
    each = platform.launch("sleep", "1h", user=user)
    platform.faults.add(**fault)
    options = ("--timeout", "0.1") if "delay" in fault else ()
    for words in (("ps",), ("info", each), ("images",), ("context",)):
        assert run(*options, *words, code=code, told=told).output == ""


def test_gpus_of_the_platform_are_shown_where_they_are_told(run: Any, platform: Platform) -> None:
    body = {"cores": {}, "ram": {}, "gpu": {"requestedGPU": 3.0, "gpuAvailable": 16.0}}
    platform.faults.add(operation="listSessions", status=200, body=body)
    assert run("stats", code=0).output.splitlines()[-1].split() == ["GPUs", "3", "16", "19%", "-"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"error": "bad-gateway", "after": True}, 4),
        ({"reset": True, "after": True}, 4),
        ({"truncate": 3}, 4),
        ({"delay": 30}, 4),
        ({"after": True, **PAGE}, 4),
    ],
    ids=str,
)
def test_a_launch_whose_answer_is_lost_is_told_by_name_and_not_sent_again(
    run: Any, platform: Platform, user: str, fault: dict[str, Any], code: int
) -> None:
    platform.faults.add(operation="createSession", **fault)
    options = ("--timeout", "0.2") if "delay" in fault else ()
    reply = run(*options, "launch", "-n", "fit", IMAGE, code=code, told="may exist all the same: fit")
    assert reply.output == ""
    assert list(there(platform, user).values()) == ["fit"]


@pytest.mark.parametrize("form", ["table", "json"])
def test_the_ids_of_what_was_launched_are_printed_whatever_became_of_the_rest(
    run: Any, platform: Platform, user: str, form: str
) -> None:
    platform.faults.add(operation="createSession", every=2, error="kubernetes-down")
    words = ("launch", "-n", "part", "-r", "10", "-o", form, IMAGE)
    reply = run(*words, code=1, told="5 of 10 sessions were not launched")
    printed = (
        dict.fromkeys(reply.ids)
        if form == "table"
        else {each["id"]: each["name"] for each in json.loads(reply.output)}
    )
    made = there(platform, user)
    assert set(printed) == set(made)
    assert form == "table" or printed == made


def test_lost_answers_are_told_with_the_ids_of_the_others(run: Any, platform: Platform, user: str) -> None:
    platform.faults.add("bad-gateway-after-create", name="part-3")
    reply = run("launch", "-n", "part", "-r", "4", IMAGE, code=1, told="may exist all the same: part-3")
    made = there(platform, user)
    assert sorted(made.values()) == ["part-1", "part-2", "part-3", "part-4"]
    assert [made[each] for each in reply.ids] == ["part-1", "part-2", "part-4"]


def test_a_token_that_expires_in_the_middle_of_a_launch(run: Any, platform: Platform, user: str) -> None:
    platform.faults.add(operation="createSession", error="token-expired", name="part-*", skip=40)
    reply = run("launch", "-n", "part", "-r", "200", IMAGE, code=1, told="skahaclient auth login")
    assert len(reply.ids) == 40
    assert set(reply.ids) == set(there(platform, user))


@pytest.mark.parametrize("command", [("wait",), ("logs", "-f")])
@pytest.mark.parametrize(
    ("fault", "code", "told"),
    [
        ({"error": "token-expired"}, 3, "skahaclient auth login"),
        ({"error": "bad-gateway", "until": 100}, 0, ""),
        ({"reset": True, "until": 100}, 0, ""),
        ({"error": "bad-gateway"}, 4, "(status 502)"),
        ({"reset": True}, 4, "broke before the whole answer was there"),
    ],
    ids=str,
)
def test_what_goes_on_for_long_outlasts_an_outage_but_not_a_token(
    run: Any,
    platform: Platform,
    user: str,
    command: tuple[str, ...],
    fault: dict[str, Any],
    code: int,
    told: str,
) -> None:
    each = platform.launch("python", "reduce.py", user=user, env={"MOCKSKAHA_RUNTIME": "200s"})
    platform.faults.add(begin=30, **fault)
    reply = run(*command, each, code=code, told=told)
    assert ("Succeeded" in reply.output or "INFO" in reply.output) is (code == 0 or command == ("logs", "-f"))
    assert platform.elapsed >= (200 if code == 0 else 30)


def test_of_what_could_not_be_deleted_each_is_told(run: Any, platform: Platform, user: str) -> None:
    first, second = (platform.launch("sleep", "1h", user=user) for _ in range(2))
    platform.faults.add(session=second, error="kubernetes-down")
    run("delete", first, second, code=1, told=f"{second}: unexpected exception")
    assert list(there(platform, user)) == [second]
