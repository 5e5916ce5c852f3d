"""Jobs that wait for a node, and the pass that serves them.

Jobs are kept in *lanes*: one for each (request, admission lane, ordering lane), inside which they are alike but for
their turn. Once the first of a lane cannot go, none of the lane can, until a node frees something or a limit
does; so a pass costs in proportion to the lanes that may have something to gain, not to the jobs that wait.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from heapq import heapify, heappop, heappush

from skahasim.cluster import Cluster, Node
from skahasim.job import Job
from skahasim.policies.lanes import FIRST, FullLanes, Lane, Turn
from skahasim.policies.protocol import Decision, Policies, Verdict

Head = tuple[Turn, Lane | None, Iterable[Node]]
"""The turn of a lane's first job, the lane, and the nodes on which that job may find a place."""


class PendingQueue:
    """The waiting jobs of one cluster, and the policies that serve them."""

    def __init__(self, cluster: Cluster, policies: Policies) -> None:
        self._cluster = cluster
        self._policies = policies
        self._moves = policies.ordering.moves_with_time
        self._lanes: dict[Hashable, Lane] = {}
        self._lane_of: dict[int, Lane] = {}
        """Number of a waiting job -> its lane."""
        self._awake: dict[Hashable, Lane] = {}
        """Lanes that are not blocked, or have somebody not yet told why he waits."""
        self._full = FullLanes()
        self._held: dict[Hashable, Lane] = {}
        self._freed: dict[int, Node] = {}
        self._limits_freed = False

    @property
    def suspends(self) -> bool:
        return self._policies.admission.suspends

    def __len__(self) -> int:
        return len(self._lane_of)

    def _key_of(self, job: Job) -> Hashable:
        """Jobs of the same key are in the same lane."""
        if self._moves:
            return (job.request, self._policies.admission.lane(job), self._policies.ordering.lane(job))
        return (job.request, self._policies.admission.lane(job))

    def add(self, job: Job) -> None:
        """``job`` waits from now on."""
        lane = self._line_up(job)
        lane.unheard[job.number] = job
        self._awake[lane.key] = lane

    def _line_up(self, job: Job) -> Lane:
        key = self._key_of(job)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key, job.request)
        ordering = self._policies.ordering
        lane.add((ordering.rank(job) if self._moves else ordering.key(job), job.number), job)
        if lane.blocked:
            self._full.refresh(lane)
        self._lane_of[job.number] = lane
        return lane

    def discard(self, job: Job) -> None:
        """``job`` waits no more. Harmless when it does not wait."""
        lane = self._lane_of.pop(job.number, None)
        if lane is None:
            return
        lane.remove(job)
        if not lane.jobs:
            del self._lanes[lane.key]
            self._awake.pop(lane.key, None)
            if lane.blocked:
                self._unblock(lane)
        elif lane.blocked:
            self._full.refresh(lane)

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

    def reopened(self, node: Node) -> None:
        """``node`` takes jobs again; the next pass looks at it."""
        self._freed[node.index] = node

    def reconsider(self) -> None:
        """Limits or the order of waiting jobs have changed: they line up anew, and the next pass tries each. Nobody
        is told again what he was told."""
        lanes = list(self._lanes.values())
        self._moves = self._policies.ordering.moves_with_time
        self._lanes, self._lane_of, self._awake, self._held = {}, {}, {}, {}
        self._full = FullLanes()
        for old in lanes:
            for number, job in old.jobs.items():
                lane = self._line_up(job)
                self._awake[lane.key] = lane
                if number in old.unheard:
                    lane.unheard[number] = job
                if number in old.suspended:
                    lane.suspended[number] = job

    def serve(self, now: float) -> Iterable[Decision]:
        """One pass: bind every waiting job that can go, in order; say of each other why it cannot, once, and once
        more when admission lets it go and no node takes it.

        A job that does not fit does not stop those behind it (kube-scheduler's and Kueue's
        BestEffortFIFO rule).
        """
        verdicts: list[Verdict] = []
        freed, heads = self._line_ups(now, verdicts)
        # What was full stays full, but for the nodes that freed something. Of those who do not change their order,
        # the next whom the freed nodes can take is searched for; the others are sorted in each pass.
        searched = [] if self._moves else freed
        full = self._full.first(searched, FIRST) if searched else None
        while heads or full is not None:
            if full is not None and full.indexed is not None and (not heads or full.indexed < heads[0][0]):
                turn = full.indexed
                self._serve_first(full, freed, verdicts)
                full = self._full.first(searched, turn)
                continue
            _, lane, nodes = heappop(heads)
            if lane is None or (lane.blocked and not _takes(nodes, lane)):
                continue
            if self._serve_first(lane, nodes, verdicts):
                self._push(heads, lane, nodes)
                if full is not None and not _takes(searched, full):
                    full = self._full.first(searched, full.indexed or FIRST)
        return verdicts

    def _serve_first(self, lane: Lane, nodes: Iterable[Node], verdicts: list[Verdict]) -> bool:
        """Whether the first job of ``lane`` found a place on one of ``nodes``."""
        head = lane.head()
        if head is None:
            return False
        job = head[1]
        hold = self._policies.admission.hold(job)
        node = None if hold else self._policies.placement.choose(job.request, nodes)
        if node is None:
            self._refuse(lane, job, hold, verdicts)
            return False
        self.bind(job, node)
        self.discard(job)
        verdicts.append(Verdict(job, node, "", False))
        return True

    def _line_ups(self, now: float, verdicts: list[Verdict]) -> tuple[list[Node], list[Head]]:
        """The nodes that freed something since the last pass; and a heap of the lanes that may have something to
        gain in the pass at ``now``, without those that are to be searched for."""
        if self._moves:
            self._policies.ordering.advance(now)
        freed = [self._freed[index] for index in sorted(self._freed)]
        limits_freed = self._limits_freed
        self._freed, self._limits_freed = {}, False
        awake, self._awake = self._awake, {}
        heads: list[Head] = [
            (self._turn(head), lane, freed)
            for lane in (self._sorted(freed) if freed else ())
            if lane.key not in awake and (head := lane.head()) is not None
        ]
        if limits_freed:
            for lane in list(self._held.values()):
                self._look_at(lane, self._cluster.nodes, heads)
                awake.pop(lane.key, None)
        for lane in awake.values():
            if not lane.blocked:
                self._look_at(lane, self._cluster.nodes, heads)
            elif freed and not lane.held:
                self._look_at(lane, freed, heads)
            elif lane.unheard and (head := lane.head()) is not None:
                self._refuse(lane, head[1], self._policies.admission.hold(head[1]), verdicts)
        heapify(heads)
        return freed, heads

    def _sorted(self, freed: list[Node]) -> Iterable[Lane]:
        """Full lanes to be sorted in this pass rather than searched for."""
        return self._full.fitting(freed) if self._moves else ()

    def _look_at(self, lane: Lane, nodes: Iterable[Node], heads: list[Head]) -> None:
        if lane.blocked:
            self._unblock(lane)
        head = lane.head()
        if head is not None:
            heads.append((self._turn(head), lane, nodes))

    def _turn(self, head: tuple[Turn, Job]) -> Turn:
        """When its first job is served, as of this pass."""
        turn, job = head
        return (self._policies.ordering.key(job), turn[1]) if self._moves else turn

    def _push(self, heads: list[Head], lane: Lane, nodes: Iterable[Node]) -> None:
        head = lane.head()
        if head is not None:
            heappush(heads, (self._turn(head), lane, nodes))

    def _unblock(self, lane: Lane) -> None:
        lane.blocked = False
        if lane.held:
            self._held.pop(lane.key, None)
        else:
            self._full.discard(lane)

    def _refuse(self, lane: Lane, job: Job, hold: str, verdicts: list[Verdict]) -> None:
        """``job``, the first of ``lane``, cannot go, so none of the lane can."""
        if lane.blocked:
            self._unblock(lane)
        lane.blocked, lane.held = True, bool(hold)
        if hold:
            self._held[lane.key] = lane
        else:
            self._full.add(lane)
        if lane.unheard or (lane.suspended and not hold):
            lane.tell(hold or self._cluster.explain(job.request), verdicts)


def _takes(nodes: Iterable[Node], lane: Lane) -> bool:
    return any(lane.request.fits(node.free) for node in nodes)
