"""Conservative backfilling: everybody has a reservation, and nobody delays one who has an earlier turn.

A. W. Mu'alem, D. G. Feitelson, IEEE TPDS 12(6), 2001. Compression as in the Hebrew University's simulator pyss.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf
from typing import TYPE_CHECKING

from skahasim.backfill.availability import Availability, pack
from skahasim.backfill.estimate import Estimate, requested
from skahasim.backfill.strict import StrictQueue
from skahasim.policies.protocol import Decision, Policies, Wake

if TYPE_CHECKING:
    from skahasim.backfill.waiting import Entry
    from skahasim.cluster import Cluster, Node
    from skahasim.job import Job
    from skahasim.resources import Resources


@dataclass(slots=True)
class Slot:
    """A reservation: a node from ``start`` until ``end``, in model time; infinite when none can be given."""

    start: float
    end: float
    node: int
    size: int
    """Packed."""
    serial: int
    """Reservations for the same time start in the order in which they were made."""
    looked: int
    """Count of what had come free when an earlier time was last looked for."""


class ConservativeQueue(StrictQueue):
    """Each job is promised, when it arrives, the earliest time at which it fits for as long as it is expected to
    take, given all earlier promises.

    When something comes free before it was planned to, each in turn moves to the earliest time that is free for it
    then, the others keeping theirs (compression, one round). A job that arrives with an earlier turn than others
    takes its place before them, and they are promised anew.
    """

    def __init__(self, cluster: Cluster, policies: Policies, estimate: Estimate = requested) -> None:
        super().__init__(cluster, policies, estimate)
        self._plans: list[Availability] = []
        """Of each node."""
        self._slots: dict[int, Slot] = {}
        self._due: list[tuple[float, int, int]] = []
        """Start, serial and job of each reservation, those given up included."""
        self._stuck: list[tuple[float, int, int]] = []
        """Reservations for this instant that wait for an end in it."""
        self._serial = 0
        self._returned = 0
        """Counts what came free earlier than planned."""
        self._returned_on = [0] * len(cluster.nodes)
        """The count when something last did on each node."""
        self._tails: list[tuple[int, float, int]] = []
        """Node, planned end and packed size of what came back since the last pass."""
        self._ended = False
        """Somebody ended or gave up his reservation since the last pass."""
        self._sizes: dict[Resources, int] = {}
        self._last: Entry | None = None
        """The latest turn that has a reservation."""
        self._open: list[bool] = []

    def unbind(self, job: Job) -> None:
        node, end = job.node, self._planned.get(job.number)
        super().unbind(job)
        self._ended = True
        if node is not None and end is not None:
            self._tails.append((node.index, end[0], self._size(job)))

    def discard(self, job: Job) -> None:
        super().discard(job)
        slot = self._slots.pop(job.number, None)
        if slot is not None:
            self._give_back(slot)
            self._ended = True

    def promised(self, job: Job) -> float | None:
        """By when ``job`` is promised to start, in model time; ``None`` when it is held or does not wait."""
        slot = self._slots.get(job.number)
        return None if slot is None else slot.start

    def serve(self, now: float) -> Iterable[Decision]:
        """One pass: start what is reserved for now, compress, give reservations to those who came."""
        verdicts: list[Decision] = []
        reordered = self._reordered
        self._prepare(now)
        self._line_up_all()
        is_open = [node.is_open for node in self._nodes]
        if self._overran or self._moves or reordered or is_open != self._open:
            self._open, self._overran = is_open, False
            self._rebuild(now, verdicts)
        else:
            for plan in self._plans:
                plan.trim(now)
            self._start_reserved(now, verdicts)
            if self._ended:
                self._return_tails(now)
                self._compress(now, verdicts)
            if self._fresh:
                self._reserve_fresh(now, verdicts)
        self._tails.clear()
        self._ended = False
        self._close(verdicts)
        due = self._due
        while self._stuck:
            heappush(due, self._stuck.pop())
        while due and not self._is_valid(due[0]):
            heappop(due)
        if due and due[0][0] < inf:
            verdicts.append(Wake(max(now, due[0][0])))
        return verdicts

    # -- the plan --------------------------------------------------------------------------------------

    def _size(self, job: Job) -> int:
        request = job.request
        size = self._sizes.get(request)
        if size is None:
            size = self._sizes[request] = pack(request)
        return size

    def _give_back(self, slot: Slot) -> None:
        if slot.start < inf:
            plan = self._plans[slot.node]
            plan.change(max(slot.start, plan.times[0]), slot.end, slot.size)
            self._returned += 1
            self._returned_on[slot.node] = self._returned

    def _return_tails(self, now: float) -> None:
        """What ended earlier than planned is free from now on."""
        for node, end, size in self._tails:
            if end > now and self._open[node]:
                self._plans[node].change(now, end, size)
                self._returned += 1
                self._returned_on[node] = self._returned

    def _rebuild(self, now: float, verdicts: list[Decision]) -> None:
        """Plan anew from what runs, then give everybody a reservation in turn."""
        self._slots.clear()
        self._due.clear()
        self._plans.clear()
        for node, ends in zip(self._nodes, self._ends, strict=True):
            plan = Availability(now, pack(node.free) if node.is_open else 0)
            if node.is_open:
                for end, _, _, job in ends:
                    plan.change(max(now, end), inf, self._size(job))
            self._plans.append(plan)
        self._last = None
        for entry in list(self._waiting):
            self._reserve(entry, now, verdicts)

    def _compress(self, now: float, verdicts: list[Decision]) -> None:
        """Each in turn moves to the earliest time there is for it."""
        slots, one = self._slots, len(self._nodes) == 1
        for entry in list(self._waiting):
            slot = slots.get(entry[1])
            if slot is None or slot.looked == self._returned:
                continue
            if one:
                slot.looked = self._returned
                start = self._plans[0].earliest(slot.size, entry[3], now, slot.start, own=True)
                nodes: list[Node] = self._nodes
            else:
                start, nodes = self._earlier(entry, slot, now)
            if start < slot.start:
                self._give_back(slot)
                self._take(entry, slot, start, nodes, now, verdicts)
                slot.looked = self._returned

    def _earlier(self, entry: Entry, slot: Slot, now: float) -> tuple[float, list[Node]]:
        """The earliest time before ``slot`` on the nodes that have got something back since it was last looked
        for, and the nodes that have it."""
        looked, slot.looked = slot.looked, self._returned
        best, nodes = slot.start, []
        for node in self._nodes:
            index = node.index
            if self._returned_on[index] <= looked:
                continue
            own = index == slot.node and slot.start < inf
            start = self._plans[index].earliest(
                slot.size, entry[3], now, slot.start if own else best, own=own
            )
            if start < best:
                best, nodes = start, [node]
            elif start == best < slot.start:
                nodes.append(node)
        return best, nodes

    # -- reservations ----------------------------------------------------------------------------------

    def _reserve_fresh(self, now: float, verdicts: list[Decision]) -> None:
        fresh = sorted(entry for entry in self._fresh if entry[1] in self._entries)
        if not fresh:
            return
        if self._last is not None and fresh[0] < self._last:
            # Those with a later turn give way.
            later = [entry for entry in self._waiting if entry >= fresh[0]]
            for entry in later:
                slot = self._slots.pop(entry[1], None)
                if slot is not None:
                    self._give_back(slot)
            fresh = later
        for entry in fresh:
            self._reserve(entry, now, verdicts)

    def _reserve(self, entry: Entry, now: float, verdicts: list[Decision]) -> None:
        """The earliest time there is for a job that has none."""
        job = entry[4]
        if self._holds(entry, verdicts):
            return
        size = self._size(job)
        best, nodes = inf, []
        for plan, node in zip(self._plans, self._nodes, strict=True):
            start = plan.earliest(size, entry[3], now, best)
            if start < best:
                best, nodes = start, [node]
            elif start == best < inf:
                nodes.append(node)
        slot = Slot(inf, inf, 0, size, 0, self._returned)
        self._slots[entry[1]] = slot
        if self._last is None or entry > self._last:
            self._last = entry
        if best < inf:
            self._take(entry, slot, best, nodes, now, verdicts)

    def _take(
        self, entry: Entry, slot: Slot, start: float, nodes: list[Node], now: float, verdicts: list[Decision]
    ) -> None:
        """Reserve from ``start`` on, on one of ``nodes``; start at once what may."""
        node = nodes[0]
        if start <= now and len(nodes) > 1:
            node = self._placement.choose(entry[4].request, nodes) or node
        self._serial += 1
        slot.start, slot.end, slot.node, slot.serial = start, start + entry[3], node.index, self._serial
        self._plans[node.index].change(start, slot.end, -slot.size)
        if start <= now:
            self._begin(entry, slot, now, verdicts)
        else:
            heappush(self._due, (start, self._serial, entry[1]))

    def _is_valid(self, due: tuple[float, int, int]) -> bool:
        slot = self._slots.get(due[2])
        return slot is not None and slot.serial == due[1]

    def _start_reserved(self, now: float, verdicts: list[Decision]) -> None:
        due = self._due
        while due and due[0][0] <= now:
            first = heappop(due)
            if self._is_valid(first):
                self._begin(self._entries[first[2]], self._slots[first[2]], now, verdicts)

    def _begin(self, entry: Entry, slot: Slot, now: float, verdicts: list[Decision]) -> None:
        """Start now what is reserved for now, unless admission holds it."""
        node = self._nodes[slot.node]
        if not entry[4].request.fits(node.free):  # somebody whose end is due now has not let go yet
            self._stuck.append((slot.start, slot.serial, entry[1]))
            return
        del self._slots[entry[1]]
        if self._holds(entry, verdicts):
            self._give_back(slot)
            self._ended = True
            return
        self._leave(entry)
        self._start(entry, node, now, verdicts)
