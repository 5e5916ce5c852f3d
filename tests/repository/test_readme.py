"""The README says what is so."""

import re

from tests.differences import README, ROOT, differences, with_differences


def test_the_differences_are_those_the_tests_are_marked_with():
    assert differences(), "no test is marked as differing from the real service"
    assert README.read_text() == with_differences(README.read_text()), "run: python -m tests.differences"


def test_every_file_it_links_to_is_there():
    for page in (README, ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_make_target_it_names_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", README.read_text() + (ROOT / "CONTRIBUTING.md").read_text()))
    assert named <= targets
