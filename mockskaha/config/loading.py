"""Settings out of a configuration file, a file of tokens, the environment and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from mockskaha.config.auth import AuthFile
from mockskaha.config.settings import Settings
from skahasim.kueue.settings import anchored as anchored_manifests
from skahasim.policies import UnknownPolicy, policies_from
from skahasim.profile import UnknownProfile, load_profile
from skahasim.yamlfile import ConfigurationError, Document, KeyPath, Origin, Problem, nested, read, validate

PATHS: tuple[KeyPath, ...] = (("profile",), ("server", "state"), ("server", "tls"))
"""Values that are paths; a profile only if it looks like one."""


def load_settings(
    config: Path | None = None,
    auth: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    *,
    origins: Mapping[str, str] | None = None,
) -> Settings:
    """The settings given by a configuration file, a file of tokens, and single values; the later win.

    ``overrides`` has dotted keys (``{"server.port": 0}``), and ``origins`` says for messages where each was
    given (``{"server.port": "--port"}``). In a configuration file, a section or a list may be the path of
    another YAML file instead (``images: my-images.yaml``); every path is relative to the file it stands in. A
    file of tokens makes authentication strict; if it lists users, they are all there are.

    :raises ConfigurationError: with everything that is wrong, each with file, line and key.
    """
    document = Document("settings", {}, {})
    if config is not None:
        document = _anchored(_resolved(read(config), Settings, config.parent))
        _require_mapping(document)
    if auth is not None:
        document = _with_tokens(document, _resolved(read(auth), AuthFile, auth.parent))
    for key, value in (overrides or {}).items():
        origin = Origin((origins or {}).get(key, key))
        document = document.graft(tuple(key.split(".")), Document(origin.name, value, {(): origin}))
    settings = validate(Settings, document)
    _require_known_names(settings, document)
    return settings


def _require_known_names(settings: Settings, document: Document) -> None:
    """Policies and profiles exist. A profile of one's own is read, so what is wrong in it is said here."""
    try:
        policies_from(settings.queue)
        load_profile(settings.profile)
    except UnknownPolicy as error:
        key = tuple(error.key.split("."))
        raise ConfigurationError([Problem(document.origin(key), key, error.explanation)]) from None
    except UnknownProfile as error:
        key = ("profile",)
        raise ConfigurationError([Problem(document.origin(key), key, str(error))]) from None


def _with_tokens(document: Document, tokens: Document) -> Document:
    _require_mapping(tokens)
    validate(AuthFile, tokens)
    document = document.graft(("auth", "mode"), Document(tokens.name, "strict", {(): Origin(tokens.name)}))
    document = document.graft(("auth", "tokens"), _branch(tokens, "tokens"))
    if tokens.data.get("users") is not None:
        document = document.graft(("users",), _branch(tokens, "users"))
    return document


def _branch(document: Document, name: str) -> Document:
    origins = {key[1:]: origin for key, origin in document.origins.items() if key[:1] == (name,)}
    return Document(document.name, document.data[name], origins)


def _resolved(document: Document, model: type[BaseModel], folder: Path) -> Document:
    """``document``, a ``model``, with the files that stand for its parts read into it."""
    if not isinstance(document.data, dict):
        return document
    for name, field in model.model_fields.items():
        spelled = next((n for n in (name, field.alias) if n in document.data), None)
        part = nested(field.annotation)
        if spelled is None or part is None:
            continue
        held = document.data[spelled]
        if isinstance(held, str):
            branch = _included(document, spelled, folder / Path(held).expanduser(), part)
            document = document.graft((spelled,), branch)
        elif isinstance(held, dict):
            document = document.graft((spelled,), _resolved(_branch(document, spelled), part, folder))
    return document


def _included(document: Document, name: str, path: Path, model: type[BaseModel]) -> Document:
    key = (name,)
    if not path.is_file():
        raise ConfigurationError([Problem(document.origin(key), key, f"no such file: {path}")])
    branch = read(path)
    # Both "- id: …" and "images:" above it are how people write such a file.
    if isinstance(branch.data, dict) and list(branch.data) == [name]:
        branch = _branch(branch, name)
    # A circle of files ends: each inclusion is a level deeper in the model, which has a bottom.
    return _resolved(branch, model, path.parent)


def _anchored(document: Document) -> Document:
    """``document`` with each relative path turned into one that holds from the working directory."""
    for key in PATHS:
        held: Any = document.data
        for part in key:
            held = held.get(part) if isinstance(held, dict) else None
        if isinstance(held, str) and (key != ("profile",) or Path(held).suffix in (".yaml", ".yml")):
            origin = document.origin(key)
            path = str(Path(origin.name).parent / Path(held).expanduser())
            document = document.graft(key, Document(origin.name, path, {(): origin}))
    return anchored_manifests(document)


def _require_mapping(document: Document) -> None:
    if not isinstance(document.data, dict):
        raise ConfigurationError([Problem(document.origin(()), (), "should be a mapping of keys to values")])
