"""An installation of Kueue: its objects, and which queue and priority a job gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from skahasim.kueue.manifests import Configuration, load_manifests
from skahasim.kueue.objects import (
    ClusterQueue,
    Cohort,
    FairSharing,
    FlavorResource,
    LocalQueue,
    Quota,
    ResourceGroup,
    StopPolicy,
    WorkloadPriorityClass,
)
from skahasim.kueue.quantity import amount, quantity
from skahasim.kueue.settings import KueueSettings, SessionQueue

if TYPE_CHECKING:
    from skahasim.job import Job

SCRATCH = "ephemeral-storage"
_ANY = SessionQueue()
Holder = TypeVar("Holder", ClusterQueue, Cohort)


class UnknownObject(ValueError):
    """The settings name an object that no manifest has, or that cannot be what it is named for."""

    def __init__(self, key: str, explanation: str) -> None:
        self.key = key
        """Below the section of Kueue, e.g. ``sessions.headless.queue``."""
        self.explanation = explanation
        super().__init__(f"{key}: {explanation}")


class Place(NamedTuple):
    """Where a job waits and how important it is; or why it can wait nowhere."""

    queue: str
    """LocalQueue."""
    priority_class: str
    priority: int
    cluster_queue: str = ""
    scratch: int = 0
    """Bytes of scratch space it asks for; zero where nobody counts them."""
    refusal: str = ""
    """In Kueue's words; such a job is held for ever."""


class Installation:
    """Kueue's objects and the settings that bring jobs to them."""

    def __init__(self, configuration: Configuration, settings: KueueSettings) -> None:
        self.configuration = configuration
        self.settings = settings
        self._local: dict[str, LocalQueue] = {}
        for queue in configuration.local_queues:
            self._local.setdefault(queue.name, queue)
            self._local[f"{queue.namespace}/{queue.name}"] = queue
        self._count_scratch = {
            queue.name
            for queue in configuration.cluster_queues
            if any(SCRATCH in group.resources for group in queue.resource_groups)
        }
        self._scratch = {
            kind: amount(SCRATCH, quantity(value)) for kind, value in settings.ephemeral_storage.items()
        }
        self._classes = {one.name: one for one in configuration.priority_classes}
        self._places: dict[tuple[str, str, str, int], Place] = {}

    @property
    def fair_sharing(self) -> FairSharing | None:
        settings = self.settings.fair_sharing
        return FairSharing(settings.preemption_strategies) if settings.enable else None

    def place(self, job: Job) -> Place:
        """Where ``job`` waits. A queue and a priority class that its kind of session has, and it has not, are written
        into it, as Skaha does with labels."""
        key = (job.kind, job.queue, job.priority_class, job.priority)
        found = self._places.get(key)
        if found is None:
            found = self._places[key] = self._find(*key)
        job.queue, job.priority_class, job.priority = found[:3]
        return found

    def _find(self, kind: str, queue: str, priority_class: str, priority: int) -> Place:
        sessions = self.settings.sessions
        choice = sessions.get(kind) or sessions.get("default", _ANY)
        if not queue:
            queue = choice.queue or next(iter(self._local.values()), LocalQueue("", "")).name
        if not priority_class:
            priority_class = choice.priority_class
        known = self._classes.get(priority_class)
        if known is not None:
            priority = known.value
        refusal = ""
        local = self._local.get(queue)
        if local is None:
            refusal = f"LocalQueue {queue} doesn't exist"
        elif local.stop_policy is not StopPolicy.NONE:
            refusal = f"LocalQueue {queue} is inactive"
        elif priority_class and known is None and not priority:
            refusal = f"WorkloadPriorityClass {priority_class} doesn't exist"
        if local is None or refusal:
            return Place(queue, priority_class, priority, refusal=refusal)
        scratch = 0
        if local.cluster_queue in self._count_scratch:
            scratch = self._scratch.get(kind, self._scratch.get("default", 0))
        return Place(queue, priority_class, priority, local.cluster_queue, scratch)


def install(settings: KueueSettings) -> Installation:
    """The installation that ``settings`` describe.

    :raises ConfigurationError: of the manifests.
    :raises UnknownObject: the settings name what the manifests do not have.
    """
    configuration = load_manifests(settings.manifests)
    configuration = _with_quotas(configuration, settings.nominal_quotas)
    local = {queue.name for queue in configuration.local_queues}
    local |= {f"{queue.namespace}/{queue.name}" for queue in configuration.local_queues}
    classes: dict[str, WorkloadPriorityClass] = {one.name: one for one in configuration.priority_classes}
    if not local:
        raise UnknownObject("manifests", "there is no LocalQueue in them, so nothing could be submitted")
    for kind, choice in settings.sessions.items():
        if choice.queue and choice.queue not in local:
            known = ", ".join(sorted(queue.name for queue in configuration.local_queues))
            message = f"there is no LocalQueue {choice.queue!r}; known: {known}"
            raise UnknownObject(f"sessions.{kind}.queue", message)
        if choice.priority_class and choice.priority_class not in classes:
            known = ", ".join(sorted(classes)) or "none"
            message = f"there is no WorkloadPriorityClass {choice.priority_class!r}; known: {known}"
            raise UnknownObject(f"sessions.{kind}.priority_class", message)
    return Installation(configuration, settings)


Overrides = Mapping[str, Mapping[str, Mapping[str, str]]]


def _with_quotas(configuration: Configuration, overrides: Overrides) -> Configuration:
    if not overrides:
        return configuration
    names = {queue.name for queue in configuration.cluster_queues}
    names |= {cohort.name for cohort in configuration.cohorts}
    for name in overrides:
        if name not in names:
            known = ", ".join(sorted(names)) or "none"
            raise UnknownObject(
                f"nominal_quotas.{name}", f"neither a ClusterQueue nor a Cohort; known: {known}"
            )
    return replace(
        configuration,
        cluster_queues=tuple(_overridden(queue, overrides) for queue in configuration.cluster_queues),
        cohorts=tuple(_overridden(cohort, overrides) for cohort in configuration.cohorts),
    )


def _overridden(holder: Holder, overrides: Overrides) -> Holder:
    wanted = {
        (flavor, resource): amount(resource, quantity(value))
        for flavor, resources in overrides.get(holder.name, {}).items()
        for resource, value in resources.items()
    }
    try:
        return replace(holder, resource_groups=with_nominal(holder.resource_groups, wanted))
    except KeyError as error:
        flavor, resource = error.args[0]
        key = f"nominal_quotas.{holder.name}.{flavor}.{resource}"
        raise UnknownObject(key, "has no quota in the manifests") from None


def with_nominal(
    groups: tuple[ResourceGroup, ...], nominal: Mapping[FlavorResource, int]
) -> tuple[ResourceGroup, ...]:
    """``groups`` with other nominal quotas, and lending limits no higher than these. Raises ``KeyError`` of what they
    have no quota for."""
    known = {(f.name, resource) for group in groups for f in group.flavors for resource in f.quotas}
    for key in nominal:
        if key not in known:
            raise KeyError(key)

    def changed(flavor: str, resource: str, quota: Quota) -> Quota:
        wanted = nominal.get((flavor, resource))
        if wanted is None:
            return quota
        lending = quota.lending_limit
        return Quota(wanted, quota.borrowing_limit, None if lending is None else min(lending, wanted))

    return tuple(
        replace(
            group,
            flavors=tuple(
                replace(flavor, quotas={r: changed(flavor.name, r, q) for r, q in flavor.quotas.items()})
                for flavor in group.flavors
            ),
        )
        for group in groups
    )
