"""A queue in which a waiting job may make running ones leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from heapq import heapify, heappop
from typing import NamedTuple

from skahasim.cluster import Cluster, Node
from skahasim.job import Job, State
from skahasim.pending import Head, PendingQueue
from skahasim.policies.lanes import Lane
from skahasim.policies.protocol import Decision, Policies, Preempted, Preemption, Verdict, Wake
from skahasim.resources import Resources

_ON_NODE = (State.STARTING, State.RUNNING)
"""States of a job that can be asked to leave; one that is stopping already cannot."""


class _Nomination(NamedTuple):
    """A place that is kept for a job until those who must leave it are gone."""

    job: Job
    node: Node


class PreemptingQueue(PendingQueue):
    """Any job that fits may go, in order; one that fits nowhere may make others leave one node, as the policies'
    ``preemption`` says.

    Victims leave in the time the profile's ``stop`` gives them. Until then the place is the preemptor's (Kubernetes:
    its nominated node): nobody of the same or a lower priority can take it, and the preemptor takes another if one
    comes free before. It makes nobody else leave while somebody is still leaving its place. A job that admission
    holds makes nobody leave.

    When something comes free during a pass, because victims leave at once or a job is over as soon as it begins, the
    pass ends once the preemptor has his place, and another of the same instant offers the rest to all, in their order.
    """

    def __init__(self, cluster: Cluster, policies: Policies) -> None:
        super().__init__(cluster, policies)
        if policies.preemption is None:
            raise ValueError("a preempting queue wants a preemption policy")
        self._preemption: Preemption = policies.preemption
        self._nominations: dict[int, _Nomination] = {}
        self._kept: dict[int, list[Job]] = {}
        """Index of a node -> those for whom a place is kept there."""
        self._bound: Counter[int] = Counter()
        """Priority -> how many jobs of it hold something on nodes."""
        self._late: dict[int, tuple[Job, bool]] = {}
        """Who came back to wait during a pass, and whether he is yet to be told why he waits."""
        self._serving = False
        self._over = False
        """Whether something has come free in this pass."""

    def __len__(self) -> int:
        return super().__len__() + len(self._nominations) + len(self._late)

    def _key_of(self, job: Job) -> Hashable:
        return (super()._key_of(job), job.priority)

    def add(self, job: Job) -> None:
        self._wait(job, unheard=True)

    def discard(self, job: Job) -> None:
        if job.number in self._nominations:
            self._withdraw(job)
        elif self._late.pop(job.number, None) is None:
            super().discard(job)

    def bind(self, job: Job, node: Node) -> None:
        super().bind(job, node)
        self._bound[job.priority] += 1

    def unbind(self, job: Job) -> None:
        super().unbind(job)
        self._over = True
        self._bound[job.priority] -= 1
        if not self._bound[job.priority]:
            del self._bound[job.priority]

    def closed(self, node: Node) -> None:
        """``node`` takes nothing: who was to have a place there has his turn again."""
        for job in list(self._kept.get(node.index, ())):
            self._withdraw(job)
            self._wait(job, unheard=False)

    def serve(self, now: float) -> Iterator[Decision]:
        self._serving, self._over = True, False
        verdicts: list[Verdict] = []
        freed, heads = self._line_ups(now, verdicts)
        for job, _ in self._nominations.values():
            heads.append(((self._policies.ordering.key(job), job.number), None, self._cluster.nodes))
        heapify(heads)
        while heads and not self._over:
            yield from verdicts
            verdicts.clear()
            turn, lane, nodes = heappop(heads)
            if lane is not None:
                yield from self._serve_lane(lane, nodes, heads, verdicts)
            elif turn[1] in self._nominations:
                yield from self._serve_nominated(self._nominations[turn[1]])
        yield from verdicts
        self._put_off(heads, freed)
        self._serving = False
        late, self._late = self._late, {}
        for job, unheard in late.values():
            self._wait(job, unheard=unheard)
        if self._freed and len(self):
            yield Wake(now)

    def _put_off(self, heads: list[Head], freed: list[Node]) -> None:
        """Who had no turn in this pass has it in the next."""
        if not heads:
            return
        self._awake.update((lane.key, lane) for _, lane, _ in heads if lane is not None and not lane.blocked)
        for node in freed:
            self._freed[node.index] = node

    def _serve_lane(
        self, lane: Lane, nodes: Iterable[Node], heads: list[Head], verdicts: list[Verdict]
    ) -> Iterator[Decision]:
        head = lane.head()
        if head is None:
            return
        job = head[1]
        hold = self._policies.admission.hold(job)
        node = None if hold else self._place(job, nodes)
        if node is not None:
            self.bind(job, node)
            super().discard(job)
            yield Verdict(job, node, "", False)
        else:
            choice = None if hold else self._victims(job, nodes)
            if choice is None:
                self._refuse(lane, job, hold, verdicts)
                return
            unheard = job.number in lane.unheard or job.number in lane.suspended
            super().discard(job)
            yield from self._preempt(job, *choice, unheard=unheard)
        self._push(heads, lane, nodes)

    def _serve_nominated(self, nomination: _Nomination) -> Iterator[Decision]:
        job, kept = nomination
        hold = self._policies.admission.hold(job)
        node = None if hold else self._place(job, [kept]) or self._place(job, self._cluster.nodes)
        if node is not None:
            self._withdraw(job, taken=node is kept)
            self.bind(job, node)
            yield Verdict(job, node, "", False)
        elif all(other.state in _ON_NODE for other in kept.jobs):
            # All have left, and somebody more important, or a limit, came between: it waits like the others again.
            self._withdraw(job)
            self._wait(job, unheard=False)

    def _preempt(self, job: Job, node: Node, victims: list[Job], *, unheard: bool) -> Iterator[Decision]:
        self._nominations[job.number] = _Nomination(job, node)
        self._kept.setdefault(node.index, []).append(job)
        for victim in victims:
            yield Preempted(victim, f"Preempted by {job.name} on node {node.name}")
        if not self._policies.admission.hold(job) and self._place(job, [node]) is node:
            self._withdraw(job, taken=True)
            self.bind(job, node)
            yield Verdict(job, node, "", False)
        elif unheard:
            yield Verdict(job, None, self._cluster.explain(job.request), False)

    def _wait(self, job: Job, *, unheard: bool) -> None:
        if self._serving:
            self._late[job.number] = (job, unheard)
        elif unheard:
            super().add(job)
        else:
            lane = self._line_up(job)
            self._awake[lane.key] = lane

    def _withdraw(self, job: Job, *, taken: bool = False) -> None:
        """No place is kept for ``job`` any more: it is ``taken``, or of use to others."""
        node = self._nominations.pop(job.number).node
        self._kept[node.index].remove(job)
        if not self._kept[node.index]:
            del self._kept[node.index]
        if not taken:
            self._freed[node.index] = node

    def _usable(self, job: Job, node: Node) -> Resources:
        """What ``job`` may have of ``node``."""
        free = node.free
        for other in self._kept.get(node.index, ()):
            if other is not job and other.priority >= job.priority:
                free = free.minus(other.request)
        return free

    def _place(self, job: Job, nodes: Iterable[Node]) -> Node | None:
        if self._kept:
            kept = self._kept
            nodes = [
                node for node in nodes if node.index not in kept or job.request.fits(self._usable(job, node))
            ]
        return self._policies.placement.choose(job.request, nodes)

    def _victims(self, job: Job, nodes: Iterable[Node]) -> tuple[Node, list[Job]] | None:
        if all(priority >= job.priority for priority in self._bound):
            return None
        choice = self._preemption.victims(
            job,
            (
                (node, self._usable(job, node), [other for other in node.jobs if other.state in _ON_NODE])
                for node in nodes
                if node.is_open
            ),
        )
        if choice is not None and any(victim.priority >= job.priority for victim in choice[1]):
            raise ValueError(
                f"{type(self._preemption).__name__} made a job leave for one of no higher priority"
            )
        return choice

    def _sorted(self, freed: list[Node]) -> Iterable[Lane]:
        """Even what does not fit in the free part: it may fit with what victims would leave."""
        return list(self._full)
