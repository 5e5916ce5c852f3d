"""Sessions: the same calls for programs that wait, and for programs that do not."""

from __future__ import annotations

import logging
import webbrowser
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, overload

from skahaclient import watch
from skahaclient.client import AsyncClient, Client
from skahaclient.launch import launch
from skahaclient.models.platform import PlatformStats
from skahaclient.models.session import SessionInfo
from skahaclient.operations import Operations, Policy, Progress

log = logging.getLogger("skahaclient")
Ids = str | Iterable[str]


class Session(Client):
    """Sessions of the caller.

    All arguments may be left out, see `skahaclient.client.Client`. ``errors`` is what happens when something fails
    about some sessions and the call says nothing: ``"raise"`` a `SessionRequestError`, which has the results of the
    others, or ``"ignore"`` it, which is logged. By default a launch raises and all else ignores. What concerns
    them all is always raised: no credentials, no answer.
    """

    def __init__(self, *, errors: Policy | None = None, **given: Any) -> None:
        super().__init__(**given)
        self._operations = Operations(self.service, errors)

    def fetch(self, kind: str | None = None, status: str | None = None) -> list[SessionInfo]:
        """The sessions there are, also the finished ones, which stay for a while. ``status`` is any version's word:
        ``Completed`` and ``Succeeded`` are the same."""
        return self._run(self._operations.fetch(kind, status))

    def stats(self) -> PlatformStats:
        """The load of the whole platform."""
        return self._run(self._operations.stats())

    def info(self, ids: Ids, *, errors: Policy | None = None) -> list[SessionInfo]:
        """Everything about sessions, in the order of their ids."""
        return self._run(self._operations.info(ids, errors))

    @overload
    def logs(
        self, ids: Ids, verbose: bool = False, *, follow: Literal[False] = False, errors: Policy | None = None
    ) -> dict[str, str]: ...
    @overload
    def logs(
        self, ids: Ids, verbose: bool = False, *, follow: Literal[True], errors: Policy | None = None
    ) -> Iterator[tuple[str, str]]: ...
    def logs(
        self, ids: Ids, verbose: bool = False, *, follow: bool = False, errors: Policy | None = None
    ) -> Any:
        """What sessions have printed, by id. The service says nothing, too, about a session it does not know.

        With ``follow``, an iterator of ids and what they have printed since, until all have ended. With ``verbose``
        the texts are logged, and None is returned, as `canfar` has it.
        """
        if follow:
            return self._followed(watch.Following(self._operations, ids, errors))
        texts = self._run(self._operations.logs(ids, errors))
        return _told(texts, texts, verbose)

    def _followed(self, following: watch.Following) -> Iterator[tuple[str, str]]:
        while following.goes_on:
            yield from self._run(following.look())
        following.end()

    def events(
        self, ids: Ids, verbose: bool = False, *, errors: Policy | None = None
    ) -> list[dict[str, str]]:
        """What Kubernetes did with sessions: for each ``{id: table}``. ``verbose`` as in `logs`."""
        found = self._run(self._operations.events(ids, errors))
        answer: list[dict[str, str]] = _told(
            {i: text for one in found for i, text in one.items()}, found, verbose
        )
        return answer

    def create(
        self,
        name: str,
        image: str,
        cores: float | None = None,
        ram: float | None = None,
        kind: str = "headless",
        gpu: int | None = None,
        cmd: str | Sequence[str] | None = None,
        args: str | Sequence[str] | None = None,
        env: Mapping[str, Any] | None = None,
        replicas: int = 1,
        progress: Progress | None = None,
        *,
        errors: Policy | None = None,
    ) -> list[str]:
        """Launch sessions; their ids, in order.

        ``image`` without a host is one of images.canfar.net, without a tag the latest. With ``cores`` or ``ram``
        (GiB) these are guaranteed; without, the session uses what is free. ``cmd`` is split as a shell would, ``args``,
        a list or a text, are its arguments. Only headless sessions have these two and ``env``. With
        ``replicas`` the names are ``name-1`` to ``name-N``; each knows which one it is from ``REPLICA_ID`` and
        ``REPLICA_COUNT``. ``progress(done, total)`` is called after each, from any thread.

        Raises `InvalidRequest` before anything is sent; `LaunchError` and, for Ctrl-C, `LaunchInterrupted`, which both
        have the ids of the sessions that were ``created``.
        """
        wanted = launch(name, image, cores, ram, kind, gpu, cmd, args, env, replicas)
        launching = self._operations.launching(wanted, progress, errors)
        with launching.telling():
            return self._run(launching.plan())

    def wait(
        self,
        ids: Ids,
        until: str = watch.END,
        timeout: float | None = None,
        progress: Progress | None = None,
        *,
        errors: Policy | None = None,
    ) -> list[SessionInfo]:
        """The sessions, once each has ended; or, with ``until``, has that status, or has ended without it.

        Raises `WaitTimeout` after ``timeout`` seconds. ``progress(done, total)`` is called after each look. While it
        waits, the service may be away for some minutes.
        """
        return self._run(watch.wait(self._operations, ids, until, timeout, progress, errors))

    def renew(self, ids: Ids, *, errors: Policy | None = None) -> dict[str, bool]:
        """Let sessions live longer (skaha-contract §4.4); whether that was done, by id."""
        return self._run(self._operations.renew(ids, errors))

    def destroy(self, ids: Ids, *, errors: Policy | None = None) -> dict[str, bool]:
        """Delete sessions; whether that was done, by id. So is what is not there, which most versions of the
        service cannot tell."""
        return self._run(self._operations.destroy(ids, errors))

    def destroy_with(
        self, prefix: str, *, kind: str = "headless", status: str = "Completed", errors: Policy | None = None
    ) -> dict[str, bool]:
        """Delete the sessions whose names begin with ``prefix``, or match it if it is a regular expression."""
        return self._run(self._operations.destroy_with(prefix, kind, status, errors))

    def connect(self, ids: Ids) -> None:
        """Open sessions in the web browser, those that run."""
        for info in self.info(ids):
            _open(info)


class AsyncSession(AsyncClient):
    """As `Session`, for asyncio."""

    def __init__(self, *, errors: Policy | None = None, **given: Any) -> None:
        super().__init__(**given)
        self._operations = Operations(self.service, errors)

    async def fetch(self, kind: str | None = None, status: str | None = None) -> list[SessionInfo]:
        """As `Session.fetch`."""
        return await self._run(self._operations.fetch(kind, status))

    async def stats(self) -> PlatformStats:
        """As `Session.stats`."""
        return await self._run(self._operations.stats())

    async def info(self, ids: Ids, *, errors: Policy | None = None) -> list[SessionInfo]:
        """As `Session.info`."""
        return await self._run(self._operations.info(ids, errors))

    @overload
    def logs(
        self, ids: Ids, verbose: bool = False, *, follow: Literal[False] = False, errors: Policy | None = None
    ) -> Coroutine[Any, Any, dict[str, str]]: ...
    @overload
    def logs(
        self, ids: Ids, verbose: bool = False, *, follow: Literal[True], errors: Policy | None = None
    ) -> AsyncIterator[tuple[str, str]]: ...
    def logs(
        self, ids: Ids, verbose: bool = False, *, follow: bool = False, errors: Policy | None = None
    ) -> Any:
        """As `Session.logs`: ``await`` it or, with ``follow``, iterate over it with ``async for``."""
        if follow:
            return self._followed(watch.Following(self._operations, ids, errors))
        return self._logs(ids, verbose, errors)

    async def _logs(self, ids: Ids, verbose: bool, errors: Policy | None) -> Any:
        texts = await self._run(self._operations.logs(ids, errors))
        return _told(texts, texts, verbose)

    async def _followed(self, following: watch.Following) -> AsyncIterator[tuple[str, str]]:
        while following.goes_on:
            for piece in await self._run(following.look()):
                yield piece
        following.end()

    async def events(
        self, ids: Ids, verbose: bool = False, *, errors: Policy | None = None
    ) -> list[dict[str, str]]:
        """As `Session.events`."""
        found = await self._run(self._operations.events(ids, errors))
        answer: list[dict[str, str]] = _told(
            {i: text for one in found for i, text in one.items()}, found, verbose
        )
        return answer

    async def create(
        self,
        name: str,
        image: str,
        cores: float | None = None,
        ram: float | None = None,
        kind: str = "headless",
        gpu: int | None = None,
        cmd: str | Sequence[str] | None = None,
        args: str | Sequence[str] | None = None,
        env: Mapping[str, Any] | None = None,
        replicas: int = 1,
        progress: Progress | None = None,
        *,
        errors: Policy | None = None,
    ) -> list[str]:
        """As `Session.create`. A task that is cancelled raises `LaunchCancelled`, which has what was ``created``."""
        wanted = launch(name, image, cores, ram, kind, gpu, cmd, args, env, replicas)
        launching = self._operations.launching(wanted, progress, errors)
        with launching.telling():
            return await self._run(launching.plan())

    async def wait(
        self,
        ids: Ids,
        until: str = watch.END,
        timeout: float | None = None,
        progress: Progress | None = None,
        *,
        errors: Policy | None = None,
    ) -> list[SessionInfo]:
        """As `Session.wait`."""
        return await self._run(watch.wait(self._operations, ids, until, timeout, progress, errors))

    async def renew(self, ids: Ids, *, errors: Policy | None = None) -> dict[str, bool]:
        """As `Session.renew`."""
        return await self._run(self._operations.renew(ids, errors))

    async def destroy(self, ids: Ids, *, errors: Policy | None = None) -> dict[str, bool]:
        """As `Session.destroy`."""
        return await self._run(self._operations.destroy(ids, errors))

    async def destroy_with(
        self, prefix: str, *, kind: str = "headless", status: str = "Completed", errors: Policy | None = None
    ) -> dict[str, bool]:
        """As `Session.destroy_with`."""
        return await self._run(self._operations.destroy_with(prefix, kind, status, errors))

    async def connect(self, ids: Ids) -> None:
        """As `Session.connect`."""
        for info in await self.info(ids):
            _open(info)


def _told(texts: dict[str, str], answer: Any, verbose: bool) -> Any:
    """The answer; or, once its texts are logged, nothing."""
    if not verbose:
        return answer
    for each, text in texts.items():
        log.info("%s\n%s", each, text)
    return None


def _open(info: SessionInfo) -> None:
    if info.status != "Running":
        log.warning("%s is %s; wait until it runs", info.id, info.status)
    elif not info.connect_url:
        log.warning("%s is %s: there is nothing to open", info.id, info.kind)
    else:
        webbrowser.open_new_tab(info.connect_url)
