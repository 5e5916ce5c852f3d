"""The real clients of Skaha, each in a virtual environment of its own, made on demand and kept."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

ENVIRONMENTS = Path(__file__).resolve().parents[1] / ".venvs"
"""Where the environments are kept. Nothing but this module writes there; removing it is safe."""

_ANSWER_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Release:
    """A published client, pinned together with what it needs to run today."""

    name: str
    requirements: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Name of its environment: another one for other pins, and for another Python."""
        key = "\n".join((*self.requirements, sys.version))
        return f"{self.name}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"


# Both canfar releases import names that later versions of typer no longer have.
CANFAR_1_5 = Release("canfar-1.5.2", ("canfar==1.5.2", "typer<0.29"))
CANFAR_1_4 = Release("canfar-1.4.1", ("canfar==1.4.1", "typer<0.26"))
SKAHA_1_7 = Release("skaha-1.7.0", ("skaha==1.7.0",))


class NotInstallable(Exception):
    """pip could not install a client; the text is the last thing it said."""


def installed(release: Release, environments: Path = ENVIRONMENTS) -> Path:
    """The folder of the client's programs, after making its environment if it is not there yet.

    Safe to call from several processes at once. Raises :class:`NotInstallable`.
    """
    environments.mkdir(parents=True, exist_ok=True)
    environment = environments / release.folder
    finished = environment / ".finished"
    with _lock(environments / f"{release.folder}.lock"):
        if not finished.exists():
            shutil.rmtree(environment, ignore_errors=True)
            _make(environment, release)
            finished.touch()
    return environment / "bin"


def _make(environment: Path, release: Release) -> None:
    steps = (
        ("-m", "venv", "--without-pip", str(environment)),
        ("-m", "pip", "--python", str(environment / "bin" / "python"), "install", "--quiet", "--no-input",
         "--disable-pip-version-check", "--retries", "1", *release.requirements),
    )  # fmt: skip
    for step in steps:
        done = subprocess.run([sys.executable, *step], capture_output=True, text=True, check=False)
        if done.returncode:
            said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
            raise NotInstallable(f"{release.name}: {said[-1].strip() if said else 'pip failed'}")


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True, slots=True)
class Reply:
    """What a program printed, and how it ended."""

    output: str
    errors: str
    status: int

    @property
    def lines(self) -> list[str]:
        """The printed lines, without their margins and the empty ones."""
        return [line.strip() for line in self.output.splitlines() if line.strip()]


@dataclass(frozen=True, slots=True)
class Client:
    """An installed client with a home of its own: it sees no variable and no file of the person who runs it."""

    programs: Path
    home: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def having(self, **variables: str) -> Client:
        """The same client with further environment variables."""
        return replace(self, variables={**self.variables, **variables})

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "NO_PROXY": "*",
            **self.variables,
        }

    def run(self, program: str, *arguments: str, typed: str = "") -> Reply:
        """Run one of its programs to the end; ``typed`` is what it can read."""
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            input=typed, capture_output=True, text=True, check=False,
            env=self.environment, cwd=self.home, timeout=_ANSWER_SECONDS,
        )  # fmt: skip
        return Reply(done.stdout, done.stderr, done.returncode)

    def python(self, script: str, *arguments: str) -> Any:
        """What ``script``, run by the client's own Python, prints as JSON on its last line.

        Raises ``RuntimeError`` with its traceback when it fails.
        """
        reply = self.run("python", "-c", script, *arguments)
        if reply.status:
            raise RuntimeError(f"{script}\n\nended with {reply.status}:\n{reply.output}{reply.errors}")
        return json.loads(reply.output.splitlines()[-1])
