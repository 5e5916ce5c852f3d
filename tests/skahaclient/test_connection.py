"""The wire, against an in-process transport that records what was sent."""

import httpx
import pytest

from skahaclient import Connection, SkahaError

BASE = "https://skaha.example/skaha/v1/"


def connection(answer, token="alice"):
    sent = []

    def handle(request):
        sent.append(request)
        return answer

    return Connection(BASE, token, transport=httpx.MockTransport(handle)), sent


def test_a_list_is_read_as_json_with_the_token():
    wire, sent = connection(httpx.Response(200, json=[{"id": "a"}]))
    with wire:
        assert wire.json("session", type="notebook", status=None) == [{"id": "a"}]
    assert str(sent[0].url) == BASE + "session?type=notebook"
    assert sent[0].headers["authorization"] == "Bearer alice"


def test_without_a_token_no_credentials_are_sent():
    wire, sent = connection(httpx.Response(200, text="x\n"), token=None)
    assert wire.text("session/x", view="logs") == "x\n"
    assert "authorization" not in sent[0].headers


def test_a_launch_is_a_form_with_repeated_fields_and_gives_the_bare_id():
    wire, sent = connection(httpx.Response(200, text="abcdefgh\n"))
    assert wire.post("session", {"name": "n", "env": ["A=1", "B=2"], "cores": None}) == "abcdefgh"
    assert sent[0].content == b"name=n&env=A%3D1&env=B%3D2"
    assert sent[0].headers["content-type"] == "application/x-www-form-urlencoded"


def test_delete_reads_nothing():
    wire, sent = connection(httpx.Response(200))
    wire.delete("session/abcdefgh")
    assert (sent[0].method, sent[0].url.path) == ("DELETE", "/skaha/v1/session/abcdefgh")


@pytest.mark.parametrize("status", [400, 401, 404, 503])
def test_a_refusal_carries_status_and_the_services_own_words(status):
    wire, _ = connection(httpx.Response(status, text="session x not found\n"))
    with pytest.raises(SkahaError, match="session x not found") as refusal:
        wire.json("session/x")
    assert (refusal.value.status, refusal.value.text) == (status, "session x not found")
