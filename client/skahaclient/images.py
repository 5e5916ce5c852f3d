"""The public images."""

from __future__ import annotations

from skahaclient.client import Client
from skahaclient.errors import InvalidRequest, UnexpectedAnswer
from skahaclient.models.platform import Image
from skahaclient.models.session import KINDS
from skahaclient.plan import Plan
from skahaclient.service import Service


class Images(Client):
    """The public images of a service. For its arguments, see `skahaclient.client.Client`."""

    def fetch(self, kind: str | None = None) -> list[str]:
        """The whole names of the images, all or those of one kind of session."""
        return [image.id for image in self.details(kind)]

    def details(self, kind: str | None = None) -> list[Image]:
        """The images with their kinds and digests."""
        return self._run(_details(self.service, kind))


def _details(service: Service, kind: str | None) -> Plan[list[Image]]:
    wanted = None if not kind else kind.lower()
    if wanted is not None and wanted not in KINDS:
        raise InvalidRequest(f"{kind!r} is not a kind of session: {', '.join(KINDS)}")
    answer = yield from service.get("image", type=wanted)
    listed = answer.json
    if not isinstance(listed, list):
        raise UnexpectedAnswer(f"a list of images was expected, and not {answer.text[:60]!r}")
    return [Image.of(each) for each in listed]
