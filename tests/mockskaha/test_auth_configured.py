import pytest

from mockskaha.config import Settings
from mockskaha.errors import Forbidden, InvalidToken
from mockskaha.identity import Identity
from mockskaha.platform import Platform

pytestmark = pytest.mark.evidence("skaha-contract §1.3, §3.2, §8.6")

EXPIRES = 1_800_000_000.0

SETTINGS = Settings.model_validate(
    {
        "clock": "manual",
        "auth": {
            "mode": "strict",
            "anonymous_status": 400,
            "challenge_manager": "cadc",
            "tokens": [
                {"token": "sesame", "user": "alice", "expires": "2027-01-15T08:00:00Z"},
                {"token": "evil", "user": "eve"},
                {"token": "guest", "user": "dora"},
            ],
        },
        "sessions": {"users_group": "astronomers"},
        "unknown_users": {"groups": [7], "memberships": ["astronomers"]},
        "users": [
            {
                "username": "alice",
                "uid": 10001,
                "gid": 10009,
                "groups": [34337, 34241],
                "memberships": ["survey", "astronomers"],
                "first_name": "Alice",
                "last_name": "Tremblay",
                "email": "alice@example.org",
                "institute": "Herzberg",
                "password": "wonder",
            },
            {"username": "eve", "uid": 10666, "memberships": ["skaha-users"]},
        ],
    }
)


def build():
    platform = Platform.from_settings(SETTINGS)
    return platform.directory, platform.authenticator


def bearer(token):
    return {"authorization": f"Bearer {token}"}


def test_accounts_are_as_configured():
    account = build()[0].account("alice")
    assert account.identity == Identity(
        "alice", 10001, 10009, (34337, 34241), frozenset({"survey", "astronomers"})
    )
    assert (account.first_name, account.last_name) == ("Alice", "Tremblay")
    assert (account.email, account.institute, account.password) == (
        "alice@example.org",
        "Herzberg",
        "wonder",
    )
    assert build()[0].account("eve").password is None


def test_tokens_and_rules_are_as_configured():
    directory, who = build()
    assert who.identify(bearer("sesame"), None, EXPIRES - 1) == directory.identity("alice")
    with pytest.raises(InvalidToken, match=r"^expired$"):
        who.identify(bearer("sesame"), None, EXPIRES)
    with pytest.raises(Forbidden, match="Not authorized"):
        who.identify(bearer("evil"), None, EXPIRES)
    assert who.identify(bearer("guest"), None, EXPIRES).groups == (7,)
    assert who.anonymous_refusal().status == 400
    assert ("WWW-Authenticate", "ivoa_cookie") in who.challenges()


def test_nothing_built_shows_a_secret():
    directory, who = build()
    assert "wonder" not in repr([directory, directory.account("alice"), who])
    assert "sesame" not in repr([directory, who, who.rules])
