"""A platform in this process: requests and the test take turns by a lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mockskaha.host import Host
from mockskaha.inprocess import transport
from mockskaha.testing.options import beginning, refused
from mockskaha.testing.service import Skaha

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
ORIGIN: Final = "http://skaha.test"
"""A name that no resolver knows, so that nothing but the transport can be meant."""


class InProcess:
    """The way to a host in this process."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = RLock()

    def call(self, do: Callable[[], T]) -> T:
        with self._lock:
            return do()

    def transport(self, library: ModuleType) -> httpx.BaseTransport:
        return transport(self._host, library, self._lock)


def started(options: Mapping[str, Any]) -> Skaha:
    """A fresh platform. Raises ``BadOptions``."""
    begin = beginning(options)
    try:
        host = Host(begin.settings, ORIGIN, seed=begin.state)
    except ValueError as error:
        raise refused(error) from None
    return Skaha(host.root, InProcess(host))
