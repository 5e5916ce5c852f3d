import base64

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mockskaha.tokens import LIFETIME_SECONDS, LoginToken, TokenIssuer

pytestmark = pytest.mark.evidence("skaha-contract §8.5")

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
times = st.integers(min_value=0, max_value=4_000_000_000)


def test_a_token_is_base64_of_signed_claims():
    token = TokenIssuer(seed=7).issue("alice", now=1_700_000_000.25, scope="ivo://x/y?z")
    text = base64.b64decode(token, validate=True).decode()
    assert text.startswith("expirytime=1700172800250&userid=alice&scope=ivo%3A%2F%2Fx%2Fy%3Fz&signature=")
    assert text.count("&signature=") == 1


def test_a_token_holds_for_48_hours():
    issuer = TokenIssuer(seed=7)
    assert LIFETIME_SECONDS == 172_800
    assert issuer.read(issuer.issue("alice", now=100.0)) == LoginToken("alice", 172_900.0, None, genuine=True)


@given(name=names, now=times, seed=st.integers())
def test_whatever_is_issued_is_read_back(name, now, seed):
    token = TokenIssuer(seed).issue(name, now)
    assert token == TokenIssuer(seed).issue(name, now)
    assert TokenIssuer(seed).read(token) == LoginToken(name, now + LIFETIME_SECONDS, None, genuine=True)


@given(seed=st.integers(), other=st.integers())
def test_another_seed_does_not_vouch_for_a_token(seed, other):
    assume(seed != other)
    read = TokenIssuer(other).read(TokenIssuer(seed).issue("alice", now=0))
    assert read == LoginToken("alice", LIFETIME_SECONDS, None, genuine=False)


@given(position=st.integers(min_value=0, max_value=60), replacement=st.binary(min_size=1, max_size=1))
def test_a_changed_token_is_not_genuine(position, replacement):
    issuer = TokenIssuer(seed=7)
    text = bytearray(base64.b64decode(issuer.issue("alice", now=0)))
    assume(text[position : position + 1] != replacement)
    text[position : position + 1] = replacement
    read = issuer.read(base64.b64encode(bytes(text)).decode())
    assert read is None or not read.genuine


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "userid=alice&signature=x",
        "expirytime=1&signature=x",
        "expirytime=soon&userid=alice&signature=x",
        "expirytime=1&userid=alice",
        f"expirytime={'9' * 400}&userid=alice&signature=x",
    ],
)
def test_other_base64_is_no_token(text):
    assert TokenIssuer(seed=7).read(base64.b64encode(text.encode()).decode()) is None


@given(st.text())
def test_any_text_can_be_asked_about(text):
    read = TokenIssuer(seed=7).read(text)
    assert read is None or not read.genuine
