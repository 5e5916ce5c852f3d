"""``docs/configuration.md``, from the models of the configuration and the texts below their fields.

``python -m tests.configuration_reference`` writes it; ``tests/repository/test_configuration_reference.py`` holds the
page to the code. The texts are read from the source: Pydantic could keep them, at a cost to every start.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from mockskaha.config import Settings
from tests.differences import ROOT

PAGE = ROOT / "docs" / "configuration.md"
INTRODUCTION = """\
# Configuration

<!-- written by `python -m tests.configuration_reference`, do not edit -->

What a file given with `mockskaha serve --config FILE` may contain. Every key may be left out; a section or a list may
also be the path of another YAML file. The defaults are those of the CANFAR production deployment, as far as they are
known. `§` is the part of the contract's description that a key comes from.
"""


def texts(model: type[BaseModel]) -> dict[str, str]:
    """Field -> the string that stands below it in the source, of the class and those it derives from."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if not issubclass(base, BaseModel) or base is BaseModel:
            continue
        body = ast.parse(inspect.getsource(base)).body[0]
        assert isinstance(body, ast.ClassDef)
        for field, below in zip(body.body, body.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
            ):
                found[field.target.id] = " ".join(str(below.value.value).split())
    return found


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)


def written(value: Any) -> str:
    if isinstance(value, BaseModel) or value in (None, ()):
        return ""
    if value is PydanticUndefined:
        return "required"
    text = json.dumps(value, default=str)
    return f"`{text}`" if len(text) <= 60 else f"`{text[:50]}…`"


def rows(model: type[BaseModel], above: str) -> Iterator[tuple[str, str, str]]:
    told = texts(model)
    for name, field in model.model_fields.items():
        key = f"{above}{field.alias or name}"
        part = next(models_in(field.annotation), None)
        many = "tuple" in str(field.annotation)
        given = part is not None or field.default_factory is not None
        yield f"`{key}`", "" if given else written(field.default), told.get(name, summary(part))
        if part is not None:
            yield from rows(part, f"{key}[]." if many else f"{key}.")


def summary(part: type[BaseModel] | None) -> str:
    return "" if part is None else " ".join((part.__doc__ or "").split())


def page() -> str:
    lines = [INTRODUCTION, "| key | default | |", "|---|---|---|"]
    for key, default, text in rows(Settings, ""):
        escaped = re.sub(r"``([^`]*)``", r"`\1`", text).replace("|", "\\|")
        lines.append(f"| {key} | {default} | {escaped} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"wrote {PAGE.relative_to(ROOT)}\n")
