"""What somebody else can see and do (skaha-contract §2.6, §2.9, §2.10, §3.4)."""

from __future__ import annotations

from mockskaha.verify.check import Needs, NotChecked, check, expect, expect_refusal
from mockskaha.verify.exchange import Caller
from mockskaha.verify.skaha import Skaha

_SECOND = Caller.SECOND


def _anothers(skaha: Skaha) -> str:
    """The id of a running session of the owner, which the second user is not."""
    session_id = str(skaha.running("job")["id"])
    name = skaha.get("session", caller=_SECOND).header("x-vo-authenticated")
    if name == skaha.username:
        raise NotChecked(f"both tokens belong to {name}")
    return session_id


@check("isolation.list", "§2.5", needs=Needs.SECOND_USER)
def listing(skaha: Skaha) -> None:
    """Nobody lists somebody else's sessions"""
    session_id = _anothers(skaha)
    for query in ({}, {"type": "headless"}, {"view": "interactive"}):
        found = skaha.sessions(query, caller=_SECOND)
        shown = skaha.exchanges[-1]
        expect(
            session_id not in [item.get("id") for item in found],
            "the list has somebody else's session",
            shown,
        )
        expect(skaha.username not in [item.get("userid") for item in found], "it has others of theirs", shown)


@check("isolation.get", "§2.6", needs=Needs.SECOND_USER)
def one(skaha: Skaha) -> None:
    """Somebody else's session is not found"""
    session_id = _anothers(skaha)
    answer = skaha.get(f"session/{session_id}", caller=_SECOND)
    expect_refusal(answer, 404, f"session {session_id} not found")


@check("isolation.logs-and-events", "§2.9, §2.10", needs=Needs.SECOND_USER)
def logs_and_events(skaha: Skaha) -> None:
    """Somebody else's logs are empty, their events not found"""
    session_id = _anothers(skaha)
    answer = skaha.get(f"session/{session_id}", {"view": "logs"}, caller=_SECOND)
    expect(
        answer.status == 200 and not answer.body, f"the logs of somebody else are {answer.told(80)}", answer
    )
    answer = skaha.get(f"session/{session_id}", {"view": "events"}, caller=_SECOND)
    expect_refusal(answer, 404, f"session {session_id} not found.")


@check("isolation.renew", "§3.4, §4.4", needs=Needs.SECOND_USER)
def renew(skaha: Skaha) -> None:
    """Nobody renews somebody else's session"""
    session_id = _anothers(skaha)
    answer = skaha.post(f"session/{session_id}", {"action": "renew"}, caller=_SECOND)
    expect(
        answer.status == 400 and answer.text.startswith("No active job for user "),
        f"expected 400 'No active job for user …', got {answer.told()}",
        answer,
    )


@check("isolation.delete", "§3.4, §10", needs=Needs.SECOND_USER)
def delete(skaha: Skaha) -> None:
    """Deleting somebody else's session does nothing, and says 200 (403 before 1.0)"""
    session_id = _anothers(skaha)
    answer = skaha.delete(f"session/{session_id}", caller=_SECOND)
    wanted = 403 if skaha.era.unknown_deletion_is_refused else 200
    expect(answer.status == wanted, f"expected {wanted}, got {answer.told()}", answer)
    found = skaha.session(session_id)
    expect(found["id"] == session_id, "it is gone", skaha.exchanges[-1])


@check("isolation.everybody", "§2.5", needs=Needs.SECOND_USER)
def everybody(skaha: Skaha) -> None:
    """`view=all` tells others that there is a session, and no more"""
    _anothers(skaha)
    answer = skaha.get("session", {"view": "all"}, caller=_SECOND)
    mine = [item for item in answer.json if item.get("userid") == skaha.username]
    expect(mine, f"view=all has no session of {skaha.username}", answer)
    for item in mine:
        extra = set(item) - {"userid", "type", "status", "startTime"}
        expect(not extra, f"view=all tells others {', '.join(sorted(extra))}", answer)
