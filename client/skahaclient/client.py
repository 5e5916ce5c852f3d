"""What every client of a service has: where it is, as whom, and how requests get there."""

from __future__ import annotations

import base64
import logging
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx

from skahaclient import config
from skahaclient.clock import SYSTEM, Clock
from skahaclient.errors import ConfigurationError
from skahaclient.plan import Plan
from skahaclient.service import Service
from skahaclient.transport import AsyncTransport, SyncTransport, limits, tls

T = TypeVar("T")
log = logging.getLogger("skahaclient")
TIMEOUT_SECONDS = 30.0
CONCURRENCY = 32
NO_URL = "no URL of a service; set SKAHA_URL, give url (--url), or log in (skahaclient auth login)"


class _Borrowed(httpx.BaseTransport):
    """A transport of the caller's, who closes it."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._transport.handle_request(request)


class _AsyncBorrowed(httpx.AsyncBaseTransport):
    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._transport.handle_async_request(request)


class _Connected:
    """Everything may be left out: see `skahaclient.config` for where it comes from then.

    ``url`` is that of the service, with or without the version; ``token`` a bearer token; ``certificate`` the path of
    a client certificate with its key (PEM); ``timeout`` how many seconds an answer may take; ``concurrency`` how many
    requests are under way at most; ``registry`` ``"username:secret"`` for private images. ``transport`` replaces the
    network. Raises `ConfigurationError`.
    """

    def __init__(
        self,
        *,
        url: Any = None,
        token: Any = None,
        certificate: Any = None,
        timeout: float | None = None,
        concurrency: int | None = None,
        registry: Any = None,
        transport: Any = None,
        clock: Clock = SYSTEM,
    ) -> None:
        found = config.settings(
            url=url,
            token=token,
            certificate=certificate,
            timeout=timeout,
            concurrency=concurrency,
            registry=registry,
        ).values
        if "url" not in found:
            raise ConfigurationError(NO_URL)
        secret = found.get("registry")
        self.service = Service(
            found["url"],
            found.get("token"),
            None if secret is None else base64.b64encode(secret.encode()).decode(),
            clock,
        )
        self.timeout: float = found.get("timeout", TIMEOUT_SECONDS)
        self.concurrency: int = found.get("concurrency", CONCURRENCY)
        self._certificate: str | None = found.get("certificate")
        self._given = transport

    def __repr__(self) -> str:
        return f"{type(self).__name__}(url={self.service.url!r})"

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"timeout": self.timeout, "limits": limits(self.concurrency)}
        if self._given is None:
            certificate = None if self._certificate is None else Path(self._certificate)
            options["verify"] = tls(certificate, is_needed=urlsplit(self.service.url).scheme == "https")
        return options


class Client(_Connected):
    __doc__ = _Connected.__doc__

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        options = self._options()
        if self._given is not None:
            options["transport"] = _Borrowed(self._given)
        self._transport = SyncTransport(httpx.Client(**options), self.service.clock, self.concurrency)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def _run(self, plan: Plan[T]) -> T:
        return self._transport.run(plan)


class AsyncClient(_Connected):
    __doc__ = _Connected.__doc__

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        options = self._options()
        if self._given is not None:
            options["transport"] = _AsyncBorrowed(self._given)
        self._transport = AsyncTransport(httpx.AsyncClient(**options), self.service.clock, self.concurrency)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def _run(self, plan: Plan[T]) -> T:
        return await self._transport.run(plan)
