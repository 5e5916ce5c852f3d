"""Scenario files: what they may say, how one extends another, and what is said of a wrong one."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from skahasim.scenario import Scenario, load_scenario, scenario_of
from skahasim.yamlfile import ConfigurationError

BASE = """\
name: base
description: as it is
workload: {source: poisson, jobs: 20}
cluster:
  nodes: [{name: n, count: 2, cores: 8, ram_gib: 32}]
queue:
  ordering:
    policy: size-priority
    size_classes: {small: {cores: 2}}
  admission:
    per_user: {cores: 8}
"""


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def problems(path: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_scenario(path)
    return [str(problem).replace(f"{path.parent}/", "") for problem in caught.value.problems]


def test_an_empty_file_is_the_canfar_cluster(tmp_path: Path) -> None:
    scenario = load_scenario(written(tmp_path, empty="") / "empty.yaml")
    assert scenario.name == "empty"
    assert scenario.cluster().capacity.cores == 43 * 64
    assert scenario.settings.workload.source == "canfar"
    assert scenario.start == 1767600000.0  # 2026-01-05 00:00 in Vancouver
    with pytest.raises(ConfigurationError, match="goes on for ever"):
        scenario.workload(0)


def test_processors_are_one_node_with_memory_for_all() -> None:
    cluster = scenario_of({"cluster": {"processors": 128}}).cluster()
    assert [node.capacity.cores for node in cluster.nodes] == [128]
    with pytest.raises(ConfigurationError, match="give processors or nodes, not both"):
        scenario_of(
            {
                "cluster": {
                    "processors": 128,
                    "nodes": [{"name": "n", "count": 1, "cores": 1, "ram_gib": 1}],
                }
            }
        )


def test_a_variant_changes_what_it_says_and_nothing_else(tmp_path: Path) -> None:
    variant = "extends: base.yaml\nqueue: {ordering: {policy: fifo}}\ncluster: {name: other}\n"
    scenario = load_scenario(written(tmp_path, base=BASE, variant=variant) / "variant.yaml")
    queue = scenario.settings.queue
    assert scenario.name == "variant"
    assert scenario.settings.description == ""
    assert queue.ordering.policy == "fifo"
    assert queue.ordering.size_classes.small.cores == 2, "size classes belong to no policy"
    assert queue.admission.per_user.cores == 8
    assert scenario.cluster().capacity.cores == 16
    assert scenario.settings.cluster.name == "other"


def test_a_variant_with_another_policy_or_source_forgets_the_keys_of_the_one_before(tmp_path: Path) -> None:
    base = (
        "workload: {source: poisson, jobs: 20, per_hour: 5}\n"
        "queue: {ordering: {policy: fair-share, half_life_hours: 12}}\n"
    )
    variant = "extends: base.yaml\nworkload: {source: lublin, jobs: 3}\nqueue: {ordering: {policy: sjf}}\n"
    scenario = load_scenario(written(tmp_path, base=base, variant=variant) / "variant.yaml")
    assert scenario.settings.workload.source == "lublin"
    assert scenario.settings.queue.ordering.policy == "sjf"
    same = "extends: base.yaml\nqueue: {ordering: {policy: fair-share}}\n"
    scenario = load_scenario(written(tmp_path, same=same) / "same.yaml")
    assert scenario.settings.queue.ordering.parameters.half_life_hours == 12


def test_a_variant_finds_the_files_of_the_scenario_it_extends(tmp_path: Path) -> None:
    below = tmp_path / "below"
    below.mkdir()
    (below / "jobs.csv").write_text("submit_time,cores,run_seconds\n0,1,5\n")
    (below / "base.yaml").write_text("workload: {source: table, file: jobs.csv}\n")
    (tmp_path / "variant.yaml").write_text("extends: below/base.yaml\n")
    variant = load_scenario(tmp_path / "variant.yaml")
    assert [arrival.run_seconds for arrival in variant.arrivals(0)] == [5.0]
    base = load_scenario(below / "base.yaml")
    assert variant.identity(0) == base.identity(0), "they are the same but for names"


def test_a_file_of_parameters_is_found_from_its_scenario_and_part_of_what_it_is(tmp_path: Path) -> None:
    below = tmp_path / "below"
    below.mkdir()
    (below / "base.yaml").write_text("workload: {source: canfar, days: 1, parameters_file: model.yaml}\n")
    (tmp_path / "variant.yaml").write_text("extends: below/base.yaml\n")
    with pytest.raises(ConfigurationError, match=r"base.yaml:1: workload.parameters_file: no such file: "):
        load_scenario(below / "base.yaml")
    packaged = files("skahasim.workload").joinpath("canfar.yaml").read_text()
    (below / "model.yaml").write_text(packaged)
    base, variant = load_scenario(below / "base.yaml"), load_scenario(tmp_path / "variant.yaml")
    assert variant.inputs()[0].samefile(below / "model.yaml")
    assert next(variant.arrivals(0)) == next(base.arrivals(0))
    before = variant.identity(0)
    assert before == base.identity(0)
    (below / "model.yaml").write_text(f"{packaged}\n# another\n")
    assert variant.identity(0) != before


def test_mistakes_are_told_where_they_were_made(tmp_path: Path) -> None:
    written(
        tmp_path,
        base=BASE,
        typo="extends: base.yaml\nqueue:\n  orderin: {policy: fifo}\nhorizon: {hours: -1}\n",
        inherited="extends: wrong.yaml\n",
        wrong="queue:\n  ordering: {policy: fifa}\n",
        profile="profile: quick\n",
        missing="workload: {source: swf,\n  file: nowhere.swf}\n",
        zone="time_zone: Vancouver\n",
        circle="extends: circle2.yaml\n",
        circle2="extends: circle.yaml\n",
        nobody="extends: nobody-else.yaml\n",
        drain="calendar:\n- when: {days: [mon]}\n  drain: {names: [n-77]}\n",
        elsewhere="extends: base.yaml\nseed: -1\n",
    )
    assert problems(tmp_path / "typo.yaml") == [
        "typo.yaml:3: queue.orderin: unknown key; did you mean 'ordering'?",
        "typo.yaml:4: horizon.hours: should be greater than 0, not -1",
    ]
    assert problems(tmp_path / "inherited.yaml")[0].startswith(
        "wrong.yaml:2: queue.ordering.policy: unknown policy 'fifa'; known: "
    )
    assert problems(tmp_path / "profile.yaml")[0].startswith(
        "profile.yaml:1: profile: unknown profile 'quick'"
    )
    assert problems(tmp_path / "missing.yaml") == ["missing.yaml:2: workload.file: no such file: nowhere.swf"]
    assert problems(tmp_path / "zone.yaml")[0].startswith("zone.yaml:1: time_zone: unknown time zone")
    assert problems(tmp_path / "circle.yaml") == [
        "circle2.yaml:1: extends: circle.yaml extends this file in turn"
    ]
    assert problems(tmp_path / "nobody.yaml") == ["nobody.yaml:1: extends: no such file: nobody-else.yaml"]
    assert problems(tmp_path / "drain.yaml")[0].startswith("drain.yaml:3: calendar[0].drain.names")
    assert problems(tmp_path / "elsewhere.yaml") == [
        "elsewhere.yaml:2: seed: should be greater than or equal to 0, not -1"
    ]


def test_single_settings_can_be_overridden(tmp_path: Path) -> None:
    path = written(tmp_path, base=BASE) / "base.yaml"
    scenario = load_scenario(path, {"queue.ordering.policy": "fifo", "cluster.nodes.0.count": 5})
    assert scenario.settings.queue.ordering.policy == "fifo"
    assert len(scenario.cluster().nodes) == 5
    with pytest.raises(ConfigurationError, match=r"^override queue.backfill.passes: queue.backfill.passes: "):
        load_scenario(path, {"queue.backfill.passes": "sometimes"})


def test_the_identity_is_of_what_decides_the_run(tmp_path: Path) -> None:
    (tmp_path / "jobs.csv").write_text("submit_time,cores,run_seconds\n0,1,5\n")

    def made(**changes: object) -> Scenario:
        return scenario_of({"workload": {"source": "table", "file": "jobs.csv"}, **changes}, folder=tmp_path)

    base = made().identity(1)
    assert base == made(name="x", description="y", seed=9).identity(1)
    assert base != made().identity(2)
    assert base != made(oversized="drop").identity(1)
    (tmp_path / "jobs.csv").write_text("submit_time,cores,run_seconds\n0,1,6\n")
    assert base != made().identity(1)
