"""``skahasim calibrate`` on traces that the model made itself: what went in comes out, and waits agree."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from skahasim.cli import app
from skahasim.scenario import load_scenario
from skahasim.study.calibration import calibrate, waits
from skahasim.study.execution import open_executor


def trace(tmp_path: Path, *, told: bool) -> Path:
    """Two days of CANFAR load as a table; ``told``: with the waits that a simulation gave them."""
    import pandas as pd

    from skahasim.scenario import scenario_of
    from skahasim.study.simulation import simulate
    from skahasim.workload.table import write_table

    made = scenario_of(
        {"cluster": {"processors": 300}, "workload": {"source": "canfar", "days": 2, "load": 1.2}, "seed": 5}
    )
    arrivals = list(made.arrivals(5))
    if told:
        jobs = simulate(made, arrivals=arrivals).jobs.set_index("job_id")
        lasted = {int(number): float(wait) for number, wait in jobs["waiting_time"].items() if pd.notna(wait)}
        arrivals = [a._replace(recorded_wait=lasted.get(a.number)) for a in arrivals]
    write_table(tmp_path / "trace.csv", arrivals)
    path = tmp_path / "trace.yaml"
    path.write_text("cluster: {processors: 300}\nworkload: {source: table, file: trace.csv}\n")
    return path


def test_a_trace_of_the_model_is_fitted_and_its_waits_are_those_of_the_replay(tmp_path: Path) -> None:
    scenario = load_scenario(trace(tmp_path, told=True))
    fitted, days = calibrate(scenario)
    assert 1.9 < days < 2.0
    with open_executor("serial") as executor:
        table = waits(scenario, fitted, days, replications=2, executor=executor).set_index(
            ["size_class", "waits"]
        )
    whole = table.loc["all"]
    # The trace's own jobs on the trace's own cluster wait as they did.
    assert whole.loc["replayed", "mean"] == pytest.approx(whole.loc["observed", "mean"], rel=1e-9)
    assert whole.loc["replayed", "mean_error"] == pytest.approx(0.0, abs=1e-9)
    assert whole.loc["replayed", "ks_distance"] == 0.0
    assert whole.loc["observed", "mean"] > 10
    assert whole.loc["modelled", "n"] > 1000
    assert 0 < whole.loc["modelled", "ks_distance"] < 1
    hourly = fitted.parameters.batch.classes["single-image-reduction"]
    assert hourly.share > 0.4


def test_the_command_writes_a_model_that_a_scenario_can_use(tmp_path: Path) -> None:
    path, out = trace(tmp_path, told=False), tmp_path / "fit.yaml"
    options = ["calibrate", str(path), "--replications", "1", "--jobs", "1", "--out", str(out)]
    done = CliRunner().invoke(app, [*options, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert {row["waits"] for row in told["waits"]} == {"replayed", "modelled"}
    assert all(row["mean_error"] is None for row in told["waits"])
    use = tmp_path / "use.yaml"
    use.write_text(
        "workload: {source: canfar, days: 1, parameters_file: fit.yaml}\ncluster: {processors: 300}\noversized: drop\n"
    )
    assert next(load_scenario(use).arrivals(0)).submit_time > 0
    again = CliRunner().invoke(app, options)
    assert (again.exit_code, "exists; --force overwrites it" in again.output) == (2, True)


def test_a_model_is_nothing_to_fit_to(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_text("workload: {source: canfar, days: 1}\n")
    done = CliRunner().invoke(app, ["calibrate", str(path)])
    assert done.exit_code == 2
    assert f"{path}:1: workload.source: should be a trace, not a model" in done.output
