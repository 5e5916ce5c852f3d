"""A Skaha service that a test drives: asks it as a client, moves its time, looks behind it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from mockskaha.faults.disturbance import disturb
from mockskaha.http.parameters import Parameters
from mockskaha.launch import session_command
from mockskaha.platform import SAME_STATUS, STATUSES, Platform
from mockskaha.testing.explanation import explained, pending, why
from mockskaha.testing.faults import Faults
from mockskaha.testing.nodes import Nodes
from mockskaha.testing.options import refused, state_of
from mockskaha.testing.requests import Journal
from mockskaha.until import advance_until
from skahasim.amounts import duration

if TYPE_CHECKING:
    import httpx

    from mockskaha.namespace import Namespace
    from mockskaha.snapshot import Snapshot
    from mockskaha.stream import Happening

T = TypeVar("T")
Duration = float | str | timedelta
USER: Final = "alice"
"""Who calls, unless a test says otherwise."""
HOUR: Final = 3600.0


class Reach(Protocol):
    """How a platform is got at, in this process or behind a live server."""

    def call(self, do: Callable[[], T]) -> T:
        """What ``do()`` returns or raises, done while no request is being answered."""
        ...

    def transport(self, library: ModuleType) -> httpx.BaseTransport:
        """A transport of ``library`` (httpx or httpx2), for clients and for async clients."""
        ...


class Skaha:
    """One platform, from a test's point of view. The same in this process and live.

    Durations are seconds, a text such as ``"2h30m"`` or ``"4d"``, or a ``timedelta``, and are always of model time.
    """

    def __init__(self, namespace: Namespace, reach: Reach) -> None:
        self.namespace = namespace
        """What is behind it: the platform, its settings. In a live server, to be looked at only between requests."""
        self._reach = reach
        self._clients: list[httpx.Client] = []
        self.journal = Journal(namespace.requests, reach.call)
        """What was asked for."""
        self.faults = Faults(namespace, reach.call)
        """What goes wrong."""
        self.nodes = Nodes(self._with_platform)
        """The machines of the cluster."""

    def _with_platform(self, do: Callable[[Platform], T]) -> T:
        """What ``do`` returns of the platform, which has caught up with its clock."""

        def done() -> T:
            platform = self.namespace.platform
            platform.catch_up()
            return do(platform)

        return self._reach.call(done)

    def close(self) -> None:
        """Close the clients it made."""
        for client in self._clients:
            client.close()

    # -- as a client -------------------------------------------------------------------------------------

    @property
    def origin(self) -> str:
        """What all its URLs begin with: ``/skaha``, ``/ac/login`` and ``/reg`` are below it."""
        return self.namespace.base_url

    @property
    def url(self) -> str:
        """As clients want it, ``…/skaha/v1``; ``…/skaha/v0`` in Skaha 0.29. Nobody listens there when the platform is
        in this process: use :meth:`client` or :meth:`transport`."""
        return self.namespace.platform.service_url

    @property
    def version(self) -> str:
        """Which Skaha it is: one of ``mockskaha.testing.VERSIONS``."""
        return self.namespace.platform.era.version

    @property
    def token(self) -> str:
        """A token of :data:`USER`."""
        return self.token_of(USER)

    def token_of(self, user: str) -> str:
        """A token of ``user``. When only listed tokens are let in: one that is listed, for :data:`USER` somebody else's
        if need be. Raises ``LookupError`` when there is none."""
        auth = self.namespace.platform.settings.auth
        if auth.mode != "strict":
            return user
        own = [entry for entry in auth.tokens if entry.user == user]
        for entry in own or (auth.tokens if user == USER else ()):
            return entry.token.get_secret_value()
        raise LookupError(f"the settings list no token for {user}")

    def environment(self, user: str = USER) -> dict[str, str]:
        """The variables that point ``canfar`` and ``skahaclient`` here as ``user``."""
        token = self.token_of(user)
        return {
            "CANFAR_URL": self.url,
            "CANFAR_TOKEN": token,
            "SKAHA_URL": self.url,
            "SKAHA_TOKEN": token,
        }

    def transport(self, library: ModuleType | None = None) -> httpx.BaseTransport:
        """A transport that reaches this platform, for clients and async clients of ``library``: httpx, or httpx2."""
        return self._reach.transport(_httpx() if library is None else library)

    def client(self, user: str | None = USER, library: ModuleType | None = None, **options: Any) -> Any:
        """An ``httpx.Client`` at :attr:`url` as ``user``, or as nobody; ``client.get("/session")``.

        ``options`` are those of ``httpx.Client``. It is closed with the platform at the latest.
        """
        library = library or _httpx()
        made = library.Client(**self._client_options(user, library, options))
        self._clients.append(made)
        return made

    def async_client(self, user: str | None = USER, library: ModuleType | None = None, **options: Any) -> Any:
        """The same as an ``httpx.AsyncClient``, for ``async with``."""
        library = library or _httpx()
        return library.AsyncClient(**self._client_options(user, library, options))

    def _client_options(self, user: str | None, library: ModuleType, given: dict[str, Any]) -> dict[str, Any]:
        headers = {} if user is None else {"Authorization": f"Bearer {self.token_of(user)}"}
        return {
            "base_url": self.url,
            "transport": self.transport(library),
            "trust_env": False,
            **given,
            "headers": {**headers, **given.get("headers", {})},
        }

    def launch(
        self,
        cmd: str = "",
        args: str = "",
        *,
        user: str = USER,
        name: str = "test",
        type: str = "headless",  # noqa: A002 - the API's own word
        image: str | None = None,
        env: Mapping[str, str] | None = None,
        **parameters: object,
    ) -> str:
        """Launch a session behind the client's back, for it to find: returns the id, and is not in the journal.

        ``parameters`` are those of the API (``cores=2, ram=4``). Without an image it is the first that fits. Faults do
        not meet it; ``env`` and :meth:`disturb` say what becomes of it. Raises what the service refuses it with, a
        ``mockskaha.errors.SkahaError``.
        """
        given = {"name": name, "type": type, "cmd": cmd, "args": args, **parameters}

        def launched(platform: Platform) -> str:
            public = [entry for entry in platform.settings.images if entry.public]
            fitting = [entry.id for entry in public if type in entry.types] or [entry.id for entry in public]
            chosen = image or next(iter(fitting), "")
            pairs = [(key, str(value)) for key, value in {**given, "image": chosen}.items() if value != ""]
            pairs += [("env", f"{key}={value}") for key, value in (env or {}).items()]
            identity = platform.directory.identity(user)
            return platform.execute(session_command(platform, identity, Parameters.of(pairs), None))

        return self._with_platform(launched)

    # -- time --------------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """What time it is there."""
        return self._with_platform(lambda platform: datetime.fromtimestamp(platform.now(), UTC))

    @property
    def elapsed(self) -> float:
        """Seconds since its time began: the times of the journal and of timelines."""
        return self._with_platform(lambda platform: platform.time)

    def advance(self, by: Duration) -> None:
        """Let time pass at once. ``monkeypatch.setattr("time.sleep", skaha.advance)`` and a client's naps are that."""
        seconds = _seconds(by)
        self._with_platform(lambda platform: platform.advance(seconds))

    def until(self, session_id: str, status: str = "Running", *, within: Duration = HOUR) -> float:
        """Let time pass until the session is ``status``, and no longer; ``Gone`` is when it is listed no more.

        Returns the seconds that took. Raises ``AssertionError`` with the reason if it is not after ``within``,
        ``ValueError`` for a status there is not.
        """
        __tracebackhide__ = True
        limit = _seconds(within)
        wanted = status.capitalize()
        wanted = SAME_STATUS.get(wanted, wanted)
        if wanted not in STATUSES:
            raise ValueError(f"no session is ever {status!r}; known: {', '.join((*STATUSES, *SAME_STATUS))}")

        def moved(platform: Platform) -> tuple[float, str]:
            came = advance_until(platform, session_id, wanted, limit)
            if came.reached:
                return came.seconds, ""
            problem = f"is {came.status}, not {wanted}, after {came.seconds:g} s"
            return came.seconds, f"{problem}\n{explained(platform, session_id)}"

        passed, problem = self._with_platform(moved)
        if problem:
            raise AssertionError(f"session {session_id} {problem}")
        return passed

    def freeze(self) -> None:
        """Time stands still until told to move."""
        self._with_platform(lambda platform: platform.set_clock(manual=True))

    def speed(self, factor: float = 1.0) -> None:
        """From now on time passes by itself, ``factor`` seconds in a real second."""
        self._with_platform(lambda platform: platform.set_clock(manual=False, speed=factor))

    def disturb(
        self,
        session_id: str,
        what: str,
        *,
        app_id: str = "",
        exit_code: int = 1,
        seconds: Duration | None = None,
    ) -> None:
        """Let something befall a session, or its app, now: ``evict``, ``preempt``, ``oom``, ``exit`` (with a code),
        ``expire``, ``stall`` or ``node-lost``. ``preempt`` and ``stall`` can keep it waiting for some ``seconds``.

        Raises ``LookupError`` when there is no such session, ``ValueError`` when that cannot befall it.
        """
        waits = None if seconds is None else _seconds(seconds)
        self._with_platform(
            lambda platform: disturb(
                platform, session_id, what, app_id=app_id, exit_code=exit_code, seconds=waits
            )
        )

    # -- behind it ---------------------------------------------------------------------------------------

    def status(self, session_id: str) -> str:
        """The session's status, whoever owns it; ``Gone`` when there is none."""
        return self._with_platform(lambda platform: platform.status_of(session_id))

    def why(self, session_id: str) -> str:
        """Why the session has the status it has: what a pending one waits for, how one ended."""
        return self._with_platform(lambda platform: why(platform, session_id))

    def timeline(self, session_id: str) -> list[Happening]:
        """What happened to a session and its apps, oldest first, also after it is gone."""
        return self._with_platform(lambda platform: platform.stream.of(session_id))

    def report(self) -> str:
        """The last requests, and what waits for what: for whoever reads why a test failed."""
        waiting = self._reach.call(lambda: pending(self.namespace.platform))
        lines = [f"{self.url}, {self.elapsed:.1f} s after it began", "requests:", str(self.journal)]
        return "\n".join(lines + (["pending:", *(f"  {line}" for line in waiting)] if waiting else []))

    def snapshot(self) -> Snapshot:
        """The state as one document: pass it to :meth:`restore`, or keep its ``model_dump_json()``."""
        return self._reach.call(self.namespace.snapshot)

    def restore(self, snapshot: Snapshot | Mapping[str, Any]) -> None:
        """The state of a snapshot, its time included. Raises ``mockskaha.snapshot.SnapshotError``; then all is as it
        was."""
        from mockskaha.snapshot import parse

        document = parse(dict(snapshot)) if isinstance(snapshot, Mapping) else snapshot
        self._reach.call(lambda: self.namespace.restore(document))

    def reset(self) -> None:
        """As it began: no requests, the time and the state of the beginning."""
        self._reach.call(self.namespace.reset)

    def seed(self, state: Mapping[str, Any] | str | os.PathLike[str]) -> None:
        """Begin anew with these users, images, nodes and sessions (``docs/testing.md``): parsed, as YAML, or a file of
        it. Raises ``BadOptions``; then all is as it was."""
        read = state_of(state)
        assert read is not None
        try:
            self._reach.call(lambda: self.namespace.populate(read))
        except ValueError as error:
            raise refused(error) from None


def _httpx() -> ModuleType:
    import httpx

    return httpx


def _seconds(given: Duration) -> float:
    if isinstance(given, timedelta):
        return given.total_seconds()
    if isinstance(given, str):
        with suppress(ValueError):
            return duration(given)
        raise ValueError(f"no duration: {given!r}; should be seconds, or a text such as 90s, 2h30m or 4d")
    return float(given)
