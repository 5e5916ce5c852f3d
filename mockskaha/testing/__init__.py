"""Skaha for tests: in this process and with its own time, or live on a port. Made in milliseconds, gone after.

>>> from mockskaha import testing
>>> with testing.skaha() as skaha:
...     session = skaha.launch("sleep", "60")
...     skaha.until(session, "Completed")

Importing this loads nothing heavy; what a platform needs is loaded when the first one is made. With pytest there are
fixtures for it (``mockskaha.pytest_plugin``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Unpack

from mockskaha.era import VERSIONS
from mockskaha.testing.options import BadOptions, Options

if TYPE_CHECKING:
    from mockskaha.testing.service import Skaha

__all__ = ["VERSIONS", "BadOptions", "Options", "serve", "skaha"]


@contextmanager
def skaha(**options: Unpack[Options]) -> Iterator[Skaha]:
    """A platform in this process, without a network; time stands still until it is told to move.

    Raises :class:`BadOptions`.
    """
    from mockskaha.testing.inprocess import started

    made = started(options)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def serve(**options: Unpack[Options]) -> Iterator[Skaha]:
    """A platform behind a live server, in a thread of this process, on a free port of 127.0.0.1.

    Time follows the wall clock unless ``clock="manual"``; either way it can be told to move. When the block is left,
    server, thread and port are gone. Raises :class:`BadOptions`.
    """
    from mockskaha.testing.live import LiveServer

    with LiveServer(options) as server:
        yield server.root()
