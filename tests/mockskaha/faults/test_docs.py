"""``docs/faults.md`` says what is so, and what it shows works."""

import re

import pytest

from mockskaha.faults.presets import faults_of, read_faults
from tests import fault_reference

pytestmark = pytest.mark.evidence("our own: faults")
PAGE = fault_reference.PAGE.read_text()


def snippets(language):
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found


def test_its_tables_are_written_from_the_code():
    assert fault_reference.page() == PAGE


@pytest.mark.parametrize("name", list(fault_reference.EXAMPLES))
def test_its_examples_mean_something(name):
    import yaml

    value = yaml.safe_load(fault_reference.EXAMPLES[name])
    written = {name: value}
    if name in fault_reference.Fate.model_fields:
        needs = {"pull_for": {"pull": "ok"}, "preempt_for": {"preempt": 1}}.get(name, {})
        written = {"fate": {**written, **needs}}
    elif name in (
        "body",
        "headers",
        "content_type",
        "after",
        *fault_reference.MATCHING,
        *fault_reference.SELECTING,
    ):
        written["status"] = 500
    faults_of([written])


def test_its_faults_are_faults(tmp_path):
    for number, text in enumerate(snippets("yaml")):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text)
        assert len(read_faults(str(path))) > 3


def test_its_program_runs():
    for text in snippets("python"):
        exec(compile(text, "docs/faults.md", "exec"), {})
