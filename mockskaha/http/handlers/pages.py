"""Pages: the contract and its browser, and the pages behind connect URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockskaha import connect
from mockskaha.contract import document_bytes
from mockskaha.http import pages
from mockskaha.http.exchange import HTML, Answer, Call
from mockskaha.http.failures import no_such_page
from mockskaha.session import PENDING, RUNNING
from mockskaha.views import URL_KINDS

if TYPE_CHECKING:
    from mockskaha.platform import Platform

_YAML = "application/yaml"
_KINDS = {segment: kind for kind, segment in URL_KINDS.items()}


def redirect_to_index(platform: Platform, call: Call) -> Answer:
    return Answer(status=302, headers=(("Location", "/skaha/"),))


def get_index(platform: Platform, call: Call) -> Answer:
    return Answer(pages.index_page(), HTML)


def get_openapi(platform: Platform, call: Call) -> Answer:
    return Answer(document_bytes(version=platform.era.version), _YAML)


def get_swagger_asset(platform: Platform, call: Call) -> Answer:
    found = pages.asset(call.segments[0])
    return no_such_page() if found is None else Answer(found[0], found[1])


def open_session(platform: Platform, call: Call) -> Answer:
    """The session's page when it runs, the ingress's 502 while it does not answer yet, else 404 (no login asked)."""
    kind = _KINDS.get(call.segments[0])
    session_id = call.segments[1]
    session = platform.inventory.session(session_id)
    if kind is None or session is None or session.kind != kind or session.status not in (RUNNING, PENDING):
        return Answer(connect.unknown_page(session_id), HTML, 404)
    if session.status == PENDING:
        return Answer(connect.not_ready_page(session_id, session.status), HTML, 502)
    page = connect.page(
        kind, session.session_id, session.name, session.owner.username, session.image, session.status
    )
    return Answer(page, HTML)
