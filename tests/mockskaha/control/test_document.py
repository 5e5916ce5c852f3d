"""The control API does what its document says, and nothing else; and the gates that say so can be closed."""

from __future__ import annotations

import copy
import inspect
import re
from functools import cache
from typing import Any

import pytest
from openapi_spec_validator import validate
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from mockskaha import control
from mockskaha.config import Settings
from mockskaha.contract import ContractViolation, ResponseValidator, load_document
from mockskaha.contract.document import CONTROL, definitions, resolve
from mockskaha.control.app import control_app
from mockskaha.control.form import Form, Query, View
from mockskaha.control.handlers import HANDLERS
from mockskaha.control.problems import ErrorDetail, ErrorView, ProblemView
from mockskaha.host import Host
from mockskaha.seed import SeedSession, SeedState
from mockskaha.snapshot import ClockState, Snapshot
from skahasim.section import Section

pytestmark = pytest.mark.evidence("our own control API")

DOCUMENT = load_document(CONTROL)
NAMES_ALONE: dict[str, type[BaseModel]] = {
    "Seed": SeedState, "SeedSession": SeedSession, "Snapshot": Snapshot, "ClockState": ClockState,
}  # fmt: skip
"""Documents of their own: their values are described elsewhere, their keys are held to the models."""


@cache
def models() -> dict[str, type[BaseModel]]:
    """Every body there is, by the name of its schema."""
    import importlib
    import pkgutil

    found: dict[str, type[BaseModel]] = {
        item.__name__: item for item in (ErrorDetail, ErrorView, ProblemView)
    }
    for info in pkgutil.iter_modules(control.__path__):
        module = importlib.import_module(f"mockskaha.control.{info.name}")
        for name, item in inspect.getmembers(module, inspect.isclass):
            bases = (Form, View, Section)
            if issubclass(item, bases) and item not in bases and item.__module__ == module.__name__:
                found[name] = item
    return found


@cache
def generated() -> dict[str, Any]:
    """A document of the schemas that the models have."""
    _, made = models_json_schema(
        [(item, "serialization" if issubclass(item, View) else "validation") for item in models().values()],
        ref_template="#/components/schemas/{model}",
    )
    return {"components": {"schemas": made["$defs"]}}


def shape(node: Any, document: dict[str, Any]) -> Any:
    """What a schema says about names, what is required, types and alternatives; bounds and texts left out."""
    node = resolve(document, node)
    if "anyOf" in node and "properties" not in node:
        return frozenset(str(shape(item, document)) for item in node["anyOf"])
    if "properties" in node:
        required = set(node.get("required", ()))
        return sorted(
            (name, name in required, shape(inner, document)) for name, inner in node["properties"].items()
        )
    if node.get("type") == "object":
        inner = node.get("additionalProperties", True)
        return {"*": shape(inner, document) if isinstance(inner, dict) else inner}
    if node.get("type") == "array":
        return [shape(node["items"], document)]
    literals = [node["const"]] if "const" in node else node.get("enum")
    return node.get("type", "string" if literals else None), tuple(literals or ())


def check_bindings(document: dict[str, Any]) -> None:
    """Gate: every operation has a handler and a route, every handler and route an operation."""
    wanted = {
        (operation["operationId"], method.upper(), path) for path, method, operation in definitions(document)
    }
    assert {operation_id for operation_id, _, _ in wanted} == set(HANDLERS)
    app = control_app(Host(Settings(clock="manual"), "http://x"), document=document)
    served = {
        (route.operation_id, method, route.path)
        for route in app.fastapi.routes
        for method in getattr(route, "methods", ())
    }
    assert served == wanted


def check_models(document: dict[str, Any]) -> None:
    """Gate: models and schemas are the same, field by field."""
    schemas = document["components"]["schemas"]
    found, whole = models(), generated()
    assert set(schemas) == {*found, *NAMES_ALONE, "Span"}
    for name in found:
        if name == "ProfileChange":  # a profile is described in a document of its own
            assert set(schemas[name]["properties"]) == set(found[name].model_fields)
            continue
        assert shape(schemas[name], document) == shape(whole["components"]["schemas"][name], whole), name
        assert schemas[name]["additionalProperties"] is False, name
    for name, model in NAMES_ALONE.items():
        fields = model.model_fields
        assert set(schemas[name]["properties"]) == set(fields), name
        required = {key for key, item in fields.items() if item.is_required()}
        assert required <= set(schemas[name].get("required", ())), name


def test_it_is_valid_openapi_and_every_reference_is_used() -> None:
    validate(DOCUMENT)
    text = str(DOCUMENT)
    components = [
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "responses")
        for name in DOCUMENT["components"][kind]
    ]
    stray = {path for path in components if f"'{path}'" not in text}
    assert stray == {"#/components/responses/NoSuchPage", "#/components/responses/MethodNotAllowed"}


def test_every_operation_is_described_and_says_how_it_refuses() -> None:
    for path, method, operation in definitions(DOCUMENT):
        assert operation["summary"]
        assert set(operation["tags"]) <= {tag["name"] for tag in DOCUMENT["tags"]}
        guarded = operation.get("security") != []
        assert ({"401", "403"} <= set(operation["responses"])) == guarded, operation["operationId"]
        if method in ("post", "put"):
            assert {"400", "413", "415"} <= set(operation["responses"]), operation["operationId"]
        assert not any(status in operation["responses"] for status in ("422", "500")), path


def test_operations_handlers_and_routes_are_one_list() -> None:
    check_bindings(load_document(CONTROL))


def test_models_and_schemas_are_one_thing() -> None:
    check_models(load_document(CONTROL))


def test_filters_are_the_parameters_of_their_operations() -> None:
    from mockskaha.control.events import EventFilter
    from mockskaha.control.requests import RequestFilter
    from mockskaha.control.sessions import SessionFilter

    operations = {operation["operationId"]: operation for _, _, operation in definitions(DOCUMENT)}
    filters: dict[str, type[Query]] = {
        "listEvents": EventFilter, "listRequests": RequestFilter, "listSessions": SessionFilter,
    }  # fmt: skip
    for operation_id, operation in operations.items():
        told = {item["name"]: item for item in operation.get("parameters", ())}
        fields = filters[operation_id].model_fields if operation_id in filters else {}
        assert set(told) == set(fields), operation_id
        for name, item in told.items():
            assert item["schema"].get("default") == fields[name].default, (operation_id, name)


def test_the_gates_notice_every_operation_that_is_dropped_added_or_renamed() -> None:
    for path, method, _ in definitions(DOCUMENT):
        dropped, renamed = copy.deepcopy(DOCUMENT), copy.deepcopy(DOCUMENT)
        del dropped["paths"][path][method]
        renamed["paths"][path][method]["operationId"] += "Too"
        for document in (dropped, renamed):
            with pytest.raises((AssertionError, KeyError)):
                check_bindings(document)


def test_the_gates_notice_every_property_that_is_dropped_renamed_or_of_another_type() -> None:
    changed = 0
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for key in schema.get("properties", ()):
            for change in ("drop", "rename", "type"):
                if change == "type" and (name in NAMES_ALONE or name == "ProfileChange"):
                    continue
                document = {"components": {"schemas": dict(DOCUMENT["components"]["schemas"])}}
                document["components"]["schemas"][name] = changing = copy.deepcopy(schema)
                properties = changing["properties"]
                if change == "drop":
                    del properties[key]
                elif change == "rename":
                    properties[f"{key}_"] = properties.pop(key)
                else:
                    properties[key] = {"type": "null"}
                changed += 1
                with pytest.raises(AssertionError):
                    check_models(document)
    assert changed > 300


def test_the_gates_notice_an_answer_that_is_not_in_the_document(client) -> None:
    document = copy.deepcopy(DOCUMENT)
    del document["paths"]["/_mockskaha/clock"]["put"]["responses"]["400"]
    client.validator = ResponseValidator(document)
    with pytest.raises(ContractViolation, match=r"setClock.*400.*not documented"):
        client.ask("PUT", "clock", {"mode": "sundial"})
    document["components"]["schemas"]["ClockView"]["properties"]["now"] = {"type": "number"}
    client.validator = ResponseValidator(document)
    with pytest.raises(ContractViolation, match=r"getClock.*now"):
        client.ask("GET", "clock")


def test_the_document_is_served_byte_for_byte(client) -> None:
    from pathlib import Path

    answer = client.ask("GET", "openapi.yaml")
    assert answer.body == (Path(__file__).parents[3] / "openapi" / "control.yaml").read_bytes()


def test_the_index_leads_everywhere(client) -> None:
    for namespace in ("", "a"):
        index = client.get("", namespace=namespace)
        gettable = {
            path.removeprefix("/_mockskaha/")
            for path, method, _ in definitions(DOCUMENT)
            if method == "get" and "{" not in path
        } - {""}
        assert set(index["links"]) == gettable
        for url in index["links"].values():
            answer = client.send("GET", re.sub(r"^http://[^/]+", "", url))
            assert answer.status == 200, url
    assert client.send("GET", "/_mockskaha").status == 200
