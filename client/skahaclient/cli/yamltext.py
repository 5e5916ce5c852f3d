"""JSON values as YAML, to read and to load: block style, strings quoted only where YAML would read something else."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

_PLAIN = re.compile(
    r"[A-Za-z/][A-Za-z0-9_./+@-]*(?::(?=[^\s:])[A-Za-z0-9_./+@-]+)*(?: [A-Za-z0-9_./+@()-]+)*"
)
_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
"""What YAML 1.1 or 1.2 takes for something else than text, in any case."""
_UNPRINTABLE = re.compile(
    "[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|[\u2028\u2029]"
)


def yaml_text(value: Any) -> str:
    """``value`` (of JSON's types) as one YAML document that ends with a line break."""
    return "".join(f"{line}\n" for line in _lines(value))


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _entry(f"{_scalar(key)}:", item)
    elif isinstance(value, list | tuple) and value:
        for item in value:
            first, *others = _lines(item)
            yield f"- {first}"
            yield from (f"  {line}" for line in others)
    else:
        yield _scalar(value)


def _entry(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping | list | tuple) and value:
        yield key
        yield from (f"  {line}" for line in _lines(value))
    else:
        yield f"{key} {_scalar(value)}"


def _scalar(value: Any) -> str:
    match value:
        case float() if not math.isfinite(value):
            return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
        case float():
            text = repr(value)
            # YAML 1.1 wants a point in a number with an exponent.
            return text if "." in text or "e" not in text else text.replace("e", ".0e")
        case str():
            return _string(value)
        case dict():
            return "{}"
        case list() | tuple():
            return "[]"
        case _:
            return json.dumps(value)


def _string(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return _UNPRINTABLE.sub(_escaped, json.dumps(text, ensure_ascii=False))


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
