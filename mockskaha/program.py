"""What a headless job does: a few commands are understood, anything else runs for the profile's time.

``cmd`` is one argv element, never split; ``args`` were split on single spaces (skaha-contract §3.3).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, isfinite

_SLEEP = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([smhd]?)", re.ASCII)
_EXIT_CODE = re.compile(r"\d{1,9}", re.ASCII)
_SLEEP_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SHELLS = ("sh", "bash", "dash", "/bin/sh", "/bin/bash")
_BEYOND = re.compile(r"[$`\n\r*?\[~]|(?:^|[\s;&|()])#")
"""What makes a script more than words: expansions, further lines, comments. Quoted or not, it is not looked into."""
_USAGE = 1
_SYNTAX_ERROR = 2
_LONGEST_SECONDS = 10.0 * 365 * 86400


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command comes to."""

    seconds: float | None = 0.0
    """Run time; ``None`` when nothing is known of it."""
    exit_code: int = 0
    lines: tuple[tuple[float, str], ...] = ()
    """(seconds after start, line) it prints, in order."""
    start_error: str = ""
    """Why it cannot even be started."""

    def then(self, later: Outcome) -> Outcome:
        """This, and after it ``later``."""
        if self.seconds is None:
            return self
        offset = self.seconds
        return Outcome(
            seconds=None if later.seconds is None else offset + later.seconds,
            exit_code=later.exit_code,
            lines=self.lines + tuple((offset + at, line) for at, line in later.lines),
        )


UNKNOWN = Outcome(seconds=None)


def outcome(cmd: str, args: tuple[str, ...], env: Iterable[tuple[str, str]]) -> Outcome:
    """What running ``cmd`` with ``args`` does. An empty ``cmd`` is the image's own entry point."""
    if not cmd:
        return UNKNOWN
    if any(character.isspace() for character in cmd):
        return Outcome(
            start_error=(
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: "
                "runc create failed: unable to start container process: "
                f'exec: "{cmd}": executable file not found in $PATH: unknown'
            )
        )
    if cmd in _SHELLS:
        return _shell(args, env)
    return _simple([cmd, *args], env)


def _simple(argv: list[str], env: Iterable[tuple[str, str]]) -> Outcome:
    name, args = argv[0].rsplit("/", 1)[-1], argv[1:]
    if name == "sleep":
        return _sleep(args)
    if name in ("env", "printenv"):
        return _print_environment(name, args, env)
    if name == "echo":
        newline = args[:1] != ["-n"]
        text = " ".join(args if newline else args[1:])
        return Outcome(lines=((0.0, text),))
    if name == "true":
        return Outcome()
    if name == "false":
        return Outcome(exit_code=1)
    return UNKNOWN


def _sleep(args: list[str]) -> Outcome:
    if not args:
        return Outcome(
            exit_code=_USAGE,
            lines=((0.0, "sleep: missing operand"), (0.0, "Try 'sleep --help' for more information.")),
        )
    if args == ["infinity"]:
        return Outcome(seconds=inf)
    total = 0.0
    for word in args:
        match = _SLEEP.fullmatch(word)
        if not match:
            return Outcome(
                exit_code=_USAGE,
                lines=(
                    (0.0, f"sleep: invalid time interval '{word}'"),
                    (0.0, "Try 'sleep --help' for more information."),
                ),
            )
        total += float(match[1]) * _SLEEP_UNITS[match[2]]
    return Outcome(seconds=min(total, _LONGEST_SECONDS) if isfinite(total) else inf)


def _print_environment(name: str, args: list[str], env: Iterable[tuple[str, str]]) -> Outcome:
    values = dict(env)
    if name == "printenv" and args:
        found = [values[key] for key in args if key in values]
        return Outcome(
            exit_code=0 if len(found) == len(args) else 1, lines=tuple((0.0, value) for value in found)
        )
    if args:
        return UNKNOWN
    return Outcome(lines=tuple((0.0, f"{key}={value}") for key, value in values.items()))


def _shell(args: tuple[str, ...], env: Iterable[tuple[str, str]]) -> Outcome:
    """``sh -c SCRIPT`` of the commands above, joined by ``;`` or ``&&``; any other script is unknown.

    The service splits the script on its spaces, so the words after ``-c`` are joined again, which a real
    container would not do.
    """
    if args[:1] != ("-c",):
        return UNKNOWN
    script = " ".join(args[1:])
    if _BEYOND.search(script):
        return UNKNOWN
    try:
        lexer = shlex.shlex(script, posix=True, punctuation_chars=";&|<>()")
        lexer.whitespace_split = True
        lexer.commenters = ""
        words = list(lexer)
    except ValueError:
        return Outcome(
            exit_code=_SYNTAX_ERROR, lines=((0.0, "sh: 1: Syntax error: Unterminated quoted string"),)
        )
    if len(words) == 1 and " " in words[0]:
        return _shell(("-c", words[0]), env)
    return _sequence(words, list(env))


def _sequence(words: list[str], env: list[tuple[str, str]]) -> Outcome:
    done = Outcome()
    command: list[str] = []
    for word in [*words, ";"]:
        if word not in (";", "&&"):
            if word and set(word) <= set(";&|<>()"):
                return UNKNOWN
            command.append(word)
            continue
        if command[:1] == ["exit"]:
            code = command[1] if len(command) > 1 else str(done.exit_code)
            known = _EXIT_CODE.fullmatch(code)
            return done.then(Outcome(exit_code=int(code) % 256 if known else _SYNTAX_ERROR))
        if command:
            done = done.then(_simple(command, env))
        if done.seconds is None or (word == "&&" and done.exit_code):
            return done
        command = []
    return done
