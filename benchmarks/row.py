"""One line of the table of benchmarks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Row:
    what: str
    ours: str
    yardstick: str
    ratio: str
    bar: str
    passed: bool
