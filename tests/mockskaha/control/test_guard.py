"""Who may drive a server."""

import asyncio

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from mockskaha.config import Settings
from mockskaha.control.guard import Guard, is_loopback
from mockskaha.http.app import create_app
from mockskaha.platform import Platform

pytestmark = pytest.mark.evidence("our own control API")

TOKEN = SecretStr("s3cret")


def ask(drive, guard, headers, path="clock", scheme="http"):
    return drive(guard).ask("GET", path, headers=headers, checked=False)


@pytest.mark.parametrize(
    ("host", "yes"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("localhost.", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.0.1", False),
        ("localhost.evil.org", False),
        ("127.0.0.1.nip.io", False),
        ("evil.localhost.org", False),
        ("", False),
        ("127.1", False),
        ("0x7f000001", False),
        ("2130706433", False),
        ("[::ffff:10.0.0.1]", False),
        ("localhost..", True),
    ],
)
def test_what_means_this_machine(host, yes):
    assert is_loopback(host) is yes


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:8080"},
        {"host": "localhost"},
        {"host": "LocalHost:1"},
        {"host": "[::1]:8080"},
        {"host": "127.0.0.1:8080", "origin": "http://127.0.0.1:8080"},
        {"host": "localhost:8080", "origin": "http://localhost:8080", "sec-fetch-site": "same-origin"},
        {"host": "localhost:8080", "sec-fetch-site": "none"},
    ],
)
def test_programs_of_this_machine_and_its_own_pages_get_in(drive, headers):
    assert ask(drive, Guard("127.0.0.1"), headers).status == 200


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        # A name that was rebound to this machine: the browser still says it.
        ({"host": "evil.org"}, "not at 'evil.org'"),
        ({"host": "evil.org:8080", "origin": "http://evil.org:8080"}, "not at 'evil.org'"),
        ({"host": "localhost.evil.org:8080"}, "not at 'localhost.evil.org'"),
        ({"host": "127.0.0.1.nip.io"}, "not at '127.0.0.1.nip.io'"),
        ({"host": "[2001:db8::1]:8080"}, "not at '2001:db8::1'"),
        ({"host": "192.168.1.2:8080"}, "not at '192.168.1.2'"),
        ({"host": ""}, "not at ''"),
        # Another origin, port and scheme included.
        ({"origin": "http://evil.org"}, "another origin (http://evil.org)"),
        ({"origin": "http://127.0.0.1:3000"}, "another origin (http://127.0.0.1:3000)"),
        ({"origin": "http://localhost:8080"}, "another origin (http://localhost:8080)"),
        ({"origin": "https://127.0.0.1:8080"}, "another origin (https://127.0.0.1:8080)"),
        ({"origin": "http://127.0.0.1:8080.evil.org"}, "another origin"),
        ({"origin": "null"}, "another origin (null)"),
        ({"origin": ""}, "another origin ()"),
        # Requests that browsers send without an origin: images, links, frames.
        ({"sec-fetch-site": "cross-site"}, "another origin (unknown)"),
        ({"sec-fetch-site": "same-site"}, "another origin (unknown)"),
        ({"sec-fetch-site": "whatever"}, "another origin (unknown)"),
    ],
)
@pytest.mark.parametrize("token", [None, TOKEN])
def test_pages_of_another_origin_and_rebound_names_do_not(drive, headers, says, token):
    if token is not None:
        headers = headers | {"authorization": "Bearer s3cret"}
        if says.startswith("not at"):  # whoever has the token may call it whatever he likes
            assert (
                ask(
                    drive, Guard("127.0.0.1", token), headers | {"origin": f"http://{headers['host']}"}
                ).status
                == 200
            )
            return
    answer = ask(drive, Guard("127.0.0.1", token), headers)
    assert (answer.status, answer.error["code"]) == (403, "refused")
    assert says in answer.error["message"]
    assert answer.header("access-control-allow-origin") is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.5", "example.org"])
def test_beyond_this_machine_it_is_closed_without_a_token(drive, host):
    for headers in (
        {"host": "127.0.0.1:8080"},
        {"authorization": "Bearer "},
        {"authorization": "Bearer None"},
    ):
        answer = ask(drive, Guard(host), headers)
        assert answer.status == 403
        assert "--control-token" in answer.error["message"]
    assert Guard(host).access == "closed"


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_with_a_token_only_those_who_show_it_get_in(drive, host):
    guard = Guard(host, TOKEN)
    assert guard.access == "token"
    for given in ("Bearer s3cret", "bearer s3cret", "BEARER  s3cret "):
        assert ask(drive, guard, {"host": "anything:80", "authorization": given}).status == 200
    for given in (
        "",
        "Bearer",
        "Bearer s3cre",
        "Bearer s3crets",
        "Basic s3cret",
        "s3cret",
        "Bearer S3CRET",
        "Bearer \xff",
    ):
        answer = ask(drive, guard, {"authorization": given})
        assert (answer.status, answer.error["code"]) == (401, "token-wanted")
        assert answer.header("www-authenticate") == 'Bearer realm="mockskaha control"'
        assert "s3cret" not in answer.body.decode()


def test_a_token_may_have_any_characters(drive):
    given = "Bearer " + "schlüssel".encode().decode("latin-1")
    assert ask(drive, Guard("0.0.0.0", SecretStr("schlüssel")), {"authorization": given}).status == 200


def test_an_empty_token_is_none_to_start_with():
    with pytest.raises(ValidationError, match="control_token"):
        Settings.model_validate({"server": {"control_token": ""}})


def test_health_and_readiness_are_for_everybody(drive):
    for headers in ({"host": "evil.org"}, {"origin": "http://evil.org"}, {}):
        for path in ("health", "readiness"):
            assert ask(drive, Guard("0.0.0.0"), headers, path).status == 200
    client = drive(Guard("0.0.0.0"))
    assert client.ask("POST", "health", checked=False).status == 403


def test_who_is_refused_learns_nothing_and_makes_nothing(drive):
    client = drive(Guard("0.0.0.0", TOKEN))
    answers = {
        client.ask(method, path, namespace=namespace, checked=False).body
        for method, path in (("GET", "clock"), ("GET", "nowhere"), ("PATCH", "clock"), ("GET", "sessions/x"))
        for namespace in ("", "a", "Bad")
    }
    assert len(answers) == 1
    assert [item.name for item in client.host] == [""]


def test_the_service_itself_asks_nobody(drive):
    client = drive(Guard("0.0.0.0"))
    client.launch()
    assert client.send("GET", "/skaha/availability", headers={"origin": "http://evil.org"}).status == 200


@pytest.mark.parametrize(
    ("url", "caller", "token", "status"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1", None, 200),
        ("http://[::1]:8080", "::1", None, 200),
        ("http://127.0.0.1:8080", "192.168.0.9", None, 403),
        ("http://skaha.example", "127.0.0.1", None, 403),
        ("http://skaha.example", "192.168.0.9", TOKEN, 200),
        ("http://skaha.example", "192.168.0.9", SecretStr("another"), 401),
    ],
)
def test_the_application_for_other_servers_is_guarded_wherever_it_is_served(url, caller, token, status):
    settings = Settings.model_validate({"server": {"control_token": TOKEN if token else None}})
    app = create_app(Platform.from_settings(settings))
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}

    async def ask(path: str) -> int:
        transport = httpx.ASGITransport(app, client=(caller, 50000))
        async with httpx.AsyncClient(transport=transport, base_url=url, headers=headers) as http:
            return (await http.get(path)).status_code

    assert asyncio.run(ask("/_mockskaha/clock")) == status
    assert asyncio.run(ask("/skaha/availability")) == 200
