"""What is asked about the platform, and logging in."""

from __future__ import annotations

from urllib.parse import parse_qsl

import httpx
import pytest

from skahaclient import Context, Images, Overview, login
from skahaclient.auth import challenges
from skahaclient.errors import (
    ConfigurationError,
    InvalidRequest,
    NotAuthenticated,
    UnexpectedAnswer,
    Unreachable,
)

URL = "https://skaha.example/skaha/v1"
PASSWORD = "open sesame"


def answering(*answers: httpx.Response) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    sent: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return answers[min(len(sent), len(answers)) - 1]

    return httpx.MockTransport(handle), sent


def test_images_by_name_and_whole() -> None:
    listed = [{"id": "images.canfar.net/skaha/a:1", "types": ["headless"], "digest": "sha256:0"}]
    transport, sent = answering(httpx.Response(200, json=listed))
    with Images(url=URL, transport=transport) as images:
        assert images.fetch() == ["images.canfar.net/skaha/a:1"]
        assert [image.types for image in images.details("Headless")] == [["headless"]]
        with pytest.raises(InvalidRequest):
            images.fetch("notebok")
    assert [request.url.query for request in sent] == [b"", b"type=headless"]


def test_what_may_be_asked_for() -> None:
    transport, _ = answering(
        httpx.Response(200, json={"cores": {"options": [1, 2]}, "maxInteractiveSessions": "5"})
    )
    with Context(url=URL, transport=transport) as context:
        found = context.resources()
    assert (found["cores"]["options"], found.max_interactive_sessions) == ([1, 2], 5)


def document(state: str) -> httpx.Response:
    head = (
        '<?xml version="1.0"?><vosi:availability xmlns:vosi="http://www.ivoa.net/xml/VOSIAvailability/v1.0">'
    )
    return httpx.Response(
        200,
        text=f"{head}\r\n  <vosi:available>{state}</vosi:available><vosi:note>fine</vosi:note></vosi:availability>",
    )


@pytest.mark.parametrize(
    ("answer", "available"),
    [
        (document("true"), True), (document("false"), False),
        (httpx.Response(503, headers={"Retry-After": "99"}), False),
        (httpx.Response(200, text="<availability><available>true</available></availability>"), True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("url", [URL, "https://skaha.example/skaha"])
def test_availability(answer: httpx.Response, available: bool, url: str) -> None:
    transport, sent = answering(answer)
    with Overview(url=url, transport=transport) as overview:
        assert overview.availability() is available
    assert sent[0].url.path == "/skaha/availability"


def test_what_does_not_say_whether_it_is_available_is_told() -> None:
    transport, _ = answering(httpx.Response(200, text="Welcome"))
    with Overview(url=URL, transport=transport) as overview, pytest.raises(UnexpectedAnswer):
        overview.availability()


# -- logging in ---------------------------------------------------------------------------------------------------


def challenged(access_url: str = "") -> httpx.Response:
    bearer = 'ivoa_bearer standard_id="ivo://ivoa.net/sso#tls-with-password"'
    header = f'Bearer, {bearer}, access_url="{access_url}", HACK=temporary'
    return httpx.Response(400, headers={"WWW-Authenticate": header} if access_url else {})


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ("", "https://skaha.example/ac/login"),
        ("https://ws.example/ac/login", "https://ws.example/ac/login"),
        ("/elsewhere", "https://skaha.example/elsewhere"),
    ],
)
def test_a_password_buys_a_token_where_the_service_says(told: str, asked: str) -> None:
    transport, sent = answering(challenged(told), httpx.Response(200, text="the-token"))
    assert login(URL, "dora", PASSWORD, transport=transport) == "the-token"
    assert [(request.method, str(request.url)) for request in sent] == [
        ("GET", f"{URL}/context"),
        ("POST", asked),
    ]
    assert dict(parse_qsl(sent[1].content.decode())) == {"username": "dora", "password": PASSWORD}
    assert PASSWORD not in str(sent[0].content) + str(sent[1].url) + str(sent[1].headers)


def test_a_password_does_not_go_elsewhere_in_the_clear() -> None:
    transport, sent = answering(challenged("http://evil.example/ac/login"), httpx.Response(200, text="t"))
    with pytest.raises(ConfigurationError, match="without TLS"):
        login(URL, "dora", PASSWORD, transport=transport)
    assert [request.method for request in sent] == ["GET"]


def refused(error: type, *answers: httpx.Response) -> str:
    transport, _ = answering(*answers)
    with pytest.raises(error) as refusal:
        login(URL, "dora", PASSWORD, transport=transport)
    assert PASSWORD not in str(refusal.value) + repr(refusal.value)
    return str(refusal.value)


def test_what_is_not_accepted_is_told() -> None:
    wrong = httpx.Response(401, text="Invalid username or password")
    assert "Invalid username or password" in refused(NotAuthenticated, challenged(), wrong)
    for odd in (
        httpx.Response(200, html="<html>Hello"),
        httpx.Response(200),
        httpx.Response(200, text="a b"),
    ):
        assert "no token" in refused(UnexpectedAnswer, challenged(), odd)


def test_nobody_there_is_told() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(Unreachable):
        login(URL, "dora", PASSWORD, transport=httpx.MockTransport(handle))


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", []),
        ("Bearer", []),
        ('ivoa_bearer standard_id="a", access_url="b"', [{"standard_id": "a", "access_url": "b"}]),
        ('ivoa_x509 access_url="c", IVOA_BEARER standard_id=a', [{"standard_id": "a"}]),
        (
            'ivoa_bearer standard_id="a", ivoa_bearer standard_id="b"',
            [{"standard_id": "a"}, {"standard_id": "b"}],
        ),
    ],
)
def test_challenges_are_read(header: str, found: list[dict[str, str]]) -> None:
    assert challenges(header) == found
