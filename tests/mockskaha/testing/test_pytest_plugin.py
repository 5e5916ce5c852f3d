"""The plugin, as projects meet it that use it, and as those that do not."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from mockskaha.pytest_plugin import _OPTIONS
from mockskaha.testing.options import NAMES

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.evidence("ours: the pytest plugin")

HEAVY = {
    "fastapi", "starlette", "pydantic", "httpx", "httpx2", "uvicorn", "yaml", "numpy", "simpy", "skahasim", "orjson",
    "asyncio", "mockskaha.testing", "mockskaha.platform", "mockskaha.config",
}  # fmt: skip
FRESH = """
    import pytest

    @pytest.mark.parametrize("turn", [1, 2])
    def test_fresh(skaha, turn):
        assert skaha.elapsed == 0
        assert skaha.client().get("/session").json() == []
        skaha.until(skaha.launch())

    @pytest.mark.parametrize("turn", [1, 2])
    def test_live(skaha_server, turn):
        assert skaha_server.client().get("/session").json() == []
        skaha_server.launch()
        assert len(skaha_server.client().get("/session").json()) == 1
        assert len(skaha_server.journal) == 2

    def test_both(skaha, skaha_server):
        skaha.launch()
        assert skaha_server.client().get("/session").json() == []

    def test_env(skaha_env, skaha_server):
        import os, subprocess, sys
        assert os.environ["CANFAR_URL"] == skaha_server.url == skaha_env["SKAHA_URL"]
        assert os.environ["CANFAR_TOKEN"] == "alice"

    def test_env_is_gone(skaha_server):
        import os
        assert "CANFAR_URL" not in os.environ and "SKAHA_TOKEN" not in os.environ
"""


def test_importing_it_loads_nothing_heavy():
    """Every pytest run on a machine with mockskaha pays for it."""
    script = (
        "import sys, pytest; before = set(sys.modules); import mockskaha.pytest_plugin;"
        f"print(*sorted((set(sys.modules) - before) & {HEAVY!r}), len(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["2"], "mockskaha and mockskaha.pytest_plugin themselves"


def test_a_run_that_does_not_use_it_loads_nothing_either(pytester: pytest.Pytester):
    pytester.makepyfile(
        f"""
        def test_nothing():
            import sys
            assert not {HEAVY - {"asyncio"}!r} & set(sys.modules)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:xdist", "-p", "no:schemathesis", "-p", "no:hypothesispytest",
                                           "-p", "no:anyio", "-W", "error")  # fmt: skip
    result.assert_outcomes(passed=1)


def test_its_marker_says_what_it_takes(pytester: pytest.Pytester):
    assert tuple(_OPTIONS.replace("=", "").split(", ")) == NAMES
    result = pytester.runpytest("--markers")
    result.stdout.fnmatch_lines([f"@pytest.mark.skaha({_OPTIONS}): *"])
    for name in ("skaha ", "skaha_server ", "skaha_env ", "skaha_options ", "skaha_version ", "skaha_live "):
        pytester.runpytest("--fixtures").stdout.fnmatch_lines([f"{name}*"])


def test_each_test_has_its_own_platform(pytester: pytest.Pytester):
    pytester.makepyfile(FRESH)
    pytester.runpytest("-W", "error", "-p", "no:randomly").assert_outcomes(passed=7)


def test_the_closest_marker_wins_and_options_hold_where_none_says_otherwise(pytester: pytest.Pytester):
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture
        def skaha_options():
            return {"profile": "realistic", "seed": 3}
        """
    )
    pytester.makepyfile(
        """
        import pytest

        pytestmark = pytest.mark.skaha(profile="instant", cluster=[{"name": "n", "count": 1, "cores": 4, "ram_gib": 8}])

        def settings(skaha):
            made = skaha.namespace.platform.settings
            return made.profile, made.seed, made.cluster.node_count

        def test_module(skaha):
            assert settings(skaha) == ("instant", 3, 1)

        @pytest.mark.skaha(profile="chaos", seed=5)
        def test_function(skaha, skaha_server):
            assert settings(skaha) == settings(skaha_server) == ("chaos", 5, 1)

        @pytest.mark.skaha(cluster=[{"name": "n", "count": 7, "cores": 4, "ram_gib": 8}])
        class TestClass:
            @pytest.mark.skaha(seed=9)
            def test_method(self, skaha):
                assert settings(skaha) == ("instant", 9, 7)
        """
    )
    pytester.runpytest("-W", "error").assert_outcomes(passed=3)


EVERY = """
    import pytest
    from mockskaha.testing import VERSIONS

    @pytest.fixture(scope="module", autouse=True)
    def seen():
        found = []
        yield found
        assert found == EXPECTED

    @pytest.fixture
    def version(skaha, skaha_version, seen):
        assert skaha_version in (None, skaha.version)
        assert skaha.client().get("/session").status_code == 200
        seen.append(skaha.version)
        return skaha.version
"""


def suite(*tests: str, expected: str, before: str = "") -> str:
    begin = textwrap.dedent(EVERY).replace("EXPECTED", expected)
    return "\n".join([begin, textwrap.dedent(before), *(f"{test}: pass" for test in tests)])


@pytest.mark.parametrize(
    ("tests", "options", "seen"),
    [
        (["@pytest.mark.skaha(version='all')\ndef test_it(version)"], (), "list(VERSIONS)"),
        (["@pytest.mark.skaha(version=['0.29', '1.4'])\ndef test_it(version)"], (), "['0.29', '1.4']"),
        (["@pytest.mark.skaha(version='1.1.5')\ndef test_it(version)"], (), "['1.1']"),
        (["def test_it(version)"], (), "['1.4']"),
        (["def test_it(version)"], ("--skaha-versions", "all"), "list(VERSIONS)"),
        (["def test_it(version)"], ("--skaha-versions", "1.0, 1.1,1.0.4"), "['1.0', '1.1']"),
        # what a test says of itself wins, the closest of it
        (["@pytest.mark.skaha(version='1.1')\ndef test_it(version)"], ("--skaha-versions", "1.0"), "['1.1']"),
        (
            ["pytestmark = pytest.mark.skaha(version='all')\ndef test_nothing()",
             "@pytest.mark.skaha(version='1.1')\ndef test_it(version)"], (), "['1.1']",
        ),
        (["@pytest.mark.parametrize('skaha_version', ['1.2'])\ndef test_it(version)"], ("--skaha-versions", "all"),
         "['1.2']"),
        (["@pytest.mark.parametrize(('a', 'skaha_version'), [(1, '1.2')])\ndef test_it(a, version)"],
         ("--skaha-versions", "all"), "['1.2']"),
        (["@pytest.mark.skaha(version='all')\nclass TestIt:\n @pytest.mark.parametrize('a', [1, 2])\n"
          " def test_it(self, a, version)"], (), "[*VERSIONS, *VERSIONS]"),
    ],
)  # fmt: skip
def test_a_test_against_several_versions(pytester: pytest.Pytester, tests, options, seen):
    pytester.makepyfile(suite(*tests, expected=seen))
    result = pytester.runpytest("-W", "error", "-p", "no:randomly", *options)
    assert result.ret == 0, result.stdout.str()
    assert "error" not in result.parseoutcomes()


OWN = """
    @pytest.fixture(params=["1.0", "1.2"])
    def skaha_version(request):
        return request.param
"""


@pytest.mark.parametrize(("option", "seen"), [(None, "['1.0', '1.2', '0.29']"), ("1.1", "['1.1', '0.29']")])
def test_versions_may_be_the_parameters_of_a_fixture_of_the_project(pytester, option, seen):
    tests = ["def test_some(version)", "@pytest.mark.skaha(version='0.29')\ndef test_one(version)"]
    pytester.makepyfile(suite(*tests, expected=seen, before=OWN))
    options = () if option is None else ("--skaha-versions", option)
    pytester.runpytest("-W", "error", *options).assert_outcomes(passed=len(seen.split(",")))


def test_versions_are_in_the_names_of_tests_live_ones_too(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        import os, pytest

        @pytest.mark.skaha(version=["0.29", "1.4"])
        def test_live(skaha_env, skaha_server, skaha_version):
            assert os.environ["CANFAR_URL"].endswith(f"/skaha/{'v0' if skaha_version == '0.29' else 'v1'}")
            assert skaha_server.client().get("/session").status_code == 200

        @pytest.mark.skaha(version="1.1")
        def test_one(skaha): pass

        def test_any(skaha): pass
        """
    )
    result = pytester.runpytest("-v", "-W", "error")
    result.assert_outcomes(passed=4)
    for name in ("test_live[[]0.29]", "test_live[[]1.4]", "test_one[[]1.1]", "test_any"):
        result.stdout.fnmatch_lines([f"*::{name} PASSED*"])


def test_a_mistake_in_the_option_ends_the_run_before_it_begins(pytester: pytest.Pytester):
    pytester.makepyfile("def test_it(skaha): pass")
    result = pytester.runpytest("--skaha-versions", "0.29,0.30")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --skaha-versions: unknown version of Skaha '0.30'; known: 0.29, *"])


@pytest.mark.parametrize(
    ("mark", "problem"),
    [
        ("(version='0.30')", "version: unknown version of Skaha '0.30'; known: 0.29, *"),
        ("(version=['1.4', '0.30'])", "version: unknown version of Skaha '0.30'; known: 0.29, *"),
        ("(version=1.4)", "version: should be a text such as '1.1', not 1.4"),
        ("(profil='fast')", "unknown option 'profil'; did you mean 'profile'?"),
        ("(profile='fats')", "profile: unknown profile 'fats'; known: *"),
        ("('fast')", "takes keywords only: profile=, *"),
    ],
)
def test_a_mistake_in_a_marker_ends_the_run_before_it_begins(pytester: pytest.Pytester, mark, problem):
    pytester.makepyfile(
        f"import pytest\n@pytest.mark.skaha{mark}\ndef test_it(skaha): pass\ndef test_other(): pass\n"
    )
    result = pytester.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: *::test_it*: @pytest.mark.skaha: {problem.replace('?', '[?]')}"])
    deselected = pytester.runpytest("-k", "other")
    deselected.assert_outcomes(passed=1, deselected=2 if "[" in mark else 1)


def test_a_mistake_in_the_options_fails_the_tests_that_use_them(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def skaha_options():
            return {"profile": "fats"}

        def test_it(skaha): pass
        def test_live(skaha_server): pass
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["E*BadOptions: profile: unknown profile 'fats'; *"])


def test_a_test_that_fails_tells_what_was_asked_and_what_waits(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        def test_it(skaha):
            waiting = skaha.launch("sleep", "60", name="mine", gpus=4)
            skaha.advance(60)
            skaha.client("bob").get("/session?view=all", headers={"X-Skaha-Registry-Auth": "aHVzaA=="})
            skaha.until(waiting)

        def test_fine(skaha):
            skaha.client("carol").get("/session")
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            "E *AssertionError: session * is Pending, not Running, after 3600 s",
            "E *why: Pending: No node has room for it. *0/43 nodes are available: *",
            "*- skaha: http://skaha.test -*",
            "*60.0 s  200  GET /skaha/v1/session  bob  view=all",
            "pending:",
            "*alice  headless mine  Pending: No node has room for it. *",
        ]
    )
    result.stdout.no_fnmatch_line("*carol*")
    result.stdout.no_fnmatch_line("*in until*")


def test_a_fixture_that_fails_tells_it_too_and_what_is_broken_does_not_break_the_report(
    pytester: pytest.Pytester,
):
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def notebook(skaha):
            skaha.client().get("/image")
            raise RuntimeError("not today")

        def test_it(notebook): pass

        def test_broken(skaha):
            skaha.namespace.requests = skaha.journal._journal = None
            assert False
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(errors=1, failed=1)
    result.stdout.fnmatch_lines(["*0.0 s  200  GET /skaha/v1/image  alice", "it cannot tell: *"])


def test_parallel_workers_have_a_server_each(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1"
    )  # other plugins cost a second to load, in each process
    pytester.makepyfile(
        FRESH, test_typo="import pytest\n@pytest.mark.skaha(profil=1)\ndef test_it(skaha): pass\n"
    )
    result = pytester.runpytest_subprocess(
        "-p", "mockskaha.pytest_plugin", "-p", "xdist.plugin", "-n", "2", "-W", "error"
    )
    result.assert_outcomes(passed=7, errors=1)
    result.stdout.fnmatch_lines(["@pytest.mark.skaha: unknown option 'profil'; did you mean 'profile'[?]"])


def test_it_can_be_left_out_and_its_names_are_free(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def skaha():
            return 5

        def test_it(skaha):
            assert skaha == 5
        """
    )
    pytester.runpytest("-W", "error").assert_outcomes(passed=1)
    pytester.runpytest("-W", "error", "-p", "no:mockskaha").assert_outcomes(passed=1)
