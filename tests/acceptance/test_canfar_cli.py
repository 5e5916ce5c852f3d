"""The command line of canfar 1.5.2, as a user meets it: what it prints, and how it ends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from examples.clients import Client, Reply
from examples.service import Service

pytestmark = pytest.mark.evidence("skaha-contract §2, §3, §5; canfar 1.5.2's own code for what it prints")

SESSION_ID = r"[a-z][a-z0-9]{7}"
BANNER = "@canfar"


def succeeded(reply: Reply) -> list[str]:
    """What it printed below the banner."""
    assert (reply.status, reply.errors) == (0, ""), reply
    assert reply.lines[0] == BANNER
    return reply.lines[1:]


def created(reply: Reply) -> str:
    (line,) = succeeded(reply)
    match = re.fullmatch(rf"Successfully created session '(\S+)' \(ID: ({SESSION_ID})\)", line)
    assert match, line
    return match[2]


def cells(line: str) -> list[str]:
    return re.split(r"\s{2,}", line)


def fields(lines: list[str]) -> dict[str, str]:
    return dict(pair for line in lines if len(pair := re.split(r"\s{2,}", line, maxsplit=1)) == 2)


@pytest.mark.evidence("skaha-contract §2.1, §2.7, §2.9, §2.10, §4.2, §4.4, §5.2")
def test_the_day_of_a_batch_job(
    canfar: Client, fast: Service, opened: Path, until: Callable[..., Any]
) -> None:
    canfar = canfar.having(CANFAR_URL=fast.url, CANFAR_TOKEN="alice")
    job = created(canfar.run("canfar", "create", "headless", "skaha/astroml:latest", "--", "sleep", "600"))

    def row() -> list[str]:
        _, header, _, *rows = succeeded(canfar.run("canfar", "ps"))
        assert cells(header) == ["SESSION ID", "NAME", "KIND", "STATUS", "IMAGE", "CREATED"]
        (found,) = [cells(line) for line in rows]
        return found if found[3] == "Running" else []

    found = until(row)
    assert [found[0], *found[2:5]] == [job, "headless", "Running", "images.canfar.net/skaha/astroml:latest"]
    assert re.fullmatch(r"a moment|a second|\d+ seconds", found[5])

    title, *rest = succeeded(canfar.run("canfar", "info", job))
    assert title == f"CANFAR Session Info for {job}"
    info = fields(rest)
    assert info.pop("Start Time").endswith(("ago", "now"))
    assert re.fullmatch(r"14 days|13 days and 23\.9\d hours", info.pop("Expiry Time"))
    assert info == {
        "Session ID": job,
        "Name": found[1],
        "Status": "Running",
        "Type": "headless",
        "Image": "images.canfar.net/skaha/astroml:latest",
        "User ID": "alice",
        "Connect URL": "Unknown",
        "UID": "10001",
        "GID": "10001",
        "Groups": "[34241, 34337]",
        "App ID": "Unknown",
        "CPU Usage": info["CPU Usage"],
        "RAM Usage": info["RAM Usage"],
        "GPU Usage": "Unknown",
    }
    assert re.fullmatch(r"Unknown|0\.\d{3} core\(s\)", info["CPU Usage"])

    title, header, _, *rows = succeeded(canfar.run("canfar", "events", job))
    assert title == f"Server events for {job}"
    assert cells(header) == ["Type", "Reason", "Message", "First-Seen", "Last-Seen"]
    events = [cells(line) for line in rows]
    assert [event[1] for event in events] == ["Scheduled", *("Pulling", "Pulled", "Created", "Started") * 3]
    assert events[0][2].startswith(f"Successfully assigned skaha-workload/skaha-headless-alice-{job}-")
    assert events[0][3:] == ["<nil>", "<nil>"]
    assert events[-1][2] == f"Started container skaha-headless-alice-{job}"

    assert succeeded(canfar.run("canfar", "logs", job)) == [f"Logs for session {job}"]
    assert succeeded(canfar.run("canfar", "renew", job)) == ["Successfully renewed 1 session(s)."]
    reply = canfar.run("canfar", "open", job)
    assert (reply.status, reply.lines) == (0, [BANNER])
    assert reply.errors.strip() == f"No connectURL found for session {job}."
    assert not opened.exists()

    asked = canfar.run("canfar", "delete", job, typed="n\n")
    assert succeeded(asked) == ["Confirm deletion of 1 session(s)? [y/n] (n):"]
    asked = canfar.run("canfar", "delete", job, typed="y\n")
    assert succeeded(asked)[0].endswith(f"Successfully deleted {{'{job}': True}} session(s).")
    nothing = canfar.run("canfar", "ps")
    assert "No pending or running sessions found." in nothing.errors


@pytest.mark.evidence("skaha-contract §2.3, §2.4, §2.8, §4.4, §4.6")
def test_every_kind_of_interactive_session(canfar: Client, instant: Service, opened: Path) -> None:
    def make(*arguments: str) -> str:
        reply = canfar.run("canfar", "create", *arguments, "-o", "json")
        assert reply.status == 0, reply.errors
        (found,) = json.loads(reply.output)
        assert re.fullmatch(SESSION_ID, found)
        return str(found)

    notebook = make(
        "notebook", "skaha/base-notebook", "-n", "Notes", "--cpu", "2", "--memory", "16", "--gpu", "1"
    )
    carta = make("carta", "skaha/carta:5.1.0", "--name", "viewer")
    desktop = make("desktop", "images.canfar.net/skaha/desktop:1.2.1", "-n", "d")
    contributed = make("contributed", "astroai/webterm:26.07", "-n", "w")
    firefly = make("firefly", "skaha/firefly:2025.2", "-n", "f")

    sessions = {item["id"]: item for item in json.loads(canfar.run("canfar", "ps", "-o", "json").output)}
    host, user = instant.origin, canfar.variables["CANFAR_TOKEN"]
    assert {key: (item["type"], item["connectURL"]) for key, item in sessions.items()} == {
        notebook: (
            "notebook",
            f"{host}/session/notebook/{notebook}/lab/tree/cavern/home/{user}?token={notebook}",
        ),
        carta: ("carta", f"{host}/session/carta/{carta}/"),
        desktop: (
            "desktop",
            f"{host}/session/desktop/{desktop}/?password={desktop}&path=session/desktop/{desktop}/",
        ),
        contributed: ("contributed", f"{host}/session/contrib/{contributed}/"),
        firefly: ("firefly", f"{host}/session/firefly/{firefly}/firefly/"),
    }
    resources = ("requestedRAM", "requestedCPUCores", "requestedGPUCores", "isFixedResources")
    assert {key: tuple(item[name] for name in resources) for key, item in sessions.items()} == {
        notebook: ("17.18", "2", "1", True),
        carta: (None, None, "0", False),
        desktop: (None, None, "0", False),
        contributed: (None, None, "0", False),
        firefly: ("4.29", "0.100", "0", True),
    }
    assert {item["status"] for item in sessions.values()} == {"Running"}
    assert sessions[notebook]["name"] == "notes"

    reply = canfar.run("canfar", "open", notebook, carta)
    assert succeeded(reply) == [
        f"Opening session {notebook} in a new tab.",
        f"Opening session {carta} in a new tab.",
    ]
    assert opened.read_text().splitlines() == [sessions[key]["connectURL"] for key in (notebook, carta)]

    usage = fields(succeeded(canfar.run("canfar", "info", notebook)))
    assert usage["Name"] == "notes"
    assert re.fullmatch(r"4 days|3 days and 23\.9\d hours", usage["Expiry Time"])
    assert re.fullmatch(r"\d+% of 2 core\(s\)", usage["CPU Usage"])
    assert re.fullmatch(r"\d+% of 17\.18 GB", usage["RAM Usage"])

    everyone = canfar.run("canfar", "renew", notebook, carta, desktop)
    assert succeeded(everyone) == ["Successfully renewed 3 session(s)."]
    refused = canfar.run("canfar", "create", "notebook", "skaha/base-notebook", "-n", "sixth")
    assert (refused.status, refused.lines) == (1, [BANNER])
    assert refused.errors.startswith("Failed to create session(s).")
    assert succeeded(canfar.run("canfar", "ps", "-q", "-k", "carta")) == [carta]
    gone = canfar.run("canfar", "delete", "--force", *sessions)
    assert succeeded(gone)[0].startswith("Successfully deleted {")
    assert succeeded(canfar.run("canfar", "ps", "--all"))[3:] == []


@pytest.mark.evidence("skaha-contract §3.3 (cmd, args, env), §4.2, §4.6; REPLICA_… are the client's")
def test_replicas_their_logs_and_pruning(canfar: Client) -> None:
    reply = canfar.run(
        "canfar", "create", "headless", "skaha/astroml", "--name", "Sweep", "--cpu", "4", "--memory", "8",
        "--env", "BAND=K", "-e", "PAIR=a=b", "-e", "EMPTY=", "--replicas", "3", "--", "env",
    )  # fmt: skip
    title, *listed = succeeded(reply)
    assert title == "Successfully created 3 sessions named 'Sweep':"
    jobs = [line.removeprefix("- ") for line in listed]

    rows = [cells(line) for line in succeeded(canfar.run("canfar", "ps", "-a", "-s", "Completed"))[3:]]
    assert sorted((row[0], row[1], row[3]) for row in rows) == sorted(
        (job, name, "Completed") for job, name in zip(jobs, _names(canfar, jobs), strict=True)
    )
    assert sorted(row[1] for row in rows) == ["sweep-1", "sweep-2", "sweep-3"]

    logs = "\n".join(succeeded(canfar.run("canfar", "logs", *jobs)))
    for job, block in zip(jobs, logs.split("Logs for session ")[1:], strict=True):
        environment = dict(line.split("=", 1) for line in block.splitlines()[1:])
        number = environment["REPLICA_ID"]
        assert environment["REPLICA_COUNT"] == "3"
        assert environment["HOSTNAME"] == f"sweep-{number}"
        assert environment["skaha_sessionid"] == job
        assert (environment["BAND"], environment["OMP_NUM_THREADS"]) == ("K", "4")
        assert not {"PAIR", "EMPTY"} & set(environment)

    assert succeeded(canfar.run("canfar", "prune", "sweep")) == ["Deleted 0 sessions."]
    pruned = canfar.run("canfar", "prune", "sweep-[12]", "headless", "Completed")
    assert succeeded(pruned) == ["Deleted 2 sessions."]
    assert len(succeeded(canfar.run("canfar", "ps", "-aq"))) == 1


def _names(canfar: Client, jobs: list[str]) -> list[str]:
    sessions = json.loads(canfar.run("canfar", "ps", "-a", "-o", "json").output)
    by_id = {item["id"]: item["name"] for item in sessions}
    return [by_id[job] for job in jobs]


@pytest.mark.evidence("skaha-contract §2.8, §2.12, §6: statistics name capacity 'available'")
def test_platform_load_and_images(canfar: Client, instant: Service) -> None:
    lines = succeeded(canfar.run("canfar", "stats"))
    assert lines[0] == "CANFAR Platform Load"
    usage = next(line for line in lines if line.startswith("Usage"))
    total = next(line for line in lines if line.startswith("Total"))
    assert re.fullmatch(r"Usage │ \d+\s+Usage │ \d+(\.\d{1,3})?G", usage)
    assert re.fullmatch(r"Total │ [1-9]\d+\s+Total │ [1-9]\d+(\.\d{1,3})?G", total)
    assert not any("GPU" in line for line in lines)

    title, header, _, *rows = succeeded(canfar.run("canfar", "image", "ls", "--kind", "carta"))
    assert title == "CANFAR Registry Server: images.canfar.net"
    assert cells(header) == ["IMAGE", "ID", "KIND"]
    images = [cells(row) for row in rows]
    assert ["skaha/carta:5.1.0", "carta"] in [[image[0], image[2]] for image in images]
    assert all(re.fullmatch(r"[0-9a-f]{12}", image[1]) for image in images)


@pytest.mark.evidence("skaha-contract §2.9, §3.4: the logs of an unknown session are empty, not an error")
def test_sessions_that_do_not_exist(canfar: Client) -> None:
    nothing = "No {} found for the specified session(s)."
    for command, message in (
        ("info", nothing.format("information")),
        ("events", nothing.format("events")),
        ("renew", "Failed to renew 1 session(s): nosuchid"),
    ):
        reply = canfar.run("canfar", command, "nosuchid")
        assert (reply.status, reply.lines, reply.errors.strip()) == (0, [BANNER], message)
    assert succeeded(canfar.run("canfar", "logs", "nosuchid")) == ["Logs for session nosuchid"]
    deleted = canfar.run("canfar", "delete", "-f", "nosuchid")
    assert succeeded(deleted) == ["Successfully deleted {'nosuchid': True} session(s)."]


@pytest.mark.evidence("skaha-contract §1 (no /v0), §3.2, §3.3 step 12")
def test_requests_that_are_refused(canfar: Client, instant: Service) -> None:
    old = canfar.having(CANFAR_URL=instant.url.replace("/v1", "/v0")).run("canfar", "ps")
    assert (old.status, old.errors.splitlines()[0]) == (1, "Unable to list sessions.")
    private = ("create", "headless", "survey-team/pipeline:1.0", "-n", "p")
    reply = canfar.run("canfar", "--log-level", "debug", *private)
    assert reply.status == 1
    refusal = "No authentication provided for unknown or private image. Use x-skaha-registry-auth"
    assert refusal in " ".join(reply.errors.split())
    secret = {"CANFAR_REGISTRY__USERNAME": "alice", "CANFAR_REGISTRY__SECRET": "s3cret"}
    created(canfar.having(**secret).run("canfar", *private))


@pytest.mark.evidence("canfar 1.5.2's code: none of these reaches the server")
def test_commands_that_stay_on_this_side(canfar: Client, home: Path) -> None:
    assert succeeded(canfar.run("canfar", "version")) == ["CANFAR Python Client 1.5.2"]
    assert succeeded(canfar.run("canfar", "config", "path")) == [f"{home}/.canfar/config.yaml"]
    assert canfar.run("canfar", "config", "get", "servers.canfar.version").lines[-1] == "v1"
    dry = succeeded(
        canfar.run("canfar", "create", "headless", "skaha/astroml", "--dry-run", "--", "ls", "-l")
    )
    assert dry[-3:] == ["Command: ls", "Arguments: -l", "Dry run complete."]
    active = fields(succeeded(canfar.run("canfar", "auth")))
    assert (active["IDP"], active["Mode"], active["Server"]) == ("cadc", "x509", "canfar")
    servers = json.loads(canfar.run("canfar", "server", "ls", "-o", "json").output)
    assert [server["name"] for server in servers] == ["canfar"]


@pytest.mark.evidence("skaha-contract §1.3, §2.13: a server and a token kept in canfar's settings file")
def test_a_saved_server_needs_no_variables(canfar: Client, home: Path, instant: Service, user: str) -> None:
    settings = {
        "version": 2,
        "active": {"authentication": "srcnet", "server": "mock"},
        "authentication": {
            "srcnet": {"mode": "oidc", "token": {"access": user}, "expiry": {"access": 4102444800.0}}
        },
        "servers": {
            "mock": {
                "idp": "srcnet",
                "uri": "ivo://mock/skaha",
                "url": instant.url.removesuffix("/v1"),
                "version": "v1",
                "auths": ["oidc"],
            }
        },
    }
    (home / ".canfar").mkdir()
    (home / ".canfar" / "config.yaml").write_text(yaml.safe_dump(settings))
    saved = Client(canfar.programs, home, {"CANFAR_CONSOLE__WIDTH": "250"})
    reply = saved.run("canfar", "create", "notebook", "skaha/base-notebook", "-n", "nb")
    assert reply.lines[0] == "@mock"
    row = cells(saved.run("canfar", "ps").lines[-1])
    assert row[1:4] == ["nb", "notebook", "Running"]
    assert fields(saved.run("canfar", "info", row[0]).lines)["User ID"] == user
    assert fields(saved.run("canfar", "auth").lines)["IDP"] == "srcnet"
