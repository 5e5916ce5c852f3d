"""Who a request comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """A POSIX identity, as Skaha knows a caller (skaha-contract §2.1, §3.4)."""

    username: str
    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    """Supplemental group ids, in the order they are reported."""
    memberships: frozenset[str] = frozenset()
    """Names of the access groups the caller is in, e.g. ``skaha-users``."""
