"""Holding an answer to the contract: status, media type, body and headers, to the byte where it says so."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qsl, unquote

from mockskaha.contract.addresses import Addresses
from mockskaha.contract.document import Document, load_document, resolve
from mockskaha.contract.layout import has_layout, misplaced_field
from mockskaha.contract.violation import ContractViolation
from mockskaha.era import DEFAULT

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

Headers = Mapping[str, str] | Iterable[tuple[str, str]]

METHOD_NOT_ALLOWED = 405


class ResponseValidator:
    """Checks answers against ``document`` (default: the contract of ``version`` of Skaha). One serves a whole test
    run."""

    def __init__(self, document: Document | None = None, *, version: str = DEFAULT) -> None:
        """Raises ``UnknownVersion``."""
        self._document = load_document(version=version) if document is None else document
        self._addresses = Addresses(self._document)
        self._schemas: dict[int, tuple[Mapping[str, Any], Draft202012Validator]] = {}

    def check(self, method: str, path: str, status: int, headers: Headers, body: bytes) -> str | None:
        """Promise that this answer to ``method path`` is one the contract knows.

        ``path`` may have a query: what its ``view`` makes of the answer is then held to as well. Header names
        may be in any case. Returns the operationId; ``None`` for an answer that reached no operation (405, no
        such path). Raises ``ContractViolation``.
        """
        method = method.upper()
        bare, _, query = path.partition("?")
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        answer = _Answer(method, path, status, _by_name(pairs), body)
        template = self._addresses.template(unquote(bare))
        if template is None:
            self._check_stray(answer)
            return None
        operation = self._document["paths"][template].get(method.lower())
        if operation is None:
            self._check_method(answer, self._document["paths"][template])
            return None
        answer.operation_id = operation["operationId"]
        if str(status) not in operation["responses"]:
            answer.fail(f"status is not documented, only {', '.join(operation['responses'])} are")
        response = resolve(self._document, operation["responses"][str(status)])
        views = response.get("x-by-view")
        identity = response.get("x-identity", operation.get("x-identity", False))
        self._check_headers(answer, response, identity=identity)
        self._check_content(answer, response, views and views.get(_view(query), views[""]))
        return answer.operation_id

    def _check_stray(self, answer: _Answer) -> None:
        if answer.status != 404:
            answer.fail("the path is in no contract, and was answered")
        self._check_content(answer, self._document["components"]["responses"]["NoSuchPage"], None)

    def _check_method(self, answer: _Answer, item: Mapping[str, Any]) -> None:
        allowed: list[str] | None = item.get("x-allow")
        if answer.method == "OPTIONS" and answer.status == 200:
            return
        if answer.status != METHOD_NOT_ALLOWED:
            answer.fail("the method is not documented, and was answered")
        response = self._document["components"]["responses"]["MethodNotAllowed"]
        self._check_headers(answer, response, identity=False)
        if allowed is not None and answer.headers["allow"] != [", ".join(allowed)]:
            answer.fail(f"header Allow is {answer.headers['allow']}, not {', '.join(allowed)!r}")
        self._check_content(answer, response, None)

    def _check_headers(self, answer: _Answer, response: Mapping[str, Any], *, identity: bool) -> None:
        for name, reference in response.get("headers", {}).items():
            header = resolve(self._document, reference)
            values = answer.headers.get(name.lower(), [])
            if header.get("required", False) and not values:
                answer.fail(f"header {name} is missing")
            for value in values:
                if error := self._mismatch(header["schema"], value):
                    answer.fail(f"header {name}: {error}")
        if identity and ("x-vo-authenticated" in answer.headers) == ("www-authenticate" in answer.headers):
            answer.fail("one of the headers x-vo-authenticated and WWW-Authenticate is wanted, and not both")

    def _check_content(
        self, answer: _Answer, response: Mapping[str, Any], by_view: Mapping[str, Any] | None
    ) -> None:
        content: Mapping[str, Any] = response.get("content", {})
        media_types = answer.headers.get("content-type", [])
        if not media_types and not answer.body and (not content or "x-may-be-empty" in response):
            return
        if len(media_types) != 1 or media_types[0] not in content:
            answer.fail(f"media type is {media_types}, not {' or '.join(map(repr, content)) or 'left out'}")
        media_type = media_types[0]
        if by_view is not None and media_type != by_view["mediaType"]:
            answer.fail(f"media type is {media_type!r}, with this view it is {by_view['mediaType']!r}")
        if answer.method == "HEAD":
            if answer.body:
                answer.fail("HEAD was answered with a body")
            return
        schema = content[media_type].get("schema") if by_view is None else by_view["schema"]
        if schema is not None:
            self._check_body(answer, media_type, schema, content[media_type].get("x-layout"))

    def _check_body(
        self, answer: _Answer, media_type: str, schema: Mapping[str, Any], layout: str | None
    ) -> None:
        try:
            text = answer.body.decode("utf-8")
        except UnicodeDecodeError as error:
            answer.fail(f"body is not UTF-8: {error}")
        if media_type.startswith("text/xml"):
            self._check_xml(answer, resolve(self._document, schema).get("xml", {}))
            return
        if media_type.startswith("application/json"):
            try:
                value = json.loads(text)
            except ValueError as error:
                answer.fail(f"body is not JSON: {error}")
        else:
            value = text
        if mismatch := self._mismatch(schema, value):
            answer.fail(f"body: {mismatch}")
        if layout is not None and not has_layout(text, layout):
            answer.fail(f"body is not laid out {layout}: {text[:200]!r}")
        if layout is not None and (name := misplaced_field(self._document, schema, value)):
            answer.fail(f"body: field {name!r} is not where it belongs")

    def _check_xml(self, answer: _Answer, expected: Mapping[str, str]) -> None:
        from xml.etree import ElementTree

        try:
            root = ElementTree.fromstring(answer.body)  # noqa: S314 - it is our own service that answers
        except ElementTree.ParseError as error:
            answer.fail(f"body is not XML: {error}")
        wanted = expected.get("name", root.tag)
        if "namespace" in expected:
            wanted = f"{{{expected['namespace']}}}{wanted}"
        if root.tag != wanted:
            answer.fail(f"body: the root element is {root.tag}, not {wanted}")

    def _mismatch(self, schema: Mapping[str, Any], value: Any) -> str | None:
        import jsonschema_rs

        _, validator = self._schemas.get(id(schema), (None, None))
        if validator is None:
            # The schemas refer to components of the document they were taken from.
            whole = {"allOf": [schema], "components": {"schemas": self._document["components"]["schemas"]}}
            validator = jsonschema_rs.Draft202012Validator(whole)
            self._schemas[id(schema)] = (schema, validator)
        error = next(iter(validator.iter_errors(value)), None)
        if error is None:
            return None
        place = "/".join(map(str, error.instance_path))
        return f"{place}: {error.message}" if place else str(error.message)


class _Answer:
    """One answer, and how to say what is wrong with it."""

    __slots__ = ("body", "headers", "method", "operation_id", "path", "status")

    def __init__(
        self, method: str, path: str, status: int, headers: Mapping[str, Sequence[str]], body: bytes
    ) -> None:
        self.method, self.path, self.status = method, path, status
        self.headers, self.body = headers, body
        self.operation_id = "no operation"

    def fail(self, reason: str) -> NoReturn:
        raise ContractViolation(f"{self.operation_id}, {self.method} {self.path}, {self.status}: {reason}")


def _by_name(headers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in headers:
        grouped.setdefault(name.lower(), []).append(value)
    return grouped


def _view(query: str) -> str:
    """The value of ``view``: its name in any case, the first one counts (skaha-contract §1.2)."""
    return next((v for name, v in parse_qsl(query, keep_blank_values=True) if name.lower() == "view"), "")
