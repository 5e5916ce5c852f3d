"""What a calendar changes of Kueue: nominal quotas, and queues that are stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from skahasim.kueue.objects import ClusterQueue, Cohort, StopPolicy
from skahasim.kueue.quantity import amount, quantity

if TYPE_CHECKING:
    from skahasim.calendar.settings import QuotaSettings
    from skahasim.kueue.manifests import Configuration
    from skahasim.policies.protocol import Queue


class _Installation(Protocol):
    @property
    def configuration(self) -> Configuration: ...


class KueueControls(Protocol):
    """What a queue offers that can be told to change its quotas (:class:`~skahasim.kueue.discipline.KueueQueue`)."""

    @property
    def installation(self) -> _Installation: ...

    def set_quota(self, name: str, flavor: str, resource: str, nominal: int) -> None:
        """From the next pass on that much is nominal, in millicores of CPU, else in base units."""
        ...

    def set_stop_policy(self, name: str, policy: StopPolicy) -> None:
        """From the next pass on the ClusterQueue ``name`` is stopped so; or not."""
        ...


def controls_of(queue: Queue) -> KueueControls | None:
    """What can be changed of ``queue``; ``None`` when it is not Kueue's."""
    if not hasattr(queue, "set_quota") or not hasattr(queue, "set_stop_policy"):
        return None
    return queue  # type: ignore[return-value]


def quota_setter(controls: KueueControls, settings: QuotaSettings) -> tuple[int, int, Callable[[int], None]]:
    """The nominal quota as configured, the one in the window, and what sets it.

    Raises ``KeyError`` with what does not exist.
    """
    name, flavor, resource = settings.cluster_queue, settings.flavor, settings.resource
    configuration = controls.installation.configuration
    holders: Iterable[ClusterQueue | Cohort] = chain(configuration.cluster_queues, configuration.cohorts)
    holder = next((one for one in holders if one.name == name), None)
    if holder is None:
        raise KeyError(f"ClusterQueue {name!r}")
    flavors = [one for group in holder.resource_groups for one in group.flavors]
    quotas = next((one.quotas for one in flavors if one.name == flavor and resource in one.quotas), None)
    if quotas is None:
        raise KeyError(f"quota for {resource!r} in flavor {flavor!r} of {name!r}")
    return (
        quotas[resource].nominal,
        amount(resource, quantity(settings.nominal)),
        lambda nominal: controls.set_quota(name, flavor, resource, nominal),
    )


def stop_setter(controls: KueueControls, name: str) -> tuple[StopPolicy, Callable[[StopPolicy], None]]:
    """The stop policy as configured, and what sets it. Raises ``KeyError`` with what does not exist."""
    for queue in controls.installation.configuration.cluster_queues:
        if queue.name == name:
            return queue.stop_policy, lambda policy: controls.set_stop_policy(name, policy)
    raise KeyError(f"ClusterQueue {name!r}")
