"""What no file of the repository may contain."""

import subprocess

import pytest

from tests.differences import ROOT

FORBIDDEN = (
    "pypi" + ".org",
    "files.python" + "hosted",
    "registry.npm" + "js",
    "deb.debian" + ".org",
    "/work" + "/",
)


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode or not listed.stdout:
        pytest.skip("not a git checkout")
    return [name for name in listed.stdout.split("\0") if name]


def test_no_file_names_a_registry_or_a_path_of_some_machine():
    for name in tracked():
        text = (ROOT / name).read_bytes()
        for word in FORBIDDEN:
            assert word.encode() not in text, f"{name} has {word}"


def test_constraints_are_plain_pins():
    for line in (ROOT / ".ci" / "constraints.txt").read_text().splitlines():
        name, separator, version = line.partition("==")
        assert separator, line
        assert name, line
        assert "/" not in version, line


def test_nothing_stands_at_the_top_that_has_no_place_there():
    allowed = {
        *("mockskaha", "client", "simulator", "tests", "openapi", "docs", "benchmarks", "examples", ".ci"),
        *(
            "pyproject.toml",
            "Makefile",
            "README.md",
            "CHANGELOG.md",
            "CONTRIBUTING.md",
            "LICENSE",
            ".gitignore",
        ),
    }
    assert {name.split("/")[0] for name in tracked()} <= allowed
