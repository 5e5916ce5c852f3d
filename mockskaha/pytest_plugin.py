"""Fixtures for tests of whatever talks to Skaha. pytest finds this by itself wherever mockskaha is installed.

``skaha`` is a platform in this process, ``skaha_server`` one behind a live server, each fresh for every test.
``@pytest.mark.skaha(…)`` says what they are made with; ``skaha_version`` is the parameter of tests that run against
several versions of Skaha. Every pytest run imports this file, so it imports nothing
else: what a fixture needs is loaded when the first test asks for it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mockskaha.testing.live import LiveServer
    from mockskaha.testing.service import Skaha

MARK = "skaha"
VERSION = "skaha_version"
_ALL = "all"
_OPTIONS = "profile=, version=, cluster=, seed=, clock=, speed=, epoch=, faults=, settings=, state="
_SHOWN = pytest.StashKey[dict[str, "Skaha"]]()
"""The platforms of a test, by the fixture they come from: what they have to say when it fails."""
_PROBLEM = pytest.StashKey[str]()
_NAMESPACES = pytest.StashKey[int]()


_VERSIONS = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("mockskaha", "Skaha, offline").addoption(
        "--skaha-versions",
        metavar="VERSIONS",
        help="run each test that uses skaha or skaha_server once against each of these versions of Skaha: "
        "all, or some, 0.29,1.4",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", f"{MARK}({_OPTIONS}): what the fixtures skaha and skaha_server are made with"
    )
    if given := config.getoption("--skaha-versions"):
        from mockskaha.era import UnknownVersion, version_named

        try:
            named = [version_named(name.strip()) for name in _several(given.split(","))]
            config.stash[_VERSIONS] = list(dict.fromkeys(named))
        except UnknownVersion as error:
            raise pytest.UsageError(f"--skaha-versions: {error}") from None


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test of several versions is a test of each. What it says itself holds, in the first place its parameters."""
    if VERSION not in metafunc.fixturenames:
        return
    item = metafunc.definition
    if any(VERSION in _names(mark) for mark in item.iter_markers("parametrize")):
        return
    marked = next(
        (mark.kwargs["version"] for mark in item.iter_markers(MARK) if "version" in mark.kwargs), None
    )
    versions = metafunc.config.stash.get(_VERSIONS, None) if marked is None else _several(marked)
    if versions is not None:
        # As a marker, it stands in place of whatever parameters the fixture has in a conftest.py.
        item.add_marker(pytest.mark.parametrize(VERSION, versions, ids=str, indirect=True))


def _names(mark: pytest.Mark) -> list[str]:
    """What a marker ``parametrize`` has values for."""
    names = mark.args[0] if mark.args else mark.kwargs.get("argnames", ())
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)


def _several(given: Any) -> list[Any]:
    """The versions that a marker or the option means, each as it was given."""
    named = list(given) if isinstance(given, list | tuple) else [given]
    if named != [_ALL]:
        return named
    from mockskaha.era import VERSIONS

    return list(VERSIONS)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A mistake in a marker ends the run before it begins. Only tests that are going to run are looked at."""
    problems: dict[str, str] = {}
    for item in items:
        if item.get_closest_marker(MARK) is None:
            continue
        try:
            options = _marked(item) | _versioned(_parameter(item))
            if _several(options.get("version")) != [options.get("version")]:
                del options["version"]  # a test without a platform
            key = repr(options)
            if key not in problems:
                problems[key] = _problem(options)
            problem = problems[key]
        except TypeError as error:
            problem = str(error)
        if problem and not hasattr(config, "workerinput"):
            raise pytest.UsageError(f"{item.nodeid}: @pytest.mark.{MARK}: {problem}")
        item.stash[_PROBLEM] = problem


def pytest_runtest_setup(item: pytest.Item) -> None:
    """In a parallel worker, where a usage error would be lost, it fails the test."""
    if problem := item.stash.get(_PROBLEM, ""):
        pytest.fail(f"@pytest.mark.{MARK}: {problem}", pytrace=False)


def _marked(item: pytest.Item) -> dict[str, Any]:
    """The options of all markers of a test; the closer one wins. Raises ``TypeError`` for one without a name."""
    options: dict[str, Any] = {}
    for mark in reversed(list(item.iter_markers(MARK))):
        if mark.args:
            raise TypeError(f"takes keywords only: {_OPTIONS}")
        options |= mark.kwargs
    return options


def _parameter(item: pytest.Item) -> Any:
    """The version that this test of several is for."""
    callspec = getattr(item, "callspec", None)
    return None if callspec is None else callspec.params.get(VERSION)


def _versioned(version: Any) -> dict[str, Any]:
    return {} if version is None else {"version": version}


def _problem(options: dict[str, Any]) -> str:
    from mockskaha.testing.options import BadOptions, beginning

    try:
        beginning(options)
    except BadOptions as error:
        return str(error)
    return ""


@pytest.fixture
def skaha_options() -> dict[str, Any]:
    """What ``skaha`` and ``skaha_server`` are made with where no marker says otherwise. To be overridden in a
    ``conftest.py``; the keywords are those of the marker."""
    return {}


@pytest.fixture
def skaha_version(request: pytest.FixtureRequest) -> str | None:
    """Which Skaha the platforms of a test are, where it runs against several; ``None``: the one its options say.
    To be parametrised, by the marker, by ``--skaha-versions`` or in a ``conftest.py``."""
    asked = getattr(request, "param", None)
    if asked is None:
        return None
    from mockskaha.era import version_named

    return version_named(asked)


@pytest.fixture
def skaha(
    request: pytest.FixtureRequest, skaha_options: dict[str, Any], skaha_version: str | None
) -> Iterator[Skaha]:
    """A Skaha platform in this process, fresh for this test, whose time stands still until told to move."""
    from mockskaha.testing.inprocess import started

    made = started({**skaha_options, **_marked(request.node), **_versioned(skaha_version)})
    _show(request, made)
    yield made
    made.close()


@pytest.fixture(scope="session")
def skaha_live() -> Iterator[LiveServer]:
    """The live server behind ``skaha_server``: one for a test run, or for each of its parallel workers."""
    from mockskaha.testing.live import LiveServer

    with LiveServer() as server:
        yield server


@pytest.fixture
def skaha_server(
    request: pytest.FixtureRequest,
    skaha_live: LiveServer,
    skaha_options: dict[str, Any],
    skaha_version: str | None,
) -> Iterator[Skaha]:
    """A Skaha platform behind a live server on a port of 127.0.0.1, fresh for this test. Its time follows the wall
    clock, unless ``clock="manual"``."""
    stash = request.config.stash
    stash[_NAMESPACES] = number = stash.get(_NAMESPACES, 0) + 1
    name = f"test-{number}"
    made = skaha_live.create(name, {**skaha_options, **_marked(request.node), **_versioned(skaha_version)})
    _show(request, made)
    yield made
    skaha_live.remove(name)


@pytest.fixture
def skaha_env(skaha_server: Skaha, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Points ``canfar``, ``skahaclient`` and programs started by this test at ``skaha_server``, by environment
    variables; returns them."""
    variables = skaha_server.environment()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def _show(request: pytest.FixtureRequest, made: Skaha) -> None:
    request.node.stash.setdefault(_SHOWN, {})[request.fixturename or MARK] = made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails tells what its platform was asked for, and what waits there."""
    report = yield
    if report.failed and report.when != "teardown":
        for name, made in item.stash.get(_SHOWN, {}).items():
            try:
                text = made.report()
            except Exception as error:  # what a test broke does not break the report of it
                text = f"it cannot tell: {error!r}"
            report.sections.append((f"{name}: {made.origin}", text))
    return report
