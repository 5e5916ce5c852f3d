"""Users by name: those that are configured, and everybody else."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from mockskaha.identity import Identity

_USERNAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9._-]{0,30}[A-Za-z0-9])?", re.ASCII)

# Above the ids people configure, below 2**31 where Kubernetes stops.
_FIRST_DERIVED_UID = 1_000_000
_DERIVED_UIDS = 2**31 - 1 - _FIRST_DERIVED_UID


def is_username(text: str) -> bool:
    """Whether ``text`` can name a user: a Unix account and a Kubernetes label value (skaha-contract §3.3)."""
    return _USERNAME.fullmatch(text) is not None


def stable_name(text: str) -> str:
    """A user name for a ``text`` that is none: ``user-`` and eight hex digits, always the same for a text."""
    return f"user-{hashlib.blake2b(text.encode(errors='replace'), digest_size=4).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Account:
    """A user as the access-control service knows them (skaha-contract §8.6)."""

    identity: Identity
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    institute: str = ""
    password: str | None = field(default=None, repr=False)
    """What ``/ac/login`` must be given; ``None``: any password that is not empty."""

    @property
    def username(self) -> str:
        return self.identity.username


class Directory:
    """Accounts by user name.

    A name that is not configured gets a uid derived from the name, gid = uid, and the groups given for
    unknown users: equal names give equal identities, in every process.
    """

    __slots__ = ("_accounts", "_derived", "_unknown_groups", "_unknown_memberships")

    def __init__(
        self,
        accounts: Iterable[Account] = (),
        *,
        unknown_groups: Iterable[int] = (),
        unknown_memberships: Iterable[str] = (),
        remembered: int = 4096,
    ) -> None:
        self._accounts = {account.username: account for account in accounts}
        self._unknown_groups = tuple(unknown_groups)
        self._unknown_memberships = frozenset(unknown_memberships)
        self._derived = lru_cache(maxsize=remembered)(self._derive)

    def configured(self, username: str) -> Account | None:
        """The account configured under this name, if there is one."""
        return self._accounts.get(username)

    def account(self, username: str) -> Account:
        """The configured account, or the one derived from the name."""
        return self._accounts.get(username) or self._derived(username)

    def identity(self, username: str) -> Identity:
        """The POSIX identity of ``username``, configured or derived."""
        return self.account(username).identity

    def _derive(self, username: str) -> Account:
        digest = hashlib.blake2b(username.encode(), digest_size=8, person=b"uid").digest()
        uid = _FIRST_DERIVED_UID + int.from_bytes(digest) % _DERIVED_UIDS
        return Account(
            Identity(username, uid, uid, self._unknown_groups, self._unknown_memberships),
            first_name=username,
        )
