"""Whose client certificate a connection was opened with."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from mockskaha.tls import TLSFiles


class _Application(Protocol):
    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]: ...


def options(files: TLSFiles) -> dict[str, Any]:
    """Arguments for ``uvicorn.Config``: https with ``files``; clients may show a certificate."""
    return {
        "ssl_certfile": str(files.server),
        "ssl_ca_certs": str(files.ca),
        "ssl_cert_reqs": ssl.CERT_OPTIONAL,
    }


def common_name(certificate: Mapping[str, Any] | None) -> str | None:
    """The first common name in a certificate as ``ssl.SSLSocket.getpeercert`` gives it.

    A proxy certificate carries its owner's name first and a serial number last.
    """
    for attributes in (certificate or {}).get("subject", ()):
        for key, value in attributes:
            if key == "commonName":
                return str(value)
    return None
