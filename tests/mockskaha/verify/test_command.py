"""``mockskaha verify`` as it is typed: what it prints and writes, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

from mockskaha.cli import app
from mockskaha.verify import command_line
from mockskaha.verify.client import Client
from mockskaha.verify.har import read_har
from tests.mockskaha.verify.conftest import Alter, service
from tests.mockskaha.verify.test_mutations import unallowed
from tests.mockskaha.verify.test_verification import sessions_of

pytestmark = pytest.mark.evidence("a tool of our own, no behaviour of the service")

URL = "http://skaha.test/skaha/v1"


class Shell:
    """Types commands at a service of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.alter: Alter | None = None
        self.settings: dict[str, Any] = {}
        self.clients: list[Client] = []
        monkeypatch.setattr(command_line, "client_of", self._client)
        for name in ("CANFAR_URL", "CANFAR_TOKEN", "CANFAR_TOKEN2"):
            monkeypatch.delenv(name, raising=False)

    def _client(self, root: str, tokens: Any, rate: float | None, timeout: float) -> Client:
        client = service(self.alter, **self.settings)
        client._tokens |= tokens
        client.close = lambda: None  # type: ignore[method-assign]
        self.clients.append(client)
        return client

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(app, [*words])

    def verify(self, *words: str) -> Result:
        return self("verify", URL, "--token", "token-of-alice", *words)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(monkeypatch)


def test_all_is_well(shell: Shell) -> None:
    run = shell.verify()
    assert run.exit_code == 0, run.output
    assert "Skaha 1.4: " in run.output
    assert "0 failed" in run.output
    assert "32 more: launches sessions (--write)" not in run.output
    assert "launches sessions (--write)" in run.output


def test_with_write_everything_is_checked_and_removed(shell: Shell) -> None:
    run = shell.verify("--write", "--user2-token", "token-of-bob")
    assert run.exit_code == 0, run.output
    assert "--write" not in run.output
    assert "--user2-token" not in run.output
    assert sessions_of(shell.clients[0]) == []


def test_an_older_server_is_checked_as_what_it_is(shell: Shell) -> None:
    shell.settings = {"skaha_version": "0.29"}
    run = shell.verify("--write", "--user2-token", "token-of-bob")
    assert run.exit_code == 0, run.output
    assert "Skaha 0.29: " in run.output
    assert "0 failed" in run.output
    assert shell.verify("--skaha-version", "1.4").exit_code == 1


def test_a_failure_is_shown_with_a_command_that_asks_again(shell: Shell) -> None:
    shell.alter = unallowed
    run = shell.verify("--only", "methods.*")
    assert run.exit_code == 1
    assert "methods.allow" in run.output
    assert "curl -i -X PUT -H 'Authorization: Bearer ***' http://skaha.test/skaha/v1/session" in run.output
    assert "HTTP 405" in run.output
    assert "token-of-alice" not in run.output


def test_the_versions_that_answer_like_that_are_named(shell: Shell) -> None:
    run = shell.verify("--skaha-version", "1.1", "--only", "refusals.decimals")
    assert run.exit_code == 1
    assert "Skaha 1.2, 2026.1, 1.4 answers like that; this was checked as 1.1" in run.output


def test_as_json(shell: Shell) -> None:
    shell.alter = unallowed
    run = shell.verify("--json", "--only", "methods.allow")
    assert run.exit_code == 1
    told = json.loads(run.stdout)
    assert (told["skaha_version"], told["left"]) == ("1.4", {})
    assert told["summary"]["failed"] >= 1
    (failed,) = (item for item in told["results"] if item["id"] == "methods.allow")
    assert failed["answer"]["status"] == 405
    assert "Bearer ***" in failed["replay"]


def test_files_are_written_without_secrets(shell: Shell, tmp_path: Path) -> None:
    har, junit = tmp_path / "run.har", tmp_path / "run.xml"
    run = shell.verify("--write", "--har", str(har), "--junit", str(junit))
    assert run.exit_code == 0, run.output
    for path in (har, junit):
        assert "token-of-alice" not in path.read_text()
    exchanges, _ = read_har(har)
    assert len(exchanges) > 200
    notebook = next(e for e in exchanges if '"type": "notebook"' in e.text and "lab/tree" in e.text)
    assert "?token=***" in notebook.text
    suites = ElementTree.parse(junit).getroot()
    assert {suite.get("name") for suite in suites} >= {"service", "lifecycle", "contract"}
    assert sum(int(suite.get("tests") or 0) for suite in suites) > 100
    assert sum(int(suite.get("failures") or 0) for suite in suites) == 0


def test_failures_are_in_the_xml(shell: Shell, tmp_path: Path) -> None:
    shell.alter = unallowed
    junit = tmp_path / "run.xml"
    assert shell.verify("--only", "methods.allow", "--junit", str(junit)).exit_code == 1
    failure = ElementTree.parse(junit).find(".//testcase[@name='methods.allow']/failure")
    assert failure is not None
    assert "Allow is None" in str(failure.get("message"))
    assert "curl -i -X PUT" in str(failure.text)


def test_an_interrupt_removes_everything_and_writes_the_files(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mockskaha.verify.skaha import Skaha

    running = Skaha.running

    def interrupted(self: Skaha, what: str) -> dict[str, Any]:
        running(self, what)
        raise KeyboardInterrupt

    monkeypatch.setattr(Skaha, "running", interrupted)
    har = tmp_path / "run.har"
    run = shell.verify("--write", "--only", "lifecycle.*", "--har", str(har))
    assert run.exit_code == 130
    assert sessions_of(shell.clients[0]) == []
    assert har.exists()


def test_checks_can_be_listed_without_a_server(shell: Shell) -> None:
    run = shell("verify", "--list", "--only", "isolation.*")
    assert run.exit_code == 0
    assert "isolation.get" in run.output
    assert "second user" in run.output
    listed = json.loads(shell("verify", "--list", "--json").stdout)
    assert {"id": "lifecycle.delete", "needs": "write"}.items() <= next(
        item for item in listed if item["id"] == "lifecycle.delete"
    ).items()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("verify",), "there is no server"),
        (("verify", URL), "there is no token"),
        (("verify", "skaha", "--token", "x"), "no address of a server"),
        (("verify", URL, "--token", "x", "--skaha-version", "7"), "unknown version of Skaha '7'"),
        (("verify", URL, "--token", "x", "--only", "banana.*"), "no check is called banana.*"),
        (("verify", URL, "--token", "x", "--junit", "nowhere/at/all.xml"), "there is no such folder"),
        (("verify", "--replay", "nothing.har"), "No such file"),
        (("record", URL, "--token", "x"), "--out FILE.har"),
        (("record", URL, "--out", "x.har"), "there is no token"),
    ],
)
def test_wrong_usage_is_2_and_says_what_to_do(shell: Shell, words: tuple[str, ...], told: str) -> None:
    run = shell(*words)
    assert run.exit_code == 2
    assert told in run.stderr
    assert shell.clients == []


@pytest.mark.parametrize("name", ["verify", "record"])
def test_nobody_there_is_4(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.undo()
    out = ["--out", str(tmp_path / "x.har")] if name == "record" else []
    run = CliRunner().invoke(app, [name, "http://127.0.0.1:1/skaha", "--token", "x", *out])
    assert run.exit_code == 4
    assert "Connection refused" in run.stderr


def test_certificates_that_are_not_there_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nothing.pem"))
    run = CliRunner().invoke(app, ["verify", "https://127.0.0.1:1/skaha", "--token", "x"])
    assert run.exit_code == 2
    assert "SSL_CERT_FILE" in run.stderr


@pytest.mark.parametrize("name", ["verify", "record"])
def test_a_token_that_is_refused_is_told_at_once(shell: Shell, tmp_path: Path, name: str) -> None:
    out = ["--out", str(tmp_path / "x.har")] if name == "record" else []
    run = shell(name, URL, "--token", "unknown", *out)
    assert run.exit_code == 2
    assert "error: the server refuses the token: 401 Invalid JWT token" in run.stderr
