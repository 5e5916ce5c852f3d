"""Whether a service is there."""

from __future__ import annotations

import logging
import re

from skahaclient.client import Client
from skahaclient.errors import Unavailable, UnexpectedAnswer
from skahaclient.plan import Plan
from skahaclient.service import Service

log = logging.getLogger("skahaclient")
_AVAILABLE = re.compile(r"<(?:[\w.-]+:)?available\b[^>]*>\s*(true|false|1|0)\s*</")
_NOTE = re.compile(r"<(?:[\w.-]+:)?note\b[^>]*>\s*([^<]*?)\s*</")


class Overview(Client):
    """The state of a service. For its arguments, see `skahaclient.client.Client`."""

    def availability(self) -> bool:
        """Whether the service says that it works (skaha-contract §8.1). Needs no credentials."""
        return self._run(_availability(self.service))


def _availability(service: Service) -> Plan[bool]:
    try:
        answer = yield from service.ask(service.request("GET", f"{service.root}/availability"))
    except Unavailable as error:
        log.info("%s", error)
        return False
    match = _AVAILABLE.search(answer.text)
    if match is None:
        raise UnexpectedAnswer(f"{service.root}/availability does not say whether the service is available")
    if note := _NOTE.search(answer.text):
        log.info("%s", " ".join(note[1].split()))
    return match[1] in ("true", "1")
