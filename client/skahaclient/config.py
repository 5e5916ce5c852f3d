"""Settings: which service, and as whom. What is said nearer to the call wins.

An argument, then ``SKAHA_…``, then ``CANFAR_…`` of the environment, then the file, which only its owner can read.
"""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from skahaclient.errors import ConfigurationError

NAMES = ("url", "token", "certificate", "timeout", "concurrency", "registry")
SECRETS = frozenset({"token", "registry"})
WHO = ("token", "certificate")
_REGISTRY = {
    "SKAHA_": ("SKAHA_REGISTRY_USERNAME", "SKAHA_REGISTRY_SECRET"),
    "CANFAR_": ("CANFAR_REGISTRY__USERNAME", "CANFAR_REGISTRY__SECRET"),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What applies, by name; and, by the same names, where each value comes from: ``--name`` for an argument, the
    variable, or the path of the file. What nobody says is missing."""

    values: Mapping[str, Any] = field(repr=False)
    origins: Mapping[str, str]


def path() -> Path:
    """Where the file is, or would be."""
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "skahaclient" / "config.toml"


def settings(**given: Any) -> Settings:
    """The settings that apply. ``given`` are arguments, None for those that are not.

    Whoever is nearest counts: with a token as an argument, a certificate in the file is not used. And the file's token
    is for the file's service only, so it is not used for another. Raises `ConfigurationError`, which names the
    source of what cannot be used.
    """
    kept = read()
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    nearness: dict[str, int] = {}
    for name in NAMES:
        for near, (origin, value) in enumerate(_said(name, given, kept)):
            if value is not None and value != "":
                values[name], origins[name], nearness[name] = _usable(name, value, origin), origin, near
                break
    nearest = min((nearness[name] for name in WHO if name in nearness), default=0)
    elsewhere = _origin(kept.get("url")) not in (None, _origin(values.get("url")))
    for name in WHO:
        if name in nearness and (nearness[name] > nearest or (elsewhere and origins[name] == str(path()))):
            del values[name], origins[name]
    return Settings(values, origins)


def read() -> dict[str, Any]:
    """What the file says; nothing when there is none. Raises `ConfigurationError`."""
    file = path()
    try:
        found = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} is not TOML: {error}") from None
    unknown = sorted(set(found) - set(NAMES))
    if unknown:
        raise ConfigurationError(f"{file}: unknown key {unknown[0]!r}; known are {', '.join(NAMES)}")
    return {name: _usable(name, value, f"{file}: {name}") for name, value in found.items()}


def save(**values: Any) -> None:
    """Keep values in the file, beside those it has; None takes one out.

    The file is replaced as a whole, and only its owner can read it. Raises `ConfigurationError`.
    """
    unknown = sorted(set(values) - set(NAMES))
    if unknown:
        raise ConfigurationError(f"no setting is called {unknown[0]!r}; there are {', '.join(NAMES)}")
    merged = {**read(), **values}
    text = "".join(f"{name} = {_toml(merged[name])}\n" for name in NAMES if merged.get(name) is not None)
    file = path()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".config-")  # 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as written:
                written.write(text)
                written.flush()
                os.fsync(written.fileno())
            Path(name).replace(file)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror or error}") from None


def forget() -> None:
    """Take out of the file who you are; where the service is stays."""
    save(**dict.fromkeys(WHO))


def _said(name: str, given: Mapping[str, Any], kept: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield f"--{name}", given.get(name)
    for prefix in _REGISTRY:
        variable = f"{prefix}{name.upper()}"
        if name == "registry":
            yield from _registry_said(prefix)
        else:
            yield variable, os.environ.get(variable)
    yield str(path()), kept.get(name)


def _registry_said(prefix: str) -> Iterator[tuple[str, Any]]:
    names = _REGISTRY[prefix]
    user, secret = (os.environ.get(name) for name in names)
    yield names[0], (user, secret) if user or secret else None


def _usable(name: str, value: Any, origin: str) -> Any:
    try:
        return _READERS[name](value)
    except (TypeError, ValueError) as error:
        # The text of an error about a secret must not hold it.
        raise ConfigurationError(f"{origin}: {error}") from None


def _url(value: Any) -> str:
    text = str(value).strip()
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"not the URL of a service: {text!r}; such as https://host/skaha")
    if parts.username or parts.password:
        raise ValueError("a URL with a password in it is not used; log in instead")
    return text.rstrip("/")


def _token(value: Any) -> str:
    text = _revealed(value).strip()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("a token is one word of ASCII letters, digits and signs, and this is none")
    return text


def _certificate(value: Any) -> str:
    if not isinstance(value, str | os.PathLike):
        raise TypeError("certificate has to be the path of a PEM file")
    return str(Path(value).expanduser())


def _positive(name: str, kind: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read_number(value: Any) -> Any:
        try:
            number = None if isinstance(value, bool) else kind(value)
        except (TypeError, ValueError):
            number = None
        if number is None or not 0 < number < float("inf"):
            raise ValueError(f"{name} has to be a number above 0, and not {value!r}")
        return number

    return read_number


def _registry(value: Any) -> str:
    """``username:secret`` of a string, of a pair, or of a table with these two names."""
    if isinstance(value, Mapping):
        value = (value.get("username"), value.get("secret"))
    elif hasattr(value, "username") and hasattr(value, "secret"):
        value = (value.username, value.secret)
    if isinstance(value, tuple | list):
        value = ":".join("" if part is None else _revealed(part) for part in value)
    user, _, secret = _revealed(value).partition(":")
    if not user or not secret or ":" in secret:
        raise ValueError("registry has to be username:secret, with one colon")
    return f"{user}:{secret}"


def _revealed(value: Any) -> str:
    """The text of a string, or of pydantic's secret string."""
    found = value.get_secret_value() if hasattr(value, "get_secret_value") else value
    if not isinstance(found, str):
        raise TypeError(f"has to be a text, and not of type {type(found).__name__}")
    return found


_READERS: dict[str, Callable[[Any], Any]] = {
    "url": _url,
    "token": _token,
    "certificate": _certificate,
    "timeout": _positive("timeout", float),
    "concurrency": _positive("concurrency", int),
    "registry": _registry,
}


def _toml(value: Any) -> str:
    if isinstance(value, int | float):
        return repr(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007F")


def _origin(url: str | None) -> tuple[str, str | None, int | None] | None:
    if url is None:
        return None
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
