"""Requests: where they go, when they are sent again, and what the answers that are none say."""

from __future__ import annotations

import ssl

import httpx
import pytest

from skahaclient.errors import (
    BrokenAnswer,
    ConfigurationError,
    Forbidden,
    InvalidRequest,
    LaunchError,
    NotAuthenticated,
    NotFound,
    Refused,
    SessionRequestError,
    TimedOut,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
)
from skahaclient.service import Service
from skahaclient.wire import retry_after
from tests.skahaclient.conftest import EPOCH, URL, Watch
from tests.skahaclient.conftest import Service as Make

HELD = httpx.Response(200, json=[])
BUSY = httpx.Response(503, headers={"Retry-After": "7"}, text="temporarily unavailable: null\n")
REFUSED = httpx.ConnectError("[Errno 111] Connection refused")
RESET = httpx.ReadError("[Errno 104] Connection reset by peer")
SLOW = httpx.ReadTimeout("timed out")


def test_a_request_has_the_token_and_nobody_sees_it(service: Make) -> None:
    session, wire = service(HELD)
    session.fetch("notebook", "running")
    assert wire.lines == ["GET /session?type=notebook&status=Running"]
    assert wire.sent[0].headers["authorization"] == "Bearer very-secret"
    assert "very-secret" not in repr(session) + repr(session.service) + str(vars(session).keys())


def test_without_a_token_no_credentials_are_sent(service: Make) -> None:
    session, wire = service(HELD, token=None)
    session.fetch()
    assert "authorization" not in wire.sent[0].headers


# -- the version --------------------------------------------------------------------------------------------------


def versions(*there: str) -> object:
    def answer(request: httpx.Request) -> httpx.Response:
        found = any(request.url.path.startswith(f"/skaha/{version}/") for version in there)
        return httpx.Response(200, json=[]) if found else httpx.Response(404, html="<html>Not Found</html>")

    return answer


@pytest.mark.parametrize(("there", "used"), [(("v0", "v1"), "v1"), (("v1",), "v1"), (("v0",), "v0")])
def test_the_version_is_looked_for_once(service: Make, there: tuple[str, ...], used: str) -> None:
    session, wire = service(versions(*there), url="https://skaha.example/skaha/")
    session.fetch()
    session.fetch()
    asked = [request.url.path for request in wire.sent]
    assert asked[-2:] == [f"/skaha/{used}/session"] * 2
    assert asked[:-2] == [f"/skaha/{version}/context" for version in ("v1", "v0")[: 1 if used == "v1" else 2]]


def test_a_given_version_is_used_as_it_is(service: Make) -> None:
    session, wire = service(versions("v0"), url="https://skaha.example/skaha/v0")
    session.fetch()
    assert [request.url.path for request in wire.sent] == ["/skaha/v0/session"]


def test_no_service_at_all_is_told(service: Make) -> None:
    session, _ = service(versions(), url="https://skaha.example/skaha")
    with pytest.raises(UnexpectedAnswer, match="neither /v1 nor /v0"):
        session.fetch()


def test_an_outage_says_nothing_about_the_version(service: Make) -> None:
    session, _ = service(httpx.Response(500, text="oops"), versions("v0"), url="https://skaha.example/skaha")
    with pytest.raises(Refused, match="oops"):
        session.fetch()
    assert session.fetch() == []
    assert session.service._base == "https://skaha.example/skaha/v0"


@pytest.mark.parametrize("url", ["skaha.example", "ftp://h/skaha", "https://", "https://me:secret@h/skaha"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        Service(url)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("session_id", ["", "  ", ".", ".."])
def test_what_is_no_id_is_not_asked_for(service: Make, session_id: str) -> None:
    session, wire = service(HELD)
    for call in (session.info, session.logs, session.events, session.renew, session.destroy, session.wait):
        with pytest.raises(InvalidRequest):
            call(session_id)
    assert wire.sent == []


def test_an_id_stays_one_part_of_the_path(service: Make) -> None:
    session, wire = service(httpx.Response(200))
    session.destroy("../context?x=1")
    assert str(wire.sent[0].url) == f"{URL}/session/..%2Fcontext%3Fx%3D1"


# -- again, where that is safe ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "naps"),
    [
        (REFUSED, [0.5, 1.0]), (RESET, [0.5, 1.0]), (BUSY, [7.0, 7.0]),
        (httpx.Response(502), [0.5, 1.0]), (httpx.Response(503), [0.5, 1.0]), (httpx.Response(504), [0.5, 1.0]),
        (httpx.RemoteProtocolError("peer closed connection"), [0.5, 1.0]),
    ],
)  # fmt: skip
def test_a_question_is_asked_again(service: Make, watch: Watch, failure: object, naps: list[float]) -> None:
    session, wire = service(failure, failure, HELD)
    assert session.fetch() == []
    assert (len(wire.sent), watch.naps) == (3, naps)


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (SLOW, TimedOut), (httpx.Response(500), Refused), (httpx.Response(400), Refused),
        (httpx.Response(401), NotAuthenticated), (httpx.Response(403), Forbidden), (httpx.Response(404), NotFound),
        (httpx.Response(429), Refused), (httpx.Response(302), UnexpectedAnswer),
        (httpx.Response(200), UnexpectedAnswer),
        (httpx.Response(503, headers={"Retry-After": "3600"}), Unavailable),
    ],
)  # fmt: skip
def test_what_would_not_change_is_not_asked_again(service: Make, failure: object, error: type) -> None:
    session, wire = service(failure)
    with pytest.raises(error):
        session.fetch()
    assert len(wire.sent) == 1


@pytest.mark.parametrize("failure", [REFUSED, RESET, BUSY])
def test_it_is_not_asked_for_ever(service: Make, watch: Watch, failure: object) -> None:
    session, wire = service(failure)
    with pytest.raises((Unreachable, BrokenAnswer, Unavailable)):
        session.fetch()
    assert len(wire.sent) == 4
    assert watch.passed <= 30


@pytest.mark.parametrize(
    ("failure", "sends"),
    [
        (RESET, 1), (SLOW, 1), (BUSY, 1), (httpx.Response(502), 1), (httpx.Response(500), 1),
        (httpx.RemoteProtocolError("x"), 1), (httpx.WriteError("x"), 1), (REFUSED, 4), (httpx.ConnectTimeout("x"), 4),
    ],
)  # fmt: skip
def test_a_launch_is_sent_again_only_if_it_cannot_have_arrived(
    service: Make, failure: object, sends: int
) -> None:
    session, wire = service(failure)
    with pytest.raises(LaunchError):
        session.create("n", "skaha/astroml")
    assert [request.method for request in wire.sent] == ["POST"] * sends


@pytest.mark.parametrize("call", ["destroy", "renew"])
@pytest.mark.parametrize(
    ("failure", "sends"), [(BUSY, 4), (REFUSED, 4), (RESET, 1), (httpx.Response(503), 1)]
)
def test_a_change_is_sent_again_when_the_service_asks_for_that(
    service: Make, call: str, failure: object, sends: int
) -> None:
    session, wire = service(failure)
    with pytest.raises(SessionRequestError) as refusal:
        getattr(session, call)("abcdefgh", errors="raise")
    assert refusal.value.results == {"abcdefgh": False}
    assert len(wire.sent) == sends


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None), ("30", 30.0), ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0), ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("soon", None), ("-5", None), ("", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, EPOCH) == seconds


# -- words --------------------------------------------------------------------------------------------------------


def _tls() -> httpx.ConnectError:
    error = httpx.ConnectError("certificate verify failed")
    error.__cause__ = ssl.SSLError("certificate verify failed")
    return error


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (REFUSED, "no connection to skaha.example"),
        (RESET, "broke before the whole answer was there"),
        (SLOW, "allow more with a longer timeout"),
        (_tls(), "no secure connection to skaha.example"),
        (BUSY, "temporarily unavailable: null (status 503); try again in 7 s"),
        (httpx.Response(401, text="Token has expired"), "Token has expired (status 401); log in"),
        (httpx.Response(400, text="cannot get group memberships for anonymous\n"), "log in"),
        (httpx.Response(500), "the service gave no reason (status 500)"),
        (httpx.Response(502, html="<html><h1>Bad Gateway"), "the server in front of Skaha answered"),
        (httpx.Response(302, headers={"Location": "https://login.example/"}), "redirects to https://login.example/"),
        (httpx.Response(200, html="<html>Welcome"), "is the URL that of a Skaha service?"),
        (httpx.Response(200, json={"a": 1}), "a list of sessions was expected"),
        (httpx.Response(200, text="[1"), "JSON was expected"),
        (httpx.Response(200, json=[3]), "a session was expected, and not '3'"),
    ],
)  # fmt: skip
def test_each_cause_has_its_words(service: Make, failure: object, told: str) -> None:
    session, _ = service(failure)
    with pytest.raises(Exception, match=r".") as refusal:
        session.fetch()
    assert told in str(refusal.value)
    assert "very-secret" not in str(refusal.value)


def test_a_service_that_repeats_the_token_is_not_quoted(service: Make) -> None:
    session, _ = service(httpx.Response(401, text="unhandled auth: Authorization Bearer very-secret"))
    with pytest.raises(NotAuthenticated) as refusal:
        session.fetch()
    assert "very-secret" not in str(refusal.value) + refusal.value.text


def test_a_long_page_is_not_told_whole(service: Make) -> None:
    session, _ = service(httpx.Response(500, text="x" * 10_000))
    with pytest.raises(Refused) as refusal:
        session.fetch()
    assert len(str(refusal.value)) < 2100
