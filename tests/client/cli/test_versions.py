"""The commands say the same of every version of Skaha."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from mockskaha.era import VERSIONS
from mockskaha.testing.live import LiveServer
from tests.client.cli.conftest import Skaha

IMAGE = "skaha/astroml:latest"


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer({"profile": "instant"}) as running:
        yield running


@pytest.mark.parametrize("version", VERSIONS)
def test_a_day_with_each_version(skaha: Skaha, server: LiveServer, version: str, user: str) -> None:
    made = server.create(
        f"skaha-{version.replace('.', '-')}", {"clock": "manual", "settings": {"skaha_version": version}}
    )
    url = made.url.rpartition("/")[0]  # the client finds the version itself

    def run(*words: str, code: int = 0) -> str:
        reply = skaha(*words, SKAHA_URL=url)
        assert (reply.code, reply.errors.count("error")) == (code, 1 if code else 0), reply
        return reply.output

    job = run("launch", "-n", "fit", "-c", "2", "-m", "16", IMAGE, "--", "echo", "done").strip()
    (long,) = run("launch", "-n", "long", IMAGE, "--", "sleep", "1h").split()
    run("launch", "-n", "fit", "skaha/nothing:1", code=1)
    made.until(job, "Completed")
    made.until(long)
    assert run("wait", job).splitlines()[1].split() == [job, "fit", "Succeeded"]
    listed = {row.split()[0]: row.split()[1:4] for row in run("ps", "-a").splitlines()[1:]}
    assert listed == {job: ["fit", "headless", "Succeeded"], long: ["long", "headless", "Running"]}
    assert run("ps", "-q", "-s", "completed") == run("ps", "-q", "-s", "succeeded") == f"{job}\n"
    (told,) = json.loads(run("info", job, "-o", "json"))
    assert (told["status"], told["requested_ram"], told["connect_url"]) == ("Succeeded", 16, None)
    assert run("logs", job) == "done\n"
    assert "Scheduled" in run("events", job)
    assert [row.split()[0] for row in run("stats").splitlines()[1:]] == ["cores", "memory,"]
    load = json.loads(run("stats", "-o", "json"))
    assert (load["capacity_cores"], load["capacity_ram"]) == (2752, pytest.approx(10363, abs=1))
    offer = json.loads(run("context", "-o", "json"))
    assert (offer["ram"]["flexible_request"], offer["max_interactive_sessions"]) == (4, 5)
    assert run("stats", job).splitlines()[1].split()[:3] == [job, "fit", "Succeeded"]
    assert "1-16" in run("context")
    assert IMAGE in run("images", "astroml")
    run("info", "nonesuch", code=1)
    assert run("prune", "fit") == f"{job}\n"
    run("delete", long, "nonesuch")
    assert run("ps", "-aq") in ("", f"{long}\n")  # the oldest shows it while its pod stops
