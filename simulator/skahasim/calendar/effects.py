"""What each kind of calendar entry does when its window begins and when it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from skahasim.calendar.quotas import controls_of, quota_setter, stop_setter
from skahasim.calendar.settings import (
    CalendarEntry,
    DownSettings,
    DrainSettings,
    NodesSettings,
    QuotaSettings,
    StopSettings,
)
from skahasim.calendar.switches import SwitchedAdmission, SwitchedOrdering
from skahasim.kueue.objects import StopPolicy

if TYPE_CHECKING:
    from skahasim.cluster import Cluster, Node
    from skahasim.job import Job
    from skahasim.model import Model

T = TypeVar("T")


class CalendarError(ValueError):
    """An entry asks for what this cluster or this queue does not have."""

    def __init__(self, entry: int, key: str, explanation: str) -> None:
        self.entry = entry
        """Index of the entry."""
        self.key = key
        """The setting inside it, e.g. ``drain.names``."""
        self.explanation = explanation
        super().__init__(f"calendar[{entry}].{key}: {explanation}")


class Effect(NamedTuple):
    """Something that begins and ends with the windows of an entry."""

    lead_seconds: float
    enter: Callable[[], None]
    leave: Callable[[], None] | None


class _Overrides(Generic[T]):
    """The value in force: of the last entry whose window is open, else the one that holds without any."""

    def __init__(self, base: T, apply: Callable[[T], None]) -> None:
        self._base = base
        self._apply = apply
        self._open: dict[int, T] = {}

    def effect(self, index: int, value: T) -> Effect:
        def enter() -> None:
            self._open[index] = value
            self._put()

        def leave() -> None:
            del self._open[index]
            self._put()

        return Effect(0.0, enter, leave)

    def _put(self) -> None:
        self._apply(self._open[max(self._open)] if self._open else self._base)


class Effects:
    """All effects of a calendar on one model."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._ordering = _Overrides(0, self._order)
        self._admission = _Overrides(0, self._admit)
        self._quotas: dict[tuple[str, str, str], _Overrides[int]] = {}
        self._stops: dict[str, _Overrides[StopPolicy]] = {}
        self._stopped: set[str] = set()

    def of(self, index: int, entry: CalendarEntry) -> Iterator[Effect]:
        """The effects of entry ``index``. Raises :class:`CalendarError`."""
        policies = self._model.policies
        if entry.ordering is not None and not isinstance(policies.ordering, SwitchedOrdering):
            raise TypeError(f"calendar[{index}].ordering: the policies did not go through prepare()")
        limits = entry.limits or (entry.stop is not None and controls_of(self._model.queue) is None)
        if limits and not isinstance(policies.admission, SwitchedAdmission):
            raise TypeError(f"calendar[{index}]: the policies did not go through prepare()")
        if entry.ordering is not None:
            yield self._ordering.effect(index, index + 1)
        if entry.limits is not None:
            yield self._admission.effect(index, index + 1)
        for quota in entry.quota:
            yield self._quota(index, quota)
        if entry.stop is not None:
            yield self._stop(index, entry.stop)
        if entry.drain is not None:
            yield from self._drain(index, entry.drain, entry.name)
        if entry.down is not None:
            yield self._down(index, entry.down)

    # -- the queue -------------------------------------------------------------------------------------

    def _order(self, which: int) -> None:
        ordering = self._model.policies.ordering
        assert isinstance(ordering, SwitchedOrdering)
        ordering.switch(which)
        self._model.reconsider()

    def _admit(self, which: int) -> None:
        admission = self._model.policies.admission
        assert isinstance(admission, SwitchedAdmission)
        admission.switch(which)
        self._model.reconsider()

    def _quota(self, index: int, settings: QuotaSettings) -> Effect:
        controls = controls_of(self._model.queue)
        if controls is None:
            raise CalendarError(index, "quota", "only a queue under Kueue (queue.kueue) has quotas")
        where = (settings.cluster_queue, settings.flavor, settings.resource)
        try:
            base, nominal, put = quota_setter(controls, settings)
        except KeyError as unknown:
            raise CalendarError(index, "quota", f"there is no {unknown.args[0]}") from None

        def apply(nominal: int) -> None:
            put(nominal)
            self._model.reconsider()

        return self._quotas.setdefault(where, _Overrides(base, apply)).effect(index, nominal)

    def _stop(self, index: int, stop: StopSettings) -> Effect:
        queue = stop.queue
        controls = controls_of(self._model.queue)
        base = StopPolicy.NONE
        put: Callable[[StopPolicy], None] = partial(self._hold, queue)
        if controls is not None:
            try:
                base, put = stop_setter(controls, queue)
            except KeyError as unknown:
                raise CalendarError(index, "stop.queue", f"there is no {unknown.args[0]}") from None

        def apply(policy: StopPolicy) -> None:
            put(policy)
            self._model.reconsider()

        return self._stops.setdefault(queue, _Overrides(base, apply)).effect(index, StopPolicy(stop.policy))

    def _hold(self, queue: str, policy: StopPolicy) -> None:
        """Without Kueue a stop is admission's, and a drain an eviction."""
        admission = self._model.policies.admission
        assert isinstance(admission, SwitchedAdmission)
        if policy is StopPolicy.NONE:
            self._stopped.discard(queue)
        else:
            self._stopped.add(queue)
        admission.stop(frozenset(self._stopped))
        if policy is StopPolicy.HOLD_AND_DRAIN:
            for job in _all_jobs(self._model.cluster):
                if queue in (job.queue, "*"):
                    self._model.evict(job, f"queue {queue} is stopped", requeue=True)

    # -- nodes -----------------------------------------------------------------------------------------

    def _drain(self, index: int, drain: DrainSettings, name: str) -> Iterator[Effect]:
        model = self._model
        nodes = chosen(model.cluster, index, "drain", drain)

        def close() -> None:
            for node in nodes:
                model.close_node(node)

        def reopen() -> None:
            for node in nodes:
                model.reopen_node(node)

        def evict() -> None:
            for node in nodes:
                model.drain_node(node, f"Node is drained{name and f' for {name}'}", requeue=drain.requeue)

        yield Effect(drain.lead_hours * 3600.0, close, reopen)
        if drain.evict:
            yield Effect(0.0, evict, None)

    def _down(self, index: int, down: DownSettings) -> Effect:
        model = self._model
        nodes = chosen(model.cluster, index, "down", down)

        def enter() -> None:
            for node in nodes:
                model.fail_node(node, requeue=down.requeue)

        def leave() -> None:
            for node in nodes:
                model.repair_node(node)

        return Effect(0.0, enter, leave)


def chosen(cluster: Cluster, index: int, key: str, settings: NodesSettings) -> Sequence[Node]:
    """The nodes that ``settings`` mean. Raises :class:`CalendarError`."""
    if settings.names:
        known = {node.name for node in cluster.nodes}
        unknown = [name for name in settings.names if name not in known]
        if unknown:
            raise CalendarError(index, f"{key}.names", f"there is no node {', '.join(unknown)}")
        return [cluster.node(name) for name in settings.names]
    nodes = of_group(cluster.nodes, settings.group)
    if not nodes:
        raise CalendarError(index, f"{key}.group", f"there is no group of nodes {settings.group!r}")
    if settings.count is not None and settings.count > len(nodes):
        raise CalendarError(index, f"{key}.count", f"there are only {len(nodes)} such nodes")
    return nodes[: settings.count]


def of_group(nodes: Iterable[Node], group: str) -> list[Node]:
    """Those called ``<group>-<number>``; all, when ``group`` is empty."""
    if not group:
        return list(nodes)
    return [
        node for node in nodes if node.name.startswith(f"{group}-") and node.name[len(group) + 1 :].isdigit()
    ]


def _all_jobs(cluster: Cluster) -> list[Job]:
    return [job for node in cluster.nodes for job in node.jobs]
