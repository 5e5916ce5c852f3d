"""Kueue as a discipline of the model: its scheduler decides who may go, the placement policy decides where.

A job becomes a workload of one pod set. In each pass Kueue's cycles run until they change nothing more; what they
admit goes to a node in the order of admission, any that fits first (kube-scheduler's rule). A job that has its quota
and fits on no node keeps the quota and waits, unschedulable: that is the fragmentation Kueue does not see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from skahasim.job import Job, State
from skahasim.kueue.installation import SCRATCH, Installation, install, with_nominal
from skahasim.kueue.objects import Admission, Eviction, PodSet, StopPolicy, Workload
from skahasim.kueue.quantity import CPU
from skahasim.kueue.scheduler import Scheduler
from skahasim.kueue.settings import KueueSettings
from skahasim.pending import PendingQueue
from skahasim.policies.protocol import (
    Admitted,
    Decision,
    Ordering,
    Policies,
    Preempted,
    Queue,
    Verdict,
    Wake,
)

if TYPE_CHECKING:
    from skahasim.cluster import Cluster, Node
    from skahasim.resources import Resources

MEMORY = "memory"
GPU = "nvidia.com/gpu"
_MIB = 2**20
_QUEUED = State.QUEUED
_new = tuple.__new__
"""Makes a named tuple without the call in between."""


class _ByAdmission(Ordering):
    """In the order in which jobs began to look for a node."""

    def __init__(self) -> None:
        self.turns: dict[int, float] = {}
        """By number, of each job that looks for a node."""
        self._next = 0.0

    def key(self, job: Job) -> float:
        return self.turns[job.number]

    def take(self, job: Job) -> None:
        self.turns[job.number] = self._next
        self._next += 1.0


class KueueQueue:
    """The waiting jobs of one cluster under one installation of Kueue."""

    suspends = True

    def __init__(self, cluster: Cluster, policies: Policies, installation: Installation) -> None:
        objects = installation.configuration
        settings = installation.settings
        self.scheduler = Scheduler(
            objects.cluster_queues,
            objects.cohorts,
            objects.flavors,
            fair_sharing=installation.fair_sharing,
        )
        self.installation = installation
        self._cluster = cluster
        self._policies = policies
        self._choose = policies.placement.choose
        self._order = _ByAdmission()
        self._nodeless = PendingQueue(cluster, Policies(self._order, policies.admission, policies.placement))
        """Jobs that have quota and no node."""
        self._look = False
        """One of these may fit now: something about the nodes, or about them, has changed."""
        self._workloads: dict[int, Workload] = {}
        """Of each job that waits for quota or has it."""
        self._admitted: set[int] = set()
        """Jobs that have quota."""
        self._stopping: set[int] = set()
        """Jobs that make room, and have quota and node until they are unbound."""
        self._waiting = 0
        """Jobs without quota."""
        self._refused: dict[int, str] = {}
        """Jobs that are held for ever, and why."""
        self._unheard: dict[int, Job] = {}
        """Jobs without quota that were not told why."""
        self._tell_flavors = len(objects.flavors) > 1
        self._podsets: dict[tuple[Resources, int], tuple[PodSet, ...]] = {}
        self._seconds_each = 1 / settings.admission_rate if settings.admission_rate else 0.0
        self._next_cycle = 0.0
        """When the control plane has done with what it admitted."""
        self._stirred = False
        """Kueue may do something: what waits, what is held or the quotas have changed since its last cycle."""
        self._most_cycles = settings.cycles_per_instant
        self._instant, self._cycles = -1.0, 0
        """Cycles in the present instant."""
        self._groups = {queue.name: queue.resource_groups for queue in objects.cluster_queues}
        self._groups |= {cohort.name: cohort.resource_groups for cohort in objects.cohorts}
        self._drained: list[Eviction] = []
        """Whom a stopped queue puts out in the next pass."""

    def __len__(self) -> int:
        return self._waiting + len(self._order.turns) + len(self._drained)

    # -- what the model tells --------------------------------------------------------------------------

    def add(self, job: Job) -> None:
        """``job`` waits from now on: for quota; or for a node, if its pod was evicted and its quota was not."""
        number = job.number
        if number in self._admitted:
            self._order.take(job)
            self._nodeless.add(job)
            self._look = True
            return
        self._waiting += 1
        self._unheard[number] = job
        place = self.installation.place(job)
        if place.refusal:
            self._refused[number] = place.refusal
            return
        workload = self._workloads[number] = Workload(
            job.name,
            place.cluster_queue,
            self._podsets_of(job, place.scratch),
            place.priority,
            job.submit_time,
            number,
            job,
        )
        self.scheduler.submit(workload)
        self._stirred = True

    def _podsets_of(self, job: Job, scratch: int) -> tuple[PodSet, ...]:
        request = job.request
        podsets = self._podsets.get((request, scratch))
        if podsets is None:
            requests = {CPU: request.millicores}
            if request.ram_mib:
                requests[MEMORY] = request.ram_mib * _MIB
            if request.gpus:
                requests[GPU] = request.gpus
            if scratch:
                requests[SCRATCH] = scratch
            podsets = self._podsets[request, scratch] = (PodSet(requests=requests),)
        return podsets

    def discard(self, job: Job) -> None:
        """``job`` waits no more; harmless when it does not wait. One that makes room holds what it has until it is
        unbound."""
        number = job.number
        if number in self._stopping or job.node is not None:
            return
        if number in self._refused:
            del self._refused[number]
            self._waiting -= 1
        elif number in self._admitted:
            self._nodeless.discard(job)
            self._release(number)
        elif number in self._workloads:
            self._waiting -= 1
            self.scheduler.withdraw(self._workloads.pop(number))
            self._stirred = True
        self._unheard.pop(number, None)

    def unbind(self, job: Job) -> None:
        """``job`` gives back its node; and its quota, unless only its pod was evicted and comes again."""
        self._nodeless.unbind(job)
        self._look = True
        number = job.number
        if number in self._stopping:
            self._stopping.remove(number)
            self._release(number)
        elif job.state is not _QUEUED:
            self._release(number)

    def _release(self, number: int) -> None:
        self._admitted.remove(number)
        self._order.turns.pop(number, None)
        self.scheduler.withdraw(self._workloads.pop(number))
        self._stirred = True

    # -- what changes at certain times -----------------------------------------------------------------

    def closed(self, node: Node) -> None:
        """``node`` takes nothing from now on."""

    def reopened(self, node: Node) -> None:
        """``node`` takes jobs again."""
        self._nodeless.reopened(node)
        self._look = True

    def reconsider(self) -> None:
        """Limits under admission have changed."""
        self._nodeless.reconsider()
        self._look = True

    def set_quota(self, name: str, flavor: str, resource: str, nominal: int) -> None:
        """Change a nominal quota of a ClusterQueue or Cohort, in millicores of CPU or base units, from the next pass
        on. Nothing that is admitted is taken back. Raises ``KeyError`` when there is no such quota."""
        groups = with_nominal(self._groups[name], {(flavor, resource): nominal})
        self._groups[name] = groups
        self.scheduler.set_quota(name, groups, cohort=name not in self.scheduler.queues)
        self._stirred = True

    def set_stop_policy(self, name: str, policy: StopPolicy) -> None:
        """Stop a ClusterQueue, or let it go on, from the next pass on. Raises ``KeyError`` when there is none."""
        if name not in self.scheduler.queues:
            raise KeyError(name)
        self._drained.extend(self.scheduler.set_stop_policy(name, policy))
        self._stirred = True

    # -- the pass --------------------------------------------------------------------------------------

    def serve(self, now: float) -> Iterator[Decision]:
        """Nodes for those who have quota, then Kueue's cycles, then nodes for those let in; and why of the others."""
        if self._look:
            if self._order.turns:
                yield from self._on_nodes(now)
            else:
                self._look = False
        if self._drained:
            drained, self._drained = self._drained, []
            for eviction in drained:
                yield from self._preempted(eviction.workload.owner, eviction.reason)
        if now != self._instant:
            self._instant, self._cycles = now, 0
        fresh: list[Job] = []
        reasons: dict[Workload, str] = {}
        again = self._stirred and self._waiting > len(self._refused)
        while again and now >= self._next_cycle and self._cycles < self._most_cycles:
            self._cycles += 1
            self._stirred = False
            admitted, preempted, refused, changed = self.scheduler.cycle(now)
            for eviction in preempted:
                yield from self._preempted(eviction.workload.owner, eviction.reason)
            for admission in admitted:
                job = admission[0].owner
                assert isinstance(job, Job)
                self._admitted.add(job.number)
                self._waiting -= 1
                self._unheard.pop(job.number, None)
                yield _new(Admitted, (job, self._flavors(admission) if self._tell_flavors else ""))
                fresh.append(job)
            for pending in refused:
                reasons[pending.workload] = pending.reason
            again = changed and self._waiting > len(self._refused)
            if self._seconds_each and admitted:
                self._next_cycle = now + len(admitted) * self._seconds_each
        if again:
            self._stirred = True
        if fresh:
            yield from self._place(fresh, now)
        if self._unheard:
            yield from self._tell(reasons)
        if again and now < self._next_cycle:
            yield Wake(self._next_cycle)

    def _flavors(self, admission: Admission) -> str:
        """``cpu=spot, memory=spot``."""
        return ", ".join(f"{resource}={flavor}" for resource, flavor in admission.podsets[0].flavors.items())

    def _preempted(self, job: object, reason: str) -> Iterator[Decision]:
        assert isinstance(job, Job)
        if job.number in self._stopping or not job.state.is_active:
            return  # it goes already: preempted before, deleted or expired
        if job.node is not None:
            self._stopping.add(job.number)
        yield Preempted(job, reason)

    def _place(self, fresh: list[Job], now: float) -> Iterator[Decision]:
        """Nodes for jobs that were let in just now, after those who have waited for one."""
        if self._look and self._order.turns:
            yield from self._on_nodes(now)
        choose, hold = self._choose, self._policies.admission.hold
        nodes = self._cluster.nodes
        for job in fresh:
            if job.number not in self._admitted or job.node is not None or job.number in self._order.turns:
                continue  # a later cycle of this instant preempted it, and perhaps let it in again
            if not hold(job):
                node = choose(job.request, nodes)
                if node is not None:
                    self._cluster.bind(job, node)
                    self._policies.admission.acquire(job)
                    yield _new(Verdict, (job, node, "", False))
                    continue
            self._order.take(job)
            self._nodeless.add(job)
            self._look = True
        if self._look and self._order.turns:
            yield from self._on_nodes(now)

    def _on_nodes(self, now: float) -> Iterator[Decision]:
        """What becomes of jobs that wait for a node. A limit of a user or group below Kueue's keeps pods away, and
        suspends nobody."""
        self._look = False
        if not self._order.turns:
            return
        for decision in self._nodeless.serve(now):
            if type(decision) is Verdict:
                if decision.node is not None:
                    self._order.turns.pop(decision.job.number, None)
                elif decision.held:
                    decision = decision._replace(held=False)
            yield decision

    def _tell(self, reasons: dict[Workload, str]) -> Iterator[Decision]:
        """Why they wait, of those not told yet; Kueue has no reason for whom it did not come to."""
        unheard, self._unheard = self._unheard, {}
        for number, job in unheard.items():
            reason = self._refused.get(number)
            if reason is None:
                workload = self._workloads[number]
                reason = reasons.get(workload) or f"waiting in ClusterQueue {workload.cluster_queue}"
            yield Verdict(job, None, reason, True)


def discipline(settings: KueueSettings) -> Callable[[Cluster, Policies], Queue]:
    """What builds a queue of the installation that ``settings`` describe. Reads the manifests now.

    :raises ConfigurationError: of the manifests.
    :raises UnknownObject: the settings name what the manifests do not have.
    """
    installation = install(settings)
    return lambda cluster, policies: KueueQueue(cluster, policies, installation)
