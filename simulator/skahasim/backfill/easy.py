"""EASY backfilling: whoever does not delay the first in turn may go before it.

D. A. Lifka, "The ANL/IBM SP scheduling system", JSSPP 1995; A. W. Mu'alem, D. G. Feitelson, "Utilization,
predictability, workloads, and user runtime estimates in scheduling the IBM SP2 with backfilling", IEEE TPDS 12(6),
2001. Shortest estimate first among the candidates (SJBF): D. Tsafrir, Y. Etsion, D. G. Feitelson, "Backfilling using
system-generated predictions rather than user runtime estimates", IEEE TPDS 18(6), 2007.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import TYPE_CHECKING

from skahasim.backfill.estimate import Estimate, requested
from skahasim.backfill.promise import Promise
from skahasim.backfill.strict import StrictQueue
from skahasim.backfill.waiting import Block, Entry, Waiting
from skahasim.policies.protocol import Decision, Policies
from skahasim.resources import Resources

if TYPE_CHECKING:
    from skahasim.cluster import Cluster, Node
    from skahasim.job import Job

_SHORT = 16
"""A block so short is looked through as fast as its minima are computed."""


class EasyQueue(StrictQueue):
    """In turn, with one reservation.

    The first in turn that does not fit, the *head*, is promised the earliest time at which it would fit on some node
    if all that runs ended as planned (the *shadow time*). Each other may start now if it leaves that promise: it is
    planned to end by the shadow time, or it goes elsewhere than to the promised node, or takes only what the head
    leaves over there (the *extra* processors). Candidates are tried in turn; with ``shortest_first`` by estimate, then
    in turn.
    """

    def __init__(
        self,
        cluster: Cluster,
        policies: Policies,
        estimate: Estimate = requested,
        *,
        shortest_first: bool = False,
    ) -> None:
        super().__init__(cluster, policies, estimate)
        self._by_length = Waiting() if shortest_first else None
        self._head: Entry | None = None
        self._promise = Promise(self._nodes, self._ends)
        self._shadow = inf
        self._extra = 0
        """Millicores the head leaves over, where there is one node."""

    def _line_up(self, entry: Entry) -> None:
        self._waiting.add(entry)
        if self._by_length is not None:
            self._by_length.add(_by_length(entry))

    def _leave(self, entry: Entry) -> None:
        super()._leave(entry)
        if self._by_length is not None:
            self._by_length.remove(_by_length(entry))

    def _resort(self) -> None:
        super()._resort()
        if self._by_length is not None:
            self._by_length = Waiting(map(_by_length, self._waiting))

    def promised(self, job: Job) -> float | None:
        """By when ``job`` is promised to start, in model time; ``None`` when nothing is. Only the head is promised
        something."""
        if self._head is None or self._head[4] is not job:
            return None
        return self._shadow if self._scalar else self._promise.time

    def serve(self, now: float) -> Iterable[Decision]:
        """One pass: start in turn, promise, fill in behind the head."""
        verdicts: list[Decision] = []
        self._prepare(now)
        if self._stale or self._moves or not self._serve_arrivals(now, verdicts):
            self._serve_all(now, verdicts)
        self._close(verdicts)
        return verdicts

    def _serve_all(self, now: float, verdicts: list[Decision]) -> None:
        before = self._promise.node
        self._line_up_all()
        self._head = head = self._start_in_turn(now, verdicts)
        if head is None or len(self._entries) == 1:
            self._head = self._promise.node = None  # nobody behind a head, so nothing is promised yet
            return
        order = self._waiting if self._by_length is None else self._by_length
        if self._scalar:
            self._promise_processors(head)
            self._fill_processors(order.blocks, now, verdicts)
        else:
            self._promise.make(head[4].request, self._touched)
            self._touched.clear()
            self._fill_nodes(order.blocks, before, now, verdicts)

    def _serve_arrivals(self, now: float, verdicts: list[Decision]) -> bool:
        """Nothing happened but that jobs came: whoever waited still waits, and only those who came may go. Whether
        that was so; if not, nothing is done."""
        fresh, head = self._fresh, self._head
        if not self._waiting.blocks:
            if len(fresh) != 1 or not self._scalar or fresh[0][2] > self._nodes[0].free[0]:
                return False
            self._go_or_wait(fresh[0], self._nodes[0], now, verdicts)
            return True
        if head is None or (fresh and min(fresh) < head) or self._admission.hold(head[4]):
            return (
                False  # a backfilled job may have taken what its user was allowed, and now the head is held
            )
        if len(fresh) > 1:
            fresh = sorted(fresh, key=None if self._by_length is None else _by_length)
        if not self._scalar:
            for entry in fresh:
                self._line_up(entry)
            if self._by_length is not None:
                fresh = [_by_length(entry) for entry in fresh]
            self._fill_nodes([Block(fresh)], None, now, verdicts)
            return True
        node, window = self._nodes[0], self._shadow - now
        for entry in fresh:
            size, long = entry[2], entry[3] > window
            if size > node.free[0] or (long and size > self._extra):
                self._line_up(entry)
            elif self._go_or_wait(entry, node, now, verdicts) and long:
                self._extra -= size
        return True

    def _go_or_wait(self, entry: Entry, node: Node, now: float, verdicts: list[Decision]) -> bool:
        """Start somebody who is not in the order yet, unless admission holds it."""
        job = entry[4]
        del self._entries[entry[1]]
        reason = self._admission.hold(job)
        if reason:
            self._set_aside(job, reason, verdicts)
            return False
        self._start(entry, node, now, verdicts)
        return True

    # -- one node, cores alone -------------------------------------------------------------------------

    def _promise_processors(self, head: Entry) -> None:
        needed = head[2] - self._nodes[0].free[0]
        shadow = inf
        for end, _, size, _ in self._ends[0]:
            if end > shadow:
                break
            needed -= size
            if needed <= 0:
                shadow = end
        self._shadow = shadow if self._nodes[0].is_open else inf
        self._extra = -needed

    def _fill_processors(self, blocks: list[Block], now: float, verdicts: list[Decision]) -> None:
        node = self._nodes[0]
        free, extra, window = node.free[0], self._extra, self._shadow - now
        going: list[Entry] = []
        held: list[Entry] = []
        for block in blocks:
            smallest = block.smallest
            if smallest > free or (smallest > extra and block.shortest > window):
                continue
            found = False
            for entry in block.entries:
                size = entry[2]
                if size > free or (size > extra and entry[3] > window):
                    continue
                found = True
                if self._admission.hold(entry[4]):
                    held.append(entry)
                    continue
                free -= size
                if entry[3] > window:
                    extra -= size
                going.append(entry)
                self._start(self._entries[entry[1]], node, now, verdicts)
            if not found and len(block.entries) > _SHORT:
                block.tighten()
        self._extra = extra
        if going or held:
            self._go(going, held, verdicts)

    # -- nodes, cores, memory and GPUs -----------------------------------------------------------------

    def _fill_nodes(
        self, blocks: list[Block], before: Node | None, now: float, verdicts: list[Decision]
    ) -> None:
        """Whoever could not go at the last pass can now go only to a node that has more to give since, or to the
        one that was promised to a head then (``before``)."""
        promised, choose = self._promise.node, self._placement.choose
        window = self._promise.time - now
        again = dict(self._freed)
        if before is not None:
            again[before.index] = before
        gained = [again[index] for index in sorted(again)]
        fresh = {entry[1] for entry in self._fresh}
        most = max([node.free[0] for node in (self._nodes if fresh else gained)], default=-1)
        never: set[tuple[Resources, bool]] = set()
        """Requests that fit nowhere, and whether on all nodes."""
        not_long: set[tuple[Resources, bool]] = set()
        """Those that fit nowhere if planned to run past the shadow time."""
        going: list[Entry] = []
        held: list[Entry] = []
        for block in blocks:
            if block.smallest > most:
                continue
            for entry in block.entries:
                if entry[2] > most or entry is self._head:
                    continue
                job = entry[4]
                request, is_fresh, long = job.request, entry[1] in fresh, entry[3] > window
                key = (request, is_fresh)
                if key in never or (long and key in not_long):
                    continue
                nodes = self._nodes if is_fresh else gained
                node = choose(request, nodes)
                if node is not None and node is promised and long and not request.fits(self._promise.left):
                    node = choose(request, [other for other in nodes if other is not promised])
                if node is None:
                    (not_long if long else never).add(key)
                    continue
                if self._admission.hold(job):
                    held.append(entry)
                    continue
                if node is promised and long:
                    self._promise.take(request)
                going.append(entry)
                self._start(self._entries[entry[1]], node, now, verdicts)
        self._go(going, held, verdicts)

    def _go(self, going: list[Entry], held: list[Entry], verdicts: list[Decision]) -> None:
        """These wait no more, and those are set aside."""
        for entry in going:
            self._leave(self._entries[entry[1]])
        for entry in held:
            self._holds(self._entries[entry[1]], verdicts)


def _by_length(entry: Entry) -> Entry:
    key, number, size, estimate, job = entry
    return ((estimate, key), number, size, estimate, job)
