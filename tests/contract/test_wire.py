"""The TypedDicts of the service and the schemas of the contract are one thing, field by field."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import TypeAdapter
from typing_extensions import is_typeddict

from mockskaha import wire
from mockskaha.contract import load_document
from mockskaha.contract.document import Document, resolve

pytestmark = pytest.mark.evidence("skaha-contract §2.1, §2.5, §2.8, §2.12, §2.13, §7, §8.6")

VIEWS = dict(inspect.getmembers(wire, is_typeddict))


def shape(document: Document, schema: Document) -> object:
    """What a schema says about names, their order, what is required, and types; nothing else."""
    schema = resolve(document, schema)
    if "anyOf" in schema:
        return frozenset(str(shape(document, item)) for item in schema["anyOf"])
    if schema.get("type") == "object" and "properties" in schema:
        required = schema.get("required", ())
        return [
            (name, name in required, shape(document, inner)) for name, inner in schema["properties"].items()
        ]
    if schema.get("type") == "object":
        return {"*": shape(document, schema["additionalProperties"])}
    if schema.get("type") == "array":
        return [shape(document, schema["items"])]
    literals = [schema["const"]] if "const" in schema else schema.get("enum")
    return schema["type"], literals


def wire_shape(view: type) -> object:
    generated: dict[str, Any] = TypeAdapter(view).json_schema()
    return shape(generated, generated)


def named_schemas(document: Document) -> dict[str, Any]:
    schemas = document["components"]["schemas"].values()
    return {schema["x-typed-dict"]: schema for schema in schemas if "x-typed-dict" in schema}


def check_wire(document: Document) -> None:
    """Gate: every TypedDict has its schema, and they agree."""
    schemas = named_schemas(document)
    assert set(VIEWS) == set(schemas)
    for name, view in VIEWS.items():
        assert wire_shape(view) == shape(document, schemas[name]), name


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_view_and_schema_agree(name: str) -> None:
    document = load_document()
    assert wire_shape(VIEWS[name]) == shape(document, named_schemas(document)[name])


def test_every_object_has_both() -> None:
    check_wire(load_document())


def test_objects_sent_have_no_fields_but_theirs() -> None:
    """Closed sets, except the user entry, whose members vary."""
    document = load_document()
    open_ended = {
        name for name, schema in named_schemas(document).items() if schema.get("additionalProperties", True)
    }
    assert open_ended == {
        "UserView",
        "UserEntryView",
        "InternalIDView",
        "IdentitiesView",
        "IdentityItemView",
        "IdentityNodeView",
        "TextNodeView",
    }


def renamed(schema: dict[str, Any], field: str) -> None:
    schema["properties"] = {
        f"{name}X" if name == field else name: inner for name, inner in schema["properties"].items()
    }


def retyped(schema: dict[str, Any], field: str) -> None:
    schema["properties"][field] = {"type": "null"}


def left_out(schema: dict[str, Any], field: str) -> None:
    del schema["properties"][field]


def made_optional_or_required(schema: dict[str, Any], field: str) -> None:
    required = set(schema["required"]) ^ {field}
    schema["required"] = sorted(required)


@pytest.mark.parametrize(
    "change", [renamed, retyped, left_out, made_optional_or_required], ids=lambda change: change.__name__
)
def test_the_gate_notices_any_property_that_is(change: Callable[[dict[str, Any], str], None]) -> None:
    """In a copy of the contract, one property of one schema at a time; none may pass unnoticed."""
    original = load_document()
    unnoticed = []
    for name, schema in named_schemas(original).items():
        for field in schema["properties"]:
            document = copy.deepcopy(original)
            altered = named_schemas(document)[name]
            change(altered, field)
            if wire_shape(VIEWS[name]) == shape(document, altered):
                unnoticed.append((name, field))
    assert unnoticed == []


def test_the_gate_notices_two_properties_in_the_other_order() -> None:
    document = load_document()
    session = named_schemas(document)["SessionView"]
    session["properties"] = {"userid": session["properties"].pop("userid"), **session["properties"]}
    with pytest.raises(AssertionError, match="SessionView"):
        check_wire(document)


def test_the_gate_notices_a_schema_without_its_view() -> None:
    document = load_document()
    del document["components"]["schemas"]["Health"]["x-typed-dict"]
    with pytest.raises(AssertionError):
        check_wire(document)
