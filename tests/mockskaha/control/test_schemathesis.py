"""Every operation of the control API, explored: examples, the edges of every constraint, random data, wrong data.

``MOCKSKAHA_DEEP=7`` explores twenty times as much, from the seed 7.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import schemathesis
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from mockskaha.config import Settings
from mockskaha.contract import ContractViolation, ResponseValidator, load_document, operations
from mockskaha.contract.document import CONTROL, definitions
from mockskaha.host import Host, Server
from tests.mockskaha.control.conftest import IMAGE

pytestmark = pytest.mark.evidence("our own control API")

DEEP = os.environ.get("MOCKSKAHA_DEEP")
SESSION = {"user": "alice", "name": "n", "image": IMAGE, "cmd": "sleep", "args": "1000000"}


@pytest.fixture(autouse=True)
def no_words_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis tries literals of the modules that are loaded: what is tried would change with any of them."""
    monkeypatch.setattr(providers, "_get_local_constants", Constants)


def test_it_is_as_its_document_says() -> None:
    host = Host(Settings.model_validate({"clock": "manual", "cluster": {"nodes": [
        {"name": "n", "count": 2, "cores": 8, "ram_gib": 32}
    ]}}), "http://127.0.0.1")  # fmt: skip
    profile = tomllib.loads(Path(__file__).with_name("schemathesis.toml").read_text())
    if DEEP:
        profile["seed"] = int(DEEP)
        profile["generation"]["max-examples"] *= 20
    document = load_document(CONTROL)
    document["servers"] = document["servers"][:1]
    # A stream never ends, and of one that has, nothing can be asked: both have tests of their own.
    document["paths"]["/_mockskaha/events"]["get"]["responses"]["200"]["content"].pop("text/event-stream")
    schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig.from_dict(profile))
    schema.app = Server(host)
    validator = ResponseValidator(load_document(CONTROL))
    failures, errors, wrong, heard = set(), [], set(), {}
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            errors.append(str(event))
        if not isinstance(event, events.ScenarioFinished):
            continue
        for checks in event.recorder.checks.values():
            for check in checks:
                if check.failure_info is not None:
                    info = check.failure_info
                    failures.add(
                        f"{check.name}: {info.failure.operation}: {info.failure}\n{info.code_sample}"
                    )
        for interaction in event.recorder.interactions.values():
            response = interaction.response
            if response is None:
                continue
            parts = urlsplit(interaction.request.uri)
            pairs = [(name, value) for name, values in response.headers.items() for value in values]
            try:
                found = validator.check(
                    interaction.request.method, parts.path, response.status_code, pairs, response.content
                )
                heard.setdefault(found, set()).add(response.status_code)
            except ContractViolation as violation:
                wrong.add(str(violation))
    assert not errors, "\n".join(errors)
    assert not failures, "\n\n".join(sorted(failures)[:10])
    assert not wrong, "\n".join(sorted(wrong)[:10])
    assert {operation.operation_id for operation in operations(document)} <= set(heard)
    accepting = {name for name, statuses in heard.items() if statuses & {200, 201, 204}}
    by_name = {operation["operationId"] for path, _, operation in definitions(document) if "{" in path}
    assert {operation.operation_id for operation in operations(document)} - accepting <= by_name | {
        "putSnapshot",
        "listEvents",
    }
