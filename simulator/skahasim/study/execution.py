"""Many simulations on the workers of an executor: processes, threads, a Dask cluster, or here and now."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager
from importlib import import_module
from math import ceil
from multiprocessing import get_context
from typing import Any, Literal, TypeAlias, TypeVar, get_args

from skahasim.clock import WallClock

Task = TypeVar("Task")
Result = TypeVar("Result")
ExecutorKind: TypeAlias = Literal["process", "thread", "serial", "dask"]
EXECUTORS: tuple[str, ...] = get_args(ExecutorKind)
BATCH_SECONDS = 0.5
"""Tasks go to workers in batches that take at least about this long, so that handing over costs little."""


class ExecutorUnavailable(ValueError):
    """The executor that is asked for cannot be had here; the text says what to do about it."""


class SerialExecutor(Executor):
    """Does everything at once in this process, as ``concurrent.futures`` would elsewhere."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@contextmanager
def open_executor(
    kind: str = "process", *, workers: int | None = None, scheduler: str | None = None
) -> Iterator[Executor]:
    """An executor of a kind, closed afterwards: what has not begun by then is cancelled.

    ``workers``: as many as there are processors by default; for Dask with a ``scheduler`` the cluster's. ``scheduler``:
    address of a Dask scheduler (``tcp://…``); without one, Dask starts a cluster on this machine. Raises
    :class:`ExecutorUnavailable`.
    """
    if kind not in EXECUTORS:
        raise ExecutorUnavailable(f"unknown executor {kind!r}; known: {', '.join(EXECUTORS)}")
    if scheduler is not None and kind != "dask":
        raise ExecutorUnavailable(f"a scheduler goes with the executor dask, not {kind}")
    count = workers or available_cpus()
    if kind == "dask":
        with _dask(workers, scheduler) as executor:
            yield executor
        return
    if kind == "serial" or (kind == "process" and count == 1):
        yield SerialExecutor()
        return
    pool: Executor
    if kind == "thread":
        pool = ThreadPoolExecutor(count)
    else:
        # Spawned, so that a worker has what a fresh interpreter has, the same on every system.
        pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=leave_interrupts)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def available_cpus() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def leave_interrupts() -> None:
    """Ctrl-C reaches every process of the terminal; only the one that leads is to act on it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _dask(workers: int | None, scheduler: str | None) -> Iterator[Executor]:
    try:
        distributed = import_module("distributed")
    except ImportError:
        raise ExecutorUnavailable(
            "the executor dask needs the package distributed: pip install 'mockskaha[dask]'"
        ) from None
    options: dict[str, Any] = {"set_as_default": False}
    if scheduler is None:
        options |= {
            "n_workers": workers or available_cpus(),
            "threads_per_worker": 1,
            "dashboard_address": None,
        }
    else:
        options["address"] = scheduler
    try:
        client = distributed.Client(**options)
    except (OSError, TimeoutError, ValueError) as error:
        raise ExecutorUnavailable(
            f"no Dask scheduler answers at {scheduler}: {error}"
            if scheduler
            else f"Dask does not start: {error}"
        ) from error
    try:
        executor: Executor = client.get_executor()
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)
    finally:
        client.close()


def run_all(
    executor: Executor,
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    done: Callable[[int, Result], None],
    *,
    batch_seconds: float = BATCH_SECONDS,
    in_flight: int = 0,
) -> None:
    """Call ``function`` with each of ``tasks`` on ``executor`` and ``done(index, result)`` here for each, as they end.

    ``function``, tasks and results must be picklable for processes and Dask. Batches grow until one takes
    ``batch_seconds``. At most ``in_flight`` batches are handed over at a time (twice the processors by default), so
    Ctrl-C loses little. The first error of a task is raised after the results of the others that had begun
    are in; what has not begun is cancelled.
    """
    window = in_flight or 2 * available_cpus()
    serial = isinstance(executor, SerialExecutor)
    pending: dict[Future[Any], int] = {}
    position, size, error = 0, 1, None
    try:
        while pending or (position < len(tasks) and error is None):
            while position < len(tasks) and error is None and len(pending) < (1 if serial else window):
                fair = max(1, ceil((len(tasks) - position) / window))
                batch = tasks[position : position + min(size, fair)]
                pending[executor.submit(_batch, function, list(batch))] = position
                position += len(batch)
            ended, _ = wait(list(pending), return_when=FIRST_COMPLETED)
            for future in sorted(ended, key=pending.__getitem__):
                begin = pending.pop(future)
                if future.cancelled():
                    continue
                results, seconds, failure = future.result()
                for offset, result in enumerate(results):
                    done(begin + offset, result)
                error = error or failure
                if results and not serial:
                    size = max(1, ceil(batch_seconds * len(results) / max(seconds, 1e-6)))
            if error is not None:
                for future in pending:
                    future.cancel()
        if error is not None:
            raise error
    finally:
        for future in pending:
            future.cancel()


def _batch(function: Callable[[Any], Any], tasks: list[Any]) -> tuple[list[Any], float, Exception | None]:
    """Results until the first error, seconds it took, and the error."""
    clock = WallClock()
    results = []
    try:
        for task in tasks:
            results.append(function(task))  # noqa: PERF401 - those before an error are kept
    except Exception as error:
        return results, clock.now(), error
    return results, clock.now(), None
