"""What is to be launched, checked before anything is sent, as the form that Skaha reads."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from skahaclient.errors import InvalidRequest
from skahaclient.models.session import KINDS

REGISTRY = "images.canfar.net"
PROJECT = "skaha"
_LAUNCHABLE = tuple(kind for kind in KINDS if kind != "desktop-app")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Launch:
    """One or many sessions; the rules are those of skaha-contract §3.3. Made by `launch`."""

    name: str
    fields: tuple[tuple[str, str], ...]
    variables: Mapping[str, str] = field(repr=False)
    replicas: int

    def name_of(self, replica: int) -> str:
        """``replica`` counts from 1."""
        return self.name if self.replicas == 1 else f"{self.name}-{replica}"

    def form(self, replica: int) -> Iterator[tuple[str, str]]:
        """The form of one replica; each knows which one it is."""
        yield "name", self.name_of(replica)
        yield from self.fields
        known = {"REPLICA_ID": str(replica), "REPLICA_COUNT": str(self.replicas)}
        for name, value in {**self.variables, **known}.items():
            yield "env", f"{name}={value}"


def launch(
    name: str,
    image: str,
    cores: float | None = None,
    ram: float | None = None,
    kind: str = "headless",
    gpu: int | None = None,
    cmd: str | Sequence[str] | None = None,
    args: str | Sequence[str] | None = None,
    env: Mapping[str, Any] | None = None,
    replicas: int = 1,
) -> Launch:
    """Raises `InvalidRequest` for what Skaha would refuse, misread, or lose without a word."""
    if isinstance(replicas, bool) or not isinstance(replicas, int) or replicas < 1:
        raise InvalidRequest(f"replicas has to be a whole number from 1 on, and not {replicas!r}")
    fields = [("image", whole_image(image)), ("type", _kind(kind))]
    fields += [
        (label, number)
        for label, value in (("cores", cores), ("ram", ram))
        if (number := _amount(label, value))
    ]
    if gpus := _gpus(gpu):
        fields.append(("gpus", gpus))
    command, arguments = _command(cmd, args)
    if command:
        fields.append(("cmd", command))
    if arguments:
        fields.append(("args", " ".join(arguments)))
    made = Launch(_name(name), tuple(fields), _variables(env), replicas)
    longest = made.name_of(replicas)
    if len(longest) > 63:
        raise InvalidRequest(
            f"the name {longest!r} is too long: Skaha takes 63 characters, with the replica's number"
        )
    return made


def whole_image(image: str) -> str:
    """An image with its registry and tag: ``skaha/astroml`` is ``images.canfar.net/skaha/astroml:latest``."""
    text = image.strip() if isinstance(image, str) else ""
    if not text or any(letter.isspace() for letter in text) or _CONTROL.search(text) or '"' in text:
        raise InvalidRequest(f"{image!r} is not an image; such as skaha/astroml:latest")
    first, slash, _ = text.partition("/")
    if not slash:
        text = f"{REGISTRY}/{PROJECT}/{text}"
    elif "." not in first and ":" not in first and first != "localhost":
        text = f"{REGISTRY}/{text}"
    last = text.rpartition("/")[2]
    if not last:
        raise InvalidRequest(f"{image!r} is not an image; such as skaha/astroml:latest")
    return text if ":" in last or "@" in last else f"{text}:latest"


def _name(name: Any) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidRequest(
            f"{name!r} cannot be the name of a session: letters, digits and '-', up to 63, no '-' at the ends"
        )
    return name


def _kind(kind: Any) -> str:
    text = str(kind).strip().lower()
    if text not in _LAUNCHABLE:
        raise InvalidRequest(
            f"{kind!r} is not a kind of session that can be launched: {', '.join(_LAUNCHABLE)}"
        )
    return text


def _amount(label: str, value: Any) -> str:
    if value is None:
        return ""
    number = _number(value)
    if number is None or not 1 <= number < 1e6:
        raise InvalidRequest(f"{label} has to be a number from 1 on, and not {value!r}")
    text = f"{number:.6f}".rstrip("0")
    return text.removesuffix(".")


def _gpus(value: Any) -> str:
    if value is None:
        return ""
    number = _number(value)
    if number is None or number != int(number) or not 0 <= number < 1e6:
        raise InvalidRequest(f"gpu has to be a whole number, and not {value!r}")
    return str(int(number)) if number else ""  # 0 is refused by Skaha; none is what is meant


def _number(value: Any) -> float | None:
    try:
        number = None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number is not None and abs(number) < float("inf") else None


def _command(cmd: Any, args: Any) -> tuple[str, list[str]]:
    """``cmd`` for Skaha is one word, the program; its arguments are words, too."""
    words = _shell_words("cmd", cmd) if isinstance(cmd, str) else _list("cmd", cmd)
    arguments = _plain_words(args) if isinstance(args, str) else _list("args", args)
    if arguments and not words and cmd is not None:
        raise InvalidRequest("cmd is empty; say which program the args are for")
    if words and not words[0]:
        raise InvalidRequest("the name of the program, the first word of cmd, is empty")
    program, rest = (words[0], [*words[1:], *arguments]) if words else ("", arguments)
    _breaks_nothing("cmd", program)
    for argument in rest:
        if not argument:
            raise InvalidRequest(
                "an empty argument cannot be sent: Skaha would lose it; put the command into a script"
            )
        if any(letter.isspace() for letter in argument):
            raise InvalidRequest(
                f"the argument {argument!r} has a space in it: Skaha would split it; put the command into a script"
            )
        _breaks_nothing("args", argument)
    return program, rest


def _shell_words(label: str, text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise InvalidRequest(f"{label} {text!r}: {str(error).lower()}") from None


def _plain_words(text: str) -> list[str]:
    """The words as they are: Skaha knows no quotes, so quotes that are meant to hold a space cannot do so."""
    words = text.split()
    try:
        meant = shlex.split(text)
    except ValueError:  # an apostrophe
        return words
    held = next((word for word in meant if any(letter.isspace() for letter in word)), None)
    if held is not None and held not in words:
        raise InvalidRequest(
            f"quotes in args do not hold {held!r} together: Skaha splits at every space; put the command into a script"
        )
    return words


def _list(label: str, words: Any) -> list[str]:
    if words is None:
        return []
    if not isinstance(words, Sequence) or isinstance(words, bytes):
        raise InvalidRequest(f"{label} has to be a text or a list of texts, and not {type(words).__name__}")
    return [str(word) for word in words]


def _variables(env: Any) -> dict[str, str]:
    if env is None:
        return {}
    if not isinstance(env, Mapping):
        raise InvalidRequest(f"env has to be a dictionary, and not {type(env).__name__}")
    found = {str(name): str(value) for name, value in env.items()}
    for name, value in found.items():
        if not _VARIABLE.fullmatch(name):
            raise InvalidRequest(f"{name!r} cannot be the name of a variable")
        if not value.strip():
            raise InvalidRequest(
                f"the variable {name} is empty: Skaha would drop it without a word; leave it out"
            )
        if "=" in value:
            raise InvalidRequest(
                f"the value of {name} has a '=' in it: Skaha would drop the variable without a word"
            )
        _breaks_nothing(f"the variable {name}", value)
    return found


def _breaks_nothing(label: str, text: str) -> None:
    if '"' in text or _CONTROL.search(text):
        raise InvalidRequest(
            f"{label}: a double quote, a line break or another control character breaks the launch in Skaha"
        )
