"""What a reader of a log left out or changed, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Cleaning:
    """Counts that grow while a log is read."""

    read: int = 0
    """Jobs in the log so far."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Jobs left out, by reason: the names of ``CleaningSettings``."""
    cut: int = 0
    """Run times cut at the requested time."""

    @property
    def kept(self) -> int:
        return self.read - self.dropped.total()

    def __str__(self) -> str:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.dropped.items()))
        text = f"{self.read} jobs read, {self.dropped.total()} dropped"
        return f"{text} ({reasons}), {self.cut} cut" if reasons else f"{text}, {self.cut} cut"
