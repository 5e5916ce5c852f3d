"""Which service, and as whom: the options that stand before the command."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skahaclient.context import Context
    from skahaclient.images import Images
    from skahaclient.sessions import Session


@dataclass(frozen=True, slots=True)
class Connection:
    """What the command line says; ``None``: the environment or the configuration does. What it gives is to be used
    in a ``with`` statement, and raises ``ConfigurationError``."""

    url: str | None = None
    token: str | None = field(default=None, repr=False)
    certificate: str | None = None
    timeout: float | None = None

    @property
    def given(self) -> dict[str, Any]:
        """What was said, by name."""
        said = {
            "url": self.url,
            "token": self.token,
            "certificate": self.certificate,
            "timeout": self.timeout,
        }
        return {name: value for name, value in said.items() if value is not None}

    def session(self, **more: Any) -> Session:
        from skahaclient.sessions import Session

        return Session(**self.given, **more, errors="raise")

    def images(self) -> Images:
        from skahaclient.images import Images

        return Images(**self.given)

    def context(self) -> Context:
        from skahaclient.context import Context

        return Context(**self.given)
