"""uvicorn protocols that tell the application whose client certificate it is talking to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from mockskaha.tls import TLSFiles


class _Application(Protocol):
    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]: ...


def options(files: TLSFiles) -> dict[str, Any]:
    """Arguments for ``uvicorn.Config``: https with ``files``; clients may show a certificate."""
    return {
        "http": protocol(),
        "ssl_certfile": str(files.server),
        "ssl_ca_certs": str(files.ca),
        "ssl_cert_reqs": ssl.CERT_OPTIONAL,
    }


def protocol() -> type[asyncio.Protocol]:
    """uvicorn's fastest HTTP protocol, plus the ``tls`` extension in the scope of https requests.

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

    class CertificateHttpToolsProtocol(_PeerNamed, HttpToolsProtocol):
        pass

    return CertificateHttpToolsProtocol


def h11_protocol() -> type[asyncio.Protocol]:
    """The protocol on h11, pure Python."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class CertificateH11Protocol(_PeerNamed, H11Protocol):
        pass

    return CertificateH11Protocol


class _PeerNamed(asyncio.Protocol):
    """Adds the extension by wrapping the application, once a connection: plain http pays nothing."""

    app: Any

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if transport.get_extra_info("sslcontext") is not None:
            self.app = _named(self.app, common_name(transport.get_extra_info("peercert")))


def _named(app: _Application, name: str | None) -> _Application:
    def with_extension(scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        scope["extensions"] = {**scope.get("extensions", {}), "tls": {"client_cert_name": name}}
        return app(scope, receive, send)

    return with_extension


def common_name(certificate: Mapping[str, Any] | None) -> str | None:
    """The first common name in a certificate as ``ssl.SSLSocket.getpeercert`` gives it.

    A proxy certificate carries its owner's name first and a serial number last.
    """
    for attributes in (certificate or {}).get("subject", ()):
        for key, value in attributes:
            if key == "commonName":
                return str(value)
    return None
