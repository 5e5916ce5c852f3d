"""Exchanges as an HTTP archive (HAR 1.2), written without secrets, and read again."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from mockskaha import __version__
from mockskaha.verify.exchange import Caller, Exchange, Headers, Request


class UnreadableArchive(ValueError):
    """The file is no HAR that can be used; the text says why."""


class Scrubs(Protocol):
    def text(self, text: str) -> str: ...
    def headers(self, headers: Headers) -> Headers: ...


def write_har(path: Path, exchanges: Iterable[Exchange], scrubber: Scrubs, **notes: Any) -> None:
    """Write ``exchanges`` as the scrubber leaves them. ``notes`` are kept with the log, as ``_mockskaha``."""
    log = {
        "version": "1.2",
        "creator": {"name": "mockskaha", "version": __version__},
        "_mockskaha": notes,
        "entries": [_entry(exchange, scrubber) for exchange in exchanges],
    }
    path.write_text(json.dumps({"log": log}, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _entry(exchange: Exchange, scrubber: Scrubs) -> dict[str, Any]:
    url = scrubber.text(exchange.url)
    request: dict[str, Any] = {
        "method": exchange.request.method,
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(scrubber.headers(exchange.sent)),
        "queryString": _pairs(tuple(parse_qsl(urlsplit(url).query, keep_blank_values=True))),
        "headersSize": -1,
        "bodySize": len(exchange.request.body),
    }
    if exchange.request.body:
        media_type = next((v for name, v in exchange.sent if name.lower() == "content-type"), "")
        text = scrubber.text(exchange.request.body.decode("utf-8", "replace"))
        request["postData"] = {"mimeType": media_type, "text": text}
    content: dict[str, Any] = {"size": len(exchange.body), "mimeType": exchange.content_type or ""}
    try:
        content["text"] = scrubber.text(exchange.body.decode("utf-8"))
    except UnicodeDecodeError:
        content |= {"text": base64.b64encode(exchange.body).decode(), "encoding": "base64"}
    return {
        "startedDateTime": datetime.fromtimestamp(exchange.started, UTC).isoformat(timespec="milliseconds"),
        "time": round(exchange.seconds * 1000, 3),
        "request": request,
        "response": {
            "status": exchange.status,
            "statusText": "",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _pairs(scrubber.headers(exchange.headers)),
            "content": content,
            "redirectURL": scrubber.text(exchange.header("location") or ""),
            "headersSize": -1,
            "bodySize": len(exchange.body),
        },
        "cache": {},
        "timings": {"send": 0, "wait": round(exchange.seconds * 1000, 3), "receive": 0},
        "_caller": exchange.request.caller.value,
        "_path": scrubber.text(exchange.request.path),
    }


def _pairs(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def read_har(path: Path) -> tuple[list[Exchange], Mapping[str, Any]]:
    """The exchanges of an archive, and the notes kept with it. Any HAR of a Skaha server will do.

    Raises :class:`UnreadableArchive`, ``OSError``.
    """
    try:
        log = json.loads(path.read_bytes())["log"]
        return [_exchange(entry) for entry in log["entries"]], dict(log.get("_mockskaha") or {})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableArchive(f"{path} is no HTTP archive ({type(error).__name__}: {error})") from error


def _exchange(entry: Mapping[str, Any]) -> Exchange:
    request, response = entry["request"], entry["response"]
    sent = tuple((item["name"].lower(), item["value"]) for item in request["headers"])
    headers = tuple((item["name"].lower(), item["value"]) for item in response["headers"])
    path = entry.get("_path")
    if path is None:
        parts = urlsplit(request["url"])
        _, found, below = parts.path.partition("/skaha")
        if found and below[:1] in ("", "/"):
            path = below + (f"?{parts.query}" if parts.query else "")
        else:
            path = request["url"]
    caller = Caller(entry.get("_caller") or ("owner" if "authorization" in dict(sent) else "nobody"))
    kept = tuple((name, value) for name, value in sent if name == "content-type")
    content = response.get("content") or {}
    text = content.get("text") or ""
    body = base64.b64decode(text) if content.get("encoding") == "base64" else text.encode()
    asked = Request(
        request["method"], path, caller, kept, (request.get("postData") or {}).get("text", "").encode()
    )
    return Exchange(asked, request["url"], int(response["status"]), headers, body, sent=sent)
