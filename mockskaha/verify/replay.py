"""A recording held against the fake: the same requests, and what of the answers is different."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import httpx

from mockskaha.config import Settings
from mockskaha.contract.layout import has_layout
from mockskaha.era import Era
from mockskaha.host import Host
from mockskaha.inprocess import transport
from mockskaha.platform import Platform
from mockskaha.session import Session
from mockskaha.verify.exchange import Caller, Exchange, Request
from mockskaha.verify.scrub import Scrubber
from mockskaha.verify.skaha import FORM
from mockskaha.verify.verification import Outcome, Result

HEADERS = ("content-type", "allow", "retry-after", "location", "www-authenticate", "x-vo-authenticated")
"""Headers that are compared: by value, the last three by whether they are there."""
_BY_PRESENCE = frozenset(HEADERS[3:])
_COMES_AND_GOES = frozenset({"startTime", "expiryTime", "ramInUse", "cpuCoresInUse"})
"""Fields of a session that depend on the moment."""
_MOST_SECONDS = 3600.0
_STEP_SECONDS = 0.5
_VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "TIME"),
    (re.compile(r"https?://[^/\s\"]+"), "https://HOST"),
    (re.compile(r"\d+(\.\d+)?"), "9"),
)
_WITHOUT_KEYS = Scrubber()
_TELLING = frozenset({"connectURL", "requestedRAM", "requestedCPUCores", "requestedGPUCores", "type", "name"})
"""Fields of a session whose values follow from what was asked for."""
_MAX_PATH = 70


def settings_like(exchanges: Sequence[Exchange], era: Era) -> Settings:
    """A fake with the images, hosts, options and limits that the recording tells of."""
    told: dict[str, Any] = {"clock": "manual", "profile": "fast", "skaha_version": era.version}
    for exchange in exchanges:
        if exchange.status != 200 or exchange.content_type != "application/json":
            continue
        path = exchange.request.path.partition("?")[0].rpartition("/")[2]
        value = exchange.json
        if path == "image" and "?" not in exchange.request.path and value:
            told["images"] = value
        elif path == "repository":
            told["registry"] = {"hosts": value}
        elif path == "context":
            most = value.pop("maxInteractiveSessions")
            told["resources"] = value
            told["sessions"] = {
                "max_interactive": int(most), "max_interactive_as_string": isinstance(most, str)
            }  # fmt: skip
    anonymous = {e.status for e in exchanges if e.request.caller is Caller.NOBODY and e.status in (400, 401)}
    if anonymous:
        told["auth"] = {"anonymous_status": min(anonymous)}
    return Settings.model_validate(told)


class Replay:
    """The fake, asked what a recording was asked. Ids of the recording are put into those of the fake."""

    def __init__(self, exchanges: Sequence[Exchange], era: Era) -> None:
        self._exchanges = exchanges
        self._platform = Platform.from_settings(settings_like(exchanges, era))
        self._platform.base_url = "https://skaha.example.org"
        host = Host(self._platform.settings, self._platform.base_url, platform=self._platform)
        self._http = httpx.Client(transport=transport(host), trust_env=False)
        self._ids: dict[str, str] = {}
        self._launched: dict[str, str] = {}
        """Those of the ids that were launched in the recording."""
        self._users: dict[Caller, str] = {
            caller: name
            for caller in (Caller.OWNER, Caller.SECOND)
            for exchange in exchanges
            if exchange.request.caller is caller and (name := exchange.header("x-vo-authenticated"))
        }
        self._put_there()

    def results(self) -> Iterator[Result]:
        """One result for each exchange of the recording."""
        for number, recorded in enumerate(self._exchanges, 1):
            request = recorded.request
            path = request.path if len(request.path) <= _MAX_PATH else f"{request.path[:_MAX_PATH]}…"
            title = f"{request.method} {path or '/skaha'}"
            if request.caller is not Caller.OWNER:
                title += f" as {request.caller.value}"
            if not (request.path.startswith("/") or not request.path) or request.caller is Caller.STRANGER:
                yield _result(number, title, Outcome.SKIPPED, "is not asked of the fake", None)
                continue
            found = self._catch_up(recorded)
            answer = self._ask(request)
            self._learn(recorded, answer)
            found += differences(replace(recorded, body=self._translated(recorded.text).encode()), answer)
            yield _result(
                number, title, Outcome.FAILED if found else Outcome.PASSED, "\n".join(found), recorded
            )

    def _ask(self, request: Request, headers: tuple[tuple[str, str], ...] = ()) -> Exchange:
        path = self._translated(request.path)
        sent = [(name, value) for name, value in (*request.headers, *headers)]
        if request.caller is not Caller.NOBODY:
            sent.append(("Authorization", f"Bearer {self._users.get(request.caller, request.caller.value)}"))
        url = f"https://skaha.example.org/skaha{path}"
        body = self._translated(request.body.decode("utf-8", "replace")).encode()
        response = self._http.request(request.method, url, headers=sent, content=body)
        told = tuple((name.lower(), value) for name, value in response.headers.multi_items())
        return Exchange(request, url, response.status_code, told, response.content)

    def _catch_up(self, recorded: Exchange) -> list[str]:
        """Let time pass in the fake until the sessions of an answer are where they are in the recording.

        How long that takes is no difference; that it never happens is one.
        """
        if recorded.status != 200 or recorded.content_type != "application/json":
            return []
        found = []
        value = recorded.json
        for item in value if isinstance(value, list) else [value]:
            ours = self._launched.get(str(item.get("id"))) if isinstance(item, dict) else None
            session = self._platform.inventory.session(ours) if ours else None
            if session is None or "status" not in item or "appid" in item:
                continue
            waited = 0.0
            while self._status(session) != item["status"] and waited < _MOST_SECONDS:
                self._platform.advance(_STEP_SECONDS)
                waited += _STEP_SECONDS
            if self._status(session) != item["status"]:
                found.append(_line("status of the session", item["status"], self._status(session)))
        return found

    def _status(self, session: Session) -> str:
        return self._platform.views.status(self._platform, session)

    def _translated(self, text: str) -> str:
        if not self._ids:
            return text
        # All at once: the fake may have given one session the id that another one has in the recording.
        return re.sub(r"[A-Za-z0-9]+", lambda found: self._ids.get(found[0], found[0]), text)

    def _learn(self, recorded: Exchange, answer: Exchange) -> None:
        theirs, ours = recorded.text.strip(), answer.text.strip()
        is_launch = recorded.request.method == "POST" and recorded.status == answer.status == 200
        if is_launch and theirs.isalnum() and ours.isalnum():
            self._ids[theirs] = self._launched[theirs] = ours

    def _put_there(self) -> None:
        """Launch what the first list of the recording has, so that there is something to compare it with."""
        launched_later = {
            e.text.strip() for e in self._exchanges if e.request.method == "POST" and e.status == 200
        }
        listing = next(
            (
                e
                for e in self._exchanges
                if re.fullmatch(r"/v[01]/session", e.request.path)
                and (e.request.method, e.request.caller, e.status) == ("GET", Caller.OWNER, 200)
            ),
            None,
        )
        if listing is None or not isinstance(listing.json, list):
            return
        for item in listing.json:
            if item.get("id") in launched_later or item.get("type") == "desktop-app":
                continue
            form = {"name": item["name"], "image": item["image"], "type": item["type"]}
            if item.get("isFixedResources") and item["type"] != "firefly":
                form["ram"] = f"{float(item['requestedRAM']) * 1e9 / 2**30:.0f}"
                form["cores"] = item["requestedCPUCores"]
            elif item["type"] == "headless":
                form |= {"cmd": "sleep", "args": "infinity"}
            path = listing.request.path
            asked = Request("POST", path, Caller.OWNER, (("Content-Type", FORM),), urlencode(form).encode())
            # The credentials let in an image that is not public.
            answer = self._ask(asked, (("x-skaha-registry-auth", "dXNlcjpzZWNyZXQ="),))
            if answer.status == 200:
                self._ids[item["id"]] = answer.text.strip()
        self._platform.advance(600.0)


def differences(recorded: Exchange, answer: Exchange) -> list[str]:
    """What of the fake's ``answer`` is not as ``recorded``, one line each; ids, times and amounts aside."""
    found = []
    if recorded.status != answer.status:
        found.append(_line("status", recorded.status, answer.status))
    for name in HEADERS:
        theirs, ours = recorded.header(name), answer.header(name)
        if name in _BY_PRESENCE:
            theirs, ours = theirs and "present", ours and "present"
        if theirs != ours:
            found.append(_line(f"header {name}", theirs or "absent", ours or "absent"))
    if recorded.status != answer.status or recorded.content_type != answer.content_type:
        return [*found, _line("body", _short(recorded.text), _short(answer.text))] if found else found
    media_type = recorded.content_type or ""
    if media_type.startswith("application/json"):
        found += _json_differences(recorded, answer)
    elif media_type.startswith("text/xml") and recorded.body:
        told, said = _outline(recorded.body), _outline(answer.body)
        if told != said:
            found.append(_line("XML elements", sorted(told - said) or "none", sorted(said - told) or "none"))
    elif media_type.startswith("text/plain"):
        if _plain(recorded) != _plain(answer):
            found.append(_line("text", _short(_plain(recorded)), _short(_plain(answer))))
    elif not media_type and bool(recorded.body) != bool(answer.body):
        found.append(_line("body", _short(recorded.text), _short(answer.text)))
    return found


def _json_differences(recorded: Exchange, answer: Exchange) -> list[str]:
    found = []
    for layout in ("pretty", "compact"):
        theirs, ours = has_layout(recorded.text, layout), has_layout(answer.text, layout)
        if theirs != ours:
            found.append(_line(f"laid out {layout}", theirs, ours))
    theirs_value, ours_value = recorded.json, answer.json
    if isinstance(theirs_value, list) and isinstance(ours_value, list):
        if not theirs_value or not ours_value:
            return found  # there is nothing to compare
        by_theirs, by_ours = _by_type(theirs_value), _by_type(ours_value)
        pairs = [(f"[{kind}]", by_theirs[kind], by_ours[kind]) for kind in by_theirs if kind in by_ours]
    else:
        pairs = [("", theirs_value, ours_value)]
    for place, theirs_item, ours_item in pairs:
        found += _value_differences(place, theirs_item, ours_item)
    return found


def _by_type(items: list[Any]) -> dict[str, Any]:
    """One item of each type of session, the first; of other lists the first at all."""
    chosen: dict[str, Any] = {}
    for item in items:
        chosen.setdefault(str(item.get("type", "")) if isinstance(item, dict) else "", item)
    return chosen


def _value_differences(place: str, theirs: Any, ours: Any) -> list[str]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        left, right = ([n for n in value if n not in _COMES_AND_GOES] for value in (theirs, ours))
        found = [_line(f"fields{place and f' of {place}'}", left, right)] if left != right else []
        for name in theirs:
            if name in ours:
                found += _value_differences(f"{place}.{name}" if place else name, theirs[name], ours[name])
        return found
    if type(theirs) is not type(ours):
        return [_line(place, f"{type(theirs).__name__} {theirs!r}", f"{type(ours).__name__} {ours!r}")]
    if isinstance(theirs, bool) and theirs != ours:
        return [_line(place, theirs, ours)]
    if isinstance(theirs, str) and place.rpartition(".")[2] in _TELLING and _normal(theirs) != _normal(ours):
        return [_line(place, theirs, ours)]
    return []


def _plain(exchange: Exchange) -> str:
    """A text without what varies; of a table of events its heading, of a log nothing."""
    text = exchange.text
    if text.startswith("TYPE "):
        return re.sub(r" +", " ", text.splitlines()[0])
    if "view=logs" in exchange.request.path and text:
        return "(a log)"
    if exchange.status == 200 and re.fullmatch(r"[a-z][a-z0-9]{2}([a-z0-9]{5})?\n?", text):
        return f"an id of {len(text.strip())} characters{' and a newline' if text.endswith(chr(10)) else ''}"
    return _normal(text)


def _normal(text: str) -> str:
    text = _WITHOUT_KEYS.text(text)
    for pattern, told in _VARYING:
        text = pattern.sub(told, text)
    return text


def _outline(body: bytes) -> set[str]:
    root = ElementTree.fromstring(body)  # noqa: S314 - only names are taken from it
    return {f"{item.tag} {item.get('standardID', '')}".strip() for item in root.iter()}


def _short(text: str) -> str:
    return repr(text if len(text) <= 160 else f"{text[:160]}…")


def _line(what: str, theirs: object, ours: object) -> str:
    return f"{what}: recorded {theirs}; the fake {ours}"


def _result(number: int, title: str, outcome: Outcome, reason: str, exchange: Exchange | None) -> Result:
    return Result(
        f"replay.{number:03d}", "a recording", title, "replay", outcome, reason,
        exchange if outcome is Outcome.FAILED else None, None,
    )  # fmt: skip
