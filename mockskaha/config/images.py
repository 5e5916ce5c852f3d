"""The image catalogue: what ``GET /v1/image`` lists and what can be pulled."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Literal

from pydantic import Field

from mockskaha.config.packaged import records
from skahasim.configuration import Section

SessionKind = Literal["carta", "notebook", "desktop", "contributed", "headless", "firefly", "desktop-app"]
"""The types of session an image can be made for (skaha-contract §2.12)."""


def _digest(fields: dict[str, Any]) -> str:
    return f"sha256:{sha256(str(fields.get('id')).encode()).hexdigest()}"


class ImageEntry(Section):
    """One image of the registry (skaha-contract §2.12)."""

    id: str = Field(pattern=r"^[^\s/]+(/[^\s/]+)+$")
    """``host/project/name:tag``."""
    types: tuple[SessionKind, ...] = Field(min_length=1)
    """The labels it has in the registry. Since Skaha 0.30 any image may be started as any type (§3.3)."""
    digest: str = Field(default_factory=_digest, pattern=r"^sha256:[0-9a-f]{64}$")
    """Derived from the id when it is not given."""
    size_bytes: int = Field(default=1_500_000_000, ge=1)
    """Compressed size, as pull events report it (§5.1)."""
    public: bool = True
    """Whether it is in the cache of public images; if not, sessions need registry credentials (§3.3)."""
    pull: Literal["ok", "not-found", "unauthorized"] = "ok"
    """What the registry answers to a node; all but ``ok`` leave a session Pending with pull errors (§5.1)."""


def packaged_images() -> tuple[ImageEntry, ...]:
    """The catalogue that ships with the package."""
    return tuple(map(ImageEntry.model_validate, records("images.yaml")))
