"""Taking secrets out of what is shown or written, and putting other names in their place."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mockskaha.verify.exchange import MASK, SECRET_HEADERS, Headers

_IN_ADDRESSES = re.compile(
    r"((?:[?&]|%3F|%26|&amp;|\\u0026)(?:token|password|secret)(?:=|%3D|\\u003d))[^&\"'\s<>]+", re.I
)
"""A connect URL lets in whoever has it: ``…?token=…``."""


class Scrubber:
    """Masks tokens wherever they are, headers that hold credentials, and the keys in connect URLs."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # The longest first: one secret may be part of another.
        self._secrets = tuple(sorted({secret for secret in secrets if secret}, key=len, reverse=True))

    def text(self, text: str) -> str:
        for secret in self._secrets:
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(secret)}(?![A-Za-z0-9])", MASK, text)
        return _IN_ADDRESSES.sub(rf"\g<1>{MASK}", text)

    def headers(self, headers: Headers) -> Headers:
        return tuple(
            (name, MASK if name.lower() in SECRET_HEADERS else self.text(value)) for name, value in headers
        )
