"""Other names for who and what is in a recording: the same one every time, and nobody's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from mockskaha.verify.exchange import MASK, SECRET_HEADERS, Exchange, Headers
from mockskaha.verify.scrub import Scrubber

SERVICE_HOST = "skaha.example.org"
_KEPT_HEADERS = frozenset(
    {
        "accept", "allow", "authorization", "cache-control", "content-language", "content-length", "content-type",
        "date", "host", "location", "retry-after", "server", "www-authenticate", "x-vo-authenticated",
    }
)  # fmt: skip
"""Others may tell about a proxy, an address or a person, and nothing about Skaha."""
_CLIENT_IP = re.compile(r"(<clientip>)[^<]*(</clientip>)")
_NODE = re.compile(r"(\bto )([a-z0-9][-a-z0-9.]*)(?=\s{3,})")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_URL = re.compile(r"https?://([^/\s\"'<>?]+)")
_STANDARD = re.compile(r"^(www\.)?(ivoa\.net|opencadc\.org|w3\.org)$")


class Pseudonyms:
    """Names found in the exchanges of one recording, and what stands for each.

    Users, session and app ids, numbers of users and groups, session names, hosts and nodes get new names; images
    that are not public, too. Hosts of registries and public images keep theirs. Tokens are masked.
    """

    def __init__(self, exchanges: Iterable[Exchange], secrets: Iterable[str], root: str) -> None:
        self._scrubber = Scrubber(secrets)
        self._names: dict[str, str] = {}
        self._hosts: set[str] = set()
        exchanges = list(exchanges)
        values = [value for exchange in exchanges if (value := _json(exchange)) is not None]
        self._kept_hosts = {
            host
            for value in values
            if _is_texts(value)
            for host in value
            if isinstance(host, str) and "." in host
        }
        public = {item["id"] for item in _objects(values) if {"id", "types", "digest"} <= set(item)}
        host = urlsplit(root).netloc
        self._names[host] = SERVICE_HOST
        self._names[host.partition(":")[0]] = SERVICE_HOST
        for exchange in exchanges:
            self._new("user", exchange.header("x-vo-authenticated"))
            if exchange.request.method == "POST" and exchange.status == 200:
                self._learn_id(exchange.text.strip())
            for found in _URL.findall(exchange.text):
                bare = found.partition(":")[0]
                if bare not in self._kept_hosts and not _STANDARD.match(bare) and bare not in self._names:
                    self._names[bare] = f"host{len(self._names)}.example.org"
            for _, node in _NODE.findall(exchange.text):
                self._new("node-", node)
        for item in _objects(values):
            self._learn(item, public)
        ordered = sorted(self._names, key=len, reverse=True)
        self._pattern = re.compile(
            "|".join(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])" for name in ordered), re.IGNORECASE
        )
        self._lower = {name.lower(): told for name, told in self._names.items()}

    def _learn(self, item: dict[str, Any], public: set[str]) -> None:
        self._new("user", item.get("userid"))
        if "connectURL" not in item:
            return
        self._learn_id(str(item.get("id")))
        self._learn_id(str(item.get("appid", "")))
        for field in ("runAsUID", "runAsGID", *item.get("supplementalGroups", ())):
            number = str(item.get(field, field)) if isinstance(field, str) else str(field)
            if number.isdigit() and len(number) > 2:
                self._names.setdefault(number, str(10001 + len(self._names)))
        name = str(item.get("name", ""))
        if name and not name.startswith("mockskaha-verify"):
            self._new("session-", name)
        image = str(item.get("image", ""))
        if image and image not in public and image not in self._names:
            registry = image.partition("/")[0]
            self._names[image] = f"{registry}/project/image:{len(self._names)}"

    def _learn_id(self, text: str) -> None:
        if re.fullmatch(r"[a-z][a-z0-9]{7}", text):
            self._names.setdefault(text, f"s{len(self._names):07d}")
        elif re.fullmatch(r"[a-z][a-z0-9]{2}", text):
            self._names.setdefault(text, f"a{len(self._names):02d}"[-3:])

    def _new(self, word: str, name: object) -> None:
        if isinstance(name, str) and name and name not in self._names:
            self._names[name] = f"{word}{sum(told.startswith(word) for told in self._names.values()) + 1}"

    # -- what writes a recording asks ------------------------------------------------------------------------

    def text(self, text: str) -> str:
        # Names first: where a token is the name of its user, the name is told.
        text = self._scrubber.text(self._pattern.sub(lambda found: self._lower[found[0].lower()], text))
        text = _CLIENT_IP.sub(r"\g<1>192.0.2.1\g<2>", text)
        return _EMAIL.sub("someone@example.org", text)

    def headers(self, headers: Headers) -> Headers:
        kept = tuple((name, value) for name, value in headers if name.lower() in _KEPT_HEADERS)
        return tuple(
            (name, MASK if name.lower() in SECRET_HEADERS else self.text(value)) for name, value in kept
        )


def _json(exchange: Exchange) -> Any:
    if not (exchange.content_type or "").startswith("application/json"):
        return None
    try:
        return exchange.json
    except ValueError:
        return None


def _objects(values: Iterable[Any]) -> Iterable[dict[str, Any]]:
    for value in values:
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                yield item


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
