"""The validator lets good answers pass and names what is wrong with others."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from mockskaha.contract import ContractViolation, ResponseValidator

pytestmark = pytest.mark.evidence("skaha-contract §1.4, §2, §3")

VALIDATOR = ResponseValidator()
TO_ALICE = {"server": "OpenCADC/cadc-rest", "x-vo-authenticated": "alice"}
TEXT = {**TO_ALICE, "content-type": "text/plain"}
JSON = {**TO_ALICE, "content-type": "application/json"}
NOTEBOOK: dict[str, Any] = {
    "id": "kx3w9q2d",
    "userid": "alice",
    "runAsUID": "10001",
    "runAsGID": "10001",
    "supplementalGroups": [34241],
    "image": "images.canfar.net/skaha/astroml:latest",
    "type": "notebook",
    "status": "Running",
    "name": "my-notebook",
    "startTime": "2026-08-06T22:25Z",
    "expiryTime": "2026-08-10T22:25:00Z",
    "connectURL": "https://ws-uv.canfar.net/session/notebook/kx3w9q2d/lab/tree/cavern/home/alice?token=kx3w9q2d",
    "requestedGPUCores": "0",
    "isFixedResources": False,
}
SESSION = "/skaha/v1/session"
ONE = f"{SESSION}/kx3w9q2d"
NOT_ALLOWED = {"allow": "GET, POST, DELETE", "content-type": "text/plain;charset=ISO-8859-1"}
METRICS = {"content-type": "application/json", "cache-control": "no-store"}


def pretty(value: object) -> bytes:
    return json.dumps(value, indent=2).encode()


GOOD = [
    ("GET", SESSION, 200, JSON, b"[]", "listSessions"),
    ("GET", SESSION, 200, JSON, pretty([NOTEBOOK]), "listSessions"),
    ("GET", f"{SESSION}?VIEW=all", 200, JSON, b"[]", "listSessions"),
    ("POST", SESSION, 200, TEXT, b"kx3w9q2d\n", "createSession"),
    ("POST", SESSION, 400, TEXT, b"Invalid value for 'cores': 1\n7\n", "createSession"),
    ("GET", ONE, 200, JSON, pretty(NOTEBOOK), "getSession"),
    ("GET", f"{ONE}?view=logs", 200, TEXT, b"", "getSession"),
    ("GET", f"{ONE}?view=events", 200, TEXT, b"<none>\n", "getSession"),
    ("GET", f"{ONE}?view=events", 404, TEXT, b"session kx3w9q2d not found.\n", "getSession"),
    ("DELETE", ONE, 200, TO_ALICE, b"", "deleteSession"),
    ("DELETE", f"{SESSION}/a%20b", 200, TO_ALICE, b"", "deleteSession"),
    ("GET", f"{SESSION}/a/b/c/d", 400, TEXT, b"Invalid request: a/b/c/d\n", "getApp"),
    ("HEAD", "/skaha/", 200, {"content-type": "text/html;charset=UTF-8"}, b"", "headIndex"),
    ("GET", "/skaha/availability", 200, {}, b"", "getAvailability"),
    ("OPTIONS", SESSION, 200, {"allow": "GET, POST, DELETE, OPTIONS"}, b"", None),
    ("GET", "/skaha/v0/session", 404, {"content-type": "text/html;charset=utf-8"}, b"<html>", None),
    ("PUT", SESSION, 405, NOT_ALLOWED, b"unsupported: HTTP PUT\n", None),
]


@pytest.mark.parametrize(("method", "path", "status", "headers", "body", "operation_id"), GOOD)
def test_good_answers_pass(
    method: str, path: str, status: int, headers: dict[str, str], body: bytes, operation_id: str | None
) -> None:
    assert VALIDATOR.check(method, path, status, headers, body) == operation_id


def changed(**fields: object) -> bytes:
    return pretty({**NOTEBOOK, **fields})


def without(*names: str) -> bytes:
    return pretty({name: value for name, value in NOTEBOOK.items() if name not in names})


BAD = [
    ("GET", ONE, 201, JSON, pretty(NOTEBOOK), "getSession, GET /skaha/v1/session/kx3w9q2d, 201: status"),
    ("GET", ONE, 200, {**JSON, "content-type": "application/json; charset=utf-8"}, b"{}", "media type"),
    ("GET", ONE, 200, TEXT, b"log", "with this view it is 'application/json'"),
    ("GET", f"{ONE}?view=logs", 200, JSON, pretty(NOTEBOOK), "with this view it is 'text/plain'"),
    ("GET", f"{SESSION}?view=all", 200, JSON, pretty([NOTEBOOK]), "Additional properties"),
    ("GET", ONE, 200, TO_ALICE, b"", "media type is []"),
    ("GET", ONE, 200, {"content-type": "application/json", "server": "uvicorn"}, b"{}", "header server"),
    ("GET", ONE, 200, {"content-type": "application/json"}, b"{}", "header server is missing"),
    ("GET", ONE, 200, {**JSON, "WWW-Authenticate": "Bearer"}, pretty(NOTEBOOK), "and not both"),
    ("GET", ONE, 200, {**JSON, "x-vo-authenticated": ""}, b"{}", "x-vo-authenticated"),
    ("GET", ONE, 200, JSON, json.dumps(NOTEBOOK).encode(), "not laid out pretty"),
    ("GET", ONE, 200, JSON, pretty(NOTEBOOK) + b"\n", "not laid out pretty"),
    ("GET", ONE, 200, JSON, b"{", "not JSON"),
    ("GET", ONE, 200, JSON, b"\xff", "not UTF-8"),
    ("GET", ONE, 200, JSON, pretty(dict(reversed(NOTEBOOK.items()))), "field 'isFixedResources' is"),
    ("GET", ONE, 200, JSON, changed(appid=None), "appid"),
    ("GET", ONE, 200, JSON, changed(status="Succeeded"), "status"),
    ("GET", ONE, 200, JSON, changed(extra=1), "extra"),
    ("GET", ONE, 200, JSON, changed(isFixedResources=True), "requestedRAM"),
    ("GET", ONE, 200, JSON, changed(connectURL=""), "connectURL"),
    ("GET", ONE, 200, JSON, changed(type="headless"), "connectURL"),
    ("GET", ONE, 200, JSON, changed(expiryTime="2026-08-10T22:25Z"), "expiryTime"),
    ("GET", ONE, 200, JSON, without("expiryTime"), "expiryTime"),
    ("GET", ONE, 200, JSON, without("userid"), "userid"),
    ("GET", ONE, 404, TEXT, b"session kx3w9q2d not found", "body"),
    ("POST", SESSION, 200, TEXT, b"kx3w9q2d", "body"),
    ("POST", SESSION, 400, TEXT, b"Nobody has ever said this\n", "body"),
    ("GET", f"{ONE}?view=events", 200, TEXT, b"", "body"),
    ("DELETE", ONE, 200, TEXT, b"", "left out"),
    ("DELETE", ONE, 200, TO_ALICE, b"gone", "left out"),
    ("DELETE", ONE, 204, TO_ALICE, b"", "status is not documented"),
    ("GET", SESSION, 503, TEXT, b"temporarily unavailable: null\n", "header Retry-After is missing"),
    ("GET", "/skaha/", 200, {"content-type": "text/html"}, b"", "media type"),
    ("HEAD", "/skaha/", 200, {"content-type": "text/html;charset=UTF-8"}, b"<html>", "HEAD"),
    ("GET", "/skaha/availability", 200, {"content-type": "text/xml"}, b"<a>", "not XML"),
    ("GET", "/skaha/availability", 200, {"content-type": "text/xml"}, b"<a/>", "root element is a"),
    ("PUT", SESSION, 200, TEXT, b"", "the method is not documented"),
    ("PUT", SESSION, 405, {**NOT_ALLOWED, "allow": "GET"}, b"unsupported: HTTP PUT\n", "Allow is ['GET']"),
    ("GET", "/skaha/v0/session", 200, JSON, b"[]", "in no contract"),
    ("GET", "/healthz", 200, METRICS, b'{"status": "ok"}', "not laid out compact"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "status", "headers", "body", "reason"), BAD)
def test_other_answers_are_told_apart(
    method: str, path: str, status: int, headers: dict[str, str], body: bytes, reason: str
) -> None:
    with pytest.raises(ContractViolation, match=re.escape(reason)):
        VALIDATOR.check(method, path, status, headers, body)


@pytest.mark.evidence("skaha-contract §2.8")
def test_numbers_may_be_spelled_as_java_does() -> None:
    body = b"""{
  "cores": {
    "requestedCPUCores": 1.2E7,
    "cpuCoresAvailable": 64.0,
    "maxCPUCores": {
      "cpuCores": 8.0,
      "withRam": "32Gi"
    }
  },
  "ram": {
    "requestedRAM": "137.439G",
    "ramAvailable": "0G",
    "maxRAM": {
      "ram": "32Gi",
      "withCPUCores": 8.0
    }
  }
}"""
    assert VALIDATOR.check("GET", f"{SESSION}?view=stats", 200, JSON, body) == "listSessions"


def test_headers_may_be_pairs_of_which_some_come_twice() -> None:
    pairs = [
        ("Server", "OpenCADC/cadc-rest"),
        ("Content-Type", "text/plain"),
        ("WWW-Authenticate", 'ivoa_bearer standard_id="x"'),
        ("WWW-Authenticate", "Bearer"),
    ]
    assert VALIDATOR.check("GET", SESSION, 401, pairs, b"Unauthorized\n") == "listSessions"
    with pytest.raises(ContractViolation, match="WWW-Authenticate"):
        VALIDATOR.check("GET", SESSION, 401, [*pairs, ("www-authenticate", "Basic")], b"Unauthorized\n")
