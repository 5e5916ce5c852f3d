"""The batch-processing page that CANFAR gives its users, taken apart: which of its lines are to be run.

The page is text without fences, so what is code is told from what it says, and the tests assert that exactly the
blocks that are there were found.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

_COMMANDS = ("canfar", "cd", "cp", "echo", "mkdir", "pip", "python", "rsync", "set")
"""First words of the shell lines of the page."""
_ASSIGNMENT = re.compile(r"[A-Z_]+=")
_INDENTED = re.compile(r"\s+(?!•)\S")
_CODE = re.compile(r"(canfar|pip|import|from|def|for|while|if|try)\b|#|[^•]*[\\({\[)}\]]$")
_MOST_PARAGRAPHS = 20
"""No program of the page has more."""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of the page that are run together."""

    language: Literal["shell", "python"]
    line: int
    """Its first line, counted from 1."""
    text: str

    @property
    def first_line(self) -> str:
        return self.text.splitlines()[0]

    def having(self, **values: str) -> str:
        """Its text with ``[name]`` replaced; ``_`` in a name stands for ``-``."""
        text = self.text
        for name, value in values.items():
            text = text.replace(f"[{name.replace('_', '-')}]", value)
        return text


@dataclass(frozen=True, slots=True)
class _Paragraph:
    line: int
    text: str


def blocks_of(page: str) -> list[Block]:
    """The blocks of code of ``page``, in order."""
    paragraphs = list(_paragraphs(page))
    found: list[Block] = []
    at = 0
    while at < len(paragraphs):
        here = paragraphs[at:]
        count, language = _python(here), "python"
        if not count:
            count, language = len(list(takewhile(_is_shell, here))), "shell"
        if count:
            text = "\n\n".join(paragraph.text for paragraph in here[:count])
            found.append(Block(language, here[0].line, text + "\n"))  # type: ignore[arg-type]
        at += count or 1
    return found


def looks_like_code(page: str, found: list[Block]) -> list[str]:
    """Lines outside all blocks that could well be code: none, if nothing was lost."""
    covered = {block.line + offset for block in found for offset in range(len(block.text.splitlines()))}
    return [
        line
        for number, line in enumerate(page.splitlines(), 1)
        if number not in covered and (_CODE.match(line) or _INDENTED.match(line))
    ]


def _paragraphs(page: str) -> Iterator[_Paragraph]:
    lines: list[str] = []
    for number, line in enumerate([*page.splitlines(), ""], 1):
        if line.strip():
            lines.append(line)
        elif lines:
            yield _Paragraph(number - len(lines), "\n".join(lines))
            lines = []


def _is_shell(paragraph: _Paragraph) -> bool:
    """Whether each of its lines begins as a shell line of the page does."""
    lines = paragraph.text.replace("\\\n", "").splitlines()
    return all(
        line.startswith("#") or _ASSIGNMENT.match(line) or line.split()[0] in _COMMANDS for line in lines
    )


def _python(paragraphs: list[_Paragraph]) -> int:
    """How many paragraphs from the first on are one Python program; none, if it imports nothing."""
    longest = 0
    imports = False
    for count in range(1, min(len(paragraphs), _MOST_PARAGRAPHS) + 1):
        text = "\n\n".join(paragraph.text for paragraph in paragraphs[:count])
        try:
            body = ast.parse(text).body
        except SyntaxError:
            continue  # may end in the middle of a statement
        if any(isinstance(part, ast.Expr) and not isinstance(part.value, ast.Call) for part in body):
            break
        imports = imports or any(isinstance(part, ast.Import | ast.ImportFrom) for part in body)
        longest = count
    return longest if imports else 0
