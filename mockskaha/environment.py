"""The environment of a session's container (skaha-contract §4.6)."""

from __future__ import annotations

from mockskaha.config import Settings
from mockskaha.session import Session
from skahasim.resources import Resources

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def container_environment(
    session: Session, settings: Settings, request: Resources
) -> tuple[tuple[str, str], ...]:
    """Name and value of each variable of a headless session, in order. The platform's come after the user's, so
    theirs count."""
    username = session.owner.username.lower()
    home = f"{settings.sessions.home}/{username}"
    return (
        ("PATH", _PATH),
        ("HOSTNAME", session.name),
        *session.env,
        ("skaha_hostname", hostname(settings)),
        ("skaha_username", username),
        ("skaha_sessionid", session.session_id),
        ("HOME", home),
        ("PWD", home),
        ("OMP_NUM_THREADS", str(max(1, int(request.cores)))),
    )


def hostname(settings: Settings) -> str:
    """``SKAHA_HOSTNAME``: the host of connect URLs, or the server's own."""
    url = settings.sessions.sessions_url
    return settings.server.host if url is None else url.split("/")[2].split(":")[0]
