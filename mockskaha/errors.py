"""What goes wrong, one type per cause; ``http.failures`` maps each to its status and bytes (skaha-contract §3)."""


class SkahaError(Exception):
    """A refusal the client is told about. ``str(error)`` is the text the real service sends."""

    status = 500


class InvalidRequest(SkahaError):
    """A parameter, path or header the service does not accept: 400."""

    status = 400


class NotAuthenticated(SkahaError):
    """No credentials, or credentials that do not hold: 401."""

    status = 401


class InvalidToken(NotAuthenticated):
    """A token was sent and is bad; the text goes out without a newline, and into the challenge (§3.2)."""


class Forbidden(SkahaError):
    """Who the caller is is known, and that is not enough: 403."""

    status = 403


class NotFound(SkahaError):
    """No such session, app or user for this caller: 404."""

    status = 404


class TemporarilyUnavailable(SkahaError):
    """A backend is down: 503 with ``Retry-After``; the text never reaches the client (§3.1)."""

    status = 503


class UnexpectedException(SkahaError):
    """The real service dies here with a Java exception, whose ``toString()`` is the text: 500 (§3.1)."""

    status = 500
