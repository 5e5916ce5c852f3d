"""How callers prove who they are (skaha-contract §1.3, §3.2)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator

from mockskaha.config.users import UserEntry
from skahasim.configuration import Section


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


UtcTime = Annotated[datetime, AfterValidator(_utc)]
"""A moment in UTC. A time written without a zone is taken as UTC."""


class TokenEntry(Section):
    """A bearer token that is accepted in strict mode."""

    token: SecretStr = Field(min_length=1)
    user: str = Field(min_length=1)
    """The username it stands for."""
    expires: UtcTime | None = None
    """From then on it is answered like an expired one (§3.2). Never, when not given."""


class AuthSettings(Section):
    """Who is let in, and how the others are turned away."""

    mode: Literal["any", "strict"] = "any"
    """``any``: every token names a user. ``strict``: only listed tokens, login tokens and certificates."""
    tokens: tuple[TokenEntry, ...] = ()
    anonymous_status: Literal[401, 400] = 401
    """Status for callers without credentials: 400 follows from the source of Skaha 1.4.0; 401 is what clients
    expect, and what Skaha sent up to 1.2.1 (§3.2, §11)."""
    trust_certificate_header: bool = False
    """Strict mode believes the certificate in the header ``X-Client-Certificate``. Only for a server behind a
    proxy that sets it, for nobody proves here that the certificate is theirs (§1.3)."""
    challenge_manager: Literal["oidc", "cadc"] = "oidc"
    """Which identity manager words the ``WWW-Authenticate`` headers: the chart's default or CADC's (§3.2)."""

    @field_validator("tokens")
    @classmethod
    def _each_once(cls, tokens: tuple[TokenEntry, ...]) -> tuple[TokenEntry, ...]:
        seen: dict[str, int] = {}
        for index, entry in enumerate(tokens):
            first = seen.setdefault(entry.token.get_secret_value(), index)
            if first != index:
                raise ValueError(f"entries {first + 1} and {index + 1} have the same token")
        return tokens


class AuthFile(Section):
    """The file given with ``--auth``: the tokens, and the users if they differ from the configured ones."""

    tokens: tuple[TokenEntry, ...]
    users: tuple[UserEntry, ...] | None = None
