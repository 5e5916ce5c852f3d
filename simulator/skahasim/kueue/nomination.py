"""What a head of a queue could have: flavors, victims, and fewer pods if it may do with fewer."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

from skahasim.kueue.assignment import Assignment, Mode
from skahasim.kueue.claim import Claim, Target
from skahasim.kueue.flavors import FlavorAssigner
from skahasim.kueue.preemption import Preemptor


@dataclass(slots=True, eq=False)
class Entry:
    """A head of a queue on its way through a cycle."""

    claim: Claim
    assignment: Assignment
    targets: list[Target]
    message: str = ""
    outcome: str = "inadmissible"
    """``admitted``, ``inadmissible``, ``retry`` (stays in line) or ``preempting`` (stays first)."""


class Nominator:
    """Finds flavors and victims for one workload against the live quota tree."""

    def __init__(self, assigner: FlavorAssigner, preemptor: Preemptor, *, partial_admission: bool) -> None:
        self.assigner = assigner
        self.preemptor = preemptor
        self.partial_admission = partial_admission

    def nominate(self, claim: Claim) -> Entry:
        """Find flavors and victims for a head, with fewer pods if it may do with fewer."""
        if claim.tried is not None and claim.generation != claim.queue.generation:
            claim.tried = None
        assignment, targets = self.assign(claim, None)
        return Entry(claim, assignment, targets)

    def assign(
        self, claim: Claim, nominated: tuple[Mapping[str, str], ...] | None
    ) -> tuple[Assignment, list[Target]]:
        assignment = self.assigner.assign(claim, None, nominated)
        targets: list[Target] = []
        if assignment.mode is Mode.FIT:
            return assignment, targets
        if assignment.mode is Mode.PREEMPT:
            targets = self.preemptor.targets(claim, assignment)
            if targets:
                return assignment, targets
        if self.partial_admission and claim.shape.partial:
            reduced = self._reduce(claim, nominated)
            if reduced is not None:
                return reduced
        return assignment, targets

    def _reduce(
        self, claim: Claim, nominated: tuple[Mapping[str, str], ...] | None
    ) -> tuple[Assignment, list[Target]] | None:
        """The most pods that can be had, down to ``min_count``; ``None`` if not even those."""
        podsets = claim.shape.podsets
        spare = [
            podset.count - (podset.count if podset.min_count is None else podset.min_count)
            for podset in podsets
        ]
        total = sum(spare)
        found: dict[int, tuple[Assignment, list[Target]]] = {}

        def fits(step: int) -> bool:
            counts = tuple(
                podset.count - extra * step // total for podset, extra in zip(podsets, spare, strict=True)
            )
            assignment = self.assigner.assign(claim, counts, nominated)
            targets: list[Target] = []
            if assignment.mode is Mode.PREEMPT:
                targets = self.preemptor.targets(claim, assignment)
            if assignment.mode is Mode.FIT or targets:
                found[step] = assignment, targets
                return True
            return False

        step = bisect_left(range(total + 1), True, key=fits)
        return found.get(step)
