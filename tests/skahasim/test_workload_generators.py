"""Generated workloads: the same seed is the same stream, and what is drawn has the distributions it should."""

from collections import Counter
from itertools import islice
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.stats import gamma, kstest, poisson

from skahasim.resources import Resources
from skahasim.workload import Arrival, arrivals, workload_settings
from skahasim.workload import canfar as canfar_model
from skahasim.workload import lublin as lublin_model
from skahasim.workload import poisson as poisson_model
from skahasim.workload.canfar import generate, mean_batch_work, mean_interactive_work, rates
from skahasim.workload.canfar_settings import packaged_parameters
from skahasim.workload.cycle import Cycle
from skahasim.workload.cycle_settings import CycleSettings
from skahasim.workload.duration import DurationSettings
from skahasim.workload.lublin import day_weights, log_runs, published, sizes
from skahasim.workload.source import Epoch, default_epoch

HOUR, DAY, WEEK = 3600.0, 86400.0, 604800.0
OFFICE = {"hours": [0.2] * 8 + [2.0] * 10 + [0.5] * 6, "weekdays": [1.0] * 5 + [0.25] * 2}
MONDAY = default_epoch()
NEVER = 1e-6
"""Chance that a correct generator fails one of these tests, were its seed not fixed."""


def drawn(source: str, seed: int = 1, **parameters: object) -> list[Arrival]:
    return list(arrivals(workload_settings(source, **parameters), seed=seed))


@pytest.mark.parametrize(
    ("source", "parameters"),
    [
        (
            "poisson",
            {
                "cycle": OFFICE,
                "users": 9,
                "mix": [{"cores": [1, 8], "ram_gib": [4, 32], "requested_factor": 2}],
            },
        ),
        ("lublin", {"types": "both", "users": 9, "requested_factor": {"median": 3, "sigma": 1, "least": 1}}),
        ("canfar", {"load": 0.5}),
    ],
)
def test_the_same_seed_is_the_same_stream(source: str, parameters: dict[str, object]) -> None:
    first = drawn(source, jobs=3000, **parameters)
    assert first == drawn(source, jobs=3000, **parameters)
    assert first[:100] == drawn(source, jobs=100, **parameters)
    assert first != drawn(source, seed=2, jobs=3000, **parameters)
    assert [arrival.number for arrival in first] == list(range(3000))
    times = [arrival.submit_time for arrival in first]
    assert times == sorted(times)
    assert all(arrival.request.fits(arrival.limit) for arrival in first)


@pytest.mark.parametrize(("source", "model"), [("poisson", poisson_model), ("lublin", lublin_model)])
def test_how_many_are_drawn_at_a_time_does_not_matter(source: str, model: ModuleType) -> None:
    settings = workload_settings(source, **({"cycle": OFFICE} if source == "poisson" else {"types": "both"}))
    first, second = (list(islice(model.generate(settings, 3, MONDAY, chunk), 2000)) for chunk in (7, 4096))
    assert first == second


def test_how_many_bursts_are_drawn_at_a_time_does_not_matter() -> None:
    settings = workload_settings("canfar")
    first, second = (
        list(islice(generate(settings, packaged_parameters(), 3, MONDAY, chunk), 4000)) for chunk in (5, 256)
    )
    assert first == second


# -- Poisson -----------------------------------------------------------------------------------------------


def test_counts_in_each_hour_of_the_week_are_poisson() -> None:
    weeks = 12
    settings = CycleSettings.model_validate(OFFICE)
    found = drawn("poisson", per_hour=15, cycle=OFFICE, days=7 * weeks)
    hours = np.array([int(arrival.submit_time % WEEK // HOUR) for arrival in found])
    counts = np.bincount(hours, minlength=168)
    # The cycle is of local time: in March clocks go forward, so hours are looked up rather than counted.
    expected = np.zeros(168)
    weights = Cycle(settings, MONDAY).weights(np.arange(168 * weeks) * HOUR)
    np.add.at(expected, np.arange(168 * weeks) % 168, 15 * weights / settings.mean)
    low, high = poisson.ppf(NEVER / 336, expected), poisson.isf(NEVER / 336, expected)
    assert (low <= counts).all()
    assert (counts <= high).all()
    total = 15 * 168 * weeks
    assert poisson.ppf(NEVER, total) <= len(found) <= poisson.isf(NEVER, total)


def test_gaps_without_a_cycle_are_exponential() -> None:
    times = [arrival.submit_time for arrival in drawn("poisson", per_hour=60, jobs=5000)]
    assert kstest(np.diff([0.0, *times]), "expon", args=(0, 60)).pvalue > NEVER


def test_the_rate_scales_without_moving_the_cycle() -> None:
    twice = drawn("poisson", per_hour=10, scale=2, cycle=OFFICE, days=7)
    assert [arrival.submit_time for arrival in twice] == [
        arrival.submit_time for arrival in drawn("poisson", per_hour=20, cycle=OFFICE, days=7)
    ]


def test_a_mix_has_its_classes_shares_and_sizes() -> None:
    mix = [
        {
            "name": "small",
            "share": 3,
            "cores": 1,
            "ram_gib": 4,
            "run": "10m",
            "limit_cores": 8,
            "limit_ram_gib": 32,
        },
        {
            "name": "large",
            "cores": [8, 16],
            "ram_gib": [32, 64],
            "run": {"low": 60, "high": 120},
            "requested_factor": 2,
        },
    ]
    found = drawn("poisson", jobs=4000, mix=mix, users=10)
    small = [arrival for arrival in found if arrival.job_class == "small"]
    large = [arrival for arrival in found if arrival.job_class == "large"]
    assert len(small) == pytest.approx(3000, abs=150)
    assert {(job.request, job.limit, job.run_seconds, job.requested_seconds) for job in small} == {
        (Resources.of(1, 4), Resources.of(8, 32), 600.0, None)
    }
    assert {job.request.cores for job in large} == set(range(8, 17))
    assert all(job.request.ram_gib == 4 * job.request.cores for job in large)
    assert all(60 <= (job.run_seconds or 0) <= 120 for job in large)
    assert all(job.requested_seconds == 2 * (job.run_seconds or 0) for job in large)
    assert Counter(job.user for job in found).keys() == {f"user{n:02d}" for n in range(1, 11)}


def test_a_cycle_follows_the_clocks_of_its_time_zone() -> None:
    settings = CycleSettings(hours=tuple(float(hour) for hour in range(24)))
    # 2026-03-29 00:30 in Berlin; at 2:00 clocks go on to 3:00.
    cycle = Cycle(settings, Epoch(1_774_737_000.0 + 1800 - 1800, "Europe/Berlin"))
    assert cycle.weights(np.array([0.0, 1799.0, 1800.0, 5400.0])).tolist() == [23.0, 23.0, 0.0, 1.0]
    assert cycle.weights(np.array([9000.0])).tolist() == [3.0]


@pytest.mark.parametrize(
    ("settings", "average", "median"),
    [
        ({"low": 10, "high": 30}, 20, 20),
        ({"mean": 100}, 100, 100 * np.log(2)),
        ({"median": 100, "sigma": 0.5}, 100 * np.exp(0.125), 100),
        ({"low": "5m", "high": "20m", "spread": 0.9}, 656.0, 600),
        ({"low": 50, "high": 50, "most": 40}, 40, 40),
    ],
)
def test_distributions(settings: dict[str, object], average: float, median: float) -> None:
    distribution = DurationSettings.model_validate(settings)
    assert distribution.average() == pytest.approx(average, rel=2e-3)
    assert distribution.quantiles(np.array([0.5])).tolist() == pytest.approx([median])


def test_a_spread_is_the_share_between_the_bounds() -> None:
    distribution = DurationSettings(low=300, high=1800, spread=0.9)
    assert distribution.quantiles(np.array([0.05, 0.95])).tolist() == pytest.approx([300, 1800])


# -- Lublin and Feitelson ----------------------------------------------------------------------------------


def test_lublin_sizes() -> None:
    of = published().all.size
    found = np.array([arrival.request.cores for arrival in drawn("lublin", jobs=20_000)])
    serial, powers = (found == 1).mean(), (np.log2(found) % 1 == 0).mean()
    assert found.max() <= 128
    # Logarithms below 1/2, a few of them, are rounded to a size of 1 as well.
    assert of.serial <= serial <= of.serial + 0.02
    assert of.serial + of.power_of_two < powers < of.serial + of.power_of_two + 0.08
    uniform = np.linspace(0, 1, 1001)[:-1]
    parallel = np.full(1000, 0.999)
    logs = np.log2(sizes(of, 128, parallel, np.zeros(1000), uniform))
    assert (logs.min(), logs.max()) == (1.0, pytest.approx(of.middle, abs=0.05))
    assert sizes(of, 1024, parallel, np.ones(1000), uniform).max() == pytest.approx(1024, rel=0.01)


def test_lublin_run_times_are_hyper_gamma() -> None:
    of = published().all.run
    size = np.full(4000, 16.0)
    rng = np.random.default_rng(5)
    logs = log_runs(of, size, rng.random(4000), rng.random(4000))
    part = of.pa * 16 + of.pb

    def mixture(x: object) -> object:
        first, second = gamma(of.a1, scale=of.b1), gamma(of.a2, scale=of.b2)
        return part * first.cdf(x) / first.cdf(12) + (1 - part) * second.cdf(x) / second.cdf(12)

    assert logs.max() <= published().longest_log_run
    assert kstest(logs, mixture).pvalue > NEVER
    found = drawn("lublin", jobs=20_000)
    mean = np.log([arrival.run_seconds for arrival in found]).mean()
    assert mean == pytest.approx(5.5, abs=0.15)


def test_lublin_arrivals_follow_the_cycle_of_the_day() -> None:
    found = drawn("lublin", jobs=20_000)
    counts = np.bincount([int(arrival.submit_time % DAY // 1800) for arrival in found], minlength=48)
    weights = day_weights(published().all.arrival, published().day_begins)
    assert np.abs(np.cumsum(counts) / counts.sum() - np.cumsum(weights) / 48).max() < 0.03
    assert 26 <= int(weights.argmax()) <= 32, "the afternoon"
    later = drawn("lublin", jobs=2000, start_hour=12)
    assert np.bincount([int(a.submit_time % DAY // 1800) for a in later], minlength=48).argmax() < 12


def test_lublin_jobs_of_two_types_come_side_by_side() -> None:
    both = drawn("lublin", jobs=4000, types="both")
    assert {arrival.job_class for arrival in both} == {"batch", "interactive"}
    for name in ("batch", "interactive"):
        alone = drawn("lublin", jobs=500, types=name)
        mine = [arrival for arrival in both if arrival.job_class == name][:500]
        assert [a._replace(number=0) for a in mine] == [a._replace(number=0) for a in alone[: len(mine)]]


# -- CANFAR ------------------------------------------------------------------------------------------------

BOXES = {
    "single-image-reduction": ((1, 2), (4, 8), (300, 1800)),
    "survey-night-processing": ((4, 8), (16, 32), (3600, 4 * 3600)),
    "catalog-cross-matching": ((2, 4), (8, 16), (1800, 7200)),
    "ml-model-training": ((8, 16), (32, 64), (4 * 3600, 24 * 3600)),
    "large-simulation": ((16, 32), (64, 128), (2 * DAY, 14 * DAY)),
}
"""CANFAR's job-sizing table: cores, GiB, seconds."""


@pytest.fixture(scope="module")
def month() -> list[Arrival]:
    return drawn("canfar", days=28, load=0.9, capacity_cores=900)


def test_canfar_jobs_have_the_sizes_of_the_table(month: list[Arrival]) -> None:
    for name, (cores, ram_gib, seconds) in BOXES.items():
        jobs = [
            arrival for arrival in month if arrival.job_class == name and arrival.request == arrival.limit
        ]
        assert len(jobs) > 30, name
        assert {job.request.cores for job in jobs} <= set(range(cores[0], cores[1] + 1)), name
        assert all(ram_gib[0] <= job.request.ram_gib <= ram_gib[1] for job in jobs), name
        within = np.mean([seconds[0] <= (job.run_seconds or 0) <= seconds[1] for job in jobs])
        # Nine in ten; what would run longer than the service lets it is cut, so more of the simulations.
        assert 0.84 < within < (1.0 if name == "large-simulation" else 0.96), name


def test_canfar_has_flexible_sessions_as_the_service_gives_them(month: list[Arrival]) -> None:
    batch = [arrival for arrival in month if arrival.kind == "headless"]
    flexible = [arrival for arrival in batch if arrival.request != arrival.limit]
    assert 0.3 < len(flexible) / len(batch) < 0.6
    assert {(job.request, job.limit) for job in flexible} == {(Resources.of(1, 4), Resources.of(8, 32))}
    assert all((job.cores_used or 0) <= 8 for job in flexible)
    assert not any(job.job_class == "large-simulation" for job in flexible)


def test_canfar_batch_comes_in_bursts_of_one_user(month: list[Arrival]) -> None:
    bursts: dict[str, list[Arrival]] = {}
    for arrival in month:
        if arrival.kind == "headless":
            bursts.setdefault(arrival.name.rpartition("-")[0], []).append(arrival)
    assert max(map(len, bursts.values())) > 50
    for jobs in bursts.values():
        assert len({(job.user, job.group, job.job_class, job.request) for job in jobs}) == 1
        assert [job.name.rpartition("-")[2] for job in jobs] == [str(n) for n in range(len(jobs))]
    large = [jobs for jobs in bursts.values() if len(jobs) > 5]
    within = np.mean([np.std(np.log([job.run_seconds for job in jobs])) for jobs in large])
    overall = np.std(np.log([job.run_seconds for jobs in large for job in jobs]))
    assert within < 0.6 * overall


def test_canfar_interactive_sessions(month: list[Arrival]) -> None:
    sessions = [arrival for arrival in month if arrival.kind != "headless"]
    kinds = Counter(arrival.kind for arrival in sessions)
    assert kinds.keys() == {"notebook", "desktop", "carta", "contributed", "firefly"}
    assert kinds.most_common(1)[0][0] == "notebook"
    desktop = next(arrival for arrival in sessions if arrival.kind == "desktop")
    assert (desktop.request, desktop.limit) == (Resources.of(0.25, 1), Resources.of(1, 4))
    forgotten = [arrival for arrival in sessions if arrival.run_seconds is None]
    assert len(forgotten) / len(sessions) == pytest.approx(0.2, abs=0.03)
    assert {(arrival.deadline_seconds or 0) % (4 * DAY) for arrival in forgotten} == {0.0}
    renewed = [arrival for arrival in forgotten if (arrival.deadline_seconds or 0) > 4 * DAY]
    assert len(renewed) / len(forgotten) == pytest.approx(0.15, abs=0.05)
    assert all(arrival.patience_seconds for arrival in sessions)
    assert np.median([arrival.cores_used for arrival in sessions]) < 0.3, "people think most of the time"
    office = np.mean(
        [
            8 <= arrival.submit_time % DAY / HOUR < 18 and arrival.submit_time % WEEK < 5 * DAY
            for arrival in sessions
        ]
    )
    assert office > 0.7


def test_canfar_users_differ_in_activity_and_keep_their_group(month: list[Arrival]) -> None:
    groups: dict[str, set[str]] = {}
    for arrival in month:
        groups.setdefault(arrival.user, set()).add(arrival.group)
    assert all(len(found) == 1 for found in groups.values())
    active = Counter(arrival.user for arrival in month if arrival.kind != "headless").most_common()
    assert active[0][1] > 5 * active[len(active) // 2][1]


def test_canfar_requested_times_are_never_below_the_run(month: list[Arrival]) -> None:
    batch = [arrival for arrival in month if arrival.kind == "headless"]
    assert all((job.requested_seconds or 0) >= (job.run_seconds or 0) for job in batch)
    asked = {job.requested_seconds for job in batch}
    assert len(asked & set(canfar_model.ASKED_TIMES)) > 15
    assert len(asked) < 40
    assert all(job.requested_seconds is None for job in drawn("canfar", jobs=300, estimates=False))


def test_canfar_load_is_the_one_asked_for() -> None:
    parameters = packaged_parameters()
    settings = workload_settings("canfar", load=0.6, capacity_cores=1000, batch_share=0.75)
    batch, interactive = rates(settings, parameters)
    work, held = mean_batch_work(parameters.batch), mean_interactive_work(parameters)
    assert (batch * work, interactive * held) == (pytest.approx(450), pytest.approx(150))
    # What is drawn has those means: of each class by itself, for large simulations come in handfuls.
    found = drawn("canfar", days=28, load=0.6, capacity_cores=1000, batch_share=0.75)
    jobs = [arrival for arrival in found if arrival.kind == "headless"]
    assert len(jobs) == pytest.approx(batch * 28 * DAY, rel=0.15)
    for name, row in parameters.batch.classes.items():
        runs = [job.run_seconds for job in jobs if job.job_class == name]
        assert np.mean(runs) == pytest.approx(row.run.average(), rel=0.25), name
    sessions = len(found) - len(jobs)
    assert (
        poisson.ppf(NEVER, interactive * 28 * DAY) <= sessions <= poisson.isf(NEVER, interactive * 28 * DAY)
    )
    assert rates(workload_settings("canfar", jobs_per_day=864, batch_share=0.5), parameters) == (0.005, 0.005)


def test_another_flexible_share_leaves_all_else_as_it_was() -> None:
    def bare(arrival: Arrival) -> Arrival:
        return arrival._replace(request=Resources(), limit=Resources())

    fixed, flexible = (drawn("canfar", jobs=2000, flexible=share) for share in (0, 1))
    assert list(map(bare, fixed)) == list(map(bare, flexible))
    assert all(job.request == job.limit for job in fixed if job.kind == "headless")
    assert all(
        job.request != job.limit
        for job in flexible
        if job.kind == "headless" and job.job_class[0] in "sc" and job.job_class != "ml-model-training"
    )
    unasked = drawn("canfar", jobs=2000, flexible=0, estimates=False)
    assert [job._replace(requested_seconds=None) for job in fixed] == unasked


def test_parameters_of_ones_own(tmp_path: Path) -> None:
    alone = drawn(
        "canfar", jobs=50, parameters={"people": {"users": 1}, "batch": {"fails": 1}}, batch_share=1
    )
    assert {(job.user, job.completes) for job in alone} == {("user1", False)}
    text = Path(canfar_model.__file__).with_suffix(".yaml").read_text()
    (tmp_path / "model.yaml").write_text(text.replace("users: 120", "users: 3"))
    settings = workload_settings("canfar", jobs=200, parameters_file="model.yaml")
    assert {job.user for job in arrivals(settings, base=tmp_path)} == {"user1", "user2", "user3"}
