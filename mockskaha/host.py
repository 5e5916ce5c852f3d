"""The server's application: any number of platforms side by side, told apart by path, and what drives them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from mockskaha.http.delivery import Application, Receive, Scope, Send
from mockskaha.namespace import Namespace

if TYPE_CHECKING:
    from mockskaha.config import Settings
    from mockskaha.control.guard import Guard
    from mockskaha.platform import Platform
    from mockskaha.seed import SeedState

MOST_NAMESPACES = 1_000
CONTROL = "/_mockskaha"
"""Where the control API is: a path that the real service can never use."""
BELOW = "/ns/"
_NAME = re.compile(r"[a-uw-z0-9][a-z0-9-]{0,62}", re.ASCII)


class BadNamespace(ValueError):
    """A name that no namespace can have, or one too many; the text says which."""


class Host:
    """All platforms of one server. The one without a name answers at the root, a named one below ``/ns/<name>``.

    A named one is made when it is first asked for, by the settings of the server.
    """

    def __init__(
        self,
        settings: Settings,
        base_url: str,
        *,
        platform: Platform | None = None,
        seed: SeedState | None = None,
    ) -> None:
        """``platform`` becomes the one without a name. Raises what ``namespace.fresh`` raises."""
        self.settings = settings
        self.seed = seed
        """What every namespace begins with."""
        self._base_url = base_url
        self.closing = False
        """The server is about to end: what would go on for ever ends now."""
        self.streams = 0
        """Streams of events that are being read."""
        self.root = Namespace("", settings, base_url, platform=platform, seed=seed)
        self._named: dict[str, Namespace] = {}

    @property
    def base_url(self) -> str:
        """Where clients reach the server: scheme, host and port."""
        return self._base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self._base_url = url
        for namespace in (self.root, *self._named.values()):
            namespace.base_url = namespace.platform.base_url = self.url_of(namespace.name)

    def __iter__(self) -> Iterator[Namespace]:
        """All, the one without a name first."""
        yield self.root
        yield from list(self._named.values())

    def url_of(self, name: str) -> str:
        """What stands before ``/skaha/v1`` for the namespace of this name."""
        return f"{self._base_url}{BELOW}{name}" if name else self._base_url

    def find(self, name: str) -> Namespace | None:
        """The namespace of this name, if there is one; ``""`` is the one at the root."""
        return self._named.get(name) if name else self.root

    def namespace(self, name: str) -> Namespace:
        """The namespace of this name, made when there is none. Raises :class:`BadNamespace`."""
        found = self.find(name)
        return self.create(name) if found is None else found

    def create(self, name: str, seed: SeedState | None = None, settings: Settings | None = None) -> Namespace:
        """A new namespace. Raises :class:`BadNamespace`, and what ``namespace.fresh`` raises."""
        check_name(name)
        if name in self._named:
            raise BadNamespace(f"there is a namespace {name!r} already")
        if len(self._named) >= MOST_NAMESPACES:
            raise BadNamespace(f"there are {MOST_NAMESPACES} namespaces, which is the most; remove some")
        made = Namespace(
            name,
            (settings or self.settings).model_copy(
                update={"server": self.settings.server.model_copy(update={"state": None})}
            ),
            self.url_of(name),
            seed=self.seed if seed is None else seed,
        )
        self._named[name] = made
        return made

    def remove(self, name: str) -> bool:
        """Forget a named namespace; whether there was one."""
        found = self._named.pop(name, None)
        if found is not None:
            found.close()
        return found is not None

    def close(self) -> None:
        """Close the state file, if there is one."""
        for namespace in self:
            namespace.close()


def check_name(name: str) -> None:
    """Raise :class:`BadNamespace` if no namespace can be called ``name``."""
    if _NAME.fullmatch(name) is None:
        why = (
            "it must not begin with v: the canfar client cuts URLs at the first '/v'"
            if name.startswith("v")
            else "it must be lower-case letters, digits and hyphens, at most 63, and not begin with a hyphen"
        )
        raise BadNamespace(f"{name[:80]!r} cannot be the name of a namespace: {why}")


def route(path: str) -> tuple[str, str]:
    """The namespace a path belongs to, empty at the root, and the path below it."""
    if not path.startswith(BELOW):
        return "", path
    name, slash, rest = path[len(BELOW) :].partition("/")
    return name, slash + rest


class Server:
    """The ASGI application over a :class:`Host`: the contract in each namespace, the control API beside it.

    FastAPI, which the control API is served with, is loaded when it is first needed
    (decision 1).
    """

    def __init__(self, host: Host, guard: Guard | None = None) -> None:
        """Without a ``guard`` everybody may drive it."""
        self.host = host
        self._guard = guard

    @cached_property
    def control(self) -> Application:
        """The control API."""
        from mockskaha.control.app import control_app

        return control_app(self.host, self._guard)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.control(scope, receive, send)
            return
        path: str = scope["path"]
        if path.startswith(BELOW):
            name, path = route(path)
            if path != CONTROL and not path.startswith(CONTROL + "/"):
                try:
                    namespace = self.host.namespace(name)
                except BadNamespace as error:
                    await _refuse(send, error)
                    return
                await namespace.gateway({**scope, "path": path}, receive, send)
                return
        if path == CONTROL or path.startswith(CONTROL + "/"):
            await self.control(scope, receive, send)
            return
        await self.host.root.gateway(scope, receive, send)


async def _refuse(send: Send, error: BadNamespace) -> None:
    body = f"{error}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": body})
