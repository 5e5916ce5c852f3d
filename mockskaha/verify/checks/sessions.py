"""Listing sessions and looking at one, without launching any (skaha-contract §2.1, §2.5, §2.6, §3.4)."""

from __future__ import annotations

import re
from typing import Any

from mockskaha.contract.layout import has_layout
from mockskaha.verify.check import NotChecked, asked, check, differs, expect, expect_refusal, expect_type
from mockskaha.verify.exchange import Exchange
from mockskaha.verify.skaha import FORM, UNKNOWN, Skaha

SESSION_ID = re.compile(r"[a-z][a-z0-9]{7}")
STILL = ("id", "userid", "runAsUID", "runAsGID", "supplementalGroups", "image", "type", "name", "connectURL",
         "requestedGPUCores", "isFixedResources", "requestedRAM", "requestedCPUCores")  # fmt: skip
"""Fields of a session that never change."""


def _listed(skaha: Skaha) -> list[dict[str, Any]]:
    found = skaha.sessions()
    if not found:
        raise NotChecked("the user has no session to look at (--write launches some)")
    return found


@check("sessions.list", "§2.5, §9 (4)")
def listing(skaha: Skaha) -> None:
    """The list is JSON, laid out as Gson does, of the caller's own sessions, without desktop apps"""
    answer = skaha.get("session")
    expect_type(answer, "application/json")
    found = answer.json
    expect(isinstance(found, list), f"it is no array: {answer.told()}", answer)
    expect(
        has_layout(answer.text, "pretty"), f"it is not laid out with two spaces: {answer.told(80)}", answer
    )
    name = skaha.username
    for item in found:
        expect(
            item.get("userid") == name, f"the list of {name} has a session of {item.get('userid')!r}", answer
        )
        expect(item.get("type") != "desktop-app", "the plain list has a desktop app", answer)
        expect(SESSION_ID.fullmatch(str(item.get("id"))), f"an id is {item.get('id')!r}", answer)
        for field, value in item.items():
            expect(value is not None, f"{field} is null; absent fields are left out", answer)
            if field not in ("supplementalGroups", "isFixedResources"):
                expect(isinstance(value, str), f"{field} is {value!r}, not text", answer)


@check("sessions.absent-fields", "§2.1, §10")
def absent_fields(skaha: Skaha) -> None:
    """Fields without a value are left out since 1.0, and were the text <none> before"""
    answer = skaha.get("session")
    if not answer.json:
        raise NotChecked("the user has no session to look at (--write launches some)")
    nones = {field for item in answer.json for field, value in item.items() if value == "<none>"}
    told = {"isFixedResources" in item for item in answer.json}
    if skaha.era.missing_as_none_text:
        expect(nones, "no field is <none>", answer)
    else:
        expect(not nones, f"<none> is told for {', '.join(sorted(nones))}", answer)
    expect(
        told == {skaha.era.fixed_is_told},
        f"isFixedResources is {'told' if True in told else 'not told'}",
        answer,
    )


@check("sessions.one-as-listed", "§2.6")
def one_as_listed(skaha: Skaha) -> None:
    """A session looked at alone is the one of the list, without brackets"""
    for item in _listed(skaha)[:5]:
        answer = skaha.get(f"session/{item['id']}")
        if answer.status == 404:
            continue  # it has gone meanwhile
        expect_type(answer, "application/json")
        expect(isinstance(answer.json, dict), f"it is no object: {answer.told(80)}", answer)
        for field in STILL:
            told, listed = answer.json.get(field), item.get(field)
            expect(told == listed, f"{field} is {told!r} alone and {listed!r} in the list", answer)


@check("sessions.types", "§2.5")
def types(skaha: Skaha) -> None:
    """`type` picks the sessions of a type, in any case; one there is not gives an empty list"""
    plain = skaha.sessions()
    for kind in ("notebook", "HEADLESS"):
        for item in skaha.sessions({"type": kind}):
            expect(item["type"] == kind.lower(), f"type={kind} lists a {item['type']}", skaha.exchanges[-1])
        told = {item["id"] for item in skaha.sessions({"type": kind})}
        missing = {i["id"] for i in plain if i["type"] == kind.lower()} - told - _gone(skaha)
        expect(not missing, f"type={kind} does not list {missing}", skaha.exchanges[-1])
    for kind in ("banana", ""):
        answer = skaha.get("session", {"type": kind})
        expect(answer.status == 200 and answer.text == "[]", f"{asked(answer)}: {answer.told()}", answer)


def _gone(skaha: Skaha) -> set[str]:
    """Sessions that this check has seen and that are not there any more."""
    now = {item["id"] for item in skaha.sessions()}
    before = {
        item["id"]
        for answer in skaha.exchanges
        if answer.status == 200 and answer.text.startswith("[")
        for item in answer.json
        if "id" in item
    }
    return before - now


@check("sessions.statuses", "§2.5")
def statuses(skaha: Skaha) -> None:
    """`status` picks the sessions with a status, in any case; one there is not gives an empty list"""
    for status in ("Running", "pending"):
        for item in skaha.sessions({"status": status}):
            expect(
                item["status"].lower() == status.lower(),
                f"status={status} lists {item['status']}",
                skaha.exchanges[-1],
            )
    answer = skaha.get("session", {"status": "banana"})
    expect(answer.status == 200 and answer.text == "[]", f"{asked(answer)}: {answer.told()}", answer)


@check("sessions.everybody", "§2.5")
def everybody(skaha: Skaha) -> None:
    """`view=all` lists everybody's sessions, four fields of each"""
    answer = skaha.get("session", {"view": "all"})
    expect_type(answer, "application/json")
    allowed = [["userid", "type", "status"], ["userid", "type", "status", "startTime"]]
    for item in answer.json:
        expect(list(item) in allowed, f"a session of somebody is told with {list(item)}", answer)
    mine = [item for item in skaha.sessions() if item.get("userid") == skaha.username]
    told = [item for item in answer.json if item["userid"] == skaha.username]
    expect(
        len(told) >= len(mine) - len(_gone(skaha)),
        f"of {len(mine)} own sessions it lists {len(told)}",
        answer,
    )


@check("sessions.interactive", "§2.5")
def interactive(skaha: Skaha) -> None:
    """`view=interactive`, in any case, leaves batch jobs out, and heeds no type"""
    plain = skaha.sessions()
    for view in ("interactive", "INTERACTIVE"):
        found = skaha.sessions(
            {"view": view, "type": "headless"} if skaha.era.interactive_view else {"view": view}
        )
        jobs = [item["id"] for item in found if item["type"] == "headless"]
        if skaha.era.interactive_view:
            expect(not jobs, f"view={view} lists batch jobs", skaha.exchanges[-1])
            missing = {i["id"] for i in plain if i["type"] != "headless"} - {i["id"] for i in found}
            expect(not missing - _gone(skaha), f"view={view} does not list {missing}", skaha.exchanges[-1])
        elif wanted := {item["id"] for item in plain if item["type"] == "headless"} - _gone(skaha):
            expect(wanted <= set(jobs), "view=interactive is not the plain list", skaha.exchanges[-1])


@check("sessions.unknown", "§2.6, §3.4")
def unknown(skaha: Skaha) -> None:
    """A session there is not is not found"""
    expect_refusal(skaha.get(f"session/{UNKNOWN}"), 404, f"session {UNKNOWN} not found")


@check("sessions.trailing-slash", "§1.1")
def trailing_slash(skaha: Skaha) -> None:
    """A slash after an id changes nothing"""
    expect_refusal(skaha.get(f"session/{UNKNOWN}/"), 404, f"session {UNKNOWN} not found")


@check("sessions.unknown-logs", "§2.9")
def unknown_logs(skaha: Skaha) -> None:
    """The logs of a session there is not are empty, not an error"""
    answer = skaha.get(f"session/{UNKNOWN}", {"view": "logs"})
    if answer.status != 200 or answer.body or answer.content_type != "text/plain":
        differs(asked(answer), "200 text/plain ''", answer)


@check("sessions.unknown-events", "§2.10")
def unknown_events(skaha: Skaha) -> None:
    """The events of a session there is not are not found, told with a full stop"""
    expect_refusal(skaha.get(f"session/{UNKNOWN}", {"view": "events"}), 404, f"session {UNKNOWN} not found.")


@check("sessions.illegal-id", "§3.4", when=lambda era: era.labels_are_checked)
def illegal_id(skaha: Skaha) -> None:
    """What cannot be an id is refused as such"""
    syntax = "canfar.net/id label value must match Kubernetes label value syntax"
    for session_id in ("a_", "-x", "a%20b"):
        for query in ({}, {"view": "logs"}, {"view": "events"}):
            expect_refusal(skaha.get(f"session/{session_id}", query), 400, syntax)
    expect_refusal(skaha.get(f"session/{'x' * 64}"), 400, "canfar.net/id label value exceeds 63 characters")


@check("sessions.too-deep", "§1.1, §3.4")
def too_deep(skaha: Skaha) -> None:
    """A path with more than three parts below session is refused"""
    expect_refusal(skaha.get("session/a/b/c/d"), 400, "Invalid request: a/b/c/d")


@check("sessions.modify", "§3.4")
def modify(skaha: Skaha) -> None:
    """A session can only be renewed: no action, or another one, is refused"""
    path = f"session/{UNKNOWN}"
    expect_refusal(skaha.post(path), 400, "Cannot modify an existing session")
    expect_refusal(skaha.post(path, {"action": "banana"}), 400, "unrecognized action")
    as_json = skaha.post(path, content_type="application/json", body=b'{"action": "renew"}')
    expect_refusal(as_json, 400, "Cannot modify an existing session")


@check("sessions.renew-unknown", "§3.4")
def renew_unknown(skaha: Skaha) -> None:
    """A session there is not cannot be renewed, whether asked in a form or in the query"""
    path = f"session/{UNKNOWN}"
    by_query = skaha.ask("POST", skaha.api(path), query={"ACTION": "Renew"}, content_type=FORM)
    for answer in (skaha.post(path, {"action": "renew"}), by_query):
        _no_active_job(answer)


def _no_active_job(answer: Exchange) -> None:
    pattern = r"No active job for user PosixPrincipal \[uidNumber=\d+,(\d+|null),[^\]]+\] with session \S+\n"
    if answer.status != 400 or not re.fullmatch(pattern, answer.text):
        differs(asked(answer), "400 'No active job for user PosixPrincipal […] with session …'", answer)


@check("sessions.apps", "§2.11")
def apps(skaha: Skaha) -> None:
    """Apps are listed for any id, and whatever the second part of the path is called"""
    answers = [skaha.get(f"session/{UNKNOWN}/{word}") for word in ("app", "banana")]
    for answer in answers:
        expect_type(answer, "application/json")
        expect(
            isinstance(answer.json, list) and all(item.get("type") == "desktop-app" for item in answer.json),
            f"{asked(answer)} lists something else than apps: {answer.told(80)}",
            answer,
        )


@check("sessions.unknown-app", "§3.4")
def unknown_app(skaha: Skaha) -> None:
    """A desktop app there is not is not found"""
    text = f"desktop app with session {UNKNOWN} and app ID zzz was not found"
    expect_refusal(skaha.get(f"session/{UNKNOWN}/app/zzz"), 404, text)


@check("sessions.modify-app", "§3.4")
def modify_app(skaha: Skaha) -> None:
    """A desktop app cannot be changed, and none is launched without an image"""
    expect_refusal(skaha.post(f"session/{UNKNOWN}/app/zzz"), 400, "Cannot modify an existing app.")
    expect_refusal(skaha.post(f"session/{UNKNOWN}/app"), 400, "Missing parameter 'image'")
