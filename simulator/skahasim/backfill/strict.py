"""No backfilling: strictly in turn. A job that must wait stops all behind it."""

from __future__ import annotations

from collections.abc import Iterable

from skahasim.backfill.queue import BackfillQueue
from skahasim.backfill.waiting import Entry
from skahasim.policies.protocol import Decision


class StrictQueue(BackfillQueue):
    """The waiting jobs start in the order of their turn (first come, first served under ``fifo``)."""

    def serve(self, now: float) -> Iterable[Decision]:
        """One pass: start whose turn it is, while he fits."""
        verdicts: list[Decision] = []
        self._prepare(now)
        self._line_up_all()
        self._start_in_turn(now, verdicts)
        self._close(verdicts)
        return verdicts

    def _prepare(self, now: float) -> None:
        """What running jobs are planned to do, who is let go by admission and the turns are as of now."""
        for index, ends in enumerate(self._ends):
            if ends and ends[0][0] <= now:
                self._settle(self._nodes[index], now)
        if self._limits_freed:
            self._let_go()
        if self._moves:
            self._ordering.advance(now)
            self._resort()
        elif self._reordered:
            self._resort()

    def _line_up_all(self) -> None:
        for entry in self._fresh:
            self._line_up(entry)

    def _close(self, verdicts: list[Decision]) -> None:
        """The pass is over: nothing has changed since."""
        self._stale = False
        self._fresh.clear()
        if self._freed:
            self._freed.clear()
        if self._unheard:
            self._tell(verdicts)

    def _start_in_turn(self, now: float, verdicts: list[Decision]) -> Entry | None:
        """Start whose turn it is, until one does not fit: that one is the answer."""
        waiting, node = self._waiting, self._nodes[0]
        while waiting.blocks:
            entry = waiting.first
            if self._scalar:
                place = node if entry[2] <= node.free[0] else None
            else:
                place = self._placement.choose(entry[4].request, self._nodes)
            if self._holds(entry, verdicts):
                continue
            if place is None:
                return entry
            self._leave(entry)
            self._start(entry, place, now, verdicts)
        return None
