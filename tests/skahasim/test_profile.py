from pathlib import Path

import pytest

from skahasim.delay import Delay
from skahasim.profile import UnknownProfile, load_profile, profile_names
from skahasim.yamlfile import ConfigurationError


def write(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(text, "utf-8")
    return str(path)


def test_the_packaged_profiles() -> None:
    assert profile_names() == ("chaos", "fast", "instant", "realistic")
    for name in profile_names():
        profile = load_profile(name)
        assert profile.name == name
        assert profile.description
        assert profile.ready("headless").is_zero


def test_only_chaos_makes_trouble() -> None:
    for name in profile_names():
        shares = set(load_profile(name).trouble.model_dump().values())
        assert (shares != {0.0}) == (name == "chaos")


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    profile = load_profile(
        write(
            tmp_path,
            "description: mine\nenqueue: 2\npull: {check: {low: 1, high: 2}, mib_per_second: 10}\n"
            "ready: {notebook: {median: 20, sigma: 0.5}}\nstop: {mean: 4}\n",
        )
    )
    assert (profile.name, profile.description) == ("mine", "mine")
    assert profile.enqueue == Delay(low=2.0, high=2.0)
    assert profile.pull_check == Delay(low=1.0, high=2.0)
    assert profile.pull_first.is_zero
    assert profile.bytes_per_second == 10 * 2**20
    assert profile.ready("notebook") == Delay(median=20.0, sigma=0.5)
    assert profile.ready("carta").is_zero
    assert profile.stop == Delay(mean=4.0)
    assert (profile.backoff_initial, profile.backoff_longest) == (10.0, 300.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("enqueue: 1", "mine.yaml:1: description: missing"),
        ("description: x\nenqueue: {low: 3, high: 2}", "mine.yaml:2: enqueue: .*low must not exceed high"),
        ("description: x\nwork: {mean: 1, median: 2}", "mine.yaml:2: work: .*give low and high, or"),
        ("description: x\nwork: {sigma: 1}", "mine.yaml:2: work: .*sigma goes with median"),
        ("description: x\nstop: -1", "mine.yaml:2: stop"),
        (
            "description: x\nbackoff: {initial: 0}",
            "mine.yaml:2: backoff.initial: .*greater than or equal to 0.001",
        ),
        ("description: x\ntrouble: {crashes: 1.5}", "mine.yaml:2: trouble.crashes"),
        ("description: x\nready: {notebook: soon}", "mine.yaml:2: ready.notebook"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_profile(write(tmp_path, text))


def test_an_unknown_profile_says_what_is_known() -> None:
    with pytest.raises(
        UnknownProfile, match="unknown profile 'slow'; known: chaos, fast, instant, realistic; or"
    ):
        load_profile("slow")
