"""The cluster over time: exact integrals, and averages over equal intervals in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from skahasim.resources import MIB_PER_GIB, Resources
from skahasim.study.run import TIMELINE_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

    from skahasim.cluster import Cluster, Node

FIRST_WIDTH = 60.0
MOST_ROWS = 2048
Integrals: TypeAlias = tuple[float, ...]
"""In the order of ``TIMELINE_COLUMNS`` after ``time``, in millicores, MiB, jobs and GPUs times seconds."""
_SCALE = (1, 1, 1000, MIB_PER_GIB, 1, 1000, 1000, MIB_PER_GIB, 1000, MIB_PER_GIB, 1, 1000)


class Timeline:
    """Follows what waits, runs and is free, and integrates it over time.

    Whoever tells it of changes calls :meth:`at` with the time first; times never go back. An interval is 60 s
    long at first, and twice as long whenever there are more than 2048 of them. All counts are whole (jobs,
    millicores, MiB), so only the times themselves are rounded.
    """

    __slots__ = (
        "_allocated",
        "_allocated_since",
        "_allocated_sums",
        "_capacity",
        "_capacity_since",
        "_capacity_sums",
        "_cluster",
        "_dirty",
        "_edge",
        "_fragmented",
        "_fragmented_since",
        "_fragmented_sum",
        "_fragments",
        "_queued",
        "_queued_since",
        "_queued_sums",
        "_rows",
        "_running",
        "_running_since",
        "_running_sums",
        "_width",
        "now",
        "waiting",
    )  # fmt: skip

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.now = 0.0
        self.waiting = WaitingRequests()
        self._queued = self._allocated = self._capacity = (0, 0, 0)
        self._queued_since = self._allocated_since = self._capacity_since = 0.0
        self._queued_sums = self._allocated_sums = self._capacity_sums = (0.0, 0.0, 0.0)
        self._running = (0, 0)
        self._running_since, self._running_sums = 0.0, (0.0, 0.0)
        self._fragmented, self._fragmented_since, self._fragmented_sum = 0, 0.0, 0.0
        self._fragments = [0] * len(cluster.nodes)
        self._dirty: set[Node] = set(cluster.nodes)
        self._capacity = tuple(cluster.open_capacity)  # type: ignore[assignment]
        self._rows: list[Integrals] = []
        self._width = FIRST_WIDTH
        self._edge = FIRST_WIDTH

    # -- what happens ------------------------------------------------------------------------------------

    def at(self, now: float) -> None:
        """All that follows happens at ``now``."""
        if now > self.now:
            self._settle()
            if now >= self._edge:
                self._cross(now)
            self.now = now

    def queued(self, request: Resources, sign: int) -> None:
        """A job that asks for ``request`` begins (+1) or ceases (-1) to wait for a node."""
        now, (jobs, millicores, ram_mib), sums = self.now, self._queued, self._queued_sums
        elapsed = now - self._queued_since
        if elapsed:
            self._queued_since = now
            self._queued_sums = (
                sums[0] + jobs * elapsed, sums[1] + millicores * elapsed, sums[2] + ram_mib * elapsed,
            )  # fmt: skip
        self._queued = (jobs + sign, millicores + sign * request[0], ram_mib + sign * request[1])
        if sign > 0:
            self.waiting.add(request)
        else:
            self.waiting.remove(request)

    def allocated(self, request: Resources, node: Node, sign: int) -> None:
        """A job takes (+1) or gives back (-1) ``request`` on ``node``."""
        now, (millicores, ram_mib, gpus), sums = self.now, self._allocated, self._allocated_sums
        elapsed = now - self._allocated_since
        if elapsed:
            self._allocated_since = now
            self._allocated_sums = (
                sums[0] + millicores * elapsed, sums[1] + ram_mib * elapsed, sums[2] + gpus * elapsed,
            )  # fmt: skip
        self._allocated = (
            millicores + sign * request[0], ram_mib + sign * request[1], gpus + sign * request[2],
        )  # fmt: skip
        self._dirty.add(node)

    def running(self, jobs: int, used_millicores: int) -> None:
        """So many jobs more (or less) run, and keep so many more (or less) millicores busy."""
        now, (count, used), sums = self.now, self._running, self._running_sums
        elapsed = now - self._running_since
        if elapsed:
            self._running_since = now
            self._running_sums = (sums[0] + count * elapsed, sums[1] + used * elapsed)
        self._running = (count + jobs, used + used_millicores)

    def capacity_changed(self) -> None:
        """Nodes were closed or opened."""
        now, (millicores, ram_mib, gpus), sums = self.now, self._capacity, self._capacity_sums
        elapsed = now - self._capacity_since
        self._capacity_since = now
        self._capacity_sums = (
            sums[0] + millicores * elapsed, sums[1] + ram_mib * elapsed, sums[2] + gpus * elapsed,
        )  # fmt: skip
        self._capacity = tuple(self._cluster.open_capacity)  # type: ignore[assignment]
        self._dirty.update(self._cluster.nodes)

    # -- fragmentation -----------------------------------------------------------------------------------

    def _settle(self) -> None:
        """The instant ``self.now`` is over: count the free cores that nobody who waits can use."""
        waiting = self.waiting
        if not waiting.counts:
            if self._fragmented:
                self._set_fragmented(0)
                self._fragments = [0] * len(self._fragments)
                self._dirty.update(self._cluster.nodes)
            return
        if waiting.changed:
            waiting.changed = False
            self._dirty.update(self._cluster.nodes)
        if not self._dirty:
            return
        smallest, fragments = waiting.smallest, self._fragments
        change = 0
        for node in self._dirty:
            millicores, ram_mib, gpus = node.free
            fragment = millicores if millicores > 0 else 0
            if fragment:
                for request in smallest:
                    if request[0] <= millicores and request[1] <= ram_mib and request[2] <= gpus:
                        fragment = 0
                        break
            index = node.index
            if fragment != fragments[index]:
                change += fragment - fragments[index]
                fragments[index] = fragment
        self._dirty.clear()
        if change:
            self._set_fragmented(self._fragmented + change)

    def _set_fragmented(self, millicores: int) -> None:
        self._fragmented_sum += self._fragmented * (self.now - self._fragmented_since)
        self._fragmented, self._fragmented_since = millicores, self.now

    # -- intervals ---------------------------------------------------------------------------------------

    def _integrals(self, until: float) -> Integrals:
        """All integrals over [0, until], nothing having changed since ``self.now``."""
        queued = [
            total + value * (until - self._queued_since)
            for total, value in zip(self._queued_sums, self._queued, strict=True)
        ]
        allocated = [
            total + value * (until - self._allocated_since)
            for total, value in zip(self._allocated_sums, self._allocated, strict=True)
        ]
        running = [
            total + value * (until - self._running_since)
            for total, value in zip(self._running_sums, self._running, strict=True)
        ]
        capacity = [
            total + value * (until - self._capacity_since)
            for total, value in zip(self._capacity_sums, self._capacity, strict=True)
        ]
        fragmented = self._fragmented_sum + self._fragmented * (until - self._fragmented_since)
        return (running[0], queued[0], *allocated, running[1], queued[1], queued[2], *capacity, fragmented)

    def _cross(self, now: float) -> None:
        """Note the integrals at every edge of an interval up to ``now``."""
        while self._edge <= now:
            self._rows.append(self._integrals(self._edge))
            if len(self._rows) >= MOST_ROWS:
                self._rows = self._rows[1::2]
                self._width *= 2
            self._edge = (len(self._rows) + 1) * self._width

    def close(self, end: float) -> dict[str, float]:
        """Nothing follows until ``end``, where it all stops. The integrals over [0, ``end``], in cores and GiB."""
        self.at(end)
        self._settle()
        return {
            name: value / scale
            for name, value, scale in zip(TIMELINE_COLUMNS[1:], self._integrals(end), _SCALE, strict=True)
        }

    def table(self) -> pd.DataFrame:
        """``TIMELINE_COLUMNS``, after :meth:`close`. The last interval ends where the simulation does."""
        import numpy as np
        import pandas as pd

        end = self.now
        edges = [index * self._width for index in range(len(self._rows) + 1)]
        rows = list(self._rows)
        if end > edges[-1]:
            edges.append(end)
            rows.append(self._integrals(end))
        columns: dict[str, object] = {"time": np.array(edges[:-1], dtype=float)}
        totals = np.zeros((len(rows) + 1, len(_SCALE)))
        if rows:
            totals[1:] = rows
        averages = np.diff(totals, axis=0) / np.diff(np.array(edges))[:, None] / np.array(_SCALE, dtype=float)
        for index, name in enumerate(TIMELINE_COLUMNS[1:]):
            columns[name] = averages[:, index]
        return pd.DataFrame(columns, columns=list(TIMELINE_COLUMNS))


class WaitingRequests:
    """How many jobs wait for which request, and the smallest of these: those that hold no other."""

    __slots__ = ("changed", "counts", "smallest")

    def __init__(self) -> None:
        self.counts: dict[Resources, int] = {}
        self.smallest: list[Resources] = []
        self.changed = False
        """Whether ``smallest`` changed since somebody set this to false."""

    def add(self, request: Resources) -> None:
        counts = self.counts
        count = counts.get(request, 0)
        counts[request] = count + 1
        if count or any(other.fits(request) for other in self.smallest):
            return
        self.smallest = [other for other in self.smallest if not request.fits(other)]
        self.smallest.append(request)
        self.changed = True

    def remove(self, request: Resources) -> None:
        counts = self.counts
        count = counts[request] - 1
        if count:
            counts[request] = count
            return
        del counts[request]
        if request in self.smallest:
            self.smallest = _minimal(counts)
            self.changed = True


def _minimal(requests: dict[Resources, int]) -> list[Resources]:
    """Those that hold no other. Sorted, a request can only hold one before it."""
    smallest: list[Resources] = []
    for request in sorted(requests):
        if not any(other.fits(request) for other in smallest):
            smallest.append(request)
    return smallest
