"""The image catalogue, and what ``GET /v1/image`` answers from it."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from mockskaha.config.images import ImageEntry
from mockskaha.java import hash_set_order
from mockskaha.wire import ImageView
from skahasim.job import PullOutcome

TYPES = frozenset({"carta", "notebook", "desktop", "contributed", "headless", "firefly", "desktop-app"})
_UNKNOWN_IMAGE_BYTES = 1_500_000_000


class Catalogue:
    """Images by id. The lists are encoded once: they never change while a server runs."""

    def __init__(self, images: Iterable[ImageEntry], *, hash_order: bool = True) -> None:
        self._images = {image.id: image for image in images}
        public = [image for image in self._images.values() if image.public]
        views = [
            ImageView(
                id=image.id,
                types=hash_set_order(image.types) if hash_order else list(image.types),
                digest=image.digest,
            )
            for image in public
        ]
        self._lists = {
            kind: orjson.dumps(
                [view for view in views if not kind or kind in view["types"]], option=orjson.OPT_INDENT_2
            )
            for kind in ("", *TYPES)
        }

    def listing(self, kind: str = "") -> bytes:
        """The body of ``GET /v1/image``, of one type if ``kind`` is given (one of ``TYPES``)."""
        return self._lists[kind]

    def entry(self, image: str) -> ImageEntry | None:
        """The public image of this exact id."""
        entry = self._images.get(image)
        return entry if entry is not None and entry.public else None

    def is_public(self, image: str) -> bool:
        """Whether ``image`` is in the cache of public images, by exact id (skaha-contract §3.3, step 12)."""
        entry = self._images.get(image)
        return entry is not None and entry.public

    def size_bytes(self, image: str) -> int:
        entry = self._images.get(image)
        return _UNKNOWN_IMAGE_BYTES if entry is None else entry.size_bytes

    def pull(self, image: str) -> PullOutcome:
        """What the registry answers to a node."""
        entry = self._images.get(image)
        return PullOutcome.OK if entry is None else PullOutcome(entry.pull)
