"""What the server prints when it starts points a client at it."""

import pytest

from mockskaha.config import Settings
from mockskaha.control.guard import Guard
from mockskaha.platform import Platform
from mockskaha.serve import _greet

pytestmark = pytest.mark.evidence("clients of skaha-contract §1.3: what each is pointed with")


def greeting(capsys, **settings):
    made = Settings.model_validate({"clock": "manual", **settings})
    _greet(Platform.from_settings(made), Guard(made.server.host, made.server.control_token))
    return capsys.readouterr().out.splitlines()


def test_it_is_two_lines_to_paste(capsys):
    where, who, control = greeting(capsys)
    assert where == "export CANFAR_URL=http://127.0.0.1:8080/skaha/v1"
    assert who.startswith("export CANFAR_TOKEN=alice ")
    assert control == "# control API, for programs of this machine: http://127.0.0.1:8080/_mockskaha/"


def test_a_strict_server_promises_no_name_and_tells_no_token(capsys):
    auth = {"mode": "strict", "tokens": [{"token": "s3cret", "user": "alice"}]}
    printed = greeting(capsys, auth=auth)
    assert len(printed) == 3
    assert "any name" not in printed[1]
    assert "s3cret" not in "".join(printed)


def test_over_tls_it_says_whom_to_trust(capsys, tmp_path):
    printed = greeting(capsys, server={"tls": tmp_path})
    assert f"export SSL_CERT_FILE={tmp_path / 'ca.pem'}" in printed
    assert printed[-2].endswith(f"CANFAR_CERTIFICATE={tmp_path / 'client-alice.pem'}")


@pytest.mark.parametrize(
    ("server", "says"),
    [
        (
            {"host": "0.0.0.0"},
            "closed, since this server listens beyond this machine and has no --control-token",
        ),
        (
            {"host": "0.0.0.0", "control_token": "s3cret"},
            "with its token: export MOCKSKAHA_CONTROL_TOKEN=...",
        ),
        ({"control_token": "s3cret"}, "with its token"),
        ({"host": "::1"}, "for programs of this machine"),
    ],
)
@pytest.mark.evidence("our own control API")
def test_it_says_who_may_use_the_control_api_and_never_the_token(capsys, server, says):
    printed = greeting(capsys, server=server)
    assert printed[-1].startswith(f"# control API, {says}")
    assert "s3cret" not in "".join(printed)
