import base64
import json
from datetime import UTC, datetime

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from mockskaha.auth import Account, Authenticator, AuthRules, Directory, KnownToken, challenges, is_username
from mockskaha.errors import Forbidden, InvalidRequest, InvalidToken, NotAuthenticated
from mockskaha.identity import Identity
from mockskaha.tokens import LIFETIME_SECONDS, TokenIssuer

pytestmark = pytest.mark.evidence("skaha-contract §1.3, §3.2")

SEED = 7
NOW = 1_800_000_000.0
ALICE = Identity("alice", 10001, 10001, (34241,), frozenset({"skaha-users"}))
EVE = Identity("eve", 10666, 10666)
BAD_CERTIFICATE = "^permission denied -- reason: invalid proxy certficate$"


def directory():
    return Directory(
        [Account(ALICE, password="wonder"), Account(EVE)],
        unknown_groups=[30000],
        unknown_memberships=["skaha-users"],
    )


def authenticator(mode="any", *, manager="oidc", anonymous_status=401, app_tokens=lambda token: None):
    rules = AuthRules(
        mode, anonymous_status=anonymous_status, challenge_manager=manager, trust_certificate_header=True
    )
    tokens = [KnownToken("sesame", "alice", NOW + 60), KnownToken("evil", "eve")]
    return Authenticator(directory(), TokenIssuer(SEED), rules, tokens, app_tokens=app_tokens)


def bearer(token):
    return {"authorization": f"Bearer {token}"}


def jwt(claims, header=None):
    parts = [json.dumps(part).encode() for part in (header or {"alg": "none"}, claims)] + [b"signature"]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def pem(**options):
    return trustme.CA().issue_cert(**options).cert_chain_pems[0].bytes().decode()


@pytest.fixture(scope="module")
def alice_pem():
    return pem(common_name="alice")


# Who a credential names


@pytest.mark.parametrize(
    ("token", "username"),
    [
        ("alice", "alice"),
        ("dora", "dora"),
        ("sesame", "alice"),
        (TokenIssuer(SEED).issue("dora", NOW), "dora"),
        (TokenIssuer(SEED + 1).issue("dora", NOW), "dora"),
        (jwt({"preferred_username": "dora", "sub": "alice"}), "dora"),
        (jwt({"sub": "dora"}), "dora"),
        (jwt({"preferred_username": "", "sub": "dora"}), "dora"),
        ("not a name!", "user-18352ecb"),
        (jwt({"sub": "3f0b7a52-9c1c-4b0a-9a58-0d6b1e0f5c11"}), "user-"),
        (jwt({"aud": "nobody"}), "user-"),
        (jwt({"sub": 5}), "user-"),
        (jwt(["alice"]), "user-"),
        ("x" * 33, "user-"),
    ],
)
def test_in_mode_any_a_bearer_token_names_its_user(token, username):
    found = authenticator().identify(bearer(token), None, NOW)
    assert found == authenticator().identify(bearer(token), None, NOW + 1)
    if username.startswith("user-"):
        assert found.username.startswith(username)
        assert len(found.username) == len("user-01234567")
    else:
        assert found.username == username


def test_two_tokens_of_one_subject_name_one_user():
    first = authenticator().identify(bearer(jwt({"sub": "a|b", "jti": 1})), None, NOW)
    second = authenticator().identify(bearer(jwt({"sub": "a|b", "jti": 2})), None, NOW)
    other = authenticator().identify(bearer(jwt({"sub": "a|c", "jti": 1})), None, NOW)
    assert first == second != other


def test_a_configured_user_is_who_the_configuration_says():
    assert authenticator().identify(bearer("alice"), None, NOW) == ALICE


def test_an_unknown_user_gets_a_stable_uid_and_the_groups_for_unknown_users():
    dora = directory().identity("dora")
    assert dora == Identity("dora", dora.uid, dora.uid, (30000,), frozenset({"skaha-users"}))
    assert dora.uid == 199_639_716


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_derived_uid_is_one_kubernetes_accepts_and_does_not_change(name):
    uid = directory().identity(name).uid
    assert 1_000_000 <= uid < 2**31 - 1
    assert uid == directory().identity(name).uid


def test_names_of_accounts_are_label_values():
    assert all(map(is_username, ["a", "alice", "Alice_B-1.x", "a" * 32]))
    assert not any(map(is_username, ["", "1a", "a-", "a.", "a b", "a" * 33, "é", "alice\n"]))


def test_the_scheme_is_not_case_sensitive_and_space_does_not_count():
    assert authenticator().identify({"authorization": "bearer   alice "}, None, NOW) == ALICE


@pytest.mark.parametrize("cookie", ["CADC_SSO={}", 'a=b; CADC_SSO="{}"; c=d', "x;CADC_SSO={};CADC_SSO=no"])
@pytest.mark.parametrize("mode", ["any", "strict"])
def test_the_sso_cookie_carries_a_login_token(mode, cookie):
    headers = {"cookie": cookie.format(TokenIssuer(SEED).issue("alice", NOW))}
    assert authenticator(mode).identify(headers, None, NOW) == ALICE


@pytest.mark.parametrize("headers", [{}, {"cookie": "a=b; XCADC_SSO=alice"}, {"cookie": "CADC_SSO="}])
def test_who_says_nothing_is_nobody(headers):
    assert authenticator("strict").identify(headers, None, NOW) is None


@pytest.mark.parametrize("mode", ["any", "strict"])
def test_the_name_of_a_client_certificate_is_the_user(mode):
    assert authenticator(mode).identify({}, "alice", NOW) == ALICE


@pytest.mark.parametrize(
    "written",
    [
        lambda text: text,
        lambda text: text.replace("\n", " "),
        lambda text: text.replace("\n", "%0A").replace("+", "%2B"),
        lambda text: text + pem(common_name="issuer"),
    ],
    ids=["plain", "folded", "escaped", "chain"],
)
def test_a_certificate_may_come_in_a_header(written, alice_pem):
    assert authenticator("strict").identify({"x-client-certificate": written(alice_pem)}, None, NOW) == ALICE


@pytest.mark.differs(
    "strict authentication ignores the header `X-Client-Certificate`, which anybody could send; "
    "`auth.trust_certificate_header: true` behind a proxy that sets it"
)
def test_strict_mode_believes_no_certificate_in_a_header_unless_told_to(alice_pem):
    strict = Authenticator(directory(), TokenIssuer(SEED), AuthRules("strict"))
    assert strict.identify({"x-client-certificate": alice_pem}, None, NOW) is None


def test_a_proxy_certificate_names_its_owner_before_its_serial_number():
    names = [("C", "ca"), ("O", "hia"), ("CN", "alice"), ("CN", "1234567")]
    subject = x509.Name.from_rfc4514_string(",".join(f"{key}={name}" for key, name in reversed(names)))
    key = ec.generate_private_key(ec.SECP256R1())
    proxy = (
        x509.CertificateBuilder(subject, subject, key.public_key(), serial_number=5)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    header = proxy.public_bytes(Encoding.PEM).decode()
    assert authenticator("strict").identify({"x-client-certificate": header}, None, NOW) == ALICE


def test_the_first_credential_counts(alice_pem):
    headers = {"cookie": "CADC_SSO=dora", "x-client-certificate": alice_pem}
    find = authenticator().identify
    assert find({**headers, "authorization": "Bearer eve"}, "bob", NOW).username == "eve"
    assert find(headers, "bob", NOW).username == "bob"
    assert find(headers, None, NOW).username == "alice"


# Credentials that do not hold


@pytest.mark.parametrize(
    ("manager", "token", "text"),
    [
        ("oidc", "alice", "Invalid JWT token"),
        ("oidc", "a.b.c", "Invalid JWT token"),
        ("oidc", TokenIssuer(SEED + 1).issue("alice", NOW), "Invalid JWT token"),
        ("oidc", jwt({"sub": "alice"}), "Cannot validate token using user info endpoint"),
        ("cadc", "alice", "unhandled auth: Authorization Bearer alice"),
        ("cadc", TokenIssuer(SEED + 1).issue("alice", NOW), "cannot verify signature"),
    ],
)
def test_in_mode_strict_only_known_tokens_hold(manager, token, text):
    with pytest.raises(InvalidToken) as refusal:
        authenticator("strict", manager=manager).identify(bearer(token), None, NOW)
    assert str(refusal.value) == text


@pytest.mark.parametrize("mode", ["any", "strict"])
@pytest.mark.parametrize(("manager", "text"), [("oidc", "Token has expired"), ("cadc", "expired")])
def test_a_token_expires_also_when_it_was_seen_before(mode, manager, text):
    who = authenticator(mode, manager=manager)
    for token, expires in [
        ("sesame", NOW + 60),
        (TokenIssuer(SEED).issue("alice", NOW), NOW + LIFETIME_SECONDS),
    ]:
        assert who.identify(bearer(token), None, expires - 0.001) == ALICE
        with pytest.raises(InvalidToken) as refusal:
            who.identify(bearer(token), None, expires)
        assert str(refusal.value) == text


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("", "missing authorization challenge"),
        ("Bearer", "missing authorization challenge"),
        ("Bearer  ", "missing authorization challenge"),
        ("Basic YTpi", "unhandled auth: Authorization Basic YTpi"),
    ],
)
@pytest.mark.parametrize("mode", ["any", "strict"])
def test_an_authorization_without_bearer_token_is_refused(mode, header, text):
    with pytest.raises(InvalidToken) as refusal:
        authenticator(mode).identify({"authorization": header}, None, NOW)
    assert str(refusal.value) == text


def test_a_bad_cookie_is_named():
    with pytest.raises(InvalidToken, match=r"^invalid cookie: Bad token\.alice$"):
        authenticator("strict").identify({"cookie": "CADC_SSO=alice"}, None, NOW)


@pytest.mark.parametrize(
    "header",
    [
        "alice",
        "-----BEGIN CERTIFICATE-----!-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----QUJD-----END CERTIFICATE-----",
        "%zz",
    ],
)
def test_a_bad_certificate_is_forbidden(header):
    with pytest.raises(Forbidden, match=BAD_CERTIFICATE):
        authenticator().identify({"x-client-certificate": header}, None, NOW)


def test_a_certificate_without_a_common_name_is_forbidden():
    nameless = trustme.CA().issue_cert("alice.example").cert_chain_pems[0].bytes().decode()
    with pytest.raises(Forbidden, match=BAD_CERTIFICATE):
        authenticator().identify({"x-client-certificate": nameless}, None, NOW)


def test_a_certificate_expires_in_model_time(alice_pem):
    year_3000 = 32_503_680_000
    who = authenticator()
    assert who.identify({"x-client-certificate": alice_pem}, None, year_3000 - 1) == ALICE
    with pytest.raises(Forbidden, match=BAD_CERTIFICATE):
        who.identify({"x-client-certificate": alice_pem}, None, year_3000)


def test_in_mode_strict_a_certificate_of_a_stranger_has_no_account():
    with pytest.raises(Forbidden, match=r"^No POSIX Principal$"):
        authenticator("strict").identify({}, "mallory", NOW)


# Who may use Skaha


def test_in_mode_strict_callers_are_in_the_users_group():
    who = authenticator("strict")
    with pytest.raises(Forbidden, match=r"^Not authorized to use the skaha system$"):
        who.identify(bearer("evil"), None, NOW)
    assert who.authenticate(bearer("evil"), None, NOW) == EVE
    assert authenticator("any").identify(bearer("evil"), None, NOW) == EVE


def test_a_desktop_app_token_counts_only_for_the_anonymous_and_needs_no_group():
    who = authenticator("strict", app_tokens={"app-token": EVE}.get)
    assert who.identify({"x-auth-token-skaha": "app-token"}, None, NOW) == EVE
    assert who.authenticate({"x-auth-token-skaha": "app-token"}, None, NOW) is None
    assert who.identify({"x-auth-token-skaha": "app-token", **bearer("sesame")}, None, NOW) == ALICE
    with pytest.raises(Forbidden, match=r"^Invalid auth token$"):
        who.identify({"x-auth-token-skaha": "other"}, None, NOW)


def test_a_bad_bearer_token_is_not_saved_by_an_app_token():
    who = authenticator("strict", app_tokens={"app-token": EVE}.get)
    with pytest.raises(InvalidToken):
        who.identify({"x-auth-token-skaha": "app-token", **bearer("bad")}, None, NOW)


@pytest.mark.parametrize(
    ("status", "kind", "text"),
    [
        (401, NotAuthenticated, "Unauthorized"),
        (400, InvalidRequest, "cannot get group memberships for anonymous"),
    ],
)
def test_nobody_is_told_so(status, kind, text):
    refusal = authenticator(anonymous_status=status).anonymous_refusal()
    assert (type(refusal), refusal.status, str(refusal)) == (kind, status, text)


LOGIN = "http://127.0.0.1:8080/ac/login"
PASSWORD = f'ivoa_bearer standard_id="ivo://ivoa.net/sso#tls-with-password", access_url="{LOGIN}"'


@pytest.mark.parametrize(
    ("manager", "login_url", "error", "expected"),
    [
        ("oidc", None, None, ["Bearer"]),
        ("oidc", LOGIN, None, [f"{PASSWORD}, HACK=temporary", "Bearer"]),
        ("cadc", None, None, ["ivoa_cookie", "ivoa_x509", "Bearer"]),
        ("cadc", LOGIN, None, [PASSWORD, "ivoa_cookie", "ivoa_x509", "Bearer"]),
        (
            "oidc",
            None,
            InvalidToken("Token has expired"),
            ['Bearer error="invalid_token", error_description="Token has expired"'],
        ),
        ("oidc", None, NotAuthenticated("Unauthorized"), ["Bearer"]),
    ],
)
def test_the_unauthenticated_are_challenged(manager, login_url, error, expected):
    lines = authenticator(manager=manager).challenges(login_url, error)
    assert lines == [("WWW-Authenticate", value) for value in expected]


@given(st.text())
def test_a_challenge_is_one_header_line_whatever_was_sent(token):
    [(_, value)] = challenges("oidc", error=token)
    prefix = 'Bearer error="invalid_token", error_description="'
    assert value.startswith(prefix)
    assert value.endswith('"')
    assert value.isascii()
    assert "\n" not in value
    assert "\r" not in value
    inside = value.removeprefix(prefix)[:-1].replace("\\\\", "").replace('\\"', "")
    assert '"' not in inside
    assert not inside.endswith("\\")


# What holds for everything that can be sent

header_text = st.text([chr(code) for code in range(1, 256)])


@given(
    mode=st.sampled_from(["any", "strict"]),
    headers=st.dictionaries(
        st.sampled_from(["authorization", "cookie", "x-client-certificate", "x-auth-token-skaha"]),
        st.one_of(
            header_text,
            header_text.map("Bearer {}".format),
            header_text.map("CADC_SSO={}".format),
            st.binary().map(
                lambda der: (
                    f"-----BEGIN CERTIFICATE-----{base64.b64encode(der).decode()}-----END CERTIFICATE-----"
                )
            ),
        ),
    ),
)
def test_whatever_is_sent_is_somebody_nobody_or_refused(mode, headers):
    who = authenticator(mode)
    try:
        found = who.identify(headers, None, NOW)
    except (InvalidToken, Forbidden):
        return
    assert found is None or found.username in {"alice", "eve"} or is_username(found.username)


@given(header_text)
def test_in_mode_any_every_bearer_token_is_somebody(token):
    if token.strip():
        assert authenticator().identify(bearer(token), None, NOW) is not None


def test_secrets_are_not_printed():
    shown = repr(
        [KnownToken("sesame", "alice"), Account(ALICE, password="wonder"), authenticator(), TokenIssuer(SEED)]
    )
    assert "sesame" not in shown
    assert "wonder" not in shown


def test_only_the_latest_credentials_are_remembered():
    who = Authenticator(directory(), TokenIssuer(SEED), remembered=2)
    for number in range(10):
        who.identify(bearer(f"user{number}"), None, NOW)
    assert who._by_authorization.cache_info().currsize == 2
