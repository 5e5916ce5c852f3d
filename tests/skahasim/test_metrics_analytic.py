"""Queues whose waits are known in closed form, through the real model."""

import os
from pathlib import Path

import numpy as np
import pytest

from skahasim.metrics.statistics import batch_means
from skahasim.randomness import generator
from tests.conformance.analytic import QUICK, System, check, through_the_model
from tests.conformance.queues import preemptive_resume, priority_servers, servers, single_server

FILE = Path(__file__).parents[2].parent / "shared" / "sim-data" / "analytic" / "queueing.json"
DEEP = bool(os.environ.get("MOCKSKAHA_DEEP"))
SOME = (
    "M/M/c-000", "M/M/c-006", "M/M/c/K-012", "M/M/c/K-016", "M/G/1-018", "M/G/1-022",
    "M/G/1 preemptive-resume priority-038", "M/G/1 preemptive-resume priority-042",
    "M/M/c non-preemptive priority-046",
)  # fmt: skip
"""One or two of each model; the others have the same code."""
needs_data = pytest.mark.skipif(not FILE.exists(), reason=f"no acceptance data at {FILE.parent}")


@needs_data
def test_closed_forms_are_covered() -> None:
    report = check(FILE) if DEEP else check(FILE, effort=QUICK, cases=SOME)
    assert report.passed, report
    assert report.total == (24 if DEEP else len(SOME))


@needs_data
def test_a_wrong_expectation_is_noticed(tmp_path: Path) -> None:
    import json

    data = json.loads(FILE.read_text())
    case = next(case for case in data["cases"] if case["id"] == "M/G/1-020")
    case["expect"]["Wq"] *= 1.1
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({"cases": [case]}))
    report = check(wrong, effort=QUICK)
    assert not report.passed
    assert "M/G/1-020: Wq in [" in report.first_difference


def test_the_model_alone_agrees_with_m_m_1() -> None:
    """rho = 0.5, mu = 1: Wq = 1, P(wait) = 0.5, P(W > t) = 0.5 exp(-t / 2)."""
    service = generator(11, "service")
    system = System("m-m-1", (0.5,), (lambda random, n: random.exponential(1.0, n),), 1, 0.5, {}, ())
    path = system.sample(service, 12_000)
    waits = through_the_model(system, path, one_node=True)[0][500:]
    assert batch_means(waits, confidence=0.99).covers(1.0)
    assert batch_means(waits > 1e-9, confidence=0.99).covers(0.5)
    assert batch_means(waits > 2.0, confidence=0.99).covers(0.5 * np.exp(-1.0))


def test_the_recursions_by_hand() -> None:
    arrivals, services = np.array([0.0, 1.0, 2.0, 3.0]), np.array([3.0, 1.0, 1.0, 1.0])
    assert single_server(arrivals, services)[0].tolist() == [0, 2, 2, 2]
    assert servers(arrivals, services, 1)[0].tolist() == [0, 2, 2, 2]
    assert servers(arrivals, services, 2)[0].tolist() == [0, 0, 0, 0]
    turned_away = servers(arrivals, services, 1, places=2)[0]
    assert np.isnan(turned_away).tolist() == [False, False, True, False]
    # The last is the most important: it goes before those that wait, or interrupts the one that is served.
    arrivals = np.array([0.0, 1.0, 2.0, 2.5])
    assert priority_servers(arrivals, services, [1, 1, 1, 0], 1)[0].tolist() == [0, 3, 3, 0.5]
    interrupted = preemptive_resume(np.array([0.0, 1.0]), np.array([3.0, 1.0]), [1, 0])
    assert interrupted[1].tolist() == [4, 1]
