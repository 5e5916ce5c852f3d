"""The contract file by itself: valid, sourced, and every text in it shown by an example."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator import validate

from mockskaha.contract import document_bytes, load_document, operations
from mockskaha.contract.addresses import Addresses
from mockskaha.contract.document import definitions, resolve
from mockskaha.contract.layout import misplaced_field

pytestmark = pytest.mark.evidence("skaha-contract §1 to §8, the file that states them")

DOCUMENT = load_document()
OPERATIONS = {operation["operationId"]: (path, operation) for path, _, operation in definitions(DOCUMENT)}
SOURCE = re.compile(r"skaha-contract §[1-8]\S*( |$)")


def conforms(schema: dict[str, Any], value: object) -> bool:
    whole = {"allOf": [schema], "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft202012Validator(whole).is_valid(value)


def nodes(node: object, place: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every mapping in the document, with where it is."""
    if isinstance(node, dict):
        yield place, node
        for name, inner in node.items():
            yield from nodes(inner, f"{place}/{name}")
    elif isinstance(node, list):
        for number, inner in enumerate(node):
            yield from nodes(inner, f"{place}/{number}")


def contents() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Place, media type and definition of everything that is answered."""
    for place, node in nodes(DOCUMENT):
        if re.search(r"/responses/\w+$", place):
            for media_type, definition in node.get("content", {}).items():
                yield place, media_type, definition


def alternatives(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schemas of which a text has to match one."""
    schema = dict(resolve(DOCUMENT, schema))
    if "anyOf" in schema:
        for alternative in schema["anyOf"]:
            yield from alternatives(alternative)
    else:
        yield schema


def test_it_is_valid_openapi() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert DOCUMENT["info"]["version"] == "1.4.0"


def test_it_means_the_same_in_json() -> None:
    """No dates, no numbers or truth values for names: what YAML alone understands, other tools do not."""
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT
    assert [place for place, node in nodes(DOCUMENT) for name in node if not isinstance(name, str)] == []


def test_the_file_of_the_checkout_is_served_as_it_is() -> None:
    assert document_bytes() == (Path(__file__).parents[2] / "openapi" / "skaha.yaml").read_bytes()


def test_every_reference_leads_somewhere_and_every_component_is_referred_to() -> None:
    stray = {"#/components/responses/MethodNotAllowed"}
    referred = {node["$ref"] for _, node in nodes(DOCUMENT) if isinstance(node.get("$ref"), str)}
    for reference in referred:
        resolve(DOCUMENT, {"$ref": reference})
    components = {
        f"#/components/{kind}/{name}"
        for kind, named in DOCUMENT["components"].items()
        for name in named
        if kind != "securitySchemes"
    }
    assert components - referred == stray
    schemes = {name for scheme in DOCUMENT["security"] for name in scheme}
    assert schemes == set(DOCUMENT["components"]["securitySchemes"])


def test_every_operation_says_where_it_is_known_from() -> None:
    assert [op.operation_id for op in operations(DOCUMENT) if not SOURCE.match(op.source)] == []


def test_every_schema_and_response_says_where_it_is_known_from_and_what_it_is() -> None:
    components = DOCUMENT["components"]
    silent = [
        name
        for kind in ("schemas", "responses")
        for name, component in components[kind].items()
        if not SOURCE.match(component.get("x-source", "")) or "description" not in component
    ]
    assert silent == []


def test_operations_are_named_once_and_sorted_under_known_tags() -> None:
    found = operations(DOCUMENT)
    assert len({operation.operation_id for operation in found}) == len(found) == 37
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    for _, operation in OPERATIONS.values():
        assert set(operation["tags"]) <= tags
        assert operation["summary"]


def test_path_parameters_are_those_of_the_template() -> None:
    for path, _, operation in definitions(DOCUMENT):
        declared = [*DOCUMENT["paths"][path].get("parameters", ()), *operation.get("parameters", ())]
        names = {
            parameter["name"]
            for parameter in (resolve(DOCUMENT, item) for item in declared)
            if parameter["in"] == "path"
        }
        assert names == set(re.findall(r"\{(\w+)\}", path))


def test_links_lead_to_operations_and_to_parameters_they_have() -> None:
    links = [
        (operation_id, link)
        for operation_id, (_, operation) in OPERATIONS.items()
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]
    assert len(links) == 9
    for operation_id, link in links:
        path, target = OPERATIONS[link["operationId"]]
        declared = [*DOCUMENT["paths"][path].get("parameters", ()), *target.get("parameters", ())]
        known = {f"{p['in']}.{p['name']}" for p in (resolve(DOCUMENT, item) for item in declared)}
        assert set(link["parameters"]) <= known, (operation_id, link)
        wanted = {f"path.{name}" for name in re.findall(r"\{(\w+)\}", path)}
        assert wanted <= set(link["parameters"]), (operation_id, link)


def test_required_parameters_are_in_the_query_and_in_the_form() -> None:
    for _, operation in OPERATIONS.values():
        for name in operation.get("x-required", ()):
            forms = operation["requestBody"]["content"].values()
            assert all(name in resolve(DOCUMENT, form["schema"])["properties"] for form in forms)
            query = {parameter.get("name") for parameter in operation.get("parameters", ())}
            assert not query or name in query


def test_every_example_of_an_answer_conforms_to_its_schema_in_the_order_of_its_fields() -> None:
    shown = 0
    for place, media_type, definition in contents():
        for name, example in definition.get("examples", {}).items():
            shown += 1
            value = example["value"]
            assert conforms(definition["schema"], value), f"{place}, {media_type}, {name}"
            fitting = [s for s in alternatives(definition["schema"]) if conforms(s, value)]
            assert any(misplaced_field(DOCUMENT, schema, value) is None for schema in fitting), (place, name)
    assert shown > 100


def test_every_text_is_shown_by_an_example() -> None:
    """No pattern that nothing matches: each alternative of an error is told with its exact bytes."""
    hidden = [
        (place, schema["pattern"])
        for place, media_type, definition in contents()
        if media_type.startswith("text/plain")
        for schema in alternatives(definition["schema"])
        if "pattern" in schema
        and not any(conforms(schema, example["value"]) for example in definition.get("examples", {}).values())
    ]
    assert hidden == []


def test_examples_of_parameters_conform_to_their_schemas() -> None:
    shown = 0
    for place, node in nodes(DOCUMENT):
        schema = resolve(DOCUMENT, node["schema"]) if isinstance(node.get("schema"), dict) else {}
        for value in (*schema.get("examples", ()), *([node["example"]] if "example" in node else [])):
            shown += 1
            assert conforms(dict(schema), value), place
    assert shown > 20


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/skaha/v1/session", "/skaha/v1/session"),
        ("/skaha/v1/session/", "/skaha/v1/session/{sessionID}"),
        ("/skaha/v1/session/kx3w9q2d", "/skaha/v1/session/{sessionID}"),
        ("/skaha/v1/session/kx3w9q2d/", "/skaha/v1/session/{sessionID}"),
        ("/skaha/v1/session/kx3w9q2d/app", "/skaha/v1/session/{sessionID}/app"),
        ("/skaha/v1/session/kx3w9q2d/banana/", "/skaha/v1/session/{sessionID}/app"),
        ("/skaha/v1/session/kx3w9q2d/app/t4x", "/skaha/v1/session/{sessionID}/app/{appID}"),
        ("/skaha/v1/session/a/b/c/d", "/skaha/v1/session/{sessionID}/app/{appID}"),
        ("/skaha/v1/image/whatever", "/skaha/v1/image"),
        ("/skaha/v1/imagery", None),
        ("/skaha/v0/session", None),
        ("/session/notebook/kx3w9q2d/lab/tree/x", "/session/{kind}/{sessionID}"),
        ("/session/notebook/", None),
        ("/skaha", "/skaha"),
        ("/skaha/", "/skaha/"),
    ],
)
@pytest.mark.evidence("skaha-contract §1.1")
def test_further_spellings_of_a_path_reach_the_same_operation(path: str, template: str | None) -> None:
    assert Addresses(DOCUMENT).template(path) == template
