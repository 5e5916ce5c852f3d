import json
from dataclasses import dataclass, field
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockskaha.auth import Account, Authenticator, AuthRules, Directory
from mockskaha.http.exchange import Answer, Call
from mockskaha.http.handlers import access_control
from mockskaha.http.parameters import parse
from mockskaha.identity import Identity
from mockskaha.tokens import TokenIssuer

pytestmark = pytest.mark.evidence("skaha-contract §8.5, §8.6")

NOW = 1_800_000_000.0
ALICE = Identity("alice", 10001, 10001, (34241,), frozenset({"skaha-users"}))
BOB = Identity("bob", 10002, 10002, (), frozenset({"skaha-users"}))
DETAILS = {
    "first_name": "Alice",
    "last_name": "O'Hara & <Sons>",
    "email": "alice@example.org",
    "institute": "Herzberg",
}


@dataclass
class Site:
    mode: str = "any"
    base_url: str = "http://127.0.0.1:8080"
    issuer: TokenIssuer = field(default_factory=lambda: TokenIssuer(7))
    directory: Directory = field(init=False)
    authenticator: Authenticator = field(init=False)

    def __post_init__(self):
        accounts = [Account(ALICE, **DETAILS, password="wönder"), Account(BOB)]
        self.directory = Directory(accounts, unknown_memberships=["skaha-users"])
        self.authenticator = Authenticator(self.directory, self.issuer, AuthRules(self.mode))

    def now(self):
        return NOW


def login(site, **form):
    body = "&".join(f"{name}={value}" for name, value in form.items()).encode()
    parameters = parse("POST", b"", "application/x-www-form-urlencoded", body)
    return access_control.login(site, Call("POST", "/ac/login", (), parameters))


def user(name, identity, *, query=b"idType=HTTP", accept="*/*"):
    parameters = parse("GET", query, None, b"")
    request = Call("GET", f"/ac/users/{name}", (name,), parameters, {"accept": accept}, identity)
    return access_control.get_user(Site(), request)


@pytest.mark.parametrize("mode", ["any", "strict"])
@pytest.mark.parametrize(("name", "password"), [("alice", "w%F6nder"), ("bob", "whatever")])
def test_a_login_buys_a_token_that_names_the_user(mode, name, password):
    site = Site(mode)
    answer = login(site, username=name, password=password)
    token = site.issuer.issue(name, NOW)
    assert answer == Answer(
        token.encode(), "text/plain", 200, (("x-vo-authenticated", name), ("x-vo-bearer", token))
    )
    found = site.authenticator.identify({"authorization": f"Bearer {token}"}, None, NOW)
    assert found == site.directory.identity(name)


def test_in_mode_any_everybody_logs_in():
    assert login(Site(), username="dora", password="x").status == 200


def test_a_scope_is_kept_in_the_token():
    token = login(Site(), username="bob", password="x", scope="ivo://a/b").body.decode()
    assert Site().issuer.read(token).scope == "ivo://a/b"


@pytest.mark.parametrize(
    ("mode", "form", "status", "text"),
    [
        ("any", {}, 400, "Missing username"),
        ("any", {"username": "", "password": "x"}, 400, "Missing username"),
        ("any", {"username": "bob"}, 400, "Missing password"),
        ("any", {"username": "bob", "password": ""}, 400, "Missing password"),
        ("any", {"username": "bob", "password": "x", "scope": "a%20b"}, 400, "Invalid scope: a b"),
        ("any", {"username": "nobody", "password": "x", "scope": "%25"}, 400, "Invalid scope: %"),
        ("any", {"username": "no body", "password": "x"}, 401, "Invalid username"),
        ("any", {"username": "alice", "password": "x"}, 401, "Invalid password"),
        ("strict", {"username": "alice", "password": "x"}, 401, "Invalid password"),
        ("strict", {"username": "dora", "password": "x"}, 401, "Invalid username"),
    ],
)
def test_a_refused_login_says_why_without_a_newline(mode, form, status, text):
    assert login(Site(mode), **form) == Answer(text.encode(), "text/plain", status)


@given(st.text([chr(code) for code in range(256)], min_size=1).filter(lambda text: text != "wönder"))
def test_only_the_configured_password_opens_the_account(password):
    form = "".join(f"%{byte:02x}" for byte in password.encode("latin-1"))
    assert login(Site(), username="alice", password=form).body == b"Invalid password"


@pytest.mark.parametrize(("name", "quoted"), [("alice", "alice"), ("a/b c?", "a%2Fb%20c%3F")])
def test_whoami_leads_to_the_account(name, quoted):
    request = Call("GET", "/ac/whoami", (), parse("GET", b"", None, b""), identity=Identity(name, 1, 1))
    location = f"http://127.0.0.1:8080/ac/users/{quoted}?idType=HTTP"
    assert access_control.whoami(Site(), request) == Answer(status=302, headers=(("Location", location),))


def test_whoami_of_nobody_is_401_and_empty():
    request = Call("GET", "/ac/whoami", (), parse("GET", b"", None, b""))
    assert access_control.whoami(Site(), request) == Answer(status=401)


@pytest.mark.parametrize("accept", ["application/json", "text/html, Application/JSON;q=0.9"])
def test_an_account_as_json(accept):
    answer = user("alice", ALICE, accept=accept)
    uuid = "00000000-0000-0000-0000-000000002711"
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert json.loads(answer.body) == {
        "user": {
            "internalID": {"uri": {"$": f"ivo://cadc.nrc.ca/gms?{uuid}"}},
            "identities": {
                "$": [
                    {"identity": {"@type": "HTTP", "$": "alice"}},
                    {"identity": {"@type": "CADC", "$": uuid}},
                ]
            },
            "personalDetails": {
                "firstName": {"$": "Alice"},
                "lastName": {"$": "O'Hara & <Sons>"},
                "email": {"$": "alice@example.org"},
                "institute": {"$": "Herzberg"},
            },
            "posixDetails": {
                "username": {"$": "alice"},
                "uid": {"$": 10001},
                "gid": {"$": 10001},
                "homeDirectory": {"$": "/home/alice"},
            },
        }
    }


def test_an_account_as_xml():
    answer = user("alice", ALICE, query=b"")
    assert (answer.status, answer.content_type) == (200, "text/xml")
    root = ElementTree.fromstring(answer.body)
    uuid = "00000000-0000-0000-0000-000000002711"
    assert [(node.tag, node.attrib, (node.text or "").strip()) for node in root.iter()] == [
        ("user", {}, ""),
        ("internalID", {}, ""),
        ("uri", {}, f"ivo://cadc.nrc.ca/gms?{uuid}"),
        ("identities", {}, ""),
        ("identity", {"type": "HTTP"}, "alice"),
        ("identity", {"type": "CADC"}, uuid),
        ("personalDetails", {}, ""),
        ("firstName", {}, "Alice"),
        ("lastName", {}, "O'Hara & <Sons>"),
        ("email", {}, "alice@example.org"),
        ("institute", {}, "Herzberg"),
        ("posixDetails", {}, ""),
        ("username", {}, "alice"),
        ("uid", {}, "10001"),
        ("gid", {}, "10001"),
        ("homeDirectory", {}, "/home/alice"),
    ]


def test_lines_of_xml_end_with_crlf_or_lf():
    request = Call("GET", "/ac/users/bob", ("bob",), parse("GET", b"", None, b""), identity=BOB)
    dos, unix = (access_control.get_user(Site(), request, crlf=crlf).body for crlf in (True, False))
    assert b"\r" not in unix
    assert dos == unix.replace(b"\n", b"\r\n")


def test_details_nobody_configured_are_left_out():
    personal = json.loads(user("bob", BOB, accept="application/json").body)["user"]["personalDetails"]
    assert personal == {}


def test_whoever_is_not_configured_has_an_account_of_their_own():
    dora = Site().directory.identity("dora")
    found = json.loads(user("dora", dora, accept="application/json").body)["user"]
    assert found["posixDetails"]["uid"] == {"$": dora.uid}
    assert found["personalDetails"] == {"firstName": {"$": "dora"}}


@pytest.mark.parametrize(
    ("name", "identity", "query", "status", "text"),
    [
        ("alice", None, b"idType=HTTP", 403, "Permission Denied"),
        ("bob", ALICE, b"idType=HTTP", 403, "Permission Denied"),
        ("dora", ALICE, b"idType=HTTP", 404, "User not found: dora"),
        ("alice", ALICE, b"idType=X500", 404, "User not found: alice"),
    ],
)
def test_accounts_one_does_not_see(name, identity, query, status, text):
    assert user(name, identity, query=query) == Answer(text.encode(), "text/plain", status)
