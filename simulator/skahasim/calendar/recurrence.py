"""Windows on the engine: one timer ahead, never the whole year."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf

from skahasim.calendar.windows import Window
from skahasim.engine import Engine, Phase


class Recurrence:
    """Calls ``enter`` when a window begins and ``leave`` when it ends, in ``Phase.LIFECYCLE``: what ends by itself
    in that instant has ended before. Windows may go on for ever, so an engine that has them never runs empty."""

    def __init__(
        self,
        engine: Engine,
        windows: Iterator[Window],
        enter: Callable[[], None],
        leave: Callable[[], None] | None = None,
    ) -> None:
        self._engine = engine
        self._windows = windows
        self._enter = enter
        self._leave = leave
        self._next()

    def _next(self) -> None:
        window = next(self._windows, None)
        if window is not None:
            self._at(window.begin, self._begin, window)

    def _begin(self, window: Window) -> None:
        self._enter()
        if window.end < inf:
            self._at(window.end, self._end, window)

    def _at(self, time: float, action: Callable[[Window], None], window: Window) -> None:
        self._engine.after(max(0.0, time - self._engine.now), Phase.LIFECYCLE, action, window)

    def _end(self, _: Window) -> None:
        if self._leave is not None:
            self._leave()
        self._next()
