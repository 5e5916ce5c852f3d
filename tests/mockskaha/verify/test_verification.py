"""A run: what it says of versions, and that it leaves nothing behind."""

from __future__ import annotations

import json

import httpx
import pytest

from mockskaha.era import VERSIONS, era
from mockskaha.verify.check import Check, Needs
from mockskaha.verify.client import Client, Unreachable, service_root
from mockskaha.verify.exchange import Caller, Request
from mockskaha.verify.skaha import Skaha, Stage
from mockskaha.verify.verification import Outcome, Verification
from mockskaha.verify.versions import detected
from tests.mockskaha.verify.conftest import failures, service, verified

pytestmark = pytest.mark.evidence("skaha-contract §10: what the versions answer differently")


def sessions_of(client: Client) -> list[str]:
    answer = client.ask(Request("GET", "/v1/session"))
    return [item["id"] for item in answer.json]


def pretty_context(request: httpx.Request, answer: httpx.Response) -> httpx.Response | None:
    if request.url.path.endswith("/context") and answer.status_code == 200:
        content = json.dumps(answer.json(), indent=4).encode()
        return httpx.Response(
            200, headers={"content-type": "application/json", "x-vo-authenticated": "alice"}, content=content
        )
    return None


def test_the_version_is_told_from_the_answers(client: Client) -> None:
    guess = detected(client, Stage())
    assert (guess.version, guess.also, guess.is_certain) == ("1.4", (), True)
    assert "clues fit" in str(guess)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("write", [False, True])
def test_each_version_is_recognised_and_passes_as_itself(version: str, write: bool) -> None:
    client = service(skaha_version=version)
    guess = detected(client, Stage())
    same = {"1.2", "2026.1"} if version in ("1.2", "2026.1") else {version}
    assert ({guess.version, *guess.also}, guess.is_certain) == (same, True)
    results = verified(client, version, write=write)
    assert failures(results) == {}
    assert sum(result.outcome is Outcome.PASSED for result in results) > (100 if write else 60)


@pytest.mark.parametrize("version", VERSIONS)
def test_no_version_passes_as_one_that_answers_otherwise(version: str) -> None:
    client = service(skaha_version=version)
    same = {"1.2", "2026.1"} if version in ("1.2", "2026.1") else {version}
    others = [other for other in VERSIONS if other not in same]
    assert [other for other in others if not failures(verified(client, other, write=False))] == []


def test_what_another_version_would_answer_is_told_with_a_failure() -> None:
    results = verified(service(pretty_context), write=False)
    (failed,) = (result for result in results if result.id == "platform.context-layout")
    assert failed.outcome is Outcome.FAILED
    assert failed.versions == ("1.0",)
    assert failed.exchange is not None
    assert failed.exchange.request.path == "/v1/context"


def test_an_older_version_is_expected_to_answer_otherwise(client: Client) -> None:
    results = {result.id: result for result in verified(client, "1.1", write=False)}
    assert results["refusals.decimals"].outcome is Outcome.FAILED
    assert results["refusals.decimals"].versions == ("1.2", "2026.1", "1.4")
    assert results["platform.stats-limits"].versions == ("1.4",)
    found = results["contract.listSessions"]
    assert found.outcome is Outcome.FAILED
    assert "instances" not in found.reason, "1.1 has none either"
    assert found.versions == ("1.4",)


def test_a_run_removes_what_it_has_launched(client: Client) -> None:
    assert failures(verified(client)) == {}
    assert sessions_of(client) == []


def test_sessions_of_the_user_are_left_alone(client: Client) -> None:
    mine = Skaha(client, era(), Stage()).launch("mine", "headless", name="mine", cmd="sleep", args="900")
    results = verified(client)
    assert failures(results) == {}
    assert sessions_of(client) == [mine]
    (spared,) = (result for result in results if result.id == "lifecycle.delete-all")
    assert spared.outcome is Outcome.SKIPPED


def interrupted(skaha: Skaha) -> None:
    skaha.exhibit("job")
    skaha.exhibit("notebook")
    raise KeyboardInterrupt


def test_an_interrupted_run_removes_what_it_has_launched(client: Client) -> None:
    check = Check("test.interrupt", "§0", "Somebody presses Ctrl-C", "test", Needs.WRITE, interrupted)
    with pytest.raises(KeyboardInterrupt), Verification(client, era(), Stage(), write=True) as verification:
        list(verification.results([check]))
    assert verification.left == {}
    assert sessions_of(client) == []


def test_what_cannot_be_removed_is_told() -> None:
    def stubborn(request: httpx.Request, answer: httpx.Response) -> httpx.Response | None:
        return None

    client = service(stubborn)
    check = Check(
        "test.launch", "§0", "It launches", "test", Needs.WRITE, lambda skaha: void(skaha.exhibit("job"))
    )
    with Verification(client, era(), Stage(run="x"), write=True) as verification:
        list(verification.results([check]))
        ask = client.ask
        client.ask = lambda request: ask(  # type: ignore[method-assign]
            request if request.method != "DELETE" else Request("GET", "/v1/context")
        )
    assert list(verification.left.values()) == ["mockskaha-verify-x-job"]


def void(value: object) -> None:
    """Nothing is made of it."""


def test_an_answer_that_makes_no_sense_is_a_failure_not_a_crash() -> None:
    def nonsense(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        return httpx.Response(
            200, headers={"content-type": "application/json"}, content=b'{"a": [1, {"b": null}]}'
        )

    results = verified(service(nonsense), write=False)
    assert len(failures(results)) > 40
    assert any("cannot be made sense of" in reason for reason in failures(results).values())


def test_a_server_that_breaks_off_fails_checks_and_nothing_else() -> None:
    def broken(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        raise httpx.ReadError("connection reset")

    results = verified(service(broken), write=False)
    assert all("connection reset" in reason for reason in failures(results).values())


def test_a_proxys_name_for_itself_is_no_failure() -> None:
    def proxied(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        answer.headers["server"] = "nginx"
        return answer

    assert failures(verified(service(proxied), write=False)) == {}


@pytest.mark.parametrize(
    ("url", "root", "version"),
    [
        ("https://ws-uv.canfar.net/skaha/v1", "https://ws-uv.canfar.net/skaha", "v1"),
        ("https://ws-uv.canfar.net/skaha/v0/", "https://ws-uv.canfar.net/skaha", "v0"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/skaha", None),
        ("http://127.0.0.1:8080/ns/a/skaha", "http://127.0.0.1:8080/ns/a/skaha", None),
    ],
)
def test_a_server_may_be_given_as_people_have_it(url: str, root: str, version: str | None) -> None:
    assert service_root(url) == (root, version)


@pytest.mark.parametrize(
    "url", ["ws-uv.canfar.net", "ftp://host/skaha", "https://", "https://user:pw@host/skaha", ""]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="no address of a server"):
        service_root(url)


def test_requests_keep_to_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("mockskaha.verify.client.time.sleep", slept.append)
    client = service()
    client._interval = 1000.0
    for _ in range(3):
        client.ask(Request("GET", "/availability", Caller.NOBODY))
    assert len(slept) == 2
    assert min(slept) > 900


def test_nobody_there_is_told() -> None:
    client = Client("http://127.0.0.1:1/skaha", {Caller.OWNER: "x"}, timeout=5)
    with pytest.raises(Unreachable, match=r"GET http://127\.0\.0\.1:1/skaha/availability"):
        client.ask(Request("GET", "/availability"))


def test_a_token_goes_to_the_service_alone() -> None:
    seen: list[tuple[str, str | None]] = []

    def note(request: httpx.Request, answer: httpx.Response) -> None:
        seen.append((request.url.host, request.headers.get("authorization")))

    client = service(note)
    client.ask(Request("GET", "/v1/session"))
    client.ask(Request("GET", "http://elsewhere.test/skaha/v1/session"))
    client.ask(Request("GET", "/v1/session", Caller.NOBODY))
    assert seen == [("skaha.test", "Bearer token-of-alice"), ("elsewhere.test", None), ("skaha.test", None)]
