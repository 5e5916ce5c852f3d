"""Which operation a path reaches, by Skaha's own rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockskaha.contract import operations
from mockskaha.http.operations import METHODS, resolve

pytestmark = pytest.mark.evidence("skaha-contract §1, §1.1")

SESSION = "/skaha/v1/session"


@pytest.mark.parametrize(
    ("path", "operation", "segments"),
    [
        ("", "listSessions", ()),
        ("/", "getSession", ("",)),
        ("//", "getSession", ("",)),
        ("/abc", "getSession", ("abc",)),
        ("/abc/", "getSession", ("abc",)),
        ("/abc//", "getSession", ("abc",)),
        ("/abc/app", "listApps", ("abc", "app")),
        ("/abc/banana", "listApps", ("abc", "banana")),
        ("/abc/app/", "listApps", ("abc", "app")),
        ("//app", "listApps", ("", "app")),
        ("/abc/app/x1y", "getApp", ("abc", "app", "x1y")),
        ("/abc/banana/x1y/", "getApp", ("abc", "banana", "x1y")),
        ("/a/b/c/d", "tooDeep", ("a/b/c/d",)),
        ("/a/b/c/d/e", "tooDeep", ("a/b/c/d/e",)),
    ],
)
def test_paths_below_session(path, operation, segments):
    target = resolve("GET", SESSION + path)
    assert (target.operation_id, target.segments) == (operation, segments)


def test_an_empty_id_can_be_taken_for_the_list():
    assert resolve("GET", f"{SESSION}/", empty_session_id=False).operation_id == "listSessions"


@pytest.mark.parametrize(
    "path",
    [
        "/", "/skaha/v1", "/skaha/v1/", "/skaha/v1/sessions", "/skaha/v1/sessionx/a", "/skaha/v0/session",
        "/skaha/session", "/session", "/skaha/v1/images", "/skaha/v1/imagex", "/skaha/v1/Session",
        "/skaha/swagger-ui/", "/skaha/swagger-ui/a/b", "/ac/users/", "/ac/users/a/b", "/session/carta/", "/nothing",
    ],
)  # fmt: skip
def test_other_paths_do_not_exist(path):
    for method in ("GET", "POST", "DELETE", "PUT"):
        assert resolve(method, path) is None


@pytest.mark.parametrize("name", ["image", "context", "repository"])
def test_further_path_is_ignored_there(name):
    wanted = resolve("GET", f"/skaha/v1/{name}").operation_id
    for suffix in ("/", "/x", "/x/y", "//"):
        assert resolve("GET", f"/skaha/v1/{name}{suffix}").operation_id == wanted


def test_every_operation_of_the_contract_is_routed_and_no_other():
    routed = {
        (route.method, path, route.operation_id) for path, at in METHODS.items() for route in at.values()
    }
    assert routed == {(op.method, op.path, op.operation_id) for op in operations()}


@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS"]),
    rest=st.lists(st.sampled_from(["/", "a", "app", "%", " ", "é", "..", "a/b/c/d"])).map("".join),
)
def test_everything_below_session_reaches_something(method, rest):
    target = resolve(method, f"{SESSION}/{rest}")
    assert target is not None
    assert bool(target.operation_id) == (method in ("GET", "POST", "DELETE"))
    assert target.operation_id or target.allow == "GET, POST, DELETE"
