"""The environment of a session's container (skaha-contract §4.6)."""

from __future__ import annotations

from collections.abc import Iterator

from mockskaha.config import Settings
from mockskaha.session import Session
from skahasim.resources import Resources

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def container_environment(
    session: Session, settings: Settings, request: Resources
) -> Iterator[tuple[str, str]]:
    """Name and value of each variable of a headless session, in order. The platform's come after the user's, so
    theirs count. Few commands print them, so they are made up when they are asked for."""
    username = session.owner.username.lower()
    home = f"{settings.sessions.home}/{username}"
    yield "PATH", _PATH
    yield "HOSTNAME", session.name
    yield from session.env
    yield "skaha_hostname", hostname(settings)
    yield "skaha_username", username
    yield "skaha_sessionid", session.session_id
    yield "HOME", home
    yield "PWD", home
    yield "OMP_NUM_THREADS", str(max(1, int(request.cores)))


def hostname(settings: Settings) -> str:
    """``SKAHA_HOSTNAME``: the host of connect URLs, or the server's own."""
    url = settings.sessions.sessions_url
    return settings.server.host if url is None else url.split("/")[2].split(":")[0]
