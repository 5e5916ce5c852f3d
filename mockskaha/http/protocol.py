"""uvicorn protocols that tell the application more of the connection than ASGI has: who showed which certificate, and
how to cut it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Protocol

from mockskaha.http.delivery import TRANSPORT


class _Application(Protocol):
    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]: ...


def protocol() -> type[asyncio.Protocol]:
    """uvicorn's fastest HTTP protocol, plus two extensions in the scope: the connection's transport
    (:data:`~mockskaha.http.delivery.TRANSPORT`), and ``tls`` for https requests.

    ``scope["extensions"]["tls"]["client_cert_name"]`` is the common name of the peer's certificate, ``None``
    when it sent none. The ASGI TLS extension would have the whole distinguished name there; Skaha callers are
    known by the common name alone (skaha-contract §1.3).
    """
    try:
        return httptools_protocol()
    except ImportError:
        return h11_protocol()


def httptools_protocol() -> type[asyncio.Protocol]:
    """The protocol on httptools. Raises ``ImportError`` where that is not installed."""
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class KnownHttpToolsProtocol(_Known, HttpToolsProtocol):
        pass

    return KnownHttpToolsProtocol


def h11_protocol() -> type[asyncio.Protocol]:
    """The protocol on h11, pure Python."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class KnownH11Protocol(_Known, H11Protocol):
        pass

    return KnownH11Protocol


class _Known(asyncio.Protocol):
    """Adds the extensions by wrapping the application, once a connection."""

    app: Any

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        extensions: dict[str, Any] = {TRANSPORT: transport}
        if transport.get_extra_info("sslcontext") is not None:
            from mockskaha.http.certificates import common_name  # plain http does without

            extensions["tls"] = {"client_cert_name": common_name(transport.get_extra_info("peercert"))}
        self.app = _extended(self.app, extensions)


def _extended(app: _Application, extensions: dict[str, Any]) -> _Application:
    def with_extensions(scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        scope["extensions"] = {**scope.get("extensions", {}), **extensions}
        return app(scope, receive, send)

    return with_extensions
