"""Running the service: one process, one platform, until Ctrl-C."""

from __future__ import annotations

import gc
import logging
import socket
import sys
from typing import Any

import uvicorn

from mockskaha.config import Settings
from mockskaha.control.guard import Guard
from mockskaha.host import CONTROL, Host, Server
from mockskaha.http.protocol import protocol
from mockskaha.platform import Platform

_BACKLOG = 2048
_PARTING_SECONDS = 2
"""How long a server that was told to stop goes on with answers that a fault delays."""
_COLLECT_AT = (20_000, 20, 20)
"""Sessions live long and make no cycles: look for garbage less often than Python would."""


class AddressInUse(Exception):
    """Somebody else listens where the server should; the text says what to do."""


def serve(settings: Settings) -> None:
    """Serve until stopped by a signal. Raises :class:`AddressInUse`, and what ``Platform.from_settings`` raises."""
    logging.basicConfig(
        level=logging.INFO if settings.server.access_log else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    listener = _listen(settings.server.host, settings.server.port)
    host, port = settings.server.host, listener.getsockname()[1]
    try:
        platform = Platform.from_settings(settings)
    except BaseException:
        listener.close()
        raise
    options: dict[str, Any] = {"http": protocol()}
    scheme = "http"
    if settings.server.tls is not None:
        from mockskaha import tls
        from mockskaha.http import certificates

        options |= certificates.options(tls.ensure(settings.server.tls, [host, "localhost", "127.0.0.1"]))
        scheme = "https"
    application = Host(settings, f"{scheme}://{_reachable(host)}:{port}", platform=platform)
    try:
        guard = Guard(host, settings.server.control_token)
        _greet(platform, guard)
        # The default configuration, the contract and the libraries stay for ever: keep the collector off them.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECT_AT)
        server = _Stopping(
            application,
            uvicorn.Config(
                Server(application, guard),
                log_level="error",  # what is no HTTP is answered with 400, and no trouble of the server
                access_log=False,
                server_header=False,
                lifespan="off",
                ws="none",
                timeout_graceful_shutdown=_PARTING_SECONDS,
                **options,
            ),
        )
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        listener.close()
        application.close()


class _Stopping(uvicorn.Server):
    """Tells the host that it stops, so that streams end."""

    def __init__(self, host: Host, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._host = host

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._host.closing = True
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # From here on a client that read the greeting is kept waiting, not refused.
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise AddressInUse(
            f"cannot listen on {host}:{port} ({error.strerror}); give another --port, or --port 0 for any"
        ) from error
    return listener


def _reachable(host: str) -> str:
    """The address a client on this machine uses for a server bound to ``host``."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared with, not bound to
    return f"[{host}]" if ":" in host else host


_CONTROL = {
    "open": "for programs of this machine",
    "token": "with its token: export MOCKSKAHA_CONTROL_TOKEN=...",
    "closed": "closed, since this server listens beyond this machine and has no --control-token",
}


def _greet(platform: Platform, guard: Guard) -> None:
    """The lines that point a client here: where, as whom, and over TLS whom to trust; and where the control API is."""
    strict = platform.settings.auth.mode == "strict"
    lines = [
        f"export CANFAR_URL={platform.service_url}",
        "export CANFAR_TOKEN=...        # one of the tokens this server was given"
        if strict
        else "export CANFAR_TOKEN=alice      # with the default authentication any name will do",
    ]
    folder = platform.settings.server.tls
    if folder is not None:
        folder = folder.resolve()
        lines.append(f"export SSL_CERT_FILE={folder / 'ca.pem'}")
        lines.append(f"# or, instead of a token: export CANFAR_CERTIFICATE={folder / 'client-alice.pem'}")
    if not platform.era.is_default:
        lines.append(f"# as Skaha {platform.era.release}")
    lines.append(f"# control API, {_CONTROL[guard.access]}: {platform.base_url}{CONTROL}/")
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
