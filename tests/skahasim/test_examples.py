"""The studies of ``examples/what-if`` run, and each pair differs in what it is about."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from skahasim.cli import app
from skahasim.scenario import load_scenario

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "what-if"
STUDIES = [
    ("small-first", "fifo", "easy"),
    ("fixed", "flexible"),
    ("no-night-quota", "night-quota"),
    ("quota-2189", "quota-2627"),
    ("one-class", "priorities"),
]
WHOLE = bool(os.environ.get("MOCKSKAHA_DEEP"))
SHORT = [] if WHOLE else ["--set", "workload.days=0.25", "--set", "horizon.warm_up_hours=0"]


TOLD = {
    "fifo": ("all", "large", "medium", "small"),
    "easy": ("all", "large", "medium", "small"),
    "flexible": ("all", "large"),
    "night-quota": ("all",),
    "quota-2627": ("all", "large"),
    "priorities": ("batch",),
}
"""Of which jobs the tutorial tells how the mean wait changes under a scenario."""


def paths(study: tuple[str, ...]) -> list[str]:
    return [str(FOLDER / f"{name}.yaml") for name in study]


@pytest.mark.parametrize("study", STUDIES, ids="-".join)
def test_a_study_runs_and_tells_a_verdict_on_each_scenario(study: tuple[str, ...]) -> None:
    count = 10 if WHOLE else 2
    done = CliRunner().invoke(
        app, ["compare", *paths(study), "--replications", str(count), "--jobs", "1", "--json", *SHORT]
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["replications"] == count
    assert list(told["scenarios"]) == list(study)
    assert told["verdicts"]
    if WHOLE:
        tutorial = " ".join((ROOT / "docs" / "what-if.md").read_text().split())
        for change in changes(told["differences"]):
            assert change in tutorial


def changes(differences: list[dict[str, Any]]) -> list[str]:
    """What the tutorial says of a study, as it says it."""
    return [
        "{:+.0f} % [{:+.0f}, {:+.0f}]".format(
            *(100 * row[name] for name in ("relative", "relative_low", "relative_high"))
        )
        for row in differences
        if (row["metric"], row["statistic"]) == ("wait_time", "mean")
        and row["label"] in TOLD[row["scenario"]]
    ]


def test_every_scenario_is_part_of_a_study_and_of_the_list() -> None:
    named = {name for study in STUDIES for name in study} | {"week"}
    assert named == {path.stem for path in FOLDER.glob("*.yaml")}
    readme = (FOLDER / "README.md").read_text()
    assert all(f"`{name}.yaml`" in readme for name in named)


@pytest.mark.parametrize("study", STUDIES, ids="-".join)
def test_a_pair_shares_its_arrivals_and_differs_in_its_policy(study: tuple[str, ...]) -> None:
    scenarios = [load_scenario(Path(path), {"workload.jobs": 50}) for path in paths(study)]
    descriptions = {scenario.settings.description for scenario in scenarios}
    assert len(descriptions) == len(study)
    first, *others = ([(a.submit_time, a.user, a.kind) for a in s.arrivals(3)] for s in scenarios)
    assert all(other == first for other in others)
    assert len({json.dumps(s.configuration(), sort_keys=True) for s in scenarios}) >= len(study) - 1
