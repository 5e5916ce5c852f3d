"""Every operation, explored: examples, the edges of every constraint, random data, and chains of links.

``MOCKSKAHA_DEEP=7`` explores twenty times as much, from the seed 7.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
import schemathesis
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from starlette.types import Receive, Scope, Send

from mockskaha.config import Settings
from mockskaha.contract import ContractViolation, ResponseValidator, load_document, operations
from mockskaha.http.app import create_app
from mockskaha.platform import Platform
from mockskaha.verify.explore import configuration
from mockskaha.verify.narrowing import Transport, split_transports

pytestmark = pytest.mark.evidence("skaha-contract §1 to §8")

TOKEN = "token-of-alice"
STEP_SECONDS = 30.0
DEEP = os.environ.get("MOCKSKAHA_DEEP")
SETTINGS = Settings.model_validate(
    {
        "clock": "manual",
        "auth": {"mode": "strict", "tokens": [{"token": TOKEN, "user": "alice"}]},
        # What a request is answered must not depend on how many were made before.
        "sessions": {"max_interactive": 1_000_000},
    }
)


class PassingTime:
    """The service, where a moment passes before each request: sessions start and end as they do."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.app = create_app(platform)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.platform.advance(STEP_SECONDS)
        await self.app(scope, receive, send)


@dataclass
class Exploration:
    """What came of it."""

    transport: str
    failures: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    links: set[str] = field(default_factory=set)
    """The names of links that were followed, with what was answered before, to a 200."""
    interactions: list[tuple[Any, Any]] = field(default_factory=list)
    """Request and response."""


def document_for(transport: Transport) -> dict[str, Any]:
    """The contract, narrowed to this world: its images, one way to say who calls, one to pass parameters."""
    document = load_document()
    schemas = document["components"]["schemas"]
    schemas["LaunchImage"] = {
        "type": "string",
        "enum": [image.id for image in SETTINGS.images if image.public],
    }
    if transport == "query":
        # Desktops alone, or hardly a chain of links would come to an app.
        schemas["LaunchType"] = {"type": "string", "enum": ["desktop"]}
        document["paths"]["/skaha/v1/session"]["post"]["x-required"].append("type")
    return split_transports(document, transport)


def explored(transport: Transport) -> Exploration:
    platform = Platform.from_settings(SETTINGS)
    more = 20 if DEEP else 1
    profile = configuration(seed=int(DEEP or 1), examples=10 * more, chains=60 * more)
    if transport == "query":
        # What the Python client does: everything in the query, nothing in a form.
        profile["headers"] = {"Content-Type": "application/x-www-form-urlencoded"}
    config = SchemathesisConfig.from_dict(profile)
    schema = schemathesis.openapi.from_dict(document_for(transport), config=config)
    schema.app = PassingTime(platform)
    found = Exploration(transport)
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            note(event.recorder, found)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            found.errors.append(str(event))
    return found


def note(recorder: Any, found: Exploration) -> None:
    for checks in recorder.checks.values():
        for check in checks:
            if check.failure_info is not None:
                failure = check.failure_info.failure
                if check.name == "use_after_free" and "view=logs" in check.failure_info.code_sample:
                    continue  # a session that is gone has an empty log (skaha-contract §2.9)
                found.failures.append(
                    f"{check.name}: {failure.operation}: {failure}\n{check.failure_info.code_sample}"
                )
    for case_id, case in recorder.cases.items():
        response = recorder.interactions[case_id].response if case_id in recorder.interactions else None
        if case.is_transition_applied and response is not None and response.status_code == 200:
            found.links.add(re.sub(r" -> \[200\] (\w+) -> .*", r": \1", case.transition.id))
    for interaction in recorder.interactions.values():
        if interaction.response is not None:
            found.interactions.append((interaction.request, interaction.response))


@pytest.fixture(autouse=True)
def no_words_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis tries literals of the modules that are loaded: what is tried would change with any of them."""
    monkeypatch.setattr(providers, "_get_local_constants", Constants)


# One test each, or the runner would explore once more for every process it spreads tests to.
@pytest.mark.parametrize("transport", ["form", "query"])
def test_the_service_is_as_the_contract_says(transport: Transport, subtests: pytest.Subtests) -> None:
    exploration = explored(transport)
    for check in (no_check_fails, every_answer_is_known, nobody_known_is_refused, links_were_followed):
        with subtests.test(check.__name__):
            check(exploration)


def no_check_fails(exploration: Exploration) -> None:
    assert not exploration.errors, "\n".join(exploration.errors)
    assert not exploration.failures, "\n\n".join(sorted(set(exploration.failures))[:10])


def every_answer_is_known(exploration: Exploration) -> None:
    """Each is one the contract knows, to the byte; and every operation has answered."""
    validator = ResponseValidator()
    wrong, heard = set(), set()
    for request, response in exploration.interactions:
        parts = urlsplit(request.uri)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        pairs = [(name, value) for name, values in response.headers.items() for value in values]
        try:
            heard.add(validator.check(request.method, path, response.status_code, pairs, response.content))
        except ContractViolation as violation:
            wrong.add(str(violation))
    assert not wrong, "\n".join(sorted(wrong)[:10])
    assert {operation.operation_id for operation in operations()} <= heard


def nobody_known_is_refused(exploration: Exploration) -> None:
    """A caller with a token is never taken for nobody: or else all could be well because all was refused."""
    statuses = [
        response.status_code
        for request, response in exploration.interactions
        if [f"Bearer {TOKEN}"]
        in (v for name, v in request.headers.items() if name.lower() == "authorization")
        and urlsplit(request.uri).path != "/ac/login"  # which asks for a password, whoever is calling
    ]
    assert len(statuses) > 500
    assert 401 not in statuses
    assert statuses.count(200) > len(statuses) / 4


def links_were_followed(exploration: Exploration) -> None:
    launch, app = "POST /skaha/v1/session", "POST /skaha/v1/session/{sessionID}/app"
    wanted = {f"{launch}: {name}" for name in ("session", "logs", "events", "renew", "delete", "apps")}
    if exploration.transport == "query":  # there are desktops
        wanted.add(f"{launch}: launchApp")
        # Which of the two a bounded walk takes is chance; the conversation tests take both.
        assert exploration.links & {f"{app}: app", f"{app}: delete"}
    assert wanted <= exploration.links, wanted - exploration.links
