"""A mockskaha server of one's own: a process on a free port that ends with the block that started it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

_START_SECONDS = 60
_STOP_SECONDS = 10
_FIRST_LINE = re.compile(r"export CANFAR_URL=(https?://\S+)\n")


class NotStarted(Exception):
    """The server ended, or stayed silent, instead of saying where it listens."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running server."""

    url: str
    """As clients want it: ``http://127.0.0.1:PORT/skaha/v1``."""
    pid: int
    _errors: IO[str]

    @property
    def origin(self) -> str:
        """``http://127.0.0.1:PORT``"""
        return self.url.removesuffix("/skaha/v1")

    def complaints(self) -> str:
        """What it has written to its standard error so far; a healthy one writes nothing."""
        self._errors.seek(0)
        return self._errors.read()


@contextmanager
def running(*options: str) -> Iterator[Service]:
    """``mockskaha serve`` with ``options``, on a free port. Raises :class:`NotStarted`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MOCKSKAHA_")}
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "mockskaha", "serve", "--port", "0", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment,
        )  # fmt: skip
        try:
            match = _FIRST_LINE.fullmatch(_first_line(process))
            service = Service(match[1] if match else "", process.pid, errors)
            if not match:
                raise NotStarted(f"mockskaha serve did not start:\n{service.complaints()}")
            yield service
        finally:
            _stop(process)


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    impatience = threading.Timer(_START_SECONDS, process.kill)
    impatience.start()
    try:
        return process.stdout.readline()
    finally:
        impatience.cancel()


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.stdout is not None
    process.stdout.close()
