"""What no schema says about a JSON body: its white space and the order of its fields (skaha-contract §2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mockskaha.contract.document import Document, resolve

MARK = "\ue000"


def has_layout(text: str, layout: str) -> bool:
    """Whether ``text`` is laid out ``pretty`` (two spaces, nothing after the end) or ``compact``.

    Numbers may be spelled as they like: ``8.0`` and ``1.2E7`` are both fine.
    """
    value = json.loads(text, parse_float=lambda number: f"{MARK}{number}{MARK}")
    if layout == "pretty":
        again = json.dumps(value, indent=2, ensure_ascii=False)
    else:
        again = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return again.replace(f'"{MARK}', "").replace(f'{MARK}"', "") == text


def misplaced_field(document: Document, schema: Mapping[str, Any], value: Any) -> str | None:
    """The first field of ``value`` that is not where ``schema`` lists it; ``None`` when all are.

    Looks through references, objects and arrays; not into alternatives, where the order is that of nobody.
    """
    schema = resolve(document, schema)
    if isinstance(value, list):
        inner = [(schema.get("items", {}), item) for item in value]
    elif isinstance(value, dict):
        properties: Mapping[str, Any] = schema.get("properties", {})
        sent: list[str] = [name for name in value if name in properties]
        expected = [name for name in properties if name in value]
        for name, there in zip(sent, expected, strict=True):
            if name != there:
                return name
        inner = [(properties[name], value[name]) for name in sent]
    else:
        return None
    found = (misplaced_field(document, part, item) for part, item in inner)
    return next(filter(None, found), None)
