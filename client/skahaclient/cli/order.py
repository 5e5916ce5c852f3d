"""What is to be launched, from every form of command line that launches something."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

KINDS = ("headless", "notebook", "desktop", "carta", "contributed", "firefly")
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME = 40


class Contradiction(ValueError):
    """Words that cannot be meant together; the text says what to write instead."""


@dataclass(frozen=True, slots=True)
class Order:
    """One launch: its image, its kind, and its command as the words a shell would make of it."""

    kind: str
    image: str
    command: tuple[str, ...]


def order(
    words: Sequence[str],
    command: Sequence[str] | None,
    *,
    kind: str | None = None,
    image: str | None = None,
    cmd: str | None = None,
) -> Order:
    """``words`` stand before ``--`` and ``command`` behind it; the others are options. What is not said in one way
    is said in another: ``KIND IMAGE -- CMD…``, ``--image IMAGE --cmd "CMD…"``, or of each a part.

    Raises :class:`Contradiction` for what is said twice, and for what is missing.
    """
    rest = list(words)
    kind = _kind(rest, kind, expected=image is None)
    if image is None:
        if not rest:
            raise Contradiction("no image; say which: launch KIND IMAGE, or --image IMAGE")
        image = rest.pop(0)
        if rest and rest[0] in KINDS and command is None:
            raise Contradiction(f"the kind comes before the image: launch {rest[0]} {image}")
    elif rest and (_is_image(rest[0]) or rest[0] == image):
        raise Contradiction(f"two images, {rest[0]} and --image {image}; leave one out")
    if rest:
        if command is not None or cmd is not None:
            raise Contradiction(
                f"{' '.join(rest)!r} is one word too many; the command stands behind -- or in --cmd"
            )
        command = rest  # launch KIND IMAGE CMD…, without the dashes
    if command and cmd:
        raise Contradiction(f"two commands, {' '.join(command)!r} and --cmd {cmd!r}; leave one out")
    return Order(kind, image, tuple(command) if command else split(cmd))


def split(cmd: str | None) -> tuple[str, ...]:
    """The words of a command line, as a shell splits it. Raises :class:`Contradiction` for an open quote."""
    import shlex

    try:
        return tuple(shlex.split(cmd or ""))
    except ValueError as error:
        raise Contradiction(f"--cmd {cmd!r}: {str(error).lower()}") from None


def name_of(image: str) -> str:
    """A name for a session that was given none: that of its image, without host, project and tag."""
    last = image.rsplit("/", 1)[-1].partition("@")[0].partition(":")[0]
    return _NOT_IN_A_NAME.sub("-", last.lower()).strip("-")[:_LONGEST_NAME].strip("-") or "session"


def _kind(rest: list[str], option: str | None, *, expected: bool) -> str:
    """Take the kind off the words, where it is one of them."""
    if option is not None and option not in KINDS:
        raise Contradiction(_unknown_kind(option))
    first = rest[0].lower() if rest else None
    if first in KINDS:
        if option not in (None, first):
            raise Contradiction(f"two kinds, {first} and --kind {option}; leave one out")
        rest.pop(0)
        return first
    if first is not None and option is None and not _is_image(first) and (expected or len(rest) == 1):
        raise Contradiction(_unknown_kind(first))
    return option or "headless"


def _is_image(word: str) -> bool:
    return "/" in word or ":" in word


def _unknown_kind(word: str) -> str:
    close = get_close_matches(word, KINDS, 1)
    meant = f"did you mean {close[0]}?" if close else f"one of {', '.join(KINDS)}"
    return f"{word!r} is no kind of session; {meant}"
