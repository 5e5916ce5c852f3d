"""Tokens that ``/ac/login`` hands out, in the form CADC signs them (skaha-contract §8.5)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

LIFETIME_SECONDS = 48 * 3600


@dataclass(frozen=True, slots=True)
class LoginToken:
    """What a login token says. ``genuine`` tells whether this server signed it."""

    username: str
    expires: float
    """Epoch seconds of model time; the token does not hold from then on."""
    scope: str | None
    genuine: bool


class TokenIssuer:
    """Signs and reads login tokens.

    The key is derived from the seed alone, so equal seeds, users and times give equal bytes, and a restarted
    server honours the tokens it handed out before.
    """

    __slots__ = ("_key",)

    def __init__(self, seed: int) -> None:
        self._key = hashlib.blake2b(str(seed).encode(), person=b"login token").digest()

    def issue(self, username: str, now: float, scope: str | None = None) -> str:
        """A token for ``username`` that holds for 48 hours from ``now`` (epoch seconds, model time).

        Base64 of ``expirytime=<ms>&userid=<name>[&scope=<uri>]&signature=<hmac>`` (skaha-contract §8.5).
        """
        claims = {"expirytime": str(round((now + LIFETIME_SECONDS) * 1000)), "userid": username}
        if scope:
            claims["scope"] = scope
        text = urlencode(claims)
        return base64.b64encode(f"{text}&signature={self._signature(text)}".encode()).decode()

    def read(self, token: str) -> LoginToken | None:
        """What ``token`` says, whoever signed it; ``None`` when it has not the form of a login token."""
        try:
            text, separator, signature = (
                base64.b64decode(token, validate=True).decode().rpartition("&signature=")
            )
            claims = dict(parse_qsl(text, max_num_fields=16))
            username, expires = claims["userid"], int(claims["expirytime"]) / 1000
        except (binascii.Error, ValueError, KeyError, OverflowError):
            return None
        if not separator:
            return None
        genuine = hmac.compare_digest(signature.encode(), self._signature(text).encode())
        return LoginToken(username, expires, claims.get("scope"), genuine)

    def _signature(self, text: str) -> str:
        return base64.urlsafe_b64encode(hmac.digest(self._key, text.encode(), "sha256")).decode()
