"""Seeded streams of random numbers for studies: one independent stream for each purpose.

The model itself draws by key (:mod:`skahasim.draws`). Generators of workloads, failures and bootstrap samples
take a stream from here, so what one of them draws never moves what another does. Imports NumPy: keep it out of
what the live service loads.
"""

from __future__ import annotations

from hashlib import blake2b

from numpy.random import PCG64, Generator, SeedSequence

__all__ = ["Generator", "generator"]


def generator(seed: int, *key: str | int) -> Generator:
    """The stream for ``key`` under ``seed``; the same on every machine, independent of every other key's."""
    digest = blake2b(repr(key).encode(), digest_size=16).digest()
    return Generator(PCG64(SeedSequence(seed, spawn_key=(int.from_bytes(digest),))))
