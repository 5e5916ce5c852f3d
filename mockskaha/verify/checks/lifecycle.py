"""What becomes of a session (skaha-contract §4, §2.9, §2.10, §9)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from mockskaha.verify.check import (
    Needs,
    NotChecked,
    Unmet,
    check,
    expect,
    expect_empty,
    expect_refusal,
    expect_type,
)
from mockskaha.verify.exchange import Caller, Exchange
from mockskaha.verify.skaha import UNKNOWN, Skaha

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_START = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z")
_HEADER = re.compile(r"TYPE {3,}REASON {3,}MESSAGE {3,}FIRST-TIME {3,}LAST-TIME")
_RENEWAL_SECONDS = 30.0
_REMOVAL_SECONDS = 120.0
_MOST_REDIRECTS = 5


def _expiry(skaha: Skaha, session_id: str) -> datetime:
    found = skaha.session(session_id)
    told = str(found.get("expiryTime"))
    expect(
        _INSTANT.fullmatch(told),
        f"expiryTime is {told!r}, which Java's Instant cannot read",
        skaha.exchanges[-1],
    )
    return datetime.fromisoformat(told)


@check("lifecycle.running", "§4.2, §9 (7)", needs=Needs.WRITE)
def running(skaha: Skaha) -> None:
    """Sessions get to Running, batch jobs and interactive ones"""
    for what in ("job", "notebook"):
        skaha.running(what)


@check("lifecycle.times", "§4.3, §9 (8)", needs=Needs.WRITE)
def times(skaha: Skaha) -> None:
    """A session that runs tells when it started and when it ends: days later, a batch job after 14 at most"""
    for what, days in (("notebook", 4), ("job", 14)):
        found = skaha.running(what)
        started, ends = str(found.get("startTime")), str(found.get("expiryTime"))
        expect(_START.fullmatch(started), f"startTime of the {what} is {started!r}", skaha.exchanges[-1])
        expect(_INSTANT.fullmatch(ends), f"expiryTime of the {what} is {ends!r}", skaha.exchanges[-1])
        lifetime = datetime.fromisoformat(ends) - datetime.fromisoformat(started)
        expect(
            0 < lifetime.total_seconds() <= days * 86400, f"the {what} lives {lifetime}", skaha.exchanges[-1]
        )


@check("lifecycle.page", "§9 (7)", needs=Needs.WRITE)
def page(skaha: Skaha) -> None:
    """The address of a running session answers"""
    url = skaha.running("notebook")["connectURL"]

    def ask() -> Exchange | None:
        answer = skaha.ask("GET", url, caller=Caller.NOBODY)
        for _ in range(_MOST_REDIRECTS):
            target = answer.header("location")
            if answer.status not in (301, 302, 303, 307, 308) or not target:
                break
            from urllib.parse import urljoin

            answer = skaha.ask("GET", urljoin(answer.url, target), caller=Caller.NOBODY)
        return answer if answer.status in (200, 401, 403) else None

    answer = skaha.until(ask, skaha.stage.patience)
    if answer is None:
        raise Unmet(f"its address ends in {skaha.exchanges[-1].told(80)}", skaha.exchanges[-1])
    if answer.status != 200:
        raise NotChecked(f"the address wants a login of its own ({answer.status})")


@check("lifecycle.logs", "§2.9", needs=Needs.WRITE)
def logs(skaha: Skaha) -> None:
    """The logs of a batch job are what it has printed, as text"""
    session_id = skaha.exhibit("greeting")

    def ask() -> Exchange | None:
        answer = skaha.get(f"session/{session_id}", {"view": "logs"})
        expect_type(answer, "text/plain")
        return answer if "hello from mockskaha verify" in answer.text else None

    if skaha.until(ask, skaha.stage.patience) is None:
        raise Unmet(
            f"the job has not printed what it was told to: {skaha.exchanges[-1].told()}", skaha.exchanges[-1]
        )


@check("lifecycle.completed", "§4.2, §4.3", needs=Needs.WRITE)
def completed(skaha: Skaha) -> None:
    """A batch job that is done is Completed (Succeeded before 1.0), and listed for a while"""
    session_id, wanted = skaha.exhibit("greeting"), skaha.era.completed_name

    def ask() -> str | None:
        status = str(skaha.session(session_id)["status"])
        return status if status not in ("Pending", "Running") else None

    status = skaha.until(ask, skaha.stage.patience)
    expect(status == wanted, f"the job is {status or 'not done'}, not {wanted}", skaha.exchanges[-1])
    listed = [item["status"] for item in skaha.sessions() if item["id"] == session_id]
    expect(listed == [wanted], f"the list has it {listed or 'no more'}", skaha.exchanges[-1])


@check("lifecycle.renew-finished", "§3.4, §4.4", needs=Needs.WRITE)
def renew_finished(skaha: Skaha) -> None:
    """A session that has ended cannot be renewed"""
    session_id = skaha.exhibit("greeting")
    ended = skaha.until(
        lambda: skaha.session(session_id)["status"] not in ("Pending", "Running"), skaha.stage.patience
    )
    if not ended:
        raise NotChecked("no session has ended")
    answer = skaha.post(f"session/{session_id}", {"action": "renew"})
    expect(
        answer.status == 400 and answer.text.startswith("No active job for user "),
        f"expected 400 'No active job for user …', got {answer.told()}",
        answer,
    )


@check("lifecycle.events", "§2.10, §5", needs=Needs.WRITE)
def events(skaha: Skaha) -> None:
    """The events of a running session are the table of kubectl, as text"""
    answer = skaha.get(f"session/{skaha.running('job')['id']}", {"view": "events"})
    expect_type(answer, "text/plain")
    if answer.text == "<none>\n":
        raise NotChecked("Kubernetes has forgotten the events, or there is more than one pod")
    lines = answer.text.splitlines()
    expect(_HEADER.fullmatch(lines[0]), f"the first line is {lines[0]!r}", answer)
    for line in lines[1:]:
        expect(line.startswith(("Normal ", "Warning ")), f"an event is {line!r}", answer)
    expect(any(" Started " in line for line in lines), "nothing has Started, and it runs", answer)


@check("lifecycle.renew", "§4.4, §9 (10)", needs=Needs.WRITE)
def renew(skaha: Skaha) -> None:
    """Renewing an interactive session puts its end off"""
    session_id = skaha.running("carta")["id"]
    before = _expiry(skaha, session_id)

    def later() -> bool:
        skaha.pause(1.5)
        expect_empty(skaha.post(f"session/{session_id}", {"action": "renew"}))
        return _expiry(skaha, session_id) > before

    expect(skaha.until(later, _RENEWAL_SECONDS), "renewing does not move expiryTime", skaha.exchanges[-1])


@check("lifecycle.renew-batch", "§4.4, §9 (11)", needs=Needs.WRITE)
def renew_batch(skaha: Skaha) -> None:
    """Renewing a young batch job is accepted, and changes nothing"""
    session_id = skaha.running("job")["id"]
    before = _expiry(skaha, session_id)
    skaha.pause(1.5)
    expect_empty(skaha.post(f"session/{session_id}", {"action": "ReNew"}))
    after = _expiry(skaha, session_id)
    expect(after == before, f"renewing moved the end of a batch job by {after - before}", skaha.exchanges[-1])


@check("lifecycle.delete", "§4.5, §2.7, §9 (9)", needs=Needs.WRITE)
def delete(skaha: Skaha) -> None:
    """Deleting answers 200 with nothing, and the session is gone: from the list, from its address, for good"""
    session_id, other = skaha.exhibit("memory"), skaha.exhibit("job")
    expect_empty(skaha.delete(f"session/{session_id}"))
    skaha.stage.exhibits.pop("memory")

    def gone() -> bool:
        found: list[dict[str, Any]] = [item for item in skaha.sessions() if item.get("id") == session_id]
        # One whose pod is still stopping may be shown, as the integration tests of the real service allow.
        expect(
            all(item.get("status") == "Terminating" for item in found),
            f"a deleted session is still {found[0].get('status') if found else ''}",
            skaha.exchanges[-1],
        )
        return not found

    expect(skaha.until(gone, _REMOVAL_SECONDS), "a deleted session is listed for ever", skaha.exchanges[-1])
    expect_refusal(skaha.get(f"session/{session_id}"), 404, f"session {session_id} not found")
    answer = skaha.get(f"session/{session_id}", {"view": "logs"})
    expect(answer.status == 200 and not answer.body, f"its logs are {answer.told(80)}", answer)
    expect_refusal(
        skaha.get(f"session/{session_id}", {"view": "events"}), 404, f"session {session_id} not found."
    )
    expect(
        other in [item["id"] for item in skaha.sessions()],
        "another session went with it",
        skaha.exchanges[-1],
    )


@check("lifecycle.delete-unknown", "§3.4, §10", needs=Needs.WRITE)
def delete_unknown(skaha: Skaha) -> None:
    """Deleting a session there is not is 200 all the same (404 before 1.0)"""
    answer = skaha.delete(f"session/{UNKNOWN}")
    if skaha.era.unknown_deletion_is_refused:
        expect_refusal(answer, 404, UNKNOWN)
    else:
        expect_empty(answer)


@check("lifecycle.delete-all", "§3.4", needs=Needs.WRITE)
def delete_all(skaha: Skaha) -> None:
    """Nobody can delete all of their sessions at once"""
    others = [item["id"] for item in skaha.sessions() if item["id"] not in skaha.stage.launched]
    if others:
        raise NotChecked("the user has other sessions, which a server that errs here would delete")
    expect_refusal(skaha.delete("session"), 400, "Cannot kill all sessions.")
