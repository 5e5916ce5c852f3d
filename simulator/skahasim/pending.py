"""Jobs that wait for a node, and the pass that serves them.

Jobs are kept in *lanes*: one for each (request, admission lane), inside which they are alike but for their
turn. Once the first of a lane cannot go, none of the lane can, until a node frees something or a limit
does; so a pass costs in proportion to the lanes, not to the jobs that wait.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from heapq import heapify, heappop, heappush

from skahasim.cluster import Cluster, Node
from skahasim.job import Job
from skahasim.policies.protocol import Policies, Verdict

Turn = tuple[float, int]


class _Lane:
    """Waiting jobs with the same request that admission treats alike, in order."""

    __slots__ = ("blocked", "held", "jobs", "suspended", "turns", "unheard")

    def __init__(self) -> None:
        self.jobs: dict[int, Job] = {}
        self.turns: list[Turn] = []
        self.blocked = False
        self.held = False
        """Blocked by admission rather than by the nodes."""
        self.unheard: dict[int, Job] = {}
        """Jobs not yet told why they wait."""
        self.suspended: dict[int, Job] = {}
        """Jobs told only that admission holds them."""

    def add(self, turn: Turn, job: Job) -> None:
        self.jobs[job.number] = self.unheard[job.number] = job
        heappush(self.turns, turn)

    def remove(self, job: Job) -> None:
        del self.jobs[job.number]
        self.unheard.pop(job.number, None)
        self.suspended.pop(job.number, None)
        if len(self.turns) > 64 + 2 * len(self.jobs):
            self.turns = [turn for turn in self.turns if turn[1] in self.jobs]
            heapify(self.turns)

    def head(self) -> tuple[Turn, Job] | None:
        while self.turns:
            turn = self.turns[0]
            job = self.jobs.get(turn[1])
            if job is not None:
                return turn, job
            heappop(self.turns)
        return None

    def tell(self, reason: str, verdicts: list[Verdict]) -> None:
        """Say why of every job not yet told, or told only of an admission that holds it no more."""
        if not self.held:
            verdicts.extend(Verdict(job, None, reason, False) for job in self.suspended.values())
            self.suspended = {}
        verdicts.extend(Verdict(job, None, reason, self.held) for job in self.unheard.values())
        if self.held:
            self.suspended.update(self.unheard)
        self.unheard = {}


class PendingQueue:
    """The waiting jobs of one cluster, and the policies that serve them."""

    def __init__(self, cluster: Cluster, policies: Policies) -> None:
        self._cluster = cluster
        self._policies = policies
        self._lanes: dict[Hashable, _Lane] = {}
        self._freed: dict[int, Node] = {}
        self._limits_freed = False
        self._waiting = 0

    @property
    def suspends(self) -> bool:
        return self._policies.admission.suspends

    def __len__(self) -> int:
        return self._waiting

    def _lane_of(self, job: Job) -> Hashable:
        return (job.request, self._policies.admission.lane(job))

    def add(self, job: Job) -> None:
        """``job`` waits from now on."""
        lane = self._lanes.setdefault(self._lane_of(job), _Lane())
        lane.add((self._policies.ordering.key(job), job.number), job)
        self._waiting += 1

    def discard(self, job: Job) -> None:
        """``job`` waits no more. Harmless when it does not wait."""
        key = self._lane_of(job)
        lane = self._lanes.get(key)
        if lane is None or job.number not in lane.jobs:
            return
        lane.remove(job)
        self._waiting -= 1
        if not lane.jobs:
            del self._lanes[key]

    def bind(self, job: Job, node: Node) -> None:
        """``job`` takes its request on ``node``."""
        self._cluster.bind(job, node)
        self._policies.admission.acquire(job)

    def unbind(self, job: Job) -> None:
        """``job`` gives its request back; the next pass looks at what that freed."""
        node = self._cluster.unbind(job)
        self._freed[node.index] = node
        if self._policies.admission.release(job):
            self._limits_freed = True

    def serve(self, now: float) -> list[Verdict]:
        """One pass: bind every waiting job that can go, in order; say of each other why it cannot, once, and once
        more when admission lets it go and no node takes it.

        A job that does not fit does not stop those behind it (kube-scheduler's and Kueue's
        BestEffortFIFO rule).
        """
        verdicts: list[Verdict] = []
        freed = [self._freed[index] for index in sorted(self._freed)]
        limits_freed = self._limits_freed
        self._freed, self._limits_freed = {}, False
        heads: list[tuple[Turn, Hashable, Iterable[Node]]] = []
        for key, lane in self._lanes.items():
            head = lane.head()
            if head is None:
                continue
            if lane.blocked and not (limits_freed if lane.held else freed):
                if lane.unheard:
                    self._refuse(lane, head[1], self._policies.admission.hold(head[1]), verdicts)
                continue
            # What was full stays full, but for the nodes that freed something.
            full = lane.blocked and not lane.held
            heads.append((head[0], key, freed if full else self._cluster.nodes))
        heapify(heads)
        while heads:
            _, key, nodes = heappop(heads)
            lane = self._lanes[key]
            head = lane.head()
            if head is None:
                continue
            job = head[1]
            hold = self._policies.admission.hold(job)
            node = None if hold else self._policies.placement.choose(job.request, nodes)
            if node is None:
                self._refuse(lane, job, hold, verdicts)
                continue
            self.bind(job, node)
            self.discard(job)
            verdicts.append(Verdict(job, node, "", False))
            head = lane.head()
            if head is not None:
                heappush(heads, (head[0], key, nodes))
        return verdicts

    def _refuse(self, lane: _Lane, job: Job, hold: str, verdicts: list[Verdict]) -> None:
        """``job``, the first of ``lane``, cannot go, so none of the lane can."""
        lane.blocked, lane.held = True, bool(hold)
        if lane.unheard or (lane.suspended and not hold):
            lane.tell(hold or self._cluster.explain(job.request), verdicts)
