"""Schemathesis against a server over HTTP: what it asks, what it finds, and that it cleans up."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from zlib import crc32

import pytest
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

from examples.service import Service, running
from mockskaha.era import era
from mockskaha.verify import explore as exploration
from mockskaha.verify.client import Client
from mockskaha.verify.exchange import Caller
from mockskaha.verify.explore import Profile, explore, profile_named
from mockskaha.verify.skaha import Skaha, Stage
from mockskaha.verify.verification import Result, Verification

pytestmark = pytest.mark.evidence("skaha-contract §1 to §4")
DEEP = os.environ.get("MOCKSKAHA_DEEP")


@pytest.fixture(scope="module")
def server() -> Iterator[Service]:
    with running("--profile", "instant") as started:
        yield started


@pytest.fixture
def client(server: Service, request: pytest.FixtureRequest) -> Iterator[Client]:
    """As somebody no other test is."""
    made = Client(f"{server.origin}/skaha", {Caller.OWNER: f"u{crc32(request.node.name.encode())}"})
    yield made
    made.close()


@pytest.fixture(autouse=True)
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exploration, "profile_named", lambda name: Profile(1, 2, 10, ("form",), 60.0))
    # Hypothesis tries literals of the modules that are loaded, and here these are those of any test.
    monkeypatch.setattr(providers, "_get_local_constants", Constants)


def explored(client: Client, *, write: bool) -> tuple[Verification, dict[str, Result]]:
    verification = Verification(client, era(), Stage(run="e"), write=write)
    return verification, {result.id: result for result in explore(client, verification, "ci", write=write)}


def test_an_exploration_that_only_reads(client: Client) -> None:
    verification, results = explored(client, write=False)
    assert {result.reason for result in results.values() if result.outcome == "failed"} == set()
    assert {exchange.request.method for exchange in verification.ledger.exchanges} <= {
        "GET",
        "HEAD",
        "PUT",
        "PATCH",
    }
    assert results["schemathesis.links"].outcome == "skipped"
    assert verification.ledger.findings == {}


def test_sessions_that_are_there_give_links_to_follow(client: Client) -> None:
    Skaha(client, era(), Stage()).launch("mine", "headless", cmd="sleep", args="900")
    verification, results = explored(client, write=False)
    assert "of 3 links" in results["schemathesis.links"].title
    assert results["schemathesis.links"].outcome == "passed"
    assert {exchange.request.method for exchange in verification.ledger.exchanges} <= {
        "GET",
        "HEAD",
        "PUT",
        "PATCH",
    }


def test_an_exploration_that_writes_follows_links_and_cleans_up(client: Client) -> None:
    verification, results = explored(client, write=True)
    assert {result.reason for result in results.values() if result.outcome == "failed"} == set()
    found = re.search(r"(\d+) of 8 links of the contract were followed", results["schemathesis.links"].title)
    assert found is not None
    assert int(found[1]) >= 2
    assert "schemathesis.DELETE /skaha/v1/session" not in results
    assert verification.left == {}
    assert Skaha(client, era(), Stage()).sessions() == []


def test_chains_without_one_link_are_a_failure(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exploration._Explorer, "run", lambda self, transport, seconds: None)
    _, results = explored(client, write=True)
    assert "not one link was followed" in results["schemathesis.links"].reason
    assert results["schemathesis.let-in"].outcome == "failed"


def test_elsewhere_launches_are_few_and_small(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exploration, "is_loopback", lambda url: False)
    monkeypatch.setattr(exploration, "MOST_LAUNCHES_ELSEWHERE", 4)
    verification, _ = explored(client, write=True)
    launches = [
        e
        for e in verification.ledger.exchanges
        if e.request.method == "POST" and e.request.path == "/v1/session"
    ]
    assert launches
    for exchange in launches:
        body = exchange.request.body.decode()
        assert "sleep" in body, body
        assert "mockskaha-verify-e-" in body, body
    assert len([exchange for exchange in launches if exchange.status == 200]) <= 20
    assert verification.left == {}


def test_profiles() -> None:
    ci = profile_named("ci")
    assert (ci.seed, ci.max_time) == (1, 55.0)
    assert profile_named("deep").seed != ci.seed
    with pytest.raises(ValueError, match="there are ci and deep"):
        profile_named("banana")


@pytest.mark.skipif(not DEEP, reason="explores for minutes; MOCKSKAHA_DEEP=1")
def test_deeply(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        exploration, "profile_named", lambda name: Profile(int(DEEP or 1), 60, 150, ("form", "query"), 300.0)
    )
    verification, results = explored(client, write=True)
    assert {result.reason for result in results.values() if result.outcome == "failed"} == set()
    assert verification.ledger.findings == {}
