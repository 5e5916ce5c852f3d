"""What a check of our schedules against others' found."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Report:
    """How much of what was expected came out."""

    total: int
    """What was compared: jobs, schedules, cases, events."""
    equal: int
    first_difference: str = ""
    """Where the first difference is, what is ours and what was expected; empty when all is equal."""
    notes: list[str] = field(default_factory=list)
    """Further lines to print, e.g. one for each policy, or coverage by tag."""

    @property
    def passed(self) -> bool:
        return self.equal == self.total

    def __str__(self) -> str:
        lines = [f"{self.equal}/{self.total}", *self.notes]
        if self.first_difference:
            lines.append(f"first difference: {self.first_difference}")
        return "\n".join(lines)
