"""Who is let in (skaha-contract §1.3, §3.2)."""

from __future__ import annotations

from mockskaha.verify.check import NotChecked, asked, check, differs, expect
from mockskaha.verify.client import STRANGERS_TOKEN
from mockskaha.verify.exchange import Caller, Exchange
from mockskaha.verify.skaha import UNKNOWN, Skaha

_PATHS = ("session", f"session/{UNKNOWN}", "image", "context", "repository")
_SCHEMES = ("Bearer", "ivoa_bearer", "ivoa_cookie", "ivoa_x509")


def _challenged(answer: Exchange) -> None:
    challenges = answer.all("www-authenticate")
    expect(challenges, f"{asked(answer)}: no WWW-Authenticate says how to log in", answer)
    for challenge in challenges:
        expect(challenge.split(" ")[0] in _SCHEMES, f"WWW-Authenticate is {challenge!r}", answer)
    expect(answer.header("x-vo-authenticated") is None, "nobody is called x-vo-authenticated", answer)


@check("access.anonymous", "§3.2")
def anonymous(skaha: Skaha) -> None:
    """Nobody gets in without saying who they are"""
    # That later ones say 400 follows from their source and was never observed: 401 is as good.
    texts = {(401, "Unauthorized\n")}
    if not skaha.era.anonymous_is_401:
        texts.add((400, "cannot get group memberships for anonymous\n"))
    for path in _PATHS:
        answer = skaha.get(path, caller=Caller.NOBODY)
        if (answer.status, answer.text) not in texts or answer.content_type != "text/plain":
            differs(
                asked(answer), " or ".join(f"{status} {text!r}" for status, text in sorted(texts)), answer
            )


@check("access.challenge", "§3.2")
def challenge(skaha: Skaha) -> None:
    """Nobody is told how to log in, with every answer"""
    for path in _PATHS:
        _challenged(skaha.get(path, caller=Caller.NOBODY))


@check("access.owner", "§1.4")
def owner(skaha: Skaha) -> None:
    """The holder of a token is told who they are, with every answer"""
    name = skaha.username
    for path in _PATHS:
        answer = skaha.get(path)
        told = answer.header("x-vo-authenticated")
        expect(told == name, f"{asked(answer)}: x-vo-authenticated is {told!r}, not {name!r}", answer)
        expect(answer.status not in (401, 403), f"{asked(answer)}: {answer.told()}", answer)
        expect(not answer.all("www-authenticate"), "somebody who is known is asked to log in", answer)


@check("access.stranger", "§3.2, §3.1")
def stranger(skaha: Skaha) -> None:
    """A token that nobody gave out is refused with 401, and the challenge says why"""
    for path in ("session", "image"):
        answer = skaha.get(path, caller=Caller.STRANGER)
        if answer.status == 200 and answer.header("x-vo-authenticated") == STRANGERS_TOKEN:
            raise NotChecked(
                "this mockskaha takes any token for the name of its user (--auth makes it strict)"
            )
        if answer.status != 401 or answer.content_type != "text/plain" or answer.text.endswith("\n"):
            differs(asked(answer), "401 text/plain without a newline", answer)
        _challenged(answer)
        expect(
            any("invalid_token" in value for value in answer.all("www-authenticate")),
            'no challenge says error="invalid_token"',
            answer,
        )


@check("access.before-parameters", "§1.3")
def before_parameters(skaha: Skaha) -> None:
    """Who is calling is asked before what they want: a bad parameter never beats a refusal"""
    answer = skaha.get("image", {"type": "banana"}, caller=Caller.NOBODY)
    expect("unknown type" not in answer.text, f"{asked(answer)}: {answer.told()}", answer)
    expect(answer.status in (400, 401), f"{asked(answer)}: {answer.told()}", answer)
