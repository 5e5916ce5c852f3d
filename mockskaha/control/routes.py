"""Which operation a request asks for, read from the document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mockskaha.contract.document import CONTROL, definitions, load_document, resolve

MOST_BODY_BYTES = 1 << 20
"""Where the document has no ``x-most-bytes``."""


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of ``openapi/control.yaml``."""

    operation_id: str
    method: str
    path: str
    of_server: bool
    """It concerns the server and none of its namespaces, and answers at the root alone."""
    for_everybody: bool
    """No guard asks who calls."""
    media_types: tuple[str, ...]
    """Those a body may have; none when it takes no body."""
    query: frozenset[str]
    most_bytes: int


class Routes:
    """All operations. Raises ``FileNotFoundError`` when it was installed without its document."""

    def __init__(self, document: Mapping[str, Any] | None = None) -> None:
        self.document = load_document(CONTROL) if document is None else document
        self._exact: dict[str, dict[str, Route]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Route]]] = []
        for path, method, operation in definitions(self.document):
            route = self._route(path, method, operation)
            if path not in self._exact:
                self._exact[path] = {}
                if "{" in path:
                    pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))
                    self._patterns.append((pattern, self._exact[path]))
            self._exact[path][route.method] = route

    def __iter__(self) -> Iterator[Route]:
        return (route for methods in self._exact.values() for route in methods.values())

    def _route(self, path: str, method: str, operation: Mapping[str, Any]) -> Route:
        item = self.document["paths"][path]
        parameters = [
            resolve(self.document, given)
            for given in (*item.get("parameters", ()), *operation.get("parameters", ()))
        ]
        body = resolve(self.document, operation.get("requestBody", {}))
        return Route(
            operation["operationId"],
            method.upper(),
            path,
            of_server="servers" in item,
            for_everybody=operation.get("security") == [],
            media_types=tuple(body.get("content", ())),
            query=frozenset(given["name"] for given in parameters if given["in"] == "query"),
            most_bytes=body.get("x-most-bytes", MOST_BODY_BYTES),
        )

    def methods(self, path: str) -> Mapping[str, Route]:
        """The operations of ``path`` by method; none for an unknown one."""
        found = self._exact.get(path)
        if found is not None and "{" not in path:
            return found
        return next((methods for pattern, methods in self._patterns if pattern.fullmatch(path)), {})
