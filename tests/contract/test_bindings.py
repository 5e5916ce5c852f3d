"""The server does what the contract says, and nothing else: operations, handlers and routes are one list."""

from __future__ import annotations

import copy
import re

import pytest

from mockskaha.contract import load_document
from mockskaha.contract.document import Document, definitions
from mockskaha.http.handlers import HANDLERS
from mockskaha.http.operations import ROUTES, Caller, resolve

pytestmark = pytest.mark.evidence("skaha-contract §1, §1.1")


def check_bindings(document: Document) -> None:
    """Gate: every operation has a handler and a route, every handler and route an operation."""
    paths = document["paths"]
    documented = {
        (operation["operationId"], method.upper(), path): operation
        for path, method, operation in definitions(document)
    }
    assert {operation_id for operation_id, _, _ in documented} == set(HANDLERS)
    routes = {(route.operation_id, route.method, route.path): route for route in ROUTES}
    assert set(routes) == set(documented)
    for key, operation in documented.items():
        route = routes[key]
        assert (route.caller is Caller.REQUIRED) == operation.get("x-identity", False), key
        assert (route.caller is not Caller.IGNORED) >= ("security" not in operation), key
        assert route.subpaths == paths[route.path].get("x-subpaths", False), key


def test_operations_handlers_and_routes_are_one_list() -> None:
    check_bindings(load_document())


def test_paths_and_methods_lead_to_their_operation() -> None:
    for route in ROUTES:
        path = re.sub(r"\{\w+\}", "x", route.path)
        target = resolve(route.method, path)
        assert target is not None
        assert target.operation_id == route.operation_id


def test_other_methods_are_refused_with_those_there_are() -> None:
    document = load_document()
    for path, item in document["paths"].items():
        target = resolve("PUT", re.sub(r"\{\w+\}", "x", path))
        assert target is not None
        assert target.operation_id == ""
        if "x-allow" in item:
            assert target.allow == ", ".join(item["x-allow"])


def test_the_gate_notices_every_operation_that_is_dropped() -> None:
    original = load_document()
    for path, method, operation in definitions(original):
        document = copy.deepcopy(original)
        del document["paths"][path][method]
        with pytest.raises(AssertionError):
            check_bindings(document)
        assert operation["operationId"] in HANDLERS


def test_the_gate_notices_every_operation_that_is_added_or_renamed() -> None:
    original = load_document()
    for path, method, _ in definitions(original):
        document = copy.deepcopy(original)
        document["paths"][path][method]["operationId"] += "Too"
        with pytest.raises(AssertionError):
            check_bindings(document)
    document = copy.deepcopy(original)
    document["paths"]["/skaha/v1/context"]["patch"] = {"operationId": "patchContext", "responses": {}}
    with pytest.raises(AssertionError):
        check_bindings(document)


def test_the_gate_notices_an_operation_that_lets_anybody_in() -> None:
    document = load_document()
    del document["paths"]["/skaha/v1/session"]["get"]["x-identity"]
    with pytest.raises(AssertionError, match="listSessions"):
        check_bindings(document)
