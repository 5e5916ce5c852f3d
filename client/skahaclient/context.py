"""What sessions may ask for."""

from __future__ import annotations

from skahaclient.client import Client
from skahaclient.models.platform import Resources
from skahaclient.plan import Plan
from skahaclient.service import Service


class Context(Client):
    """What the service has to offer. For its arguments, see `skahaclient.client.Client`."""

    def resources(self) -> Resources:
        """How many cores, how much memory and how many GPUs a session may ask for."""
        return self._run(_resources(self.service))


def _resources(service: Service) -> Plan[Resources]:
    answer = yield from service.get("context")
    return Resources.of(answer.json)
