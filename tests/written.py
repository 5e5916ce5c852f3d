"""Parts of a page that are written from what they are about, between two comments that say so."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def with_parts(text: str, module: str, parts: Mapping[str, Callable[[], str]]) -> str:
    """The page ``text`` with its parts as they should be; ``python -m module`` writes them."""
    for name, make in parts.items():
        begin = f"<!-- {name}: written by `python -m {module}`, do not edit -->"
        end = f"<!-- end of {name} -->"
        head, rest = text.split(begin)
        tail = rest.split(end)[1]
        text = f"{head}{begin}\n\n{make()}\n\n{end}{tail}"
    return text
