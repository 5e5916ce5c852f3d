"""Platforms side by side: namespaces never meet."""

import httpx
import httpx2
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from mockskaha import host as hosts
from mockskaha.config import Settings
from mockskaha.host import BadNamespace, Host, Server, check_name, route
from mockskaha.inprocess import transport
from mockskaha.seed import read_seed

pytestmark = pytest.mark.evidence("our own: namespaces")

IMAGE = "images.canfar.net/skaha/terminal:1.1.2"
LAUNCH = {"name": "n", "image": IMAGE, "cmd": "sleep", "args": "infinity"}


def client(host, name="", user="alice", library=httpx):
    return library.Client(
        base_url=f"{host.url_of(name)}/skaha/v1/",
        transport=transport(host, library),
        headers={"authorization": f"Bearer {user}"},
    )


@pytest.fixture
def host():
    return Host(Settings(clock="manual"), "http://mockskaha")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/skaha/v1/session", ("", "/skaha/v1/session")),
        ("/ns/a/skaha/v1/session", ("a", "/skaha/v1/session")),
        ("/ns/a", ("a", "")),
        ("/ns/", ("", "")),
        ("/ns/a/ns/b/skaha", ("a", "/ns/b/skaha")),
        ("/nsx/skaha", ("", "/nsx/skaha")),
    ],
)
def test_the_namespace_of_a_path(path, expected):
    assert route(path) == expected


@pytest.mark.parametrize("name", ["", "-a", "A", "a_b", "a" * 64, "ä", "..", "a/b", "vera", "v1"])
def test_names_that_no_namespace_can_have(name):
    with pytest.raises(BadNamespace, match="cannot be the name"):
        check_name(name)


def test_a_name_with_v_would_break_the_real_client_and_says_so():
    with pytest.raises(BadNamespace, match="canfar client cuts URLs at the first '/v'"):
        check_name("vera")


def test_a_namespace_is_made_when_it_is_first_asked_for_and_has_its_own_url(host):
    with client(host, "a") as skaha:
        desktop = skaha.post("session", data={"name": "d", "image": IMAGE, "type": "desktop"}).text.strip()
        (session,) = skaha.get("session").json()
    assert session["connectURL"].startswith(f"http://mockskaha/ns/a/session/desktop/{desktop}/")
    assert [namespace.name for namespace in host] == ["", "a"]
    host.base_url = "http://127.0.0.1:9"
    assert host.find("a").platform.base_url == "http://127.0.0.1:9/ns/a"


def test_at_most_so_many(host, monkeypatch):
    monkeypatch.setattr(hosts, "MOST_NAMESPACES", 2)
    host.create("a")
    host.create("b")
    with pytest.raises(BadNamespace, match="there is a namespace 'a' already"):
        host.create("a")
    with pytest.raises(BadNamespace, match="which is the most; remove some"):
        host.create("c")
    assert host.remove("a")
    assert not host.remove("a")
    host.create("c")


def test_each_begins_with_the_hosts_seed():
    seed = read_seed(
        f"sessions: [{{user: alice, name: old, image: {IMAGE}, cmd: sleep, age: 1h, args: infinity}}]"
    )
    host = Host(Settings(clock="manual"), "http://mockskaha", seed=seed)
    for name in ("", "a"):
        with client(host, name) as skaha:
            assert [session["name"] for session in skaha.get("session").json()] == ["old"]


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_both_libraries_reach_it_in_process(host, library):
    with client(host, library=library) as skaha:
        made = skaha.post("session", data=LAUNCH)
        assert (made.status_code, made.headers["content-type"]) == (200, "text/plain")
        assert skaha.get(f"session/{made.text.strip()}").json()["name"] == "n"
        assert skaha.get("image").json()


async def asked(app, path, method="GET"):
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": path, "query_string": b"", "headers": [(b"host", b"x")],
        "client": ("127.0.0.1", 1), "scheme": "http",
    }  # fmt: skip
    await app(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


def test_the_server_routes_by_path_and_refuses_bad_names(host):
    app = Server(host)

    def ask(path):
        try:
            asked(app, path).send(None)
        except StopIteration as answer:
            return answer.value
        raise AssertionError("it waited")

    assert ask("/skaha/v1/image")[0] == 401
    assert ask("/ns/a/skaha/v1/image")[0] == 401
    status, body = ask("/ns/Bad/skaha/v1/image")
    assert (status, b"'Bad' cannot be the name of a namespace" in body) == (404, True)
    assert ask("/ns/a/nowhere")[0] == 404
    assert [namespace.name for namespace in host] == ["", "a"]


class Apart(RuleBasedStateMachine):
    """Three namespaces and, for each, what should be in it. Ids are equal across them, being of one seed."""

    sessions = Bundle("sessions")

    def __init__(self):
        super().__init__()
        self.host = Host(Settings(clock="manual", profile="instant"), "http://mockskaha")
        self.there = {name: {"alice": set(), "bob": set()} for name in ("", "a", "b")}
        self.times = dict.fromkeys(self.there, 0.0)
        self.clients = {
            (name, user): client(self.host, name, user) for name in self.there for user in ("alice", "bob")
        }

    who = st.tuples(st.sampled_from(["", "a", "b"]), st.sampled_from(["alice", "bob"]))

    @rule(target=sessions, who=who)
    def create(self, who):
        name, user = who
        made = self.clients[who].post("session", data=LAUNCH).text.strip()
        assert made not in self.there[name][user]
        self.there[name][user].add(made)
        return name, user, made

    @rule(session=consumes(sessions))
    def delete(self, session):
        name, user, made = session
        assert self.clients[name, user].delete(f"session/{made}").status_code == 200
        self.there[name][user].discard(made)

    @rule(name=st.sampled_from(["", "a", "b"]), seconds=st.sampled_from([1.0, 3600.0]))
    def advance(self, name, seconds):
        self.host.namespace(name).platform.advance(seconds)
        self.times[name] += seconds

    @rule(name=st.sampled_from(["", "a", "b"]))
    def reset(self, name):
        self.host.namespace(name).reset()
        self.there[name] = {"alice": set(), "bob": set()}
        self.times[name] = 0.0

    @invariant()
    def each_has_its_own(self):
        for (name, user), skaha in self.clients.items():
            found = {session["id"] for session in skaha.get("session").json()}
            assert found == self.there[name][user]
            assert self.host.namespace(name).platform.time == self.times[name]


Apart.TestCase.settings = Apart.TestCase.settings.__class__(
    deadline=None, max_examples=20, stateful_step_count=15
)
test_namespaces_never_meet = Apart.TestCase
test_namespaces_never_meet.pytestmark = [pytest.mark.evidence("our own: namespaces")]
