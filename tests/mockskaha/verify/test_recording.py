"""Recordings: nobody is to be found in them, and the fake is held against them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockskaha.era import era
from mockskaha.verify.exchange import Exchange, Request
from mockskaha.verify.har import UnreadableArchive, read_har
from mockskaha.verify.memory import Memory
from mockskaha.verify.replay import Replay
from mockskaha.verify.scrub import Scrubber
from mockskaha.verify.skaha import Skaha, Stage
from mockskaha.verify.versions import detected
from tests.mockskaha.verify.conftest import service
from tests.mockskaha.verify.test_command import Shell, shell  # noqa: F401 - a fixture
from tests.mockskaha.verify.test_verification import sessions_of

pytestmark = pytest.mark.evidence("a tool of our own, no behaviour of the service")


@pytest.fixture
def har(tmp_path: Path, shell: Shell) -> Path:  # noqa: F811 - the fixture
    """A recording of the whole conversation, with what was launched in it."""
    path = tmp_path / "real.har"
    run = shell(
        "record", "http://skaha.test/skaha", "--token", "token-of-alice", "--write", "--out", str(path)
    )
    assert run.exit_code == 0, run.output
    assert sessions_of(shell.clients[0]) == []
    return path


def test_nobody_is_to_be_found_in_a_recording(har: Path) -> None:
    text = har.read_text()
    for name in ("alice", "skaha.test", "node-0", "token-of"):
        assert name not in text.lower().replace("mockskaha.test", ""), name
    exchanges, notes = read_har(har)
    assert notes == {"skaha_version": "1.4", "wrote": True}
    ids = {e.text.strip() for e in exchanges if e.request.method == "POST" and e.status == 200 and e.body}
    assert ids
    assert all(session_id.startswith("s000") for session_id in ids)
    assert any(
        f"session {next(iter(ids))} not found" in e.text or next(iter(ids)) in e.url for e in exchanges
    )
    header_names = {name for exchange in exchanges for name, _ in (*exchange.headers, *exchange.sent)}
    assert "cookie" not in header_names
    assert all(value == "***" for e in exchanges for name, value in e.sent if name == "authorization")


def test_the_fake_answers_as_it_has_answered(har: Path) -> None:
    exchanges, _ = read_har(har)
    results = list(Replay(exchanges, era()).results())
    assert len(results) == len(exchanges) > 80
    assert [(result.title, result.reason) for result in results if result.outcome != "passed"] == []


def test_the_version_is_told_from_a_recording(har: Path) -> None:
    exchanges, _ = read_har(har)
    assert detected(Memory("", exchanges), Stage()).version == "1.4"


def test_sessions_that_were_there_are_put_into_the_fake() -> None:
    client = service()
    skaha = Skaha(client, era(), Stage(run="r"))
    skaha.launch("mine", "notebook", cores="2", ram="16")
    skaha.launch("other", "headless", cmd="sleep", args="900")
    client.pause(600)
    skaha = Skaha(client, era(), Stage())
    (found, _) = skaha.sessions()
    skaha.session(found["id"])
    results = list(Replay(skaha.exchanges, era()).results())
    assert [(result.title, result.reason) for result in results if result.outcome != "passed"] == []


Change = Callable[[Exchange], Exchange]


def with_body(path: str, old: str, new: str) -> Change:
    def change(exchange: Exchange) -> Exchange:
        if exchange.request.path == path and exchange.request.caller == "owner" and old in exchange.text:
            return dataclasses.replace(exchange, body=exchange.text.replace(old, new).encode())
        return exchange

    return change


def other_status(exchange: Exchange) -> Exchange:
    is_it = exchange.request.path.endswith("z9q8mockskaha?view=events")
    return dataclasses.replace(exchange, status=200) if is_it else exchange


def without_allow(exchange: Exchange) -> Exchange:
    return dataclasses.replace(
        exchange, headers=tuple(pair for pair in exchange.headers if pair[0] != "allow")
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (other_status, "status: recorded 200; the fake 404"),
        (without_allow, "header allow: recorded absent; the fake GET, POST, DELETE"),
        (
            with_body("/v1/image?type=banana", "unknown type", "no such type"),
            "text: recorded 'no such type: banana",
        ),
        (with_body("/v1/context", "{", "{ "), "laid out compact: recorded False; the fake True"),
        (
            with_body("/v1/session", '"isFixedResources": true', '"isFixedResources": false'),
            "[notebook].isFixedResources: recorded False; the fake True",
        ),
        (
            with_body("/v1/session", '"requestedRAM": "1.07"', '"requestedRAM": "1G"'),
            "requestedRAM: recorded 1G",
        ),
        (with_body("/v1/session?view=stats", "cpuCoresAvailable", "coresFree"), "fields of cores: recorded"),
        (
            with_body("/v1/session", '"status": "Running"', '"status": "Terminating"'),
            "status of the session: recorded",
        ),
    ],
)
def test_what_is_different_is_told(har: Path, change: Change, told: str) -> None:
    exchanges, _ = read_har(har)
    failed = [r for r in Replay([change(e) for e in exchanges], era()).results() if r.outcome == "failed"]
    assert any(told in result.reason for result in failed), [result.reason for result in failed]


def test_a_recording_is_not_overwritten_unasked(har: Path, shell: Shell) -> None:  # noqa: F811 - the fixture
    words = ("record", "http://skaha.test/skaha", "--token", "token-of-alice", "--out", str(har))
    run = shell(*words)
    assert run.exit_code == 2
    assert "--force" in run.stderr
    assert shell(*words, "--force").exit_code == 0


def test_a_recording_is_replayed_by_the_command(har: Path, shell: Shell) -> None:  # noqa: F811 - the fixture
    run = shell("verify", "--replay", str(har))
    assert run.exit_code == 0, run.output
    assert "0 failed" in run.output
    har.write_text(har.read_text().replace("unknown type: banana", "no such type"))
    run = shell("verify", "--replay", str(har), "--json")
    assert run.exit_code == 1
    assert json.loads(run.stdout)["summary"]["failed"] == 1


@pytest.mark.parametrize("text", ["", "[]", '{"log": {}}', '{"log": {"entries": [{}]}}', "\xff"])
def test_what_is_no_archive_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.har"
    path.write_text(text)
    with pytest.raises(UnreadableArchive, match="is no HTTP archive"):
        read_har(path)


def test_an_archive_of_a_browser_can_be_read(tmp_path: Path) -> None:
    entry = {
        "request": {
            "method": "GET",
            "url": "https://ws-uv.canfar.net/skaha/v1/image?type=banana",
            "headers": [{"name": "Authorization", "value": "Bearer x"}],
        },
        "response": {
            "status": 400,
            "headers": [
                {"name": "Content-Type", "value": "text/plain"},
                {"name": "x-vo-authenticated", "value": "me"},
            ],
            "content": {"text": "unknown type: banana\n"},
        },
    }
    path = tmp_path / "browser.har"
    path.write_text(json.dumps({"log": {"entries": [entry]}}))
    exchanges, notes = read_har(path)
    assert (exchanges[0].request, notes) == (Request("GET", "/v1/image?type=banana"), {})
    (result,) = Replay(exchanges, era()).results()
    assert (result.outcome, result.reason) == ("passed", "")


SECRETS = st.text(st.sampled_from("abcXYZ019.-_="), min_size=8, max_size=40)


@given(st.lists(SECRETS, min_size=1, max_size=3), st.text(max_size=40), st.text(max_size=40))
def test_a_secret_is_in_no_text(secrets: list[str], before: str, after: str) -> None:
    scrubber = Scrubber(secrets)
    for secret in secrets:
        for text in (f"{before} {secret} {after}", f"Bearer {secret}", f"/x?token={secret}&b", f'"{secret}"'):
            assert secret not in scrubber.text(text)
    assert scrubber.headers((("Authorization", "x"), ("Cookie", "y"))) == (
        ("Authorization", "***"),
        ("Cookie", "***"),
    )
