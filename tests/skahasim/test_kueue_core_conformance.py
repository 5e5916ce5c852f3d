"""Kueue's core against Kueue: its unit tests' tables, and the real scheduler in virtual time."""

from pathlib import Path

import pytest

from tests.conformance import kueue_cases, kueue_des

SIM_DATA = Path(__file__).resolve().parents[3] / "shared" / "sim-data"
needs_data = pytest.mark.skipif(
    not SIM_DATA.is_dir(), reason="acceptance data (../shared/sim-data) is not there"
)


@needs_data
@pytest.mark.parametrize(
    ("table", "total"),
    [
        ("quota_available", 8),
        ("dominant_resource_share", 16),
        ("flavor_assignment", 54),
        ("preemption_targets", 86),
        ("schedule_one_cycle", 79),
    ],
)
def test_kueues_unit_tests_come_out_the_same(table: str, total: int) -> None:
    report = kueue_cases.check(SIM_DATA / "kueue" / f"{table}.json")
    assert (report.equal, report.first_difference) == (report.total, "")
    assert report.total == total  # the rest is left out by name and reason


@needs_data
@pytest.mark.parametrize("family", list("ABCDEFGH"))
def test_the_real_scheduler_decided_the_same(family: str) -> None:
    report = kueue_des.check(SIM_DATA / "kueue-des" / "scenarios.jsonl", families=family)
    assert (report.equal, report.first_difference) == (report.total, "")
    assert report.total > 0
