"""Every operation of the control API, explored: examples, the edges of every constraint, random data, wrong data.

``MOCKSKAHA_DEEP=7`` explores twenty times as much, from the seed 7.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
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
from mockskaha.seed import seed_of
from tests.mockskaha.control.conftest import IMAGE

pytestmark = pytest.mark.evidence("our own control API")

DEEP = os.environ.get("MOCKSKAHA_DEEP")
SESSION = {"user": "alice", "name": "n", "image": IMAGE, "cmd": "sleep", "args": "1000000"}


@pytest.fixture(autouse=True)
def no_words_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis tries literals of the modules that are loaded: what is tried would change with any of them."""
    monkeypatch.setattr(providers, "_get_local_constants", Constants)


@dataclass
class Exploration:
    """What came of it."""

    failures: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    wrong: set[str] = field(default_factory=set)
    """Answers that the document does not know."""
    heard: dict[str, set[int]] = field(default_factory=dict)
    """The statuses of each operation."""
    links: set[str] = field(default_factory=set)
    """The names of links that were followed, with what was asked before, to something that is there."""


def explored(document: dict[str, Any], profile: dict[str, Any]) -> Exploration:
    seed = seed_of({"sessions": [SESSION]})
    host = Host(Settings.model_validate({"clock": "manual", "cluster": {"nodes": [
        {"name": "n", "count": 2, "cores": 8, "ram_gib": 32}
    ]}}), "http://127.0.0.1", seed=seed)  # fmt: skip
    schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig.from_dict(profile))
    schema.app = Server(host)
    validator = ResponseValidator(load_document(CONTROL))
    found = Exploration()
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            found.errors.append(str(event))
        if isinstance(event, events.ScenarioFinished):
            note(event.recorder, validator, found)
    assert not found.errors, "\n".join(found.errors)
    assert not found.failures, "\n\n".join(sorted(found.failures)[:10])
    assert not found.wrong, "\n".join(sorted(found.wrong)[:10])
    return found


def note(recorder: Any, validator: ResponseValidator, found: Exploration) -> None:
    for checks in recorder.checks.values():
        for check in checks:
            if (info := check.failure_info) is not None:
                told = f"{check.name}: {info.failure.operation}: {info.failure}\n{info.code_sample}"
                found.failures.add(told)
    for case_id, case in recorder.cases.items():
        interaction = recorder.interactions.get(case_id)
        response = None if interaction is None else interaction.response
        if response is None:
            continue
        parts = urlsplit(interaction.request.uri)
        pairs = [(name, value) for name, values in response.headers.items() for value in values]
        try:
            name = validator.check(
                interaction.request.method, parts.path, response.status_code, pairs, response.content
            )
            found.heard.setdefault(name, set()).add(response.status_code)
        except ContractViolation as violation:
            found.wrong.add(str(violation))
        if case.is_transition_applied and (response.status_code < 300 or response.status_code == 409):
            found.links.add(re.sub(r" -> \[\d+\] (\w+) -> .*", r": \1", case.transition.id))


def profile(*, chains: bool) -> dict[str, Any]:
    """The settings of Schemathesis: chains of links alone, or all but these."""
    made = tomllib.loads(Path(__file__).with_name("schemathesis.toml").read_text())
    for phase in ("examples", "coverage", "fuzzing"):
        made["phases"].setdefault(phase, {})["enabled"] = not chains
    made["phases"]["stateful"]["enabled"] = chains
    if chains:
        made["generation"]["mode"] = "positive"
    if DEEP:
        made["seed"] = int(DEEP)
        made["generation"]["max-examples"] *= 20
        made["phases"]["stateful"]["generation"]["max-examples"] *= 20
    return made


def test_it_is_as_its_document_says() -> None:
    document = load_document(CONTROL)
    document["servers"] = document["servers"][:1]
    # A stream never ends, and of one that has, nothing can be asked: both have tests of their own.
    document["paths"]["/_mockskaha/events"]["get"]["responses"]["200"]["content"].pop("text/event-stream")
    heard = explored(document, profile(chains=False)).heard
    assert {operation.operation_id for operation in operations(document)} <= set(heard)
    accepting = {name for name, statuses in heard.items() if statuses & {200, 201, 204}}
    by_name = {operation["operationId"] for path, _, operation in definitions(document) if "{" in path}
    assert {operation.operation_id for operation in operations(document)} - accepting <= by_name | {
        "putSnapshot",
        "listEvents",
    }


ORIGINS = {"namespaces": 2, "nodes": 3, "faults": 2, "sessions": 3}
"""Where links begin, and how many."""


@pytest.mark.parametrize("origin", ORIGINS)
def test_what_is_made_or_listed_is_found_by_the_links_from_it(origin: str) -> None:
    """Looked at, changed, removed: every link is followed."""
    document = load_document(CONTROL)
    document["servers"] = document["servers"][:1]
    begin = f"/_mockskaha/{origin}"
    paths = {path: item for path, item in document["paths"].items() if path.startswith(begin)}
    document["paths"] = paths
    # Those that mean something, of all that could be said.
    document["components"]["schemas"]["Faults"] = {"enum": ["quota-full", "images-empty"]}
    document["components"]["schemas"]["NewNamespace"]["properties"].pop("seed")
    paths[begin].get("post", {}).get("requestBody", {}).get("content", {}).pop("application/yaml", None)
    paths[begin]["get"].pop("parameters", None)
    found = explored(document, profile(chains=True))
    assert found.links == {f"{method} {begin}: {name}" for method, name in links_of(paths[begin])}
    assert len(found.links) == ORIGINS[origin]


def test_there_are_links_wherever_a_name_is_told() -> None:
    paths = load_document(CONTROL)["paths"]
    assert {path for path, item in paths.items() if links_of(item)} == {
        f"/_mockskaha/{origin}" for origin in ORIGINS
    }


def links_of(item: dict[str, Any]) -> list[tuple[str, str]]:
    """Method and name of each link of a path."""
    return [
        (method.upper(), name)
        for method in item.keys() & {"get", "put", "post", "delete"}
        for response in item[method]["responses"].values()
        for name in response.get("links", ())
    ]
