"""The contract to look at and try out, at ``/skaha/``: Swagger UI from installed files (skaha-contract §1).

Swagger UI comes with the package ``fastapi-offline``, which is looked up and not imported. Nothing is fetched
from anywhere else, so the page works without a network.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Final

# A closed list: the name in a request never becomes a path.
MEDIA_TYPES: Final = MappingProxyType(
    {
        "swagger-ui.css": "text/css",
        "swagger-ui-bundle.js": "text/javascript",
        "favicon.png": "image/png",
        "skaha.css": "text/css",
        "skaha.js": "text/javascript",
    }
)


def index_page() -> bytes:
    """The page, UTF-8. It asks for ``/skaha/openapi.yaml`` and for files below ``/skaha/swagger-ui/``."""
    return _own("index.html")


def asset(name: str) -> tuple[bytes, str] | None:
    """Content and media type of ``/skaha/swagger-ui/{name}``; ``None`` when there is no such file."""
    if name not in MEDIA_TYPES:
        return None
    content = _own(name) if name.startswith("skaha.") else _swagger_ui(name)
    return content, MEDIA_TYPES[name]


@cache
def _own(name: str) -> bytes:
    return (files("mockskaha") / "data" / "pages" / name).read_bytes()


@cache
def _swagger_ui(name: str) -> bytes:
    package = find_spec("fastapi_offline")
    if package is None or package.origin is None:
        raise RuntimeError("the package fastapi-offline, which the pages at /skaha/ need, is not installed")
    return (Path(package.origin).parent / "static" / name).read_bytes()
