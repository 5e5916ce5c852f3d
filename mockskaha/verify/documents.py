"""The results of a run for other programs: JSON, and JUnit's XML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from mockskaha.verify.scrub import Scrubber
from mockskaha.verify.verification import Outcome, Result

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def result_object(result: Result, scrubber: Scrubber) -> dict[str, Any]:
    """One result as JSON has it; what does not apply is left out."""
    found: dict[str, Any] = {
        "id": result.id,
        "section": result.section,
        "title": result.title,
        "outcome": result.outcome.value,
    }
    if result.reason:
        found["reason"] = scrubber.text(result.reason)
    if result.outcome is Outcome.FAILED and result.versions is not None:
        found["versions_like_that"] = list(result.versions)
    if result.exchange is not None:
        found["replay"] = scrubber.text(result.exchange.curl())
        found["answer"] = {
            "status": result.exchange.status,
            "headers": [list(pair) for pair in scrubber.headers(result.exchange.headers)],
            "body": scrubber.text(result.exchange.text[:4000]),
        }
    return found


def summary(results: Sequence[Result]) -> dict[str, int]:
    """How many passed, failed and were skipped."""
    return {outcome.value: sum(result.outcome is outcome for result in results) for outcome in Outcome}


def write_junit(path: Path, results: Sequence[Result], scrubber: Scrubber, server: str) -> None:
    """A test suite for each group, a test case for each check."""
    root = ElementTree.Element("testsuites", name=f"mockskaha verify {server}")
    for group in dict.fromkeys(result.group for result in results):
        members = [result for result in results if result.group == group]
        counts = summary(members)
        suite = ElementTree.SubElement(
            root, "testsuite", name=group, tests=str(len(members)), failures=str(counts["failed"]),
            skipped=str(counts["skipped"]), errors="0", time=f"{sum(member.seconds for member in members):.3f}",
        )  # fmt: skip
        for result in members:
            case = ElementTree.SubElement(
                suite, "testcase", classname=f"skaha.{group}", name=result.id, time=f"{result.seconds:.3f}"
            )
            reason = _NOT_IN_XML.sub("?", scrubber.text(result.reason))
            if result.outcome is Outcome.SKIPPED:
                ElementTree.SubElement(case, "skipped", message=reason)
            elif result.outcome is Outcome.FAILED:
                failure = ElementTree.SubElement(case, "failure", message=reason, type=result.section)
                failure.text = _NOT_IN_XML.sub("?", details(result, scrubber))
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def details(result: Result, scrubber: Scrubber) -> str:
    """A failure in words: what was wrong, which versions do so, the request again, the answer."""
    lines = [result.title, scrubber.text(result.reason)]
    if result.versions:
        lines.append(f"Skaha {', '.join(result.versions)} answers like that.")
    if result.exchange is not None:
        lines += [scrubber.text(result.exchange.curl()), scrubber.text(result.exchange.told(2000))]
    return "\n".join(lines)
