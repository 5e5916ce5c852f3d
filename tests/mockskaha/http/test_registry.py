from dataclasses import dataclass

import pytest

from mockskaha.errors import NotFound
from mockskaha.http.exchange import Call
from mockskaha.http.handlers import registry
from mockskaha.http.parameters import parse

pytestmark = pytest.mark.evidence("skaha-contract §8.4")


@dataclass
class Site:
    base_url: str


def call():
    return Call("GET", "/reg/resource-caps", (), parse("GET", b"", None, b""))


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8080", "https://localhost:8443/"])
def test_the_registry_lists_what_has_capabilities(base_url):
    answer = registry.get_resource_caps(Site(base_url), call())
    origin = base_url.rstrip("/")
    assert (answer.status, answer.content_type) == (200, "text/plain")
    assert answer.body.decode().splitlines() == [
        "# CANFAR Science Platform, offline",
        "",
        f"ivo://cadc.nrc.ca/skaha = {origin}/skaha/capabilities",
        f"ivo://cadc.nrc.ca/arc = {origin}/arc/capabilities",
    ]
    assert answer.body.endswith(b"\n")


@pytest.mark.evidence("skaha-contract §8.4; clients §1: how canfar reads the registry")
def test_clients_find_skaha_and_the_storage_beside_it():
    found = {}
    for line in registry.get_resource_caps(Site("http://h"), call()).body.decode().splitlines():
        if not line.startswith("#") and "=" in line:
            uri, url = (part.strip() for part in line.split("=", 1))
            found[uri.rpartition("/")] = url.removesuffix("/capabilities")
    assert {leaf: url for (_, _, leaf), url in found.items()} == {
        "skaha": "http://h/skaha",
        "arc": "http://h/arc",
    }
    assert len({authority for authority, _, _ in found}) == 1


def test_a_registry_that_is_not_configured():
    with pytest.raises(NotFound, match=r"^not found: feature not configured$"):
        registry.get_resource_caps(Site("http://h"), call(), configured=False)
