"""The data files that ship with the package."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from skahasim import yamlfile


def records(name: str) -> list[dict[str, Any]]:
    """The entries of ``mockskaha/data/<name>``, a YAML list of mappings."""
    text = (files("mockskaha") / "data" / name).read_text(encoding="utf-8")
    entries: list[dict[str, Any]] = yamlfile.parse(text, f"mockskaha/data/{name}").data
    return entries
