"""``WWW-Authenticate``: what a caller who is not authenticated is invited to send."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

ChallengeManager: TypeAlias = Literal["oidc", "cadc"]
"""Which identity manager the service runs: the chart's OIDC default, or CADC's own."""

_UNSENDABLE = re.compile(r"[^\t\x20-\x7e]")
_SPECIAL = re.compile(r'(["\\])')


def challenges(
    manager: ChallengeManager, login_url: str | None = None, error: str | None = None
) -> list[tuple[str, str]]:
    """``WWW-Authenticate`` headers, in order (skaha-contract §3.2).

    ``login_url`` is where a password buys a token, if such a service is known. ``error`` is the text of the
    refusal when a bearer token was sent and is bad.
    """
    values = []
    if login_url is not None:
        login = f'ivoa_bearer standard_id="ivo://ivoa.net/sso#tls-with-password", access_url="{login_url}"'
        values.append(f"{login}, HACK=temporary" if manager == "oidc" else login)
    if manager == "cadc":
        values += ["ivoa_cookie", "ivoa_x509"]
    values.append(
        "Bearer" if error is None else f'Bearer error="invalid_token", error_description="{_quotable(error)}"'
    )
    return [("WWW-Authenticate", value) for value in values]


def _quotable(text: str) -> str:
    # The text may echo what the caller sent: it must not end the quoted string, let alone the header line.
    return _SPECIAL.sub(r"\\\1", _UNSENDABLE.sub("?", text))
