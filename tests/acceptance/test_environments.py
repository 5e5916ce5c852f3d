"""The tools these tests and the example stand on: clients in environments of their own, servers in a block."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from examples.clients import CANFAR_1_5, Client, NotInstallable, Release, installed
from examples.service import NotStarted, running

pytestmark = pytest.mark.evidence("the project's own: nothing of the service is asserted here")


def test_other_pins_are_another_environment() -> None:
    assert Release("canfar-1.5.2", ("canfar==1.5.2",)).folder != CANFAR_1_5.folder
    assert CANFAR_1_5.folder.startswith("canfar-1.5.2-")


def test_a_client_that_cannot_be_installed_says_why_every_time(tmp_path: Path) -> None:
    release = Release("nothing-1.0", (str(tmp_path / "nothing-1.0.tar.gz"),))
    for _ in range(2):
        with pytest.raises(NotInstallable, match=r"nothing-1\.0: ERROR: .*nothing-1\.0\.tar\.gz"):
            installed(release, tmp_path / "environments")


def test_an_environment_is_made_once_for_all_who_wait(tmp_path: Path) -> None:
    empty = tmp_path / "requirements.txt"
    empty.write_text("")
    release = Release("nothing", ("--requirement", str(empty)))
    made = tmp_path / "environments" / release.folder
    with ThreadPoolExecutor(3) as pool:
        folders = set(pool.map(lambda _: installed(release, made.parent), range(3)))
    assert folders == {made / "bin"}
    stamp = (made / ".finished").stat().st_mtime_ns
    assert installed(release, made.parent) == made / "bin"
    assert (made / ".finished").stat().st_mtime_ns == stamp


def test_a_client_sees_nothing_of_the_person_who_runs_it(
    canfar_programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANFAR_TOKEN", "secret")
    seen = Client(canfar_programs, tmp_path, {"A": "1"}).python(
        "import json, os; print(json.dumps(dict(os.environ)))"
    )
    assert set(seen) - {"LC_CTYPE"} == {"PATH", "HOME", "LANG", "NO_PROXY", "A"}
    assert (seen["HOME"], seen["A"]) == (str(tmp_path), "1")


def test_a_server_ends_with_its_block_and_says_why_it_does_not_start() -> None:
    with running("--profile", "instant") as service:
        os.kill(service.pid, 0)
        assert service.origin.startswith("http://127.0.0.1:")
        assert service.complaints() == ""
    with pytest.raises(ProcessLookupError):
        os.kill(service.pid, 0)
    with pytest.raises(NotStarted, match="nonesuch"), running("--profile", "nonesuch"):
        pass
