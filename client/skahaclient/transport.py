"""The two that carry plans out: one with ``httpx.Client`` and threads, one with ``httpx.AsyncClient``."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from threading import Lock, Thread
from typing import Any, TypeVar

import httpx

from skahaclient.clock import Clock
from skahaclient.errors import (
    BrokenAnswer,
    ConfigurationError,
    NoAnswer,
    SkahaError,
    TimedOut,
    UnexpectedAnswer,
    Unreachable,
)
from skahaclient.plan import Every, Pause, Plan
from skahaclient.wire import Answer, Request

T = TypeVar("T")
Failure = SkahaError | BaseException


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
        results: list[Any] = [None] * len(every.plans)
        crashes: list[BaseException] = []
        waiting = enumerate(every.plans)
        lock = Lock()
        stopped = False

        def work() -> None:
            while True:
                with lock:
                    number, plan = (None, None) if stopped or crashes else next(waiting, (None, None))
                if number is None or plan is None:
                    return
                try:
                    try:
                        results[number] = self.run(plan)
                    except SkahaError as error:
                        results[number] = error
                    if every.done is not None:
                        with lock:
                            every.done()
                except BaseException as error:
                    crashes.append(error)
                    return

        threads = [
            Thread(target=work, name=f"skahaclient-{n}", daemon=True)
            for n in range(min(self._concurrency, len(every.plans)))
        ]
        for thread in threads:
            thread.start()
        try:
            _join(threads)
        except BaseException:
            stopped = True
            if every.finish:
                _join(threads)
            raise
        if crashes:
            raise crashes[0]
        return results


def _join(threads: list[Thread]) -> None:
    for thread in threads:
        thread.join()


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


def tls(certificate: Path | None) -> ssl.SSLContext | bool:
    """How to meet an https service: with this client certificate (PEM, with its key), or without.

    Raises `ConfigurationError` for a file that is no such thing.
    """
    if certificate is None:
        return True
    context = httpx.create_ssl_context()
    try:
        context.load_cert_chain(certificate)
    except OSError as error:  # ssl.SSLError is one
        reason = "no PEM certificate with its key" if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigurationError(f"certificate {certificate}: {reason}") from None
    return context


def limits(concurrency: int) -> httpx.Limits:
    return httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)


__all__ = ["AsyncTransport", "SyncTransport", "UnexpectedAnswer", "limits", "no_answer", "tls"]
