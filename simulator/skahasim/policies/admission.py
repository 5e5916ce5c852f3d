"""Admissions: who may take resources at all."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from skahasim.configuration import LimitSettings
from skahasim.resources import NOTHING, Resources

if TYPE_CHECKING:
    from skahasim.job import Job


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one user, or one group, may hold at a time. Infinite where nothing is said."""

    jobs: float = inf
    cores: float = inf
    ram_gib: float = inf
    gpus: float = inf

    @classmethod
    def of(cls, settings: LimitSettings) -> Limits:
        return cls(
            jobs=inf if settings.jobs is None else settings.jobs,
            cores=inf if settings.cores is None else settings.cores,
            ram_gib=inf if settings.ram_gib is None else settings.ram_gib,
            gpus=inf if settings.gpus is None else settings.gpus,
        )

    def exceeded(self, jobs: int, held: Resources) -> str:
        """The resource of which ``jobs`` jobs holding ``held`` would be too much; empty when none."""
        if jobs > self.jobs:
            return f"jobs ({jobs} > {self.jobs:g})"
        if held.cores > self.cores:
            return f"cores ({held.cores:g} > {self.cores:g})"
        if held.ram_gib > self.ram_gib:
            return f"memory ({held.ram_gib:g}Gi > {self.ram_gib:g}Gi)"
        if held.gpus > self.gpus:
            return f"gpus ({held.gpus} > {self.gpus:g})"
        return ""


class Standing(NamedTuple):
    """What somebody holds, and may."""

    kind: str
    """``user`` or ``group``."""
    holder: str
    jobs: int
    held: Resources
    limits: Limits


class _Ledger:
    """What each holder of one kind (user, group) holds."""

    def __init__(self, kind: str, limits: Limits) -> None:
        self.kind = kind
        self.limits = limits
        self.is_open = limits == Limits()
        self._held: dict[str, tuple[int, Resources]] = {}

    def hold(self, holder: str, request: Resources) -> str:
        if self.is_open or not holder:
            return ""
        jobs, held = self._held.get(holder, (0, NOTHING))
        resource = self.limits.exceeded(jobs + 1, held.plus(request))
        return f"the limit of {self.kind} {holder} on {resource}" if resource else ""

    def standing(self, holder: str) -> Standing | None:
        """What ``holder`` holds; ``None`` where there is no limit."""
        if self.is_open or not holder:
            return None
        return Standing(self.kind, holder, *self._held.get(holder, (0, NOTHING)), self.limits)

    def move(self, holder: str, request: Resources, sign: int) -> None:
        if self.is_open or not holder:
            return
        jobs, held = self._held.get(holder, (0, NOTHING))
        jobs += sign
        held = held.plus(request) if sign > 0 else held.minus(request)
        if jobs:
            self._held[holder] = (jobs, held)
        else:
            self._held.pop(holder, None)


class OpenAdmission:
    """Everybody may go, within the limits of each user and each group. A job of no group has no group's.

    A job above a limit is started and gets no pod, as under a Kubernetes quota; with ``suspends`` it is suspended
    until it may go.
    """

    def __init__(
        self, per_user: Limits = Limits(), per_group: Limits = Limits(), *, suspends: bool = False
    ) -> None:
        self.suspends = suspends
        self._users = _Ledger("user", per_user)
        self._groups = _Ledger("group", per_group)
        self._is_open = self._users.is_open and self._groups.is_open

    def lane(self, job: Job) -> Hashable:
        return (
            None if self._users.is_open else job.user,
            None if self._groups.is_open else job.group,
        )

    def hold(self, job: Job) -> str:
        if self._is_open:
            return ""
        return self._users.hold(job.user, job.request) or self._groups.hold(job.group, job.request)

    def standings(self, job: Job) -> list[Standing]:
        """What those hold under whose limits ``job`` falls."""
        found = (self._users.standing(job.user), self._groups.standing(job.group))
        return [standing for standing in found if standing is not None]

    def acquire(self, job: Job) -> None:
        if self._is_open:
            return
        self._users.move(job.user, job.request, +1)
        self._groups.move(job.group, job.request, +1)

    def release(self, job: Job) -> bool:
        if self._is_open:
            return False
        self._users.move(job.user, job.request, -1)
        self._groups.move(job.group, job.request, -1)
        return True
