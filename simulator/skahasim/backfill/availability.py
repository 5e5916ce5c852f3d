"""What will be free on a node over time, if all goes as planned: a step function of packed resources.

Amounts are packed into one integer, cores highest, each in a field of its own with a spare bit above it; adding and
subtracting whole numbers then adds and subtracts each resource, and one subtraction compares all of them.
"""

from __future__ import annotations

from bisect import bisect_left
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skahasim.resources import Resources

_BITS = 41
_FIELD = 1 << (_BITS - 1)
_SPARE = _FIELD << 2 * _BITS | _FIELD << _BITS | _FIELD


def pack(amount: Resources) -> int:
    """Each resource at most 2^40 - 1."""
    return amount.millicores << 2 * _BITS | amount.ram_mib << _BITS | amount.gpus


def fits(size: int, free: int) -> bool:
    """Whether ``free`` has at least ``size`` of each resource; both packed."""
    return ((free | _SPARE) - size) & _SPARE == _SPARE


class Availability:
    """Free amounts, packed: ``free[i]`` from ``times[i]`` until ``times[i + 1]``, the last for ever."""

    __slots__ = ("free", "times")

    def __init__(self, start: float, free: int) -> None:
        self.times = [start]
        self.free = [free]

    def trim(self, now: float) -> None:
        """Forget what is past."""
        times = self.times
        if len(times) > 1 and times[1] <= now:
            count = bisect_left(times, now)
            if count == len(times) or times[count] > now:
                count -= 1
            del times[:count], self.free[:count]

    def change(self, start: float, end: float, amount: int) -> None:
        """``amount`` more (negative: less) is free from ``start`` until ``end``."""
        if start >= end:
            return
        first, last = self._cut(start), self._cut(end)
        free = self.free
        for index in range(first, last):
            free[index] += amount
        if last < len(free) and free[last] == free[last - 1]:
            del free[last], self.times[last]
        if first and free[first] == free[first - 1]:
            del free[first], self.times[first]

    def _cut(self, time: float) -> int:
        """Index of the step that begins at ``time``, which must not lie before the first."""
        times = self.times
        if time == inf:
            return len(times)
        index = bisect_left(times, time)
        if index == len(times) or times[index] != time:
            times.insert(index, time)
            self.free.insert(index, self.free[index - 1])
        return index

    def earliest(self, size: int, seconds: float, now: float, until: float, *, own: bool = False) -> float:
        """When ``size`` (packed) is first free for ``seconds``: from ``now`` on and not later than ``until``;
        infinite when never.

        With ``own``, whoever asks holds ``size`` for ``seconds`` from ``until`` on already.
        """
        times, free = self.times, self.free
        last = len(times) - 1
        cores_alone = not size & (1 << 2 * _BITS) - 1
        begin = inf
        for index, there in enumerate(free):
            time = times[index]
            if own and time >= until:
                return min(begin, until)
            if there >= size if cores_alone else ((there | _SPARE) - size) & _SPARE == _SPARE:
                if begin == inf:
                    begin = time if time > now else now
                if index == last or begin + seconds <= times[index + 1]:
                    break
            else:
                begin = inf
                if time >= until:
                    break
        return begin if begin <= until else inf
