"""Who can call the service."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, SecretStr

from mockskaha.config.packaged import records
from skahasim.configuration import Section

PosixId = Annotated[int, Field(ge=0, le=2**31 - 1)]
Name = Annotated[str, Field(min_length=1)]

MEMBERSHIPS = ("skaha-users",)


def _own_group(fields: dict[str, Any]) -> int:
    return int(fields.get("uid", 0))


class UserEntry(Section):
    """One account, with its POSIX identity (skaha-contract §2.1, §8.6)."""

    username: str = Field(min_length=1, max_length=63, pattern=r"^\S+$")
    uid: PosixId
    gid: PosixId = Field(default_factory=_own_group)
    """The uid when it is not given, as sessions of the real service run with it (§2.1)."""
    groups: tuple[PosixId, ...] = ()
    """Supplemental group ids, in the order they are reported."""
    memberships: tuple[Name, ...] = MEMBERSHIPS
    """Access groups; who is not in ``sessions.users_group`` is refused in strict mode (§3.2)."""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    institute: str = ""
    password: SecretStr | None = None
    """For ``/ac/login`` (§8.5). Without one, any password that is not empty is accepted."""


class UnknownUserSettings(Section):
    """What a user has who is not in the list of users. The uid is derived from the name."""

    groups: tuple[PosixId, ...] = ()
    memberships: tuple[Name, ...] = MEMBERSHIPS


def packaged_users() -> tuple[UserEntry, ...]:
    """The accounts that ship with the package."""
    return tuple(map(UserEntry.model_validate, records("users.yaml")))
