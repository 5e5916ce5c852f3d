"""A live server in a thread of this process. Tests get at its platforms on the server's own loop, between requests."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import uvicorn

from mockskaha.control.guard import Guard
from mockskaha.host import Host, Server
from mockskaha.http.protocol import protocol
from mockskaha.testing.options import beginning, refused
from mockskaha.testing.service import Skaha

if TYPE_CHECKING:
    import httpx

    from mockskaha.namespace import Namespace

T = TypeVar("T")
_ADDRESS: Final = "127.0.0.1"
_TICK_SECONDS: Final = 0.1
"""How often uvicorn looks at its watch."""
_PATIENCE_SECONDS: Final = 30.0
_PARTING_SECONDS: Final = 1.0
"""For what is being answered to notice that its client has gone."""


class LiveServer:
    """One server with any number of platforms, on a free port; a context manager."""

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        """``options`` are those of the platform at its root, and of others that say nothing. Raises
        ``BadOptions``."""
        begin = beginning(options or {}, clock="wall")
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._listener.bind((_ADDRESS, 0))
            self._listener.listen(128)
            port = self._listener.getsockname()[1]
            self.host = Host(begin.settings, f"http://{_ADDRESS}:{port}", seed=begin.state)
        except BaseException as error:
            self._listener.close()
            if isinstance(error, ValueError):
                raise refused(error) from None
            raise
        self._server = _Server(
            uvicorn.Config(
                Server(self.host, Guard(_ADDRESS)),
                http=protocol(),
                ws="none", lifespan="off", server_header=False, access_log=False, log_config=None, log_level=None,
            )
        )  # fmt: skip
        self._made: list[Skaha] = []
        # A test run that is interrupted does not wait for it.
        self._thread = threading.Thread(target=self._run, name="mockskaha", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._server.is_up.wait(_PATIENCE_SECONDS) or self._server.failure is not None:
            raise RuntimeError("the server did not start") from self._server.failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.host.closing = True
        self._server.stop()
        self._thread.join(_PATIENCE_SECONDS)
        for made in self._made:
            made.close()
        self.host.close()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._listener])
        except BaseException as error:
            self._server.failure = error
        finally:
            self._server.is_up.set()
            self._listener.close()

    def call(self, do: Callable[[], T]) -> T:
        """What ``do()`` returns or raises, done on the server's loop: there a request is answered in one go."""
        outcome: Future[T] = Future()

        def done() -> None:
            try:
                outcome.set_result(do())
            except BaseException as error:
                outcome.set_exception(error)

        loop = self._server.loop
        if not self._thread.is_alive() or loop is None:
            return do()  # nobody is answering requests any more
        loop.call_soon_threadsafe(done)
        while True:
            with suppress(TimeoutError):
                return outcome.result(_PATIENCE_SECONDS)
            if outcome.done():
                return outcome.result()  # it was not this wait that timed out
            if not self._thread.is_alive():
                raise RuntimeError("the server ended") from self._server.failure

    def transport(self, library: ModuleType) -> httpx.BaseTransport:
        return _transport_type(library)()  # type: ignore[no-any-return]

    def root(self) -> Skaha:
        """The platform at the root."""
        return self._driven(self.host.root)

    def _driven(self, namespace: Namespace) -> Skaha:
        made = Skaha(namespace, self)
        self._made.append(made)
        return made

    def create(self, name: str, options: Mapping[str, Any]) -> Skaha:
        """A further platform, below ``/ns/<name>``. Raises ``BadOptions``."""
        begin = beginning(options, clock="wall")

        def created() -> Skaha:
            return self._driven(self.host.create(name, begin.state, begin.settings))

        try:
            return self.call(created)
        except ValueError as error:
            raise refused(error) from None

    def remove(self, name: str) -> None:
        """Forget a further platform; its clients are closed."""
        for made in [made for made in self._made if made.namespace.name == name]:
            made.close()
            self._made.remove(made)
        self.call(lambda: self.host.remove(name))


class _Server(uvicorn.Server):
    """uvicorn, that stops when it is told to and not at its next tick, and waits for no client that stays."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()
        self.failure: BaseException | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    async def main_loop(self) -> None:
        self.loop = asyncio.get_running_loop()
        counter = 0
        await self.on_tick(counter)
        self.is_up.set()
        while not self._stopping.is_set():
            counter = (counter + 1) % 864_000
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_SECONDS):
                    await self._stopping.wait()
            await self.on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Nothing is in its midst that anybody needs: a test has ended. Whoever is still connected is cut off.
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PARTING_SECONDS):
                while self.server_state.connections or self.server_state.tasks:
                    await asyncio.sleep(0)

    def stop(self) -> None:
        """From another thread."""
        if self.loop is not None:
            with suppress(RuntimeError):  # it has stopped by itself
                self.loop.call_soon_threadsafe(self._stopping.set)


@cache
def _transport_type(http: Any) -> type[Any]:
    class LiveTransport(http.BaseTransport, http.AsyncBaseTransport):  # type: ignore[misc]
        """The library's own, both of them, without its 40 ms of reading certificates."""

        def __init__(self) -> None:
            unread = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._plain = http.HTTPTransport(verify=unread)
            self._asynchronous = http.AsyncHTTPTransport(verify=unread)

        def handle_request(self, request: Any) -> Any:
            return self._plain.handle_request(request)

        async def handle_async_request(self, request: Any) -> Any:
            return await self._asynchronous.handle_async_request(request)

        def close(self) -> None:
            self._plain.close()

        async def aclose(self) -> None:
            await self._asynchronous.aclose()

    return LiveTransport
