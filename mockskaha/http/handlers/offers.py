"""What sessions can be made of: ``/v1/image``, ``/v1/context``, ``/v1/repository`` (skaha-contract §2.12 to §2.14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from mockskaha.catalogue import TYPES
from mockskaha.context import context_body
from mockskaha.errors import InvalidRequest
from mockskaha.http.exchange import JSON, Answer, Call

if TYPE_CHECKING:
    from mockskaha.platform import Platform


def list_images(platform: Platform, call: Call) -> Answer:
    kind = call.parameters.get("type")
    if kind is not None and kind not in TYPES:
        raise InvalidRequest(f"unknown type: {kind}")
    return Answer(platform.catalogue.listing(kind or ""), JSON)


def get_context(platform: Platform, call: Call) -> Answer:
    return Answer(context_body(platform.settings, as_file=platform.era.context_as_file), JSON)


def list_repositories(platform: Platform, call: Call) -> Answer:
    return Answer(orjson.dumps(list(platform.settings.registry.hosts)), JSON)
