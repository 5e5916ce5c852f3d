"""``docs/eras.md`` says what is so, and what it shows works."""

import re

import pytest
from typer.testing import CliRunner

from mockskaha.cli import app
from mockskaha.era import VERSIONS, questions
from tests import era_reference
from tests.differences import ROOT

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.evidence("mockskaha/data/eras.yaml, and the sections of skaha-contract it names")
PAGE = era_reference.PAGE.read_text()


def snippets(language):
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found


def test_its_tables_are_up_to_date():
    assert era_reference.page() == PAGE, "run: python -m tests.era_reference"


def test_every_row_and_every_version_is_in_it():
    assert [name for name in questions() if PAGE.count(f"`{name}`") != 1] == []
    assert [name for name in VERSIONS if f"| `{name}` | Skaha " not in PAGE] == []


def test_its_tests_and_its_program_run(pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]):
    tests, program = snippets("python")
    pytester.makepyfile(tests)
    pytester.runpytest("-W", "error").assert_outcomes(passed=1 + len(VERSIONS))
    capsys.readouterr()
    exec(compile(program, "docs/eras.md", "exec"), {})
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(VERSIONS)


def test_its_command_is_understood():
    (command,) = snippets("sh")
    words = command.replace("serve", "config", 1).split()
    answer = CliRunner().invoke(app, words[1:])
    assert answer.exit_code == 0, answer.output
    assert re.search(r"skaha_version: .0\.29", answer.output)
    assert (ROOT / "docs" / "control.md").read_text().count(
        snippets("bash")[0].partition("#")[0].strip()
    ) == 1
