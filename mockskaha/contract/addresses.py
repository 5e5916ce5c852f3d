"""Which operation a request path belongs to, the spellings of skaha-contract §1.1 included."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mockskaha.contract.document import Document


class Addresses:
    """The paths of a contract, to be looked up by what a client asked for."""

    __slots__ = ("_literal", "_patterns")

    def __init__(self, document: Document) -> None:
        self._literal = frozenset(path for path in document["paths"] if "{" not in path)
        self._patterns = tuple(
            (re.compile(pattern), path)
            for path, item in document["paths"].items()
            for pattern in _spellings(path, item)
        )

    def template(self, path: str) -> str | None:
        """The template ``path`` (without its query) falls under; ``None`` when there is none."""
        if path in self._literal:
            return path
        return next((template for pattern, template in self._patterns if pattern.fullmatch(path)), None)


def _spellings(path: str, item: Mapping[str, Any]) -> list[str]:
    exact = "".join(
        "[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]+\})", path)
    )
    return [
        exact,
        *([exact + "/.*"] if item.get("x-subpaths") else []),
        *([item["x-also"]] if "x-also" in item else []),
    ]
