"""The CANFAR model fitted to a trace gives back what made the trace."""

from pathlib import Path

import pytest

from skahasim.resources import Resources
from skahasim.workload import Arrival, arrivals, open_workload, workload_settings
from skahasim.workload.calibration import GOODNESS_COLUMNS, Calibration, describe, fit, to_yaml
from skahasim.workload.canfar_settings import CanfarParameters, packaged_parameters
from skahasim.yamlfile import parse, validate

DATA = Path(__file__).parents[2].parent / "shared" / "sim-data"
PEOPLE = {"users": 40, "activity": 1.2, "groups": 6}


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    settings = workload_settings(
        "canfar", days=21, load=0.35, parameters={"people": PEOPLE, "batch": {"fails": 0.2}}
    )
    # Without their classes: the boxes of the table have to tell them.
    return fit(
        arrival._replace(job_class="") if arrival.kind == "headless" else arrival
        for arrival in arrivals(settings, seed=4)
    )


def test_a_fit_finds_the_parameters_again(calibration: Calibration) -> None:
    found, made = calibration.parameters, packaged_parameters()
    assert found.people.users == 40
    assert found.people.activity == pytest.approx(1.2, abs=0.1)
    assert found.batch.fails == pytest.approx(0.2, abs=0.03)
    assert found.batch.similarity == pytest.approx(0.8, abs=0.15)
    total = sum(row.share for row in made.batch.classes.values())
    for name, row in made.batch.classes.items():
        fitted = found.batch.classes[name]
        assert fitted.share == pytest.approx(row.share / total, rel=0.3, abs=0.003), name
        normal, truth = fitted.run.log_normal, row.run.log_normal
        assert normal is not None
        assert truth is not None
        assert normal == pytest.approx(truth, abs=0.25), name
        if name != "large-simulation":
            assert (fitted.cores, fitted.ram_gib) == (row.cores, row.ram_gib), name
            assert fitted.flexible == pytest.approx(row.flexible, abs=0.15), name
    assert found.interactive.forgotten == pytest.approx(made.interactive.forgotten, abs=0.04)
    notebook = found.interactive.kinds["notebook"]
    assert notebook.share == pytest.approx(0.62, abs=0.04)
    assert notebook.flexible == pytest.approx(0.7, abs=0.05)
    hours = found.interactive.cycle.hours
    assert hours[10] > 5 * hours[3]


def test_how_well_it_fits_is_told(calibration: Calibration) -> None:
    table = describe(calibration)
    assert tuple(table.columns) == GOODNESS_COLUMNS
    assert table["ks_distance"].is_monotonic_decreasing
    assert table["ks_distance"].between(0, 1).all()
    runs = table[table["quantity"] == "run_seconds"].set_index("part")["ks_distance"]
    assert runs["single-image-reduction"] < 0.05
    assert runs["catalog-cross-matching"] < 0.05


def test_a_fit_is_a_file_of_parameters(calibration: Calibration, tmp_path: Path) -> None:
    text = to_yaml(calibration)
    assert validate(CanfarParameters, parse(text, "fit.yaml")) == calibration.parameters
    assert "# Hours and weekdays are those of America/Vancouver." in text
    (tmp_path / "fit.yaml").write_text(text)
    settings = workload_settings(
        "canfar", days=5, parameters_file="fit.yaml", jobs_per_day=calibration.jobs_per_day
    )
    inline = calibration.workload(days=5)
    assert list(arrivals(settings, base=tmp_path)) == list(arrivals(inline))


def test_a_fitted_workload_comes_as_often_as_the_trace(calibration: Calibration) -> None:
    again = list(arrivals(calibration.workload(days=14), seed=9))
    assert len(again) / 14 == pytest.approx(calibration.jobs_per_day, rel=0.25)
    refitted = fit(again)
    assert refitted.parameters.batch.share == pytest.approx(calibration.parameters.batch.share, abs=0.05)


def test_a_trace_of_other_jobs_shows_in_the_distances() -> None:
    one = Resources.of(1, 4)
    name = "single-image-reduction"
    trace = [
        Arrival(n, 600.0 * n, one, one, 60.0 if n % 2 else 6000.0, user=f"user{n % 3}", job_class=name)
        for n in range(200)
    ]
    table = fit(trace).goodness.set_index(["part", "quantity"])["ks_distance"]
    assert table[name, "run_seconds"] > 0.3, "two run times are no log-normal"


@pytest.mark.parametrize("count", [0, 1])
def test_too_little_is_refused(count: int) -> None:
    one = Resources.of(1)
    with pytest.raises(ValueError, match="at least two jobs"):
        fit([Arrival(0, 5.0, one, one, 1.0)] * count)


@pytest.mark.skipif(not DATA.is_dir(), reason="the acceptance data (../shared/sim-data) is not here")
def test_a_real_log_can_be_fitted() -> None:
    settings = workload_settings("swf", file="KTH-SP2-1996-2.swf.gz", jobs=6000)
    workload = open_workload(settings, base=DATA / "swf")
    result = fit(workload.arrivals, epoch=workload.epoch)
    assert (result.time_zone, result.parameters.batch.share) == ("Europe/Stockholm", 1.0)
    assert result.parameters.batch.estimates is not None
    assert len(list(arrivals(result.workload(jobs=100)))) == 100
