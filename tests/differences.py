"""The README's table of differences from the real service, from the tests marked ``differs``.

``python -m tests.differences`` writes it; ``tests/repository/test_readme.py`` holds the README to it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.written import with_parts

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


def differences() -> list[str]:
    """What the tests say differs, each once, sorted."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return sorted({text for file in files for text in _marked(ast.parse(file.read_text()))}, key=str.lower)


def _marked(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "differs"
            and isinstance(node.func.value, ast.Attribute)
            and node.func.value.attr == "mark"
        ):
            yield " ".join(str(ast.literal_eval(node.args[0])).split())


def listed() -> str:
    return "\n".join(f"- {text[:1].upper()}{text[1:].rstrip('.')}." for text in differences())


def with_differences(readme: str) -> str:
    """The README with its list as it should be."""
    return with_parts(readme, "tests.differences", {"differences": listed})


if __name__ == "__main__":
    README.write_text(with_differences(README.read_text()))
