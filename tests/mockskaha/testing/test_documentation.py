"""Every snippet of docs/testing.md is run; what only an engine could run is at least asked of what is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from mockskaha.testing.faults import Faults
from mockskaha.testing.nodes import Nodes
from mockskaha.testing.options import NAMES
from mockskaha.testing.requests import Journal
from mockskaha.testing.service import Skaha
from tests.differences import ROOT

pytestmark = pytest.mark.evidence("ours: the page for those who test a client")
PAGE = ROOT / "docs" / "testing.md"
EXAMPLES = ROOT / "examples"
STUBS = {
    # What is installed is there already; what is asked for must be a name that is known.
    "pip": 'shift; for name; do case $name in mockskaha|pytest|pytest-xdist) ;; *) echo "$name?"; exit 1;; esac; done',
    "pipx": '[ "$1" = run ] && shift && exec "$@"',
    "docker": 'while [ $# -gt 0 ]; do if [ "$1" = --file ]; then test -f "$ROOT/$2" || exit 1; fi; shift; done',
}


class Snippet(NamedTuple):
    section: str
    language: str
    text: str


def snippets() -> list[Snippet]:
    """In order."""
    found = []
    section = ""
    pattern = re.compile(r"^## ([^\n]*)$|^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    for title, language, text in pattern.findall(PAGE.read_text()):
        section = title or section
        if language:
            found.append(Snippet(section, language, text))
    return found


def test_the_reader_of_snippets_sees_all_of_them():
    assert PAGE.read_text().count("\n```\n") == len(snippets()) > 20
    assert {snippet.language for snippet in snippets()} == {"python", "sh", "yaml", "js", "text"}


def run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    stubs = folder / ".stubs"
    stubs.mkdir(exist_ok=True)
    for name, script in STUBS.items():
        (stubs / name).write_text(f"#!/bin/sh\n{script}\n")
        (stubs / name).chmod(0o755)
    bare = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "MOCKSKAHA_"))
    }
    path = os.pathsep.join([str(stubs), str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        command, cwd=folder, env={**bare, "PATH": path, "ROOT": str(ROOT)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_python_and_what_it_prints(pytester: pytest.Pytester):
    """All of it in one run, each section with a folder of its own: a ``conftest.py`` holds for its section alone."""
    written, failing = set(), set()
    for number, snippet in enumerate(snippets()):
        is_file = "def test_" in snippet.text or snippet.text.startswith("# conftest.py")
        if snippet.language != "python" or not is_file:
            continue
        folder = pytester.path / re.sub(r"\W+", "_", snippet.section)
        folder.mkdir(exist_ok=True)
        named = re.match(r"# (\w+\.py)\n", snippet.text)
        (folder / (named[1] if named else f"test_snippet_{number}.py")).write_text(snippet.text)
        names = re.findall(r"def (test_\w+)", snippet.text)
        assert written.isdisjoint(names)
        written.update(names)
        failing.update(names if snippet.text.startswith("# fails") else ())
    result = pytester.runpytest("--import-mode=importlib", "-p", "no:cacheprovider", "-W", "error", "-rA")
    ended = set(re.findall(r"^(PASSED|FAILED|ERROR) \S+::(test_\w+)", result.stdout.str(), re.MULTILINE))
    assert ended == {("FAILED" if name in failing else "PASSED", name) for name in written}
    assert (len(failing), len(written) > 20) == (1, True)
    (told,) = (snippet.text for snippet in snippets() if snippet.language == "text")
    result.stdout.fnmatch_lines(
        [re.sub(r"([\[\]?])", r"[\1]", line).replace("…", "*") for line in told.splitlines()]
    )


def test_scripts(tmp_path: Path):
    scripts = [
        s.text for s in snippets() if s.language == "python" and s.text.startswith("from mockskaha import")
    ]
    assert len(scripts) == 1
    done = run(tmp_path, sys.executable, "-W", "error", "-c", scripts[0])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Running\n{'CANFAR_URL': 'http://127.0.0.1:")


def test_shell(tmp_path: Path):
    """One after the other, in a project that has the first test."""
    (tmp_path / "test_first.py").write_text(next(s.text for s in snippets() if "# test_first.py" in s.text))
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\naddopts = -p no:cacheprovider -p no:schemathesis -p no:hypothesispytest -p no:anyio\n"
    )
    for program in ("sh", "curl"):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program} on this machine")
    told = ""
    for snippet in snippets():
        if snippet.language == "sh":
            done = run(tmp_path, "sh", "-eu", "-c", snippet.text)
            assert done.returncode == 0, f"{snippet.text}\n{done.stdout}\n{done.stderr}"
            told += done.stdout
    assert told.count("1 passed") == 2, "alone and in parallel"
    assert told.count("3 passed") == 1, "of three versions"
    assert "\n[]\n" in told.replace("[]", "[]\n"), "the list that curl asked for"
    assert "Run the service until it is interrupted" in told


@pytest.mark.parametrize("language", ["yaml", "js"])
def test_files_are_those_of_the_examples(language):
    kept = "\n".join(
        re.sub(r"^[#/].*\n", "", file.read_text(), count=1)
        for folder in ("deploy", "testing")
        for file in sorted((EXAMPLES / folder).glob("*.yml" if language == "yaml" else "*.mjs"))
    )
    found = [snippet.text for snippet in snippets() if snippet.language == language]
    assert found
    for text in found:
        assert text in kept, text


def test_the_tables_have_all_there_is():
    page = PAGE.read_text()
    table = page[page.index("## All there is") :]
    public = [name for name in vars(Skaha) if not name.startswith("_")]
    public += [f"{part}.{name}" for part, kind in (("journal", Journal), ("faults", Faults), ("nodes", Nodes))
               for name in vars(kind) if not name.startswith("_") and name != "of"]  # fmt: skip
    assert [
        name for name in public if not re.search(rf"`{re.escape(name)}\b", table) and name != "close"
    ] == []
    options = page[page.index("| option | |") :]
    assert [name for name in NAMES if f"`{name}`" not in options] == []


pytest_plugins = ["pytester"]
