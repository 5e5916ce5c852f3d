"""YAML files whose every value remembers its line, so that a mistake is reported where it was made.

A file is read into a :class:`Document`: plain data plus the origin of every key path. Documents can be laid
over one another (a file, a file it refers to, command line flags) and still know where each value came from.
``validate`` turns a document into a Pydantic model or raises one :class:`ConfigurationError` that lists every
problem as ``file:line: key.path: message``. Values of fields that hold secrets never appear in a message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, get_args

import yaml
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

try:
    from yaml import CSafeLoader as Loader
except ImportError:  # PyYAML without libyaml: slower, otherwise the same
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

KeyPath: TypeAlias = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

STANDARD = "tag:yaml.org,2002:"
SHOWN = 60
"""Longest input, in characters, that is repeated in a message."""
DEPTH = 100
"""Most levels of nesting that are read."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was written: a file and its line (from 1), or just a name such as ``--port``."""

    name: str
    line: int | None = None

    def __str__(self) -> str:
        return self.name if self.line is None else f"{self.name}:{self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a configuration; ``str()`` is ``file:line: key.path: message``, on one line."""

    origin: Origin
    key: KeyPath
    message: str

    def __str__(self) -> str:
        where = f"{self.origin}: {dotted(self.key)}" if self.key else str(self.origin)
        return f"{where}: {self.message}"


class ConfigurationError(ValueError):
    """A configuration that cannot be used. ``problems`` has every reason; ``str()`` is one line for each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data and where each part of it was written."""

    name: str
    data: Any
    origins: Mapping[KeyPath, Origin]

    def origin(self, key: KeyPath) -> Origin:
        """The origin of ``key``, or of the nearest thing around it that has one."""
        for length in range(len(key), -1, -1):
            if key[:length] in self.origins:
                return self.origins[key[:length]]
        return Origin(self.name)

    def graft(self, key: KeyPath, branch: Document) -> Document:
        """This document with ``branch`` in place of what is at ``key``; missing mappings on the way are made.

        :raises ConfigurationError: something on the way is neither a mapping nor absent.
        """
        origins = {k: v for k, v in self.origins.items() if k[: len(key)] != key}
        origins |= {key + k: v for k, v in branch.origins.items()}
        return Document(self.name, self._replaced(self.data, key, 0, branch.data), origins)

    def _replaced(self, data: Any, key: KeyPath, depth: int, value: Any) -> Any:
        if depth == len(key):
            return value
        part = key[depth]
        if isinstance(data, list) and isinstance(part, int):
            return [self._replaced(v, key, depth + 1, value) if i == part else v for i, v in enumerate(data)]
        if data is None or isinstance(data, dict):
            held = data or {}
            return {**held, part: self._replaced(held.get(part), key, depth + 1, value)}
        above = key[:depth]
        raise ConfigurationError(
            [Problem(self.origin(above), above, "should be a mapping of keys to values")]
        )


def read(path: Path) -> Document:
    """The document in the file at ``path``. An empty file is an empty mapping.

    :raises ConfigurationError: the file cannot be read, is not UTF-8, not YAML, or gives a key twice.
    """
    return parse(read_text(path), str(path))


def read_text(path: Path) -> str:
    """What the file at ``path`` says.

    :raises ConfigurationError: the file cannot be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        reason = f"cannot be read: {error.strerror or type(error).__name__}"
        raise ConfigurationError([Problem(Origin(str(path)), (), reason)]) from None
    except UnicodeDecodeError:
        raise ConfigurationError([Problem(Origin(str(path)), (), "is not UTF-8 text")]) from None


def parse(text: str, name: str) -> Document:
    """The document written in ``text``; messages call it ``name``.

    :raises ConfigurationError: see :func:`read`.
    """
    try:
        _refuse_depth(text, name)
        loader = Loader(text)
        try:
            node = loader.get_single_node()
            builder = _Builder(loader, name)
            data = {} if node is None else builder.build(node, ())
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        origin = Origin(name, None if mark is None else mark.line + 1)
        raise ConfigurationError([Problem(origin, (), _syntax(error))]) from None
    except yaml.YAMLError:
        raise ConfigurationError([Problem(Origin(name), (), "has characters YAML does not allow")]) from None
    if builder.problems:
        raise ConfigurationError(builder.problems)
    return Document(name, {} if data is None else data, builder.origins)


def validate(model: type[Model], document: Document) -> Model:
    """``document`` as a ``model``.

    :raises ConfigurationError: with every problem found, unknown keys with the name that was probably meant.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems = [
            _explained(model, document, detail) for detail in details if not _follows(detail, details)
        ]
    # Raised out of the handler: the original error quotes input, and tracebacks would print it as the cause.
    raise ConfigurationError(
        sorted(problems, key=lambda problem: (problem.origin.name, problem.origin.line or 0))
    )


def load_model(path: Path, model: type[Model]) -> Model:
    """The file at ``path`` as a ``model``.

    :raises ConfigurationError: see :func:`read` and :func:`validate`.
    """
    return validate(model, read(path))


def dotted(key: KeyPath) -> str:
    """``("cluster", "nodes", 0, "cores")`` as people write it: ``cluster.nodes[0].cores``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return text.removeprefix(".")


def nested(annotation: Any) -> type[BaseModel] | None:
    """The model inside a field's annotation (``tuple[NodeGroup, ...]``, ``LimitRange | None``), if any."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in get_args(annotation) if (found := nested(arg))), None)


class _Builder:
    """Plain data out of YAML nodes; keeps lines, and collects problems instead of stopping at the first."""

    def __init__(self, loader: Any, name: str) -> None:
        self.origins: dict[KeyPath, Origin] = {}
        self.problems: list[Problem] = []
        self._loader = loader
        self._name = name
        self._open: set[int] = set()

    def build(self, node: yaml.Node, key: KeyPath) -> Any:
        self.origins.setdefault(key, self._origin(node))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, key)
        if id(node) in self._open:
            return self._refuse(node, key, "refers to itself")
        if node.tag not in (f"{STANDARD}map", f"{STANDARD}seq"):
            return self._refuse(node, key, "has a YAML tag that is not supported here")
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.build(item, (*key, index)) for index, item in enumerate(node.value)]
            return self._mapping(node, key)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.Node, key: KeyPath) -> dict[Any, Any]:
        own: dict[Any, Any] = {}
        lines: dict[Any, int] = {}
        merged: list[yaml.Node] = []
        for name_node, value_node in node.value:
            if not isinstance(name_node, yaml.ScalarNode):
                self._refuse(name_node, key, "a key must be a single word or text")
                continue
            if name_node.tag == f"{STANDARD}merge":
                several = isinstance(value_node, yaml.SequenceNode)
                merged.extend(value_node.value if several else [value_node])
                continue
            name = self._scalar(name_node, key)
            if name in own:
                self._refuse(name_node, (*key, name), f"given twice, first on line {lines[name]}")
                continue
            lines[name] = name_node.start_mark.line + 1
            self.origins[*key, name] = self._origin(name_node)
            own[name] = self.build(value_node, (*key, name))
        for other in merged:
            inherited = self.build(other, key)
            if not isinstance(inherited, dict):
                self._refuse(other, key, "'<<' takes a mapping")
                continue
            own = {**inherited, **own}
        return own

    def _scalar(self, node: yaml.ScalarNode, key: KeyPath) -> Any:
        if node.tag == f"{STANDARD}str":
            return node.value
        if not node.tag.startswith(STANDARD):
            return self._refuse(node, key, "has an unknown YAML tag; quote a value that starts with '!'")
        try:
            return self._loader.construct_object(node)
        except (ValueError, KeyError, AttributeError, TypeError, OverflowError, yaml.YAMLError):
            return self._refuse(
                node, key, f"is not a YAML {node.tag.removeprefix(STANDARD)}; quote it to mean text"
            )

    def _origin(self, node: yaml.Node) -> Origin:
        return Origin(self._name, node.start_mark.line + 1)

    def _refuse(self, node: yaml.Node, key: KeyPath, message: str) -> None:
        self.problems.append(Problem(self._origin(node), key, message))


def _refuse_depth(text: str, name: str) -> None:
    # libyaml composes nodes recursively in C, and ends the process when the stack does.
    depth = 0
    for event in yaml.parse(text, Loader=Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH:
                mark = event.start_mark
                origin = Origin(name, None if mark is None else mark.line + 1)
                raise ConfigurationError([Problem(origin, (), "is nested too deeply")])
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _syntax(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "is not YAML"
    # libyaml may quote the alias, and an unquoted "*word" was meant as a value, perhaps a secret one.
    if "alias" in problem:
        return "undefined alias; quote a value that starts with '*'"
    if "expected a single document" in (error.context or ""):
        return "has a second document ('---'); one is read"
    return f"not YAML: {problem}"


def _follows(detail: Any, details: list[Any]) -> bool:
    """Whether an error only says that another one happened, inside the same value."""
    if detail["type"] == "default_factory_not_called":
        return True
    depth = len(detail["loc"])
    return detail["type"] == "too_short" and any(
        len(other["loc"]) > depth and other["loc"][:depth] == detail["loc"] for other in details
    )


def _explained(model: type[BaseModel], document: Document, detail: Any) -> Problem:
    """One Pydantic error in the words of somebody who writes YAML."""
    key: KeyPath = tuple(detail["loc"])
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _unknown(model, document, key)
    origin = document.origin(key)
    if kind == "missing":
        return Problem(origin, key, "missing, and has no default")
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return Problem(origin, key, "should be a mapping of keys to values")
    if kind in ("tuple_type", "list_type"):
        return Problem(origin, key, "should be a list")
    message = str(detail["msg"]).removeprefix("Value error, ").replace("Input should", "should", 1)
    message = message.partition(", unable to parse")[0].replace("Tuple should", "should", 1)
    value = detail["input"]
    if not _secret(model, key) and kind != "value_error" and isinstance(value, str | int | float):
        message = f"{message}, not {repr(value)[:SHOWN]}"
    return Problem(origin, key, message)


def _unknown(model: type[BaseModel], document: Document, key: KeyPath) -> Problem:
    import difflib  # wanted only when something is wrong

    origin = document.origin(key)
    parent = _model_at(model, key[:-1])
    if parent is None:
        return Problem(origin, key, "unknown key")
    known = [_spelling(name, field) for name, field in parent.model_fields.items()]
    if elsewhere := _find(model, str(key[-1])):
        return Problem(origin, key, f"unknown key here; did you mean {dotted(elsewhere)!r}?")
    if close := difflib.get_close_matches(str(key[-1]), known, n=1):
        return Problem(origin, key, f"unknown key; did you mean {close[0]!r}?")
    if any(_holds_secret(field.annotation) for field in parent.model_fields.values()):
        # Here an unexpected key may itself be a secret, as in "- s3cret: alice".
        return Problem(origin, key[:-1], f"has an unknown key; known: {', '.join(known)}")
    return Problem(origin, key, f"unknown key; known: {', '.join(known)}")


def _find(model: type[BaseModel], name: str, above: KeyPath = ()) -> KeyPath | None:
    """The first place in ``model`` that has a field called ``name``."""
    for field_name, field in model.model_fields.items():
        here = (*above, _spelling(field_name, field))
        if here[-1] == name:
            return here
        inner = nested(field.annotation)
        if inner is not None and (found := _find(inner, name, here)):
            return found
    return None


def _spelling(name: str, field: FieldInfo) -> str:
    return field.alias or name


def _field_at(model: type[BaseModel], key: KeyPath) -> FieldInfo | None:
    names = [part for part in key if not isinstance(part, int)]
    holder: type[BaseModel] | None = model
    found: FieldInfo | None = None
    for name in names:
        if holder is None:
            return None
        fields = holder.model_fields.items()
        found = next((f for n, f in fields if name in (n, f.alias)), None)
        if found is None:
            return None
        holder = nested(found.annotation)
    return found


def _model_at(model: type[BaseModel], key: KeyPath) -> type[BaseModel] | None:
    if not any(isinstance(part, str) for part in key):
        return model
    field = _field_at(model, key)
    return None if field is None else nested(field.annotation)


def _secret(model: type[BaseModel], key: KeyPath) -> bool:
    """Whether the value at ``key`` may be secret; a place that is not known is treated as one."""
    field = _field_at(model, key)
    return field is None or _holds_secret(field.annotation)


def _holds_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(map(_holds_secret, get_args(annotation)))
