"""``skahasim forecast`` on what a live service lists, against what then happens there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from skahasim.cli import app
from tests.mockskaha.conftest import SESSIONS, Skaha

pytestmark = pytest.mark.evidence("ours: the live service and a study run one model")

QUEUE = {"ordering": {"policy": "fifo"}}
CLUSTER = {"nodes": [{"name": "n", "count": 1, "cores": 8, "ram_gib": 64}]}
DEADLINE = 7200


def forecast(folder: Path, state: Path, *options: str) -> dict[str, Any]:
    (folder / "nobody.csv").write_text("submit_time,run_seconds,cores\n")
    scenario = {
        "cluster": CLUSTER, "queue": QUEUE, "workload": {"source": "table", "file": "nobody.csv"},
    }  # fmt: skip
    (folder / "scenario.yaml").write_text(json.dumps(scenario))
    arguments = ["forecast", "--state", str(state), "--scenario", str(folder / "scenario.yaml"), "--json"]
    done = CliRunner().invoke(
        app, [*arguments, "--job", "cores=4,ram=4", "--replications", "10", "--jobs", "1", *options]
    )
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("source", ["sessions", "state"])
def test_the_wait_that_is_forecast_is_the_wait_that_comes(
    start: Callable[..., Skaha], tmp_path: Path, source: str
) -> None:
    state = tmp_path / "state.db"
    listing = source == "sessions"
    # A listing tells no run times: each goes on until it expires. A state file tells commands, and no other lifetimes.
    lifetimes = {"lifetimes": {"headless": {"deadline_seconds": DEADLINE}}} if listing else {}
    skaha = start(
        profile="instant", queue=QUEUE, cluster=CLUSTER, server={"state": str(state)}, sessions=lifetimes
    )
    for gap in (0, 600, 60, 60):
        skaha.advance(gap)
        skaha.create(cores=4, ram=4, cmd="sleep", args="infinity" if listing else str(DEADLINE))
    gone = skaha.create(cores=8, ram=8)
    skaha.delete(f"{SESSIONS}/{gone}")
    skaha.advance(180)
    if listing:
        listed = tmp_path / "sessions.json"
        listed.write_bytes(skaha.get(SESSIONS).body)
        told = forecast(tmp_path, listed, "--at", "2026-08-06T22:40:31Z")
        assert skaha.platform.now() == 1_786_056_031
    else:
        told = forecast(tmp_path, state)
    assert (told["running"], told["waiting"]) == (2, 2)

    asked = skaha.create(cores=4, ram=4)
    waited = skaha.until(asked, "Running", within=20_000, step=60)
    skaha.platform.close()
    # Listed: those that wait expire as well, counted from their submission. Else they run their time.
    assert waited == (6960 if listing else 13_500)
    expected = {f"p{share}": waited for share in (10, 25, 50, 75, 90, 95)}
    assert told["wait_seconds"] == pytest.approx(expected, abs=60)
