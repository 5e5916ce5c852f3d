"""What can be read from the state file of a server while it runs."""

import csv
import json

import pytest
from typer.testing import CliRunner

from mockskaha.cli import app as mockskaha
from skahasim.cli import app as skahasim

pytestmark = pytest.mark.evidence("ours: the state file is the list of commands")

SESSIONS = "/skaha/v1/session"
IMAGE = "images.canfar.net/skaha/terminal:1.1.2"
SCENARIO = """\
cluster: {nodes: [{name: n, count: 1, cores: 16, ram_gib: 64}]}
profile: fast
workload: {source: table, file: nobody.csv}
"""


def test_a_forecast_and_an_export_beside_a_running_server(serve, tmp_path):
    state = tmp_path / "state.db"
    config = tmp_path / "config.yaml"
    config.write_text("cluster: {nodes: [{name: n, count: 1, cores: 16, ram_gib: 64}]}\n")
    server = serve("--state", state, "--config", config)
    with server.client() as client:
        for count in range(5):
            form = {"name": f"s{count}", "image": IMAGE, "cmd": "sleep", "args": "600", "cores": 8, "ram": 8}
            assert client.post(SESSIONS, data=form).status_code == 200

        (tmp_path / "nobody.csv").write_text("submit_time,run_seconds,cores\n")
        (tmp_path / "scenario.yaml").write_text(SCENARIO)
        for at in ([], ["--at", "now"]):
            arguments = [
                "--state",
                state,
                "--scenario",
                tmp_path / "scenario.yaml",
                "--job",
                "cores=8,ram=8",
                *at,
            ]
            options = ["--replications", "10", "--jobs", "1", "--json"]
            done = CliRunner().invoke(skahasim, ["forecast", *map(str, arguments), *options])
            assert done.exit_code == 0, done.output
            told = json.loads(done.stdout)
            assert told["running"] + told["waiting"] == 5
            # Three wait for two places in which work of ten minutes has just begun: it is the last of the second batch.
            assert 1100 < told["wait_seconds"]["p50"] <= 1210

        out = tmp_path / "jobs.csv"
        done = CliRunner().invoke(
            mockskaha, ["export-jobs", str(state), "--config", str(config), "--out", str(out)]
        )
        assert (done.exit_code, done.stderr) == (0, "")
        with out.open() as file:
            rows = list(csv.DictReader(file))
        assert [(row["name"], row["run_seconds"], row["cores"]) for row in rows] == [
            (f"s{count}", "600", "8") for count in range(5)
        ]

        assert client.post(SESSIONS, data={"name": "later", "image": IMAGE}).status_code == 200
        assert len(client.get(SESSIONS).json()) == 6
    assert server.stop()[0] == 0
    again = serve("--state", state, "--config", config)
    with again.client() as client:
        assert len(client.get(SESSIONS).json()) == 6
