"""What a Skaha service refuses."""

from __future__ import annotations


class SkahaError(Exception):
    """An answer of 400 and above: its ``status``, and the service's own ``text``."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}" if text else str(status))
        self.status = status
        self.text = text
