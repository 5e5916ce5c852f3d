"""Running jobs on one node: how fast each of them goes, and when the memory is not enough for all.

Only what starts or stops on a node changes how the jobs there go. Whatever happens to a node in one instant is
settled once, after it (in ``Phase.LIFECYCLE``), so the order of the events inside the instant decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING

from skahasim.contention.pressure import SLACK_GIB, Growth, message, passes, rank
from skahasim.contention.settings import ContentionSettings
from skahasim.contention.sharing import Claim, shares
from skahasim.engine import Engine, Phase, Timer
from skahasim.job import Job
from skahasim.usage import core_share

if TYPE_CHECKING:
    from skahasim.cluster import Node


class _Run:
    """One running main container."""

    __slots__ = (
        "claim", "cores", "growth", "is_settled", "job", "left", "rate", "since", "stretches", "wants",
    )  # fmt: skip

    def __init__(self, job: Job, node: Node, now: float, stretches: bool) -> None:
        self.wants = job.work.cores
        most = min(self.wants, node.capacity.cores)
        if job.limit.millicores:
            most = min(most, job.limit.cores)
        self.job = job
        self.claim = Claim(job.request.cores, most)
        self.growth = Growth.of(job.work, now)
        self.cores = 0.0
        self.rate = 1.0
        """Seconds of its work done in one second."""
        self.left = job.work.seconds if stretches and job.work.seconds is not None else inf
        """Seconds of its work still to do at ``since``, at the rate of one."""
        self.since = now
        self.is_settled = False
        """Whether ``cores`` and ``rate`` are what it was given, and not what a run begins with."""
        self.stretches = stretches
        """Its work's own end ends the run, so the end moves with the rate."""


class _Site:
    """What runs on one node."""

    __slots__ = ("node", "pressure", "runs", "settling")

    def __init__(self, node: Node) -> None:
        self.node = node
        self.runs: dict[int, _Run] = {}
        self.settling: Timer | None = None
        self.pressure: Timer | None = None


class Neighbours:
    """Shares the cores and watches the memory of every node.

    ``move_end(job, time)`` tells the lifecycle that the work of a running job ends at another time; ``evict``
    puts a job off its node.
    """

    def __init__(
        self,
        settings: ContentionSettings,
        engine: Engine,
        move_end: Callable[[Job, float], None],
        evict: Callable[[Job, str], None],
    ) -> None:
        self.settings = settings
        self.listeners: list[Callable[[Job, float, float], None]] = []
        """Told (job, cores before, cores now) whenever a running job keeps more or fewer cores busy, its start and end
        included. With ``cpu: cfs`` only."""
        self._engine = engine
        self._move_end = move_end
        self._evict = evict
        self._shares_cores = settings.cpu == "cfs"
        self._watches_memory = settings.memory == "pressure"
        self._sites: dict[Node, _Site] = {}
        self._busy = 0.0
        self._core_seconds = 0.0
        self._counted_until = 0.0

    # -- what the lifecycle tells ----------------------------------------------------------------------

    def started(self, job: Job, stretches: bool) -> None:
        """The main container of ``job`` runs from now on; ``stretches`` when it will end because its work is
        done (and not by a kill, at a time already known)."""
        node = job.node
        if node is None:
            return
        site = self._sites.get(node)
        if site is None:
            site = self._sites[node] = _Site(node)
        site.runs[job.number] = _Run(job, node, self._engine.now, stretches)
        self._touch(site)

    def stopped(self, job: Job) -> None:
        """The main container of ``job`` runs no more. Harmless when it did not."""
        site = None if job.node is None else self._sites.get(job.node)
        run = None if site is None else site.runs.pop(job.number, None)
        if site is None or run is None:
            return
        if run.cores:
            self._use(run, 0.0)
        self._touch(site)

    # -- what anybody may ask --------------------------------------------------------------------------

    def cores(self, job: Job) -> float:
        """Cores that ``job`` keeps busy now; none unless its main container runs."""
        site = None if job.node is None else self._sites.get(job.node)
        run = None if site is None else site.runs.get(job.number)
        if run is None:
            return 0.0
        return run.cores if self._shares_cores else core_share(job)

    def rate(self, job: Job) -> float:
        """Seconds of its work that ``job`` does in one second: cores received by cores wanted."""
        site = None if job.node is None else self._sites.get(job.node)
        run = None if site is None else site.runs.get(job.number)
        return 0.0 if run is None else run.rate

    def core_seconds(self) -> float:
        """Time integral, up to now, of the cores kept busy on all nodes (with ``cpu: cfs``; else 0)."""
        return self._core_seconds + self._busy * (self._engine.now - self._counted_until)

    # -- what follows ----------------------------------------------------------------------------------

    def _touch(self, site: _Site) -> None:
        if site.settling is None:
            site.settling = self._engine.after(0.0, Phase.LIFECYCLE, self._settle, site)

    def _settle(self, site: _Site) -> None:
        site.settling = None
        if self._shares_cores:
            self._share(site)
        if self._watches_memory:
            self._watch(site)

    def _share(self, site: _Site) -> None:
        now = self._engine.now
        # By number, so that sums of the same jobs are the same to the last bit.
        runs = [site.runs[number] for number in sorted(site.runs)]
        got = shares(site.node.capacity.cores, [run.claim for run in runs])
        for run, cores in zip(runs, got, strict=True):
            if cores == run.cores and run.is_settled:
                continue
            run.is_settled = True
            self._use(run, cores)
            rate = cores / run.wants if run.wants > 0.0 else 1.0
            if rate == run.rate:
                continue
            if run.stretches:
                run.left = max(0.0, run.left - (now - run.since) * run.rate)
                self._move_end(run.job, now + run.left / rate if rate > 0.0 else inf)
            run.rate, run.since = rate, now

    def _use(self, run: _Run, cores: float) -> None:
        now = self._engine.now
        self._core_seconds += self._busy * (now - self._counted_until)
        self._counted_until = now
        self._busy += cores - run.cores
        before, run.cores = run.cores, cores
        if self.listeners and before != cores:
            for listener in self.listeners:
                listener(run.job, before, cores)

    # -- memory ----------------------------------------------------------------------------------------

    def _limit_gib(self, site: _Site) -> float:
        return site.node.capacity.ram_gib - self.settings.eviction_threshold_gib

    def _watch(self, site: _Site) -> None:
        self._engine.cancel(site.pressure)
        site.pressure = None
        growths = [site.runs[number].growth for number in sorted(site.runs)]
        now = self._engine.now
        due = passes(growths, self._limit_gib(site), now)
        if due is not None:
            site.pressure = self._engine.after(due - now, Phase.LIFECYCLE, self._relieve, site)

    def _relieve(self, site: _Site) -> None:
        """Evict the first in the kubelet's order, and more of them until enough is free."""
        site.pressure = None
        now = self._engine.now
        limit = self._limit_gib(site)
        wanted = limit - self.settings.minimum_reclaim_gib + SLACK_GIB
        used = {run.job: run.growth.at(now) for run in site.runs.values()}
        in_use = sum(used[job] for job in sorted(used, key=lambda job: job.number))
        available = site.node.capacity.ram_gib - in_use
        for job in sorted(used, key=lambda job: rank(job, used[job])):
            if job.number not in site.runs:  # gone because of those evicted before it
                continue
            text = message(
                job,
                used[job],
                threshold_gib=self.settings.eviction_threshold_gib,
                available_gib=available,
            )
            self._evict(job, text)
            in_use -= used[job]
            if in_use <= wanted:
                return
