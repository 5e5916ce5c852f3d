"""Scenario files laid over one another: what a variant says wins, all else is as in the one it extends."""

from __future__ import annotations

from collections.abc import Mapping
from os.path import relpath
from pathlib import Path
from types import MappingProxyType
from typing import Any

from skahasim.configuration import QueueSettings, Section
from skahasim.yamlfile import ConfigurationError, Document, KeyPath, Origin, Problem, nested, read

DISCRIMINATORS = ("policy", "source")
"""A section that names another one of these has other keys: those of the one before are forgotten."""
PATHS: tuple[KeyPath, ...] = (("profile",), ("workload", "file"), ("workload", "parameters_file"))
"""Values that are paths relative to the scenario's folder; a profile only if it looks like one."""


def extended(path: Path, chain: tuple[Path, ...]) -> Document:
    """The document at ``path`` laid over those it extends; ``chain``: files that extend it.

    Raises ``ConfigurationError``.
    """
    document = read(path)
    if not isinstance(document.data, dict) or "extends" not in document.data:
        return document
    key: KeyPath = ("extends",)
    held = document.data["extends"]
    chain = (*chain, path.resolve())
    if not isinstance(held, str) or not held:
        raise ConfigurationError(
            [Problem(document.origin(key), key, "should be the path of another scenario")]
        )
    base_path = path.parent / Path(held).expanduser()
    if base_path.resolve() in chain:
        raise ConfigurationError([Problem(document.origin(key), key, f"{held} extends this file in turn")])
    if not base_path.is_file():
        raise ConfigurationError([Problem(document.origin(key), key, f"no such file: {held}")])
    base = _moved(extended(base_path, chain), base_path.parent, path.parent)
    if not isinstance(base.data, dict):
        raise ConfigurationError([Problem(base.origin(()), (), "should be a mapping of keys to values")])
    # What the file is called, and what it is about, is its own.
    own = {name: value for name, value in document.data.items() if name != "extends"}
    kept = {name: value for name, value in base.data.items() if name not in ("name", "description")}
    merged = Document(document.name, kept, {**base.origins, (): Origin(document.name)})
    return _laid_over(merged, Document(document.name, own, document.origins), ())


def _laid_over(base: Document, variant: Document, key: KeyPath) -> Document:
    """``base`` with every value of ``variant`` in its place: mappings are merged, all else is replaced."""
    held, given = _at(base.data, key), _at(variant.data, key)
    if key and (not isinstance(given, dict) or not isinstance(held, dict)):
        return base.graft(key, _part(variant, key))
    if isinstance(held, dict):
        base = _forgotten(base, key, held, given)
    for name in given:
        base = _laid_over(base, variant, (*key, name))
    return base


def _forgotten(base: Document, key: KeyPath, held: dict[str, Any], given: Mapping[str, Any]) -> Document:
    """``base`` without what only the policy or source at ``key`` understands, when ``given`` names another."""
    for name in DISCRIMINATORS:
        if name in given and name in held and held[name] != given[name]:
            model = _POLICY_SECTIONS.get(key)
            common = model.model_fields if model is not None and name == "policy" else {}
            part = _part(base, key)
            data = {field: value for field, value in held.items() if field in common}
            return base.graft(key, Document(part.name, data, part.origins))
    return base


_POLICY_SECTIONS: Mapping[KeyPath, type[Section]] = MappingProxyType(
    {
        ("queue", name): section
        for name, field in QueueSettings.model_fields.items()
        if (section := nested(field.annotation)) is not None and issubclass(section, Section)
    }
)


def _part(document: Document, key: KeyPath) -> Document:
    origins = {
        found[len(key) :]: origin for found, origin in document.origins.items() if found[: len(key)] == key
    }
    return Document(document.name, _at(document.data, key), {(): document.origin(key), **origins})


def overridden(document: Document, overrides: Mapping[str, Any]) -> Document:
    for dotted_key, value in overrides.items():
        key = tuple(int(part) if part.isdigit() else part for part in dotted_key.split("."))
        origin = Origin(f"override {dotted_key}")
        held = _at(document.data, key[:-1])
        if isinstance(held, dict):
            document = _forgotten(document, key[:-1], held, {str(key[-1]): value})
        document = document.graft(key, Document(origin.name, value, {(): origin}))
    return document


def _moved(document: Document, old: Path, new: Path) -> Document:
    """``document`` of the folder ``old`` with paths that hold from ``new``."""
    if old.resolve() == new.resolve():
        return document
    for key in PATHS:
        held = _at(document.data, key)
        if isinstance(held, str) and (key != ("profile",) or is_path(held)):
            moved = relpath((old / Path(held).expanduser()).resolve(), new.resolve())
            document = document.graft(key, Document(document.name, moved, {(): document.origin(key)}))
    return document


def _at(data: Any, key: KeyPath) -> Any:
    for part in key:
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def is_path(name: str) -> bool:
    return Path(name).suffix in (".yaml", ".yml")
