"""The page at ``/skaha/`` has all it needs at hand, and asks nobody else."""

from __future__ import annotations

import re

import pytest

from mockskaha.contract import load_document
from mockskaha.http.pages import MEDIA_TYPES, asset, index_page

pytestmark = pytest.mark.evidence("skaha-contract §1")

OURS = [name for name in MEDIA_TYPES if name.startswith("skaha.")]


def test_everything_the_page_refers_to_is_there() -> None:
    referred = re.findall(r'(?:src|href)="([^"]+)"', index_page().decode())
    files = [address.rpartition("/")[2] for address in referred if address.startswith("/skaha/swagger-ui/")]
    assert sorted(files) == sorted(MEDIA_TYPES)
    assert {*referred} - {f"/skaha/swagger-ui/{name}" for name in files} <= set(load_document()["paths"])


def test_files_come_with_their_media_types() -> None:
    documented = load_document()["paths"]["/skaha/swagger-ui/{file}"]["get"]["responses"]["200"]["content"]
    assert set(MEDIA_TYPES.values()) == set(documented)
    for name, media_type in MEDIA_TYPES.items():
        found = asset(name)
        assert found is not None
        assert found[0]
        assert found[1] == media_type


def test_swagger_ui_is_one_that_knows_openapi_3_1() -> None:
    found = asset("swagger-ui-bundle.js")
    assert found is not None
    version = re.search(rb'PACKAGE_VERSION:"(\d+)\.', found[0])
    assert version is not None
    assert int(version[1]) >= 5


@pytest.mark.parametrize("name", OURS)
def test_our_own_files_name_no_other_host(name: str) -> None:
    found = asset(name)
    assert found is not None
    assert b"//" not in found[0] + index_page().replace(b"<!DOCTYPE html>", b"")


@pytest.mark.parametrize(
    "name", ["", "..", "../skaha.yaml", "index.html", "/etc/hostname", "skaha.js/", "SKAHA.JS"]
)
def test_there_are_no_other_files(name: str) -> None:
    assert asset(name) is None
