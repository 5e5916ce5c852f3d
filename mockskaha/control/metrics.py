"""The platform in numbers, for Prometheus: made anew for each scrape, so nothing is counted twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from fastapi import Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from mockskaha import __version__
from mockskaha.control.scope import Handlers, Here
from mockskaha.namespace import Namespace

_MOST_NODES = 500
"""With more of them, nodes are told together and not one by one."""


class _Platform(Collector):
    """What there is to tell of one namespace."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace

    def collect(self) -> Iterator[Metric]:
        platform = self._namespace.platform
        info = InfoMetricFamily("mockskaha", "The server.")
        info.add_metric([], {"version": __version__, "skaha_version": platform.era.release})
        yield info
        yield GaugeMetricFamily("mockskaha_model_time_seconds", "Model time.", platform.time)
        requests = CounterMetricFamily(
            "mockskaha_requests", "Requests to the service.", labels=["operation", "status"]
        )
        for (operation, status), count in sorted(self._namespace.requests.answers.items()):
            requests.add_metric([operation or "none", str(status)], count)
        yield requests
        sessions = GaugeMetricFamily("mockskaha_sessions", "Sessions and apps.", labels=["status", "kind"])
        counted = Counter((session.status, session.kind) for session in platform.inventory)
        for labels, count in sorted(counted.items()):
            sessions.add_metric(list(labels), count)
        yield sessions
        yield GaugeMetricFamily(
            "mockskaha_queue_length", "Sessions that wait for a node.", len(platform.model.queue)
        )
        steps = CounterMetricFamily("mockskaha_happenings", "What happened, by step.", labels=["step"])
        for step, count in sorted(platform.stream.steps.items()):
            steps.add_metric([step], count)
        yield steps
        yield from self._of_nodes()

    def _of_nodes(self) -> Iterator[Metric]:
        cluster = self._namespace.platform.model.cluster
        labels = ["node", "resource"]
        capacity = GaugeMetricFamily("mockskaha_node_capacity", "Cores, GiB, GPUs of a node.", labels=labels)
        allocated = GaugeMetricFamily("mockskaha_node_allocated", "What sessions asked of it.", labels=labels)
        state = GaugeMetricFamily("mockskaha_node_open", "Whether it takes sessions.", labels=["node"])
        told = (
            [(node.name, node.capacity, node.capacity.minus(node.idle)) for node in cluster.nodes]
            if len(cluster.nodes) <= _MOST_NODES
            else [("all", cluster.capacity, cluster.allocated)]
        )
        for name, has, gone in told:
            for resource, of, taken in (
                ("cores", has.cores, gone.cores),
                ("ram_gib", has.ram_gib, gone.ram_gib),
                ("gpus", has.gpus, gone.gpus),
            ):
                capacity.add_metric([name, resource], of)
                allocated.add_metric([name, resource], taken)
        if len(cluster.nodes) <= _MOST_NODES:
            for node in cluster.nodes:
                state.add_metric([node.name], int(node.is_open))
        yield from (capacity, allocated, state)


async def get_metrics(namespace: Here) -> Response:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Platform(namespace))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


HANDLERS: Handlers = {"getMetrics": get_metrics}
