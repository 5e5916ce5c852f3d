"""What a workload would get: a flavor for each resource of each pod set, or why not."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

from skahasim.kueue.claim import Tried
from skahasim.kueue.objects import FlavorResource, PodSetAssignment
from skahasim.kueue.quantity import written


class Mode(IntEnum):
    """How a flavor, or a whole assignment, could be had; the larger, the better."""

    NO_FIT = 0
    PREEMPT = 1
    """By preemption, if there is anything to preempt."""
    DEFERRED_FIT = 2
    """Fits once the preemptions of others in the same cycle are through."""
    FIT = 3


class Choice(NamedTuple):
    """The flavor of one resource of one pod set."""

    flavor: str
    mode: Mode
    tried: int
    borrowing: int


class PodSetChoice(NamedTuple):
    name: str
    pods: int
    requests: Mapping[str, int]
    choices: Mapping[str, Choice]
    reasons: tuple[Reason, ...]
    """Why not at once; empty when it fits."""

    @property
    def mode(self) -> Mode:
        if not self.reasons:
            return Mode.FIT
        return min((choice.mode for choice in self.choices.values()), default=Mode.NO_FIT)


class Reason(NamedTuple):
    """Why a flavor does not do, put into words only where somebody reads them."""

    text: str
    key: FlavorResource = ("", "")
    amounts: tuple[int, ...] = ()

    def __str__(self) -> str:
        flavor, resource = self.key
        amounts = (written(resource, amount) for amount in self.amounts)
        return self.text.format(*amounts, flavor=flavor, resource=resource)


BEYOND = (
    "insufficient quota for {resource} in flavor {flavor}, previously considered podsets requests ({0})"
    " + current podset request ({1}) > maximum capacity ({2})"
)
LACKING = "insufficient unused quota for {resource} in flavor {flavor}, {0} more needed"
UNKNOWN_RESOURCE = "resource {resource} unavailable in ClusterQueue"


class Assignment:
    """Flavors for every pod set, and what they would use."""

    __slots__ = ("_admission", "borrowing", "mode", "podsets", "usage")

    def __init__(self) -> None:
        self.podsets: list[PodSetChoice] = []
        self.usage: dict[FlavorResource, int] = {}
        self.borrowing = 0
        """Height of the smallest subtree that has room; 0: the queue itself."""
        self.mode = Mode.NO_FIT
        self._admission: tuple[PodSetAssignment, ...] | None = None

    def append(self, podset: PodSetChoice) -> None:
        self.podsets.append(podset)
        usage, requests = self.usage, podset.requests
        for resource, choice in podset.choices.items():
            if choice.borrowing > self.borrowing:
                self.borrowing = choice.borrowing
            key = (choice.flavor, resource)
            usage[key] = usage.get(key, 0) + requests.get(resource, 0)

    def judge(self) -> None:
        self.mode = min((podset.mode for podset in self.podsets), default=Mode.NO_FIT)

    def tried(self) -> Tried:
        return tuple(
            {resource: choice.tried for resource, choice in podset.choices.items()} for podset in self.podsets
        )

    def goes_on(self) -> bool:
        """Whether some pod set stopped before the last flavor."""
        return any(choice.tried >= 0 for podset in self.podsets for choice in podset.choices.values())

    def lacking(self) -> set[FlavorResource]:
        """The flavors and resources in which something must be preempted."""
        return {
            (choice.flavor, resource)
            for podset in self.podsets
            for resource, choice in podset.choices.items()
            if choice.mode is Mode.PREEMPT
        }

    def needs(self) -> dict[FlavorResource, int]:
        """What it would use, without what is zero."""
        return {key: amount for key, amount in self.usage.items() if amount}

    def message(self) -> str:
        """Why it does not fit at once, in Kueue's words."""
        return "; ".join(
            f"couldn't assign flavors to pod set {podset.name}: "
            + ", ".join(sorted(str(reason) for reason in podset.reasons))
            for podset in self.podsets
            if podset.reasons
        )

    def admission(self) -> tuple[PodSetAssignment, ...]:
        if self._admission is None:
            self._admission = tuple(
                PodSetAssignment(
                    podset.name,
                    podset.pods,
                    {resource: choice.flavor for resource, choice in podset.choices.items()},
                    {resource: podset.requests.get(resource, 0) for resource in podset.choices},
                )
                for podset in self.podsets
            )
        return self._admission

    def nomination(self) -> tuple[dict[str, str], ...]:
        """By pod set, the flavor of each resource."""
        return tuple(
            {resource: choice.flavor for resource, choice in podset.choices.items()}
            for podset in self.podsets
        )
