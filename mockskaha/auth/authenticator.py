"""From request headers to a caller, or a refusal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import inf
from typing import Literal, NamedTuple

from mockskaha.auth.challenge import ChallengeManager, challenges
from mockskaha.auth.credentials import certificate, cookie, jwt_claims
from mockskaha.auth.directory import Directory, is_username, stable_name
from mockskaha.errors import Forbidden, InvalidRequest, InvalidToken, NotAuthenticated, SkahaError
from mockskaha.identity import Identity
from mockskaha.tokens import TokenIssuer

_BAD_CERTIFICATE = "permission denied -- reason: invalid proxy certficate"


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A bearer token that is configured to name a user."""

    token: str = field(repr=False)
    username: str
    expires: float | None = None
    """Epoch seconds; ``None``: never."""


@dataclass(frozen=True, slots=True)
class AuthRules:
    """How strict the service is with its callers (skaha-contract §3.2)."""

    mode: Literal["any", "strict"] = "any"
    """``any``: every credential names somebody. ``strict``: only those that are known, and group members."""
    users_group: str = "skaha-users"
    anonymous_status: Literal[400, 401] = 401
    challenge_manager: ChallengeManager = "oidc"
    trust_certificate_header: bool = False
    """Mode ``strict`` heeds ``X-Client-Certificate``: only behind a proxy that sets it itself."""


class _Holder(NamedTuple):
    """Whose credential it is, and until when it holds (epoch seconds)."""

    identity: Identity
    expires: float = inf


class Authenticator:
    """Tells who calls (skaha-contract §1.3, §3.2).

    Of several credentials the first counts: ``Authorization``, TLS client certificate,
    ``X-Client-Certificate``, cookie ``CADC_SSO``. ``app_tokens`` resolves the tokens that a desktop session
    gives to its apps. What a credential says is remembered for the most recent ones; whether it has expired
    is looked at every time.
    """

    def __init__(
        self,
        directory: Directory,
        issuer: TokenIssuer,
        rules: AuthRules | None = None,
        tokens: Iterable[KnownToken] = (),
        *,
        app_tokens: Callable[[str], Identity | None] = lambda token: None,
        remembered: int = 1024,
    ) -> None:
        self.rules = rules or AuthRules()
        self._directory = directory
        self._issuer = issuer
        self._tokens = {known.token: known for known in tokens}
        self._app_tokens = app_tokens
        self._strict = self.rules.mode == "strict"
        self._heed_certificate_header = not self._strict or self.rules.trust_certificate_header
        remember = lru_cache(maxsize=remembered)
        self._by_authorization = remember(self._read_authorization)
        self._by_cookie = remember(self._read_cookie)
        self._by_certificate = remember(self._read_certificate)

    def identify(
        self, headers: Mapping[str, str], client_certificate_name: str | None, now: float
    ) -> Identity | None:
        """The caller of a ``/v1`` endpoint; ``None`` when nobody said who they are.

        ``headers`` have lower-case names, ``now`` is epoch seconds of model time. Raises
        :class:`InvalidToken` (401) for a credential that does not hold, :class:`Forbidden` for a bad desktop
        app token and, in mode ``strict``, for callers outside the users group. Holders of an app token are
        not asked for the group.
        """
        identity = self.authenticate(headers, client_certificate_name, now)
        if identity is None:
            app_token = headers.get("x-auth-token-skaha")
            if app_token is None:
                return None
            owner = self._app_tokens(app_token)
            if owner is None:
                raise Forbidden("Invalid auth token")
            return owner
        if self._strict and self.rules.users_group not in identity.memberships:
            raise Forbidden("Not authorized to use the skaha system")
        return identity

    def authenticate(
        self, headers: Mapping[str, str], client_certificate_name: str | None, now: float
    ) -> Identity | None:
        """Who the credentials name, be they allowed to use Skaha or not: for availability, ``/ac`` and such.

        Arguments and errors as for :meth:`identify`.
        """
        if (authorization := headers.get("authorization")) is not None:
            holder = self._by_authorization(authorization)
        elif client_certificate_name is not None:
            return self._named(client_certificate_name)
        elif self._heed_certificate_header and (pem := headers.get("x-client-certificate")) is not None:
            holder = self._by_certificate(pem)
            if now >= holder.expires:
                raise Forbidden(_BAD_CERTIFICATE)
        elif (cookies := headers.get("cookie")) is not None and (sso := cookie(cookies, "CADC_SSO")):
            holder = self._by_cookie(sso)
        else:
            return None
        if now >= holder.expires:
            raise InvalidToken("Token has expired" if self.rules.challenge_manager == "oidc" else "expired")
        return holder.identity

    def anonymous_refusal(self) -> SkahaError:
        """What an endpoint that wants a caller tells nobody: 401, or the 400 of Skaha 1.4.0 (§3.2)."""
        if self.rules.anonymous_status == 400:
            return InvalidRequest("cannot get group memberships for anonymous")
        return NotAuthenticated("Unauthorized")

    def challenges(
        self, login_url: str | None = None, error: NotAuthenticated | None = None
    ) -> list[tuple[str, str]]:
        """``WWW-Authenticate`` headers for a caller without identity, or for the bad token of ``error``."""
        bad_token = str(error) if isinstance(error, InvalidToken) else None
        return challenges(self.rules.challenge_manager, login_url, bad_token)

    def _read_authorization(self, header: str) -> _Holder:
        scheme, _, token = header.strip().partition(" ")
        token = token.strip()
        if not token:
            raise InvalidToken("missing authorization challenge")
        if scheme.lower() != "bearer":
            raise InvalidToken(f"unhandled auth: Authorization {scheme} {token}")
        return self._holder(token) or self._refuse(token)

    def _read_cookie(self, value: str) -> _Holder:
        holder = self._holder(value)
        if holder is None:
            raise InvalidToken(f"invalid cookie: Bad token.{value}")
        return holder

    def _read_certificate(self, header: str) -> _Holder:
        try:
            name, expires = certificate(header)
        except ValueError as error:
            raise Forbidden(_BAD_CERTIFICATE) from error
        return _Holder(self._named(name), expires)

    def _holder(self, token: str) -> _Holder | None:
        known = self._tokens.get(token)
        if known is not None:
            identity = self._directory.identity(known.username)
            return _Holder(identity, inf if known.expires is None else known.expires)
        login = self._issuer.read(token)
        if login is not None and (login.genuine or not self._strict):
            return _Holder(self._named(login.username), login.expires)
        return None if self._strict else _Holder(self._named(_name_in(token)))

    def _named(self, name: str) -> Identity:
        if self._directory.configured(name) is not None:
            return self._directory.identity(name)
        if self._strict:
            raise Forbidden("No POSIX Principal")
        return self._directory.identity(name if is_username(name) else stable_name(name))

    def _refuse(self, token: str) -> _Holder:
        if self.rules.challenge_manager == "oidc":
            raise InvalidToken(
                "Invalid JWT token"
                if jwt_claims(token) is None
                else "Cannot validate token using user info endpoint"
            )
        raise InvalidToken(
            f"unhandled auth: Authorization Bearer {token}"
            if self._issuer.read(token) is None
            else "cannot verify signature"
        )


def _name_in(token: str) -> str:
    """Whom a token names that nobody verifies: a claim of a JWT, or else its own text."""
    claims = jwt_claims(token) or {}
    for claim in ("preferred_username", "sub"):
        name = claims.get(claim)
        if isinstance(name, str) and name:
            return name
    return token
