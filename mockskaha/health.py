"""Whether a server takes requests: for ``mockskaha health``, which a container runs every few seconds."""

from __future__ import annotations

import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

_TIMEOUT_SECONDS = 5.0


def problem(url: str) -> str:
    """What is wrong with the server at ``url``; empty when nothing is."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return f"{url} is no URL: {error}"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return f"{url} is no URL of a server"
    if parts.scheme == "https":
        # It says only whether it is there, and its certificate may be one it made itself.
        trust = ssl._create_unverified_context()  # noqa: S323
        connection: HTTPConnection = HTTPSConnection(
            parts.hostname, port, timeout=_TIMEOUT_SECONDS, context=trust
        )
    else:
        connection = HTTPConnection(parts.hostname, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/_mockskaha/readiness")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return f"no answer from {url}: {error}"
    finally:
        connection.close()
    return "" if status == 200 else f"{url} answers {status}"
