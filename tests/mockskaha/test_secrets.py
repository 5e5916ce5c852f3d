"""Tokens, passwords and registry credentials stay where they are."""

import base64
import logging

import pytest

pytestmark = pytest.mark.evidence("skaha-contract §3.2, §3.3 (12), §4.1")

SESSIONS = "/skaha/v1/session"
PRIVATE = "images.canfar.net/survey-team/pipeline:1.0"
TOKEN, REGISTRY, PASSWORD = "t0ken-of-alice", "s3cret-of-harbor", "pa55word-of-alice"
AUTH = {"mode": "strict", "tokens": [{"token": TOKEN, "user": "alice"}]}


def test_secrets_are_in_no_file_no_log_and_no_answer(start, tmp_path, caplog, monkeypatch):
    users = [{"username": "alice", "uid": 1, "password": PASSWORD}]
    skaha = start(auth=AUTH, users=users, server={"state": tmp_path / "s.db", "access_log": True}).as_user(
        TOKEN
    )
    encoded = base64.b64encode(f"alice:{REGISTRY}".encode()).decode()
    bad = base64.b64encode(f"alice:{REGISTRY}:x".encode()).decode()
    login = {"username": "alice", "password": PASSWORD}
    replies = []
    with caplog.at_level(logging.DEBUG):
        found = skaha.create(image=PRIVATE, registry_auth=encoded, type="desktop")
        skaha.advance(60)
        for header in (encoded, bad):
            for path in (SESSIONS, f"{SESSIONS}/{found}/app"):
                form = {"image": PRIVATE, "name": "a_b"}
                replies.append(skaha.post(path, form, headers={"x-skaha-registry-auth": header}))
        replies += [
            skaha.get(f"{SESSIONS}{query}") for query in ("", f"/{found}?view=logs", f"/{found}?view=events")
        ]
        nobody = skaha.as_user(None)
        issued = nobody.post("/ac/login", login)
        assert issued.status == 200
        replies.append(nobody.post("/ac/login", login | {"username": "bob"}))
        replies.append(skaha.as_user(f"{TOKEN}x").get())
        monkeypatch.setattr(skaha.platform.inventory, "of", lambda username: 1 / 0)
        replies.append(skaha.get())
    skaha.platform.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"survey-team" in kept
    told = b"".join(reply.body + repr(reply.headers).encode() for reply in replies)
    for secret in (TOKEN, REGISTRY, PASSWORD, encoded, bad, issued.text):
        for where, text in (("file", kept), ("log", caplog.text.encode()), ("answers", told)):
            assert secret.encode() not in text, f"{secret} is in the {where}"


def test_a_cadc_identity_manager_echoes_a_bad_token_as_the_real_one_does(start):
    skaha = start(auth=AUTH | {"challenge_manager": "cadc"}).as_user("wrong")
    assert skaha.get().told == (401, "text/plain", "unhandled auth: Authorization Bearer wrong")


def test_settings_do_not_show_secrets(start):
    skaha = start(auth=AUTH, users=[{"username": "alice", "uid": 1, "password": PASSWORD}])
    for shown in (repr(skaha.platform.settings), skaha.platform.settings.model_dump_json()):
        assert TOKEN not in shown
        assert PASSWORD not in shown
