"""Random numbers that depend on what they are for, never on when they are drawn.

Each draw hashes (seed, key): the same job has the same delays whatever else happens, so a run replays
byte for byte and two policies can be compared on common random numbers.
"""

from __future__ import annotations

from hashlib import blake2b

_UNIT = 2.0**-53


class Draws:
    """Uniform draws keyed by any sequence of strings and integers."""

    __slots__ = ("_root", "seed")

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._root = blake2b(str(seed).encode(), digest_size=32)

    def _digest(self, key: tuple[str | int, ...]) -> bytes:
        state = self._root.copy()
        state.update(repr(key).encode())
        return state.digest()

    def uniform(self, *key: str | int) -> float:
        """A number in [0, 1)."""
        state = self._root.copy()  # as _digest, written out: half of what a job's delays cost
        state.update(repr(key).encode())
        return (int.from_bytes(state.digest()[:8]) >> 11) * _UNIT

    def text(self, length: int, first: str, rest: str, *key: str | int) -> str:
        """``length`` characters (at most 16), the first from ``first``, the others from ``rest``."""
        number = int.from_bytes(self._digest(key))
        number, index = divmod(number, len(first))
        letters = [first[index]]
        for _ in range(length - 1):
            number, index = divmod(number, len(rest))
            letters.append(rest[index])
        return "".join(letters)
