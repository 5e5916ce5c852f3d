"""The IVOA registry: which resource has its capabilities where (skaha-contract §8.4)."""

from __future__ import annotations

from typing import Protocol

from mockskaha.errors import NotFound
from mockskaha.http.exchange import TEXT, Answer, Call

AUTHORITY = "ivo://cadc.nrc.ca"


class Site(Protocol):
    """What this handler needs of the platform."""

    @property
    def base_url(self) -> str: ...


def get_resource_caps(platform: Site, call: Call, *, configured: bool = True) -> Answer:
    """Lines ``<resource> = <capabilities URL>`` for the services that this server has capabilities of.

    Raises :class:`NotFound` for a registry that is not ``configured``.
    """
    if not configured:
        raise NotFound("not found: feature not configured")
    origin = platform.base_url.rstrip("/")
    lines = [
        "# CANFAR Science Platform, offline",
        "",
        f"{AUTHORITY}/skaha = {origin}/skaha/capabilities",
        f"{AUTHORITY}/arc = {origin}/arc/capabilities",
        "",
    ]
    return Answer("\n".join(lines).encode(), TEXT)
