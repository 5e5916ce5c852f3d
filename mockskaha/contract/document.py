"""The contract file and the operations in it. YAML is parsed for those who ask, not when a server starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from mockskaha.contract.overlay import overlaid
from mockskaha.era import DEFAULT, era, version_named

Document = Mapping[str, Any]

CONTRACT: Final = "skaha.yaml"
"""The interface of the real service."""
OVERLAYS: Final = "eras.yaml"
"""What is different in other versions of it."""
CONTROL: Final = "control.yaml"
"""Our own, which drives the fake one."""
METHODS: Final = ("get", "head", "post", "put", "patch", "delete", "options", "trace")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, as the contract has it."""

    operation_id: str
    method: str
    """Upper case."""
    path: str
    """A template, ``/skaha/v1/session/{sessionID}``."""
    responses: Mapping[int, tuple[str, ...]]
    """Documented statuses, each with its media types; none for an answer without a body."""
    source: str
    """Where the operation is known from: ``skaha-contract §…``."""


@cache
def document_bytes(name: str = CONTRACT, *, version: str = DEFAULT) -> bytes:
    """The contract (or :data:`CONTROL`), byte for byte as it is kept; that of another ``version`` of Skaha as it is
    made of it.

    Raises ``FileNotFoundError`` when it was installed without, and ``UnknownVersion``.
    """
    if name == CONTRACT and version_named(version) != DEFAULT:
        return written(load_document(version=version))
    packaged = files("mockskaha") / "data" / ("contract-eras.yaml" if name == OVERLAYS else name)
    if packaged.is_file():
        return packaged.read_bytes()
    checkout = Path(__file__).parents[2] / "openapi" / name
    return checkout.read_bytes()


def load_document(name: str = CONTRACT, *, version: str = DEFAULT) -> dict[str, Any]:
    """The contract (or :data:`CONTROL`), parsed: a new copy for every caller, who may change it.

    ``version`` is that of Skaha; the contract of another than the default one is the same file, changed as
    ``openapi/eras.yaml`` says. Raises ``UnknownVersion``.
    """
    document = parsed(document_bytes(name))
    if name == CONTRACT and version_named(version) != DEFAULT:
        return overlaid(document, parsed(document_bytes(OVERLAYS))["overlays"], era(version))
    return document


def parsed(text: bytes) -> dict[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C parser takes 40 ms, the other one 700
    document: dict[str, Any] = yaml.load(text, loader)  # noqa: S506 - both loaders are safe
    return document


def written(document: Document) -> bytes:
    """``document`` as YAML, without aliases."""
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        def ignore_aliases(self, data: Any) -> bool:
            return True

    text: str = yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text.encode()


def operations(document: Document | None = None) -> tuple[Operation, ...]:
    """Every operation of ``document`` (default: the contract), in its order."""
    document = load_document() if document is None else document
    return tuple(
        Operation(
            operation_id=operation["operationId"],
            method=method.upper(),
            path=path,
            responses={
                int(status): tuple(resolve(document, response).get("content", ()))
                for status, response in operation["responses"].items()
            },
            source=operation.get("x-source", ""),
        )
        for path, method, operation in definitions(document)
    )


def definitions(document: Document) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Path, method (lower case) and definition of every operation."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def resolve(document: Document, node: Mapping[str, Any]) -> Mapping[str, Any]:
    """What ``node`` says or, when it is a reference, what that says. ``KeyError`` for a dangling one."""
    while isinstance(reference := node.get("$ref"), str):
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node
