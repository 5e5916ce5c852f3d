"""The two that carry plans out: one with ``httpx.Client`` and threads, one with ``httpx.AsyncClient``."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, TypeVar

import httpx

from skahaclient.clock import Clock
from skahaclient.errors import (
    BrokenAnswer,
    ConfigurationError,
    NoAnswer,
    SkahaError,
    TimedOut,
    Unreachable,
)
from skahaclient.plan import Every, Pause, Plan
from skahaclient.wire import Answer, Request

T = TypeVar("T")
_LOOK_SECONDS = 0.5
"""How often it is made sure that there is somebody to wait for."""


class SyncTransport:
    """Carries plans out one request after another, and `Every` with at most ``concurrency`` threads."""

    def __init__(self, http: httpx.Client, clock: Clock, concurrency: int) -> None:
        self.http = http
        self._clock = clock
        self._concurrency = concurrency

    def close(self) -> None:
        self.http.close()

    def run(self, plan: Plan[T]) -> T:
        """The plan's result. What interrupts it is thrown into it, so that it can say what it has done."""
        value: Any = None
        error: BaseException | None = None
        while True:
            try:
                effect = plan.send(value) if error is None else plan.throw(error)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            value, error = None, None
            try:
                match effect:
                    case Request():
                        value = self._send(effect)
                    case Pause(seconds):
                        self._clock.sleep(seconds)
                    case Every():
                        value = self._every(effect)
            except BaseException as raised:
                error = raised

    def _send(self, request: Request) -> Answer | NoAnswer:
        try:
            response = self.http.request(
                request.method, request.url, content=request.body, headers=dict(request.headers)
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return no_answer(request, error)
        return _answer(response)

    def _every(self, every: Every) -> list[Any]:
        if len(every.plans) == 1 and not every.finish:
            return self._alone(every)
        crew = _Crew(self.run, every, self._concurrency)
        try:
            crew.start()
            crew.wait()
        except BaseException:
            crew.stop()
            if every.finish:
                crew.wait()
            raise
        if crew.crashes:
            raise crew.crashes[0]
        return crew.results

    def _alone(self, every: Every) -> list[Any]:
        """A single plan needs no threads."""
        try:
            result = self.run(every.plans[0])
        except SkahaError as error:
            result = error
        if every.done is not None:
            every.done()
        return [result]


class _Crew:
    """Threads that carry out many plans, and one that watches over them: whoever waits may be interrupted anywhere."""

    def __init__(self, run: Callable[[Plan[Any]], Any], every: Every, size: int) -> None:
        self.results: list[Any] = [None] * len(every.plans)
        self.crashes: list[BaseException] = []
        self._run = run
        self._done = every.done
        self._size = min(size, len(every.plans))
        self._waiting = enumerate(every.plans)
        self._lock = Lock()
        self._stopped = False
        self._ended = Event()
        self._foreman = Thread(target=self._lead, name="skahaclient", daemon=True)

    def start(self) -> None:
        self._foreman.start()

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopped = True

    def wait(self) -> None:
        """Until nothing is under way."""
        while not self._ended.wait(_LOOK_SECONDS) and self._foreman.is_alive():
            pass

    def _lead(self) -> None:
        threads = [Thread(target=self._work, name=f"skahaclient-{n}", daemon=True) for n in range(self._size)]
        begun = []
        try:
            for thread in threads:
                thread.start()
                begun.append(thread)
        except RuntimeError as error:  # no more threads: those that there are do the work
            if not begun:
                self.crashes.append(error)
        for thread in begun:
            thread.join()
        self._ended.set()

    def _work(self) -> None:
        while (next_one := self._next()) is not None:
            number, plan = next_one
            try:
                try:
                    self.results[number] = self._run(plan)
                except SkahaError as error:
                    self.results[number] = error
                if self._done is not None:
                    with self._lock:
                        self._done()
            except BaseException as error:
                self.crashes.append(error)
                return

    def _next(self) -> tuple[int, Plan[Any]] | None:
        with self._lock:
            return None if self._stopped or self.crashes else next(self._waiting, None)


class AsyncTransport:
    """Carries plans out in the running event loop, `Every` with at most ``concurrency`` tasks."""

    def __init__(self, http: httpx.AsyncClient, clock: Clock, concurrency: int) -> None:
        self.http = http
        self._clock = clock
        self._concurrency = concurrency

    async def close(self) -> None:
        await self.http.aclose()

    async def run(self, plan: Plan[T]) -> T:
        """As `SyncTransport.run`; a cancellation is thrown into the plan, too."""
        value: Any = None
        error: BaseException | None = None
        while True:
            try:
                effect = plan.send(value) if error is None else plan.throw(error)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            value, error = None, None
            try:
                match effect:
                    case Request():
                        value = await self._send(effect)
                    case Pause(seconds):
                        await self._clock.async_sleep(seconds)
                    case Every():
                        value = await self._every(effect)
            except BaseException as raised:
                error = raised

    async def _send(self, request: Request) -> Answer | NoAnswer:
        try:
            response = await self.http.request(
                request.method, request.url, content=request.body, headers=dict(request.headers)
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return no_answer(request, error)
        return _answer(response)

    async def _every(self, every: Every) -> list[Any]:
        results: list[Any] = [None] * len(every.plans)
        waiting = enumerate(every.plans)
        stopped = False

        async def work() -> None:
            for number, plan in waiting:
                try:
                    results[number] = await self.run(plan)
                except SkahaError as error:
                    results[number] = error
                if every.done is not None:
                    every.done()
                if stopped:
                    return

        tasks = [asyncio.create_task(work()) for _ in range(min(self._concurrency, len(every.plans)))]
        if not tasks:
            return results
        try:
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            finally:
                stopped = True
                if every.finish:
                    await asyncio.wait(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            task.result()
        return results


def _answer(response: httpx.Response) -> Answer:
    return Answer(response.status_code, dict(response.headers), response.content)


def no_answer(request: Request, error: Exception) -> NoAnswer:
    """What an exception of httpx means, in words for a person."""
    host = httpx.URL(request.url).netloc.decode()
    told = str(error) or type(error).__name__
    causes = list(_causes(error))
    match error:
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return Unreachable(f"no connection to {host} in time; is the network up, is the address right?")
        case httpx.ConnectError():
            if any(isinstance(cause, ssl.SSLError) for cause in causes):
                return Unreachable(f"no secure connection to {host}: {told}", hopeless=True)
            if any(isinstance(cause, socket.gaierror) for cause in causes):
                return Unreachable(f"there is no host {host}; is the URL right? ({told})", hopeless=True)
            return Unreachable(f"no connection to {host}: {told}; does the service run, is the URL right?")
        case httpx.UnsupportedProtocol() | httpx.InvalidURL():
            return Unreachable(f"not a usable URL: {request.url} ({told})", hopeless=True)
        case httpx.TimeoutException():
            return TimedOut(f"no answer from {host} in time; allow more with a longer timeout")
        case _:
            return BrokenAnswer(f"the connection to {host} broke before the whole answer was there: {told}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def tls(certificate: Path | None, *, is_needed: bool = True) -> ssl.SSLContext | bool:
    """How to meet an https service: with this client certificate (PEM, with its key), or without. When it is not
    needed, reading whom to trust (40 ms) is spared, and nobody is trusted.

    Raises `ConfigurationError` for a file that is no such thing.
    """
    if certificate is None:
        return True if is_needed else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = httpx.create_ssl_context()
    try:
        context.load_cert_chain(certificate)
    except OSError as error:  # ssl.SSLError is one
        reason = "no PEM certificate with its key" if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigurationError(f"certificate {certificate}: {reason}") from None
    return context


def limits(concurrency: int) -> httpx.Limits:
    return httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
