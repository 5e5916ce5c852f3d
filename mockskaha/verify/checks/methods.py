"""Methods and parameters, whatever they are for (skaha-contract §1.1, §1.2, §1.4)."""

from __future__ import annotations

from mockskaha.verify.check import asked, check, differs, expect, expect_refusal
from mockskaha.verify.exchange import Caller
from mockskaha.verify.skaha import FORM, UNKNOWN, Skaha

_ALLOWED = {"session": "GET, POST, DELETE", "image": "GET", "context": "GET", "repository": "GET"}
_FOREIGN = "example.org/mockskaha-verify/there-is-no-such-image:0"
"""Of a host whose images are never taken: a launch with it is refused, whatever else is right."""


@check("methods.not-allowed", "§1.4")
def not_allowed(skaha: Skaha) -> None:
    """A method a resource has not is 405 with a line of text, before anybody is asked who they are"""
    for resource in _ALLOWED:
        for caller in (Caller.OWNER, Caller.NOBODY):
            answer = skaha.ask("PUT", skaha.api(resource), caller=caller)
            media_type = (answer.content_type or "").lower().replace(" ", "")
            plain = media_type in ("text/plain", "text/plain;charset=iso-8859-1", "text/plain;charset=utf-8")
            if answer.status != 405 or answer.text != "unsupported: HTTP PUT\n" or not plain:
                differs(asked(answer), r"405 text/plain 'unsupported: HTTP PUT\n'", answer)


@check("methods.allow", "§1.4")
def allow(skaha: Skaha) -> None:
    """405 comes with the methods there are, in the header Allow"""
    for resource, methods in _ALLOWED.items():
        answer = skaha.ask("PUT", skaha.api(resource))
        told = answer.header("allow")
        expect(told == methods, f"PUT {skaha.api(resource)}: Allow is {told!r}, not {methods!r}", answer)


@check("methods.head", "§1.4")
def head(skaha: Skaha) -> None:
    """HEAD is such a method, too: 405 below the API, without a body"""
    for resource in (*_ALLOWED, f"session/{UNKNOWN}"):
        answer = skaha.ask("HEAD", skaha.api(resource))
        expect(answer.status == 405, f"{asked(answer)}: expected 405, got {answer.status}", answer)
        expect(answer.header("allow"), f"{asked(answer)}: no header Allow", answer)
        expect(not answer.body, "HEAD has a body", answer)


@check("methods.names-in-any-case", "§1.2")
def names_in_any_case(skaha: Skaha) -> None:
    """The name of a parameter may be in any case"""
    for name in ("type", "TYPE", "Type"):
        answer = skaha.get("image", {name: "banana"})
        expect_refusal(answer, 400, "unknown type: banana")
    answer = skaha.post("session", {"IMAGE": _FOREIGN, "Name": "a_b", "Gpus": "-1"})
    expect(answer.status == 400, f"{asked(answer)}: {answer.told()}", answer)
    expect("must come from one of" in answer.text, f"IMAGE was not read as image: {answer.told()}", answer)


@check("methods.first-value", "§1.2")
def first_value(skaha: Skaha) -> None:
    """Of a parameter given twice the first value counts"""
    answer = skaha.get("image", (("type", "banana"), ("type", "carta")))
    expect_refusal(answer, 400, "unknown type: banana")


@check("methods.unknown-parameters", "§2.5, §1.2")
def unknown_parameters(skaha: Skaha) -> None:
    """Parameters and views nobody knows are ignored"""
    plain = skaha.get("session")
    for query in ({"banana": "1"}, {"view": "banana"}, {"view": "STATS"}):
        answer = skaha.get("session", query)
        expect(
            answer.status == plain.status and isinstance(answer.json, list),
            f"{asked(answer)}: expected a plain list, got {answer.told()}",
            answer,
        )


@check("methods.only-forms", "§1.2")
def only_forms(skaha: Skaha) -> None:
    """Parameters of a POST are read from forms; with another media type, or none, there are none"""
    missing = "Missing parameter 'image'"
    query = {"image": _FOREIGN, "name": "a_b", "gpus": "-1"}
    path = skaha.api("session")
    expect_refusal(
        skaha.ask(
            "POST", path, query=query, content_type="application/json",
            body=f'{{"image": "{_FOREIGN}", "name": "a_b", "gpus": "-1"}}'.encode(),
        ),
        400, missing,
    )  # fmt: skip
    expect_refusal(skaha.ask("POST", path, query=query), 400, missing)
    boundary = "verify"
    part = f'--{boundary}\r\nContent-Disposition: form-data; name="name"\r\n\r\na_b\r\n--{boundary}--\r\n'
    expect_refusal(
        skaha.ask(
            "POST", path, query=query, content_type=f"multipart/form-data; boundary={boundary}", body=part.encode()
        ),
        400, missing,
    )  # fmt: skip


@check("methods.query-of-a-form", "§1.2")
def query_of_a_form(skaha: Skaha) -> None:
    """With the media type of a form the query counts, too, and wins: how the Python client launches"""
    query = {"image": _FOREIGN, "name": "a_b", "gpus": "-1"}
    for body in (b"", b"image=other.example.org%2Fx%2Fy%3A1"):
        answer = skaha.ask("POST", skaha.api("session"), query=query, content_type=FORM, body=body)
        if answer.status != 400 or f"session image '{_FOREIGN}'" not in answer.text:
            differs(asked(answer), f"400 about the image of the query, {_FOREIGN}", answer)
