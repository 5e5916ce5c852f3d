"""Small hand-made instances: jobs ``[id, submit, procs, run, estimate, user]`` and their starts under each policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.conformance.replay import Policy, Rigid, starts
from tests.conformance.report import Report

POLICIES: Mapping[str, Policy] = MappingProxyType(
    {
        "fcfs": Policy("none"),
        "easy": Policy("easy"),
        "conservative": Policy("conservative"),
        "easy_sjbf": Policy("easy-sjbf"),
        "perfect_easy": Policy("easy", perfect=True),
    }
)


def schedule(case: Mapping[str, Any], policy: Policy) -> list[float]:
    """Our starts, in the case's order of jobs. Those of one instant arrive in that order."""
    jobs = [Rigid(submit, procs, run, estimate) for _, submit, procs, run, estimate, *_ in case["jobs"]]
    order = sorted(range(len(jobs)), key=lambda index: jobs[index].submit)
    found, _ = starts([jobs[index] for index in order], case["procs"], policy)
    ours = [0.0] * len(jobs)
    for index, start in zip(order, found, strict=True):
        ours[index] = start
    return ours


def check(path: Path, *, procs: int | None = None, policy: str = "all") -> Report:
    """Compare whole schedules: a case under a policy is equal when every start is. ``procs`` is the case's own."""
    cases = json.loads(path.read_text("utf-8"))["cases"]
    names = list(POLICIES) if policy == "all" else [policy]
    if unknown := [name for name in names if name not in POLICIES]:
        raise SystemExit(f"unknown policy {unknown[0]!r}; known: {', '.join(POLICIES)}")
    report = Report(0, 0)
    for name in names:
        equal = total = 0
        for case in cases:
            if name not in case["start"]:
                continue
            total += 1
            expected, ours = case["start"][name], schedule(case, POLICIES[name])
            if ours == expected:
                equal += 1
            elif not report.first_difference:
                index = next(
                    i for i, pair in enumerate(zip(ours, expected, strict=True)) if len(set(pair)) > 1
                )
                report.first_difference = (
                    f"{name}, {case['file']}: job {case['jobs'][index][0]} starts at {ours[index]:g}, "
                    f"expected {expected[index]:g}"
                )
        report.total += total
        report.equal += equal
        report.notes.append(f"{name}: {equal}/{total}")
    return report
