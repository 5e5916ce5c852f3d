"""The section ``workload:``: each source has its own keys, and what is wrong is told where it is."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import Field, ValidationError

from skahasim.configuration import Section
from skahasim.workload import WorkloadSettings, workload_settings
from skahasim.workload.settings import SOURCES, CanfarWorkload, CleaningSettings, SwfWorkload
from skahasim.yamlfile import ConfigurationError, parse, validate


class Scenario(Section):
    workload: WorkloadSettings = Field(default_factory=CanfarWorkload)


def read(text: str) -> Scenario:
    return validate(Scenario, parse(text, "a.yaml"))


def test_the_source_decides_the_keys() -> None:
    assert read("workload:\n") == Scenario()
    assert read("{}").workload == CanfarWorkload()
    settings = read("workload: {source: swf, file: a.swf.gz, cleaning: sc15, jobs: 5}").workload
    assert isinstance(settings, SwfWorkload)
    assert (settings.file, settings.jobs) == (Path("a.swf.gz"), 5)
    assert settings.cleaning == CleaningSettings(oversized="drop")
    assert set(SOURCES) == {"canfar", "swf", "table", "sessions", "journal", "poisson", "lublin"}


def test_settings_survive_being_dumped() -> None:
    texts = (
        "source: canfar\nload: 0.7\nparameters: {people: {users: 7}, batch: {busy: 0.5}}",
        "source: poisson\nmix:\n- {cores: [1, 4], run: 30m}\n- {run: {median: 2h, sigma: 1}}",
        "source: lublin\ntypes: both",
        "source: swf\nfile: a.swf\nmemory: bytes-per-node",
    )
    for text in texts:
        settings = read("workload:\n  " + text.replace("\n", "\n  ")).workload
        again = Scenario.model_validate({"workload": settings.model_dump(mode="json")}).workload
        assert again == settings


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("workload: {source: canfar, lod: 0.8}", ["1: workload.lod: unknown key; did you mean 'load'?"]),
        ("workload:\n  source: swf\n", ["1: workload.file: missing, and has no default"]),
        (
            "workload:\n  source: swff",
            [
                "2: workload.source: unknown source; known: canfar, swf, table, sessions, journal, poisson, lublin"
            ],
        ),
        ("workload: 3", ["1: workload: should be a mapping of keys to values"]),
        (
            "workload:\n  source: poisson\n  mix:\n    - run: {low: 5m, high: 1m}\n    - core: 3",
            [
                "4: workload.mix[0].run: low and high go together, and low must not exceed high",
                "5: workload.mix[1].core: unknown key; did you mean 'cores'?",
            ],
        ),
        (
            "workload:\n  days: 1\n  parameters:\n    people:\n      user: 3\n    batch: {share: 2}",
            [
                "5: workload.parameters.people.user: unknown key; did you mean 'users'?",
                "6: workload.parameters.batch.share: should be less than or equal to 1",
            ],
        ),
        ("workload: {load: 1, jobs_per_day: 5}", ["1: workload: give load or jobs_per_day, not both"]),
        (
            "workload: {time_zone: Mars/Olympus}",
            [
                "1: workload.time_zone: unknown time zone 'Mars/Olympus'; IANA names are like America/Vancouver"
            ],
        ),
        ("workload: {source: poisson, cycle: {hours: [1, 2]}}", ["1: workload.cycle.hours: "]),
        (
            "workload: {source: poisson, mix: [{cores: 4, limit_cores: 2}]}",
            ["1: workload.mix[0]: a limit must not be below the request"],
        ),
        (
            "workload: {source: poisson, mix: [{run: {median: 1h, mean: 3}}]}",
            ["1: workload.mix[0].run: give low and high, or median and sigma, or mean"],
        ),
    ],
)
def test_what_is_wrong_is_told_with_line_and_key(text: str, messages: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(text)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(messages)
    for line, message in zip(lines, messages, strict=True):
        assert line.startswith(f"a.yaml:{message}")


def test_settings_from_python() -> None:
    assert workload_settings("poisson", per_hour=5).per_hour == 5  # type: ignore[union-attr]
    with pytest.raises(ValidationError):
        workload_settings("poisson", load=5)
    with pytest.raises(KeyError):
        workload_settings("none")


def test_the_settings_load_without_numerical_libraries() -> None:
    script = (
        "import sys, skahasim.workload as w; "
        "w.workload_settings('canfar', parameters={'people': {'users': 3}});"
        "print(*sorted({'numpy', 'scipy', 'pandas', 'pyarrow'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout.strip(), run.stderr) == (0, "", "")
