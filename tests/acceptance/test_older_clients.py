"""Clients of earlier years that people still have: canfar 1.4.1, skaha 1.7.0, and what still older ones send."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from examples.clients import Client, Reply
from examples.service import Service

BANNER = "@canfar"
IMAGE = "images.canfar.net/skaha/astroml:latest"
NOTEBOOK = "images.canfar.net/skaha/base-notebook:latest"


def succeeded(reply: Reply) -> list[str]:
    assert (reply.status, reply.errors) == (0, ""), reply
    assert reply.lines[0] == BANNER
    return reply.lines[1:]


@pytest.mark.evidence("skaha-contract §2; canfar 1.4.1's own code for its commands and output")
def test_canfar_1_4_with_the_commands_of_its_time(
    canfar_1_4_programs: Path, instant: Service, home: Path, user: str, browser: str, opened: Path
) -> None:
    variables = {"CANFAR_URL": instant.url, "CANFAR_TOKEN": user, "COLUMNS": "250", "BROWSER": browser}
    canfar = Client(canfar_1_4_programs, home, variables | {"CANFAR_CONSOLE__WIDTH": "250"})

    def created(*arguments: str) -> str:
        (line,) = succeeded(canfar.run("canfar", *arguments))
        match = re.fullmatch(r"Successfully created session '(\S+)' \(ID: ([a-z][a-z0-9]{7})\)", line)
        assert match, line
        return match[2]

    flexible = created("launch", "-n", "data-reduction", "headless", "skaha/astroml:latest", "--", "env")
    fixed = created(
        "run", "--name", "large", "--cpu", "16", "--memory", "64", "headless", "skaha/astroml:latest",
        "--", "sleep", "600",
    )  # fmt: skip
    notebook = created("create", "notebook", "skaha/base-notebook", "-n", "nb")

    rows = [re.split(r"\s{2,}", line) for line in succeeded(canfar.run("canfar", "ps", "-a"))[3:]]
    assert sorted(row[:4] for row in rows) == sorted(
        [
            [flexible, "data-reduction", "headless", "Completed"],
            [fixed, "large", "headless", "Running"],
            [notebook, "nb", "notebook", "Running"],
        ]
    )
    assert "REPLICA_COUNT=1" in succeeded(canfar.run("canfar", "logs", flexible))
    info = succeeded(canfar.run("canfar", "info", fixed))
    assert any(re.fullmatch(r"RAM Usage\s+\d+% of 68\.72 GB", line) for line in info)
    lines = succeeded(canfar.run("canfar", "stats"))
    assert lines[0] == "CANFAR Platform Load"
    assert not any("Instances" in line for line in lines)
    assert "Opening session" in canfar.run("canfar", "open", notebook).output
    assert opened.read_text().strip().endswith(f"?token={notebook}")
    assert "Deleted 1 sessions." in canfar.run("canfar", "prune", "data", "headless", "Completed").output
    gone = succeeded(canfar.run("canfar", "del", "-f", fixed, notebook))
    assert gone == [f"Successfully deleted {{'{fixed}': True, '{notebook}': True}} session(s)."]


@pytest.mark.evidence(
    "skaha-contract §2, §10 (statuses since 1.0.4); skaha 1.7.0's own code for its defaults"
)
def test_skaha_1_7_over_the_current_api(
    skaha_programs: Path, instant: Service, home: Path, user: str
) -> None:
    seen = Client(skaha_programs, home).python(
        """
import asyncio, json, sys
from skaha.context import Context
from skaha.images import Images
from skaha.overview import Overview
from skaha.session import AsyncSession, Session
server, token, image, interactive = sys.argv[1:]
about = {"server": server, "version": "v1", "token": token}
session = Session(**about)
jobs = session.create(name="job", image=image, cmd="env", env={"A": 1}, replicas=2)
notebook, = session.create(name="nb", image=interactive, kind="notebook", cores=2, ram=8)
out = {"jobs": jobs, "notebook": notebook, "all": session.fetch(view="all"),
       "headless": session.fetch(kind="headless"), "info": session.info(notebook),
       "logs": session.logs(jobs), "events": session.events(notebook), "stats": session.stats(),
       "images": Images(**about).fetch(kind="carta"), "context": Context(**about).resources(),
       "available": Overview(**about).availability(), "dead": Session(**about | {"version": "v0"}).info(notebook)}
out["pruned"] = session.destroy_with("job")
async def main():
    other = AsyncSession(**about)
    return await other.destroy([*jobs, notebook])
out["destroyed"] = asyncio.run(main())
out["left"] = session.fetch()
print(json.dumps(out))
""",
        instant.url.removesuffix("/v1"),
        user,
        IMAGE,
        NOTEBOOK,
    )
    jobs, notebook = seen["jobs"], seen["notebook"]
    assert [item["name"] for item in sorted(seen["headless"], key=lambda item: item["name"])] == [
        "job-1",
        "job-2",
    ]
    assert {(item["requestedCPUCores"], item["requestedRAM"]) for item in seen["headless"]} == {("2", "4.29")}
    (info,) = seen["info"]
    assert (info["id"], info["status"], info["requestedRAM"]) == (notebook, "Running", "8.59")
    assert {"userid", "type", "status", "startTime"} == set().union(*map(set, seen["all"]))
    assert sorted(re.findall(r"REPLICA_ID=(\d)", "".join(seen["logs"].values()))) == ["1", "2"]
    assert seen["events"][0][notebook].startswith("TYPE     REASON      MESSAGE")
    assert "cores" in seen["stats"]
    assert "images.canfar.net/skaha/carta:5.1.0" in seen["images"]
    assert seen["context"]["cores"]["defaultLimit"] == 8
    assert seen["available"] is True
    assert seen["dead"] == [], "there is no /v0 any more, which is this client's default"
    assert seen["pruned"] == {}, "it looks for Succeeded, which is called Completed now"
    assert seen["destroyed"] == dict.fromkeys([*jobs, notebook], True)
    assert seen["left"] == []


@pytest.mark.evidence(
    "skaha-contract §3.3 step 3: without a type a session is headless; §1.2 for the parameters"
)
def test_a_kind_instead_of_a_type_makes_a_headless_session(connect: Any, instant: Service) -> None:
    caller = connect(instant)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    sent = {"name": "nb-1", "image": NOTEBOOK, "cores": 2, "ram": 4, "kind": "notebook"}
    session_id = caller.post("session", params=sent, headers=form).text.strip()
    made = caller.get(f"session/{session_id}").json()
    assert (made["type"], made["connectURL"]) == ("headless", "")


@pytest.mark.evidence("skaha-contract §2.6: an unknown view is ignored")
def test_the_view_event_of_old_clients_is_the_plain_session(connect: Any, instant: Service) -> None:
    caller = connect(instant)
    session_id = caller.post("session", data={"name": "x", "image": IMAGE, "cmd": "env"}).text.strip()
    answer = caller.get(f"session/{session_id}", params={"view": "event"})
    assert answer.json()["id"] == session_id
