"""Faults that have a name, one for each thing that users of Skaha were bitten by (``data/faults.yaml``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from mockskaha.faults.refusals import nearest
from mockskaha.faults.rule import MATCHING, SELECTING, FaultRule
from skahasim.section import Section
from skahasim.yamlfile import ConfigurationError, Document, Origin, Problem, parse, read, validate

MOST_FAULTS = 1_000
"""That one platform has."""
_GENERAL = (*MATCHING, *SELECTING)
"""What can be said of any preset."""


class Preset(Section):
    """One of them."""

    description: str
    source: str
    """Where it is known from: an issue, or a section of the contract's description."""
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    """Values that can be given otherwise; ``$name`` stands for one in ``faults``."""
    faults: tuple[dict[str, Any], ...] = Field(min_length=1)


class _Presets(Section):
    presets: dict[str, Preset]


class UnknownPreset(ValueError):
    """There is none of this name, or it has no such parameter; the text says which there are."""


@cache
def presets() -> Mapping[str, Preset]:
    """All of them, by name."""
    name = "mockskaha/data/faults.yaml"
    document = parse((files("mockskaha") / "data" / "faults.yaml").read_text(encoding="utf-8"), name)
    return validate(_Presets, Document(name, {"presets": document.data}, {})).presets


def preset(name: str) -> Preset:
    """The one of this name. Raises :class:`UnknownPreset`."""
    found = presets().get(name)
    if found is None:
        raise UnknownPreset(f"there is no preset {name!r}; {nearest(name, presets())}")
    return found


def applied(name: str, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The faults of a preset, as they are written, with what is ``given``: its parameters, and what any fault has to
    say which calls it meets and strikes. Raises :class:`UnknownPreset`."""
    found = preset(name)
    values = {**found.parameters}
    general: dict[str, Any] = {}
    for key, value in given.items():
        if key in found.parameters:
            values[key] = value
        elif key in _GENERAL or key in ("id", "description"):
            general[key] = value
        else:
            known = (*found.parameters, "id", *_GENERAL)
            raise UnknownPreset(f"preset {name!r} has no parameter {key!r}; {nearest(key, known)}")
    label = general.pop("id", name)
    made = []
    for number, fault in enumerate(found.faults, 1):
        written = {"description": found.description, **_filled(fault, values), **general}
        written["id"] = label if number == 1 else f"{label}-{number}"
        made.append(written)
    return made


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    if isinstance(value, str) and value.startswith("$"):
        return values[value[1:]]
    return value


def _expanded(value: Any) -> Any:
    """Presets in a list of faults, replaced by the faults they are: a name, or ``{preset: name, …}``."""
    if not isinstance(value, list | tuple):
        return value
    return [fault for entry in value for fault in _faults_of(entry)]


def _faults_of(entry: Any) -> Iterator[Any]:
    if isinstance(entry, str):
        yield from applied(entry, {})
    elif isinstance(entry, dict) and "preset" in entry:
        if not isinstance(entry["preset"], str):
            raise ValueError("preset: should be a name")  # noqa: TRY004 - Pydantic wants this one
        yield from applied(entry["preset"], {key: value for key, value in entry.items() if key != "preset"})
    else:
        yield entry


def _each_once(faults: tuple[FaultRule, ...]) -> tuple[FaultRule, ...]:
    seen: set[str] = set()
    for fault in faults:
        if fault.id and fault.id in seen:
            raise ValueError(f"two faults have the id {fault.id!r}; give one of them another")
        seen.add(fault.id)
    return faults


Faults = Annotated[
    tuple[FaultRule, ...],
    BeforeValidator(_expanded),
    Field(max_length=MOST_FAULTS),
    AfterValidator(_each_once),
]
"""A list of faults, in which presets may stand by name."""


class FaultList(Section):
    """A file of faults."""

    faults: Faults = ()


def faults_of(data: Any, name: str = "given") -> tuple[FaultRule, ...]:
    """The faults that parsed YAML or JSON describes: one, or a list, or a mapping with a list ``faults``; presets by
    name among them. Raises ``ConfigurationError``."""
    return _read(Document(name, data, {(): Origin(name)}))


def written_faults(text: str, origin: str = "faults") -> tuple[FaultRule, ...]:
    """The same of YAML or JSON text; problems have their lines."""
    return _read(parse(text, origin))


def read_faults(given: str, origin: str = "faults") -> tuple[FaultRule, ...]:
    """The faults of the preset, or else in the file, of this name; or those that it says itself, in YAML or JSON:
    ``{preset: flaky, user: alice}``. ``origin`` is where messages say it was given. Raises
    ``ConfigurationError``."""
    if given in presets():
        return faults_of([given], origin)
    if given.lstrip().startswith(("{", "[")):
        return written_faults(given, origin)
    path = Path(given)
    if not path.is_file():
        looks = "/" in given or path.suffix in (".yaml", ".yml", ".json")
        text = (
            f"no such file: {given}"
            if looks
            else f"{given!r} is neither a file nor a preset; {nearest(given, presets())}"
        )
        raise ConfigurationError([Problem(Origin(origin), (), text)])
    return _read(read(path))


def _read(document: Document) -> tuple[FaultRule, ...]:
    data, shift = document.data, 0
    if isinstance(data, dict) and (list(data) == ["faults"] or not data):
        return validate(FaultList, document).faults
    if not isinstance(data, list):
        data, shift = [data], 1
    above: tuple[str | int, ...] = ("faults", 0) if shift else ("faults",)
    origins = {(*above, *key): origin for key, origin in document.origins.items()}
    return validate(FaultList, Document(document.name, {"faults": data}, origins)).faults
