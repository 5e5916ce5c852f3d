"""The section ``queue.kueue``: which Kueue lets sessions in, and how sessions come to its queues."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import Field, PlainValidator

from skahasim.kueue.strategy import FairSharingStrategy
from skahasim.section import Section
from skahasim.yamlfile import ConfigurationError, Document, KeyPath, Problem

SECTION: KeyPath = ("queue", "kueue")


def _amount(value: Any) -> str:
    from skahasim.kueue.quantity import quantity  # who has no Kueue does not load it

    if quantity(value) < 0:
        raise ValueError("must not be negative")
    return str(value)


Quantity: TypeAlias = Annotated[str, PlainValidator(_amount)]


class SessionQueue(Section):
    """Where sessions of one kind go, as Skaha's ``SKAHA_QUEUE_<TYPE>_NAME`` and ``_PRIORITY_CLASS`` say it."""

    queue: str = ""
    """LocalQueue, ``name`` or ``namespace/name``; the first there is when empty."""
    priority_class: str = ""
    """WorkloadPriorityClass; without one the priority is that of the submission."""


class FairSharingSettings(Section):
    """Kueue's ``fairSharing``: queues of a cohort share by weight what nobody's quota covers."""

    enable: bool = False
    preemption_strategies: tuple[FairSharingStrategy, ...] = Field(
        default=(FairSharingStrategy.FINAL_SHARE, FairSharingStrategy.INITIAL_SHARE), min_length=1
    )
    """Rules by which a workload may preempt, tried in order."""


class KueueSettings(Section):
    """Kueue lets sessions in, by its own order, quotas and preemption; ``placement`` chooses the node of those
    let in. ``ordering``, ``backfill`` and ``preemption`` are not asked."""

    manifests: tuple[Path, ...] = Field(min_length=1)
    """Files with Kueue's objects, as ``kubectl`` reads and writes them; relative to the file they are named in."""
    sessions: Mapping[str, SessionQueue] = Field(default_factory=dict)
    """Queue and priority class by kind of session; ``default`` is for every other kind. What a submission says of
    itself comes first."""
    ephemeral_storage: Mapping[str, Quantity] = Field(default={"default": "20Gi", "desktop": "2Gi"})
    """Scratch space that a session asks for, by its kind; counted where a ClusterQueue covers it. Skaha's own are
    the default."""
    nominal_quotas: Mapping[str, Mapping[str, Mapping[str, Quantity]]] = Field(default_factory=dict)
    """Nominal quotas instead of those of the manifests: ClusterQueue or Cohort -> flavor -> resource -> quantity."""
    fair_sharing: FairSharingSettings = Field(default_factory=FairSharingSettings)
    cycles_per_instant: int = Field(default=1000, ge=1)
    """After so many scheduling cycles in one instant the rest waits for the next event: queues that preempt each
    other without delay would never come to an end."""
    admission_rate: float | None = Field(default=None, gt=0)
    """Workloads a second that Kueue's control plane admits (its own benchmarks: about 43); no limit when not given."""


def anchored(document: Document, section: KeyPath = SECTION) -> Document:
    """``document`` with each relative path of ``manifests`` in ``section`` turned into one that holds from the
    working directory: paths are relative to the file that names them.

    :raises ConfigurationError: with file, line and key of each file that does not exist.
    """
    key = (*section, "manifests")
    held: Any = document.data
    for part in key:
        held = held.get(part) if isinstance(held, dict) else None
    if not isinstance(held, list):
        return document
    problems: list[Problem] = []
    for index, text in enumerate(held):
        if not isinstance(text, str):
            continue
        here = (*key, index)
        origin = document.origin(here)
        path = Path(origin.name).parent / Path(text).expanduser()
        if not path.is_file():
            problems.append(Problem(origin, here, f"no such file: {path}"))
        document = document.graft(here, Document(origin.name, str(path), {(): origin}))
    if problems:
        raise ConfigurationError(problems)
    return document
